"""Numbers with noise that the key and the value say: no repeat of a row averages it away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator
from scipy.special import ndtri

from paribus._plugins import Number, Whole
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import Replacement, as_type, is_number, written
from paribus.errors import DataError, SpecError


class Noise(Replacement):
    """Adds noise of a declared size to numbers.

    The noise of a value is a function of the key, the value and, where it is named, the `person`:
    the same row asked for again, in another table or twice in one, gets the same noise, so that no
    mean of repeats comes nearer to the truth. Means, sums and correlations over many different
    people stay close. Without `person` equal values stay equal. Being the same every time it is no
    mechanism of differential privacy, whatever its size.

    Whole numbers stay whole; others keep as many decimals as they have (6 at most). No number comes
    out as it went in: where its noise is lost in rounding, it moves by one step, a unit of its last
    decimal. Only nothing has no `share`, so there 0 stays 0, and so does what the bounds leave no
    other number for.

    Examples
    --------
    >>> pay = pa.array([52000, None, 48000])
    >>> made = Noise(scale=1000, low=0).replace(pay, Key(b"a secret of some length"), {})
    >>> made.type, made.null_count, made.equals(pay)
    (DataType(int64), 1, False)
    """

    kind: Literal["noise"] = "noise"
    direct: ClassVar[bool] = False

    scale: Number | None = Field(default=None, gt=0)
    """Standard deviation of the noise, in the unit of the column."""
    share: Number | None = Field(default=None, gt=0)
    """Standard deviation of the noise, as a share of the value."""
    shape: Literal["laplace", "normal"] = "laplace"
    low: Number | None = None
    """What no result is below: noise that would lead there is turned back."""
    high: Number | None = None
    """What no result is above."""
    decimals: Whole | None = Field(default=None, ge=0, le=15)
    """Decimals of every result; where left out, those of the value."""
    person: str = ""
    """The column that says whose number it is."""
    realm: str = "noise"
    """Columns of different realms get different noise for equal values."""

    @model_validator(mode="after")
    def _one(self) -> Noise:
        if (self.scale is None) == (self.share is None):
            raise SpecError("needs either scale (absolute) or share (of the value)", path="$")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise SpecError("low must be below high", path="$.low")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.person,) if self.person else ()

    def check(self, given: pa.DataType) -> None:
        if not (is_number(given) or pa.types.is_null(given)):
            raise DataError(f"holds {given}, and noise is for numbers; take dates, keep or drop")
        if pa.types.is_integer(given):
            self._shows(1.0)
        elif pa.types.is_decimal(given):
            places = _places(given) if self.decimals is None else self.decimals
            self._shows(10.0 ** -min(places, _places(given)))
        elif self.decimals is not None:
            self._shows(10.0**-self.decimals)

    def _shows(self, step: float) -> None:
        """Refuse noise that nearly always is lost in rounding."""
        if self.scale is not None and self.scale < step / 2:
            raise DataError(
                f"holds numbers written in steps of {step:g}, in which noise of scale "
                f"{self.scale:g} is lost; take {step / 2:g} at least, or more decimals"
            )

    def replace(self, values: pa.Array, key: Key, row: Mapping[str, pa.Array]) -> pa.Array:
        kind = values.type
        if pa.types.is_null(kind):
            return values
        plain = values
        if pa.types.is_floating(kind):
            finite = pc.is_finite(values.cast(pa.float64()))
            plain = pc.if_else(finite, values, pa.scalar(None, kind))
        there = plain.is_valid()
        noise = self._noise(plain.filter(there), key, row, there)
        made = self._added(plain.filter(there), noise)
        if len(made) == len(values):
            return made
        mask = pa.array(there.to_numpy(zero_copy_only=False))
        return pc.replace_with_mask(values, mask, made)

    def _noise(
        self, values: pa.Array, key: Key, row: Mapping[str, pa.Array], there: pa.Array
    ) -> npt.NDArray[np.float64]:
        """Draw noise with mean 0, of the size declared."""
        texts = _written(values)
        if self.person:
            who = pc.fill_null(as_type_text(row[self.person].filter(there)), "")
            texts = pc.binary_join_element_wise(who, texts, "\x00")
        encoded = texts.dictionary_encode()
        words = key.words(encoded.dictionary, self.realm)[:, 0][encoded.indices.to_numpy()]
        uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        if self.shape == "normal":
            drawn = ndtri(uniform)
        else:
            half = uniform - 0.5
            # Of scale 1 / sqrt(2), which is of standard deviation 1.
            drawn = -np.sign(half) * np.log1p(-2 * np.abs(half)) / np.sqrt(2)
        if self.scale is not None:
            return np.asarray(drawn * self.scale, np.float64)
        numbers = values.cast(pa.float64(), safe=False).to_numpy()
        with np.errstate(over="ignore"):
            return np.asarray(drawn * (np.abs(numbers) * (self.share or 0.0)), np.float64)

    def _added(self, values: pa.Array, noise: npt.NDArray[np.float64]) -> pa.Array:
        kind = values.type
        if pa.types.is_integer(kind):
            return self._whole(values, noise)
        numbers = values.cast(pa.float64(), safe=False).to_numpy()
        if pa.types.is_decimal(kind):
            digits = np.full(len(numbers), _places(kind))
            most = float(10 ** (kind.precision - kind.scale)) * (1 - 1e-12) - 10.0**-kind.scale
        else:
            digits = _decimals(numbers)
            most = float(np.finfo(kind.to_pandas_dtype()).max)
        if self.decimals is not None:
            most_places = _places(kind) if pa.types.is_decimal(kind) else 15
            digits = np.full(len(numbers), min(self.decimals, most_places))
        elif len(digits):
            self._shows(10.0 ** -int(digits.min()))
        with np.errstate(over="ignore", invalid="ignore"):
            made = self._turned(np.clip(numbers + noise, -most, most))
        for places in np.unique(digits).tolist():
            here = (digits == places) & (np.abs(made) < 1e15)
            made[here] = np.round(made[here], places)
        made = self._turned(made, clip=True) + 0.0
        narrow = np.float64 if pa.types.is_decimal(kind) else kind.to_pandas_dtype()
        steps = np.maximum(10.0**-digits, np.spacing(np.abs(numbers).astype(narrow)))
        low = -most if self.low is None else max(-most, self.low)
        high = most if self.high is None else min(most, self.high)
        same = (made.astype(narrow) == numbers.astype(narrow)) & (noise != 0)
        for way in (np.sign(noise), -np.sign(noise)):
            with np.errstate(over="ignore"):
                moved = numbers + way * steps
            for places in np.unique(digits).tolist():
                here = (digits == places) & (np.abs(moved) < 1e15)
                moved[here] = np.round(moved[here], places)
            fits = same & (moved >= low) & (moved <= high)
            made, same = np.where(fits, moved, made), same & ~fits
        if not pa.types.is_decimal(kind):
            return pa.array(made).cast(kind, safe=False)
        return pa.array([f"{each:.{max(kind.scale, 0)}f}" for each in made.tolist()]).cast(kind)

    def _whole(self, values: pa.Array, noise: npt.NDArray[np.float64]) -> pa.Array:
        info = np.iinfo(values.type.to_pandas_dtype())
        low = int(info.min) if self.low is None else max(int(info.min), int(np.ceil(self.low)))
        high = int(info.max) if self.high is None else min(int(info.max), int(np.floor(self.high)))
        # Python's own numbers where 64 bits may not do.
        numbers = values.to_numpy()
        steps = np.rint(np.clip(noise, -1e300, 1e300))
        small = len(numbers) == 0 or (
            int(numbers.max()) < 1 << 52
            and int(numbers.min()) > -(1 << 52)
            and float(np.abs(steps).max()) < 1 << 52
        )
        if small:
            made = numbers.astype(np.int64) + steps.astype(np.int64)
            if self.low is not None:
                made = np.where(made < low, 2 * low - made, made)
            if self.high is not None:
                made = np.where(made > high, 2 * high - made, made)
            made = np.clip(made, max(low, -(1 << 62)), min(high, 1 << 62))
            same = (made == numbers) & (noise != 0)
            for way in (np.where(noise < 0, -1, 1), np.where(noise < 0, 1, -1)):
                moved = numbers.astype(np.int64) + way
                fits = same & (moved >= low) & (moved <= high)
                made, same = np.where(fits, moved, made), same & ~fits
            return pa.array(made).cast(values.type)
        exact = [n + int(s) for n, s in zip(numbers.tolist(), steps.tolist(), strict=True)]
        if self.low is not None:
            exact = [max(n, 2 * low - n) for n in exact]
        if self.high is not None:
            exact = [min(n, 2 * high - n) for n in exact]
        exact = [min(max(n, low), high) for n in exact]
        pairs = zip(exact, numbers.tolist(), noise.tolist(), strict=True)
        return pa.array([_unlike(*each, low, high) for each in pairs], values.type)

    def _turned(
        self, numbers: npt.NDArray[np.float64], *, clip: bool = False
    ) -> npt.NDArray[np.float64]:
        """Turn back at the bounds what is beyond them: clipped, it would pile up there."""
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        if not clip:
            numbers = np.where(numbers < low, 2 * low - numbers, numbers)
            numbers = np.where(numbers > high, 2 * high - numbers, numbers)
        return np.clip(numbers, low, high)


def _unlike(made: int, number: int, noise: float, low: int, high: int) -> int:
    """Give another number than the one that was there, where noise was and the bounds have one."""
    if made != number or noise == 0:
        return made
    way = -1 if noise < 0 else 1
    return next((n for n in (number + way, number - way) if low <= n <= high), made)


def _places(kind: pa.DataType) -> int:
    """Give the decimals of a decimal type that floats can hold."""
    return min(int(kind.scale), 15)


def as_type_text(values: pa.Array) -> pa.Array:
    """Give the values of the person's column as text."""
    try:
        return pc.utf8_trim_whitespace(written(values))
    except DataError:
        return as_type(values, pa.string())


def _written(values: pa.Array) -> pa.Array:
    """Give one text for equal numbers, whatever their type."""
    if pa.types.is_integer(values.type):
        return values.cast(pa.string())
    numbers = values.cast(pa.float64(), safe=False)
    return pc.add(numbers, 0.0).cast(pa.string())


def _decimals(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Give the fewest decimals, 6 at most, with which each number is what it is."""
    found = np.full(len(numbers), 15)
    for places in range(6, -1, -1):
        with np.errstate(all="ignore"):
            found[np.round(numbers, places) == numbers] = places
    return np.where(found > 6, 6, found)
