"""What a record keeps of its first people, one by one, so that another audit can be compared.

The bytes are plain codes in base64: what a compressor makes of them differs from library to
library, and the same request must give the same record everywhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from paribus._plugins import Declaration
from paribus._seeds import BLOCK
from paribus.answers import Answers
from paribus.table import flat
from paribus.twins import Contrast, Version

DECISIONS = 100_000
"""People whose decisions are kept, at most."""

AMOUNTS = 10_000
"""People whose gaps of amounts are kept, at most."""

_MOST_CODES = 4_000_000
_MOST_AMOUNTS = 250_000
"""Over all series of a record: 1.3 MB of text each, however many groups there are."""

_LOOKED_AT = 100
"""Drawn people whose values are part of the fingerprint: what a library draws may change."""

_LARGE = 1e30
"""Numbers beyond it, or below one of so many parts, are kept as multiples: 32 bits end there."""

_MISSING = 3

Codes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


class KeptSeries(Declaration):
    """One number for each of the first people, in their order, as text."""

    contrast: Literal["level", "cell"]
    attribute: str
    reference: str = ""
    """The level compared with; empty where the series is about one level alone."""
    group: str
    of: Literal["decisions", "changes", "amounts"]
    """What was decided at a level, whether the label changes, or the gap of the amounts."""
    people: int
    scale: Annotated[float, Field(gt=0)] = 1.0
    """Of amounts: what the numbers are multiples of."""
    data: str
    """Base64. Of decisions and changes, four codes a byte, the lowest bits first: 0 unfavorable (or
    the same), 1 one of two answers favorable, 2 favorable (or changed), 3 unknown. Of amounts,
    32-bit floats, little-endian; not-a-number where unknown."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.numbers()
        return self

    def numbers(self) -> Floats:
        """Give the series as numbers: decisions in [0, 1], not-a-number where unknown.

        Raises
        ------
        ValueError
            Where the text is damaged.
        """
        try:
            raw = base64.b64decode(self.data, validate=True)
        except ValueError:
            raise ValueError(f"the kept {self.of} are no text in base64") from None
        if self.of == "amounts" and len(raw) % 4:
            raise ValueError("the kept amounts are cut off within a number")
        if self.of == "amounts":
            values = np.frombuffer(raw, dtype="<f4").astype(np.float64) * self.scale
        else:
            halves = _unpacked(raw, self.people)
            values = np.where(halves == _MISSING, np.nan, halves / 2.0)
        if len(values) != self.people:
            raise ValueError(
                f"the kept {self.of} hold {len(values):,} numbers for {self.people:,} people"
            )
        if np.isinf(values).any():
            raise ValueError("the kept amounts hold a number that is infinite")
        return values


class Kept(Declaration):
    """What a record keeps of its first people."""

    fingerprint: str
    """Who they are: sha256 of their recipe and of values. Two records with the same one, however
    many people each asked, begin with the same people."""
    spread: Annotated[float, Field(ge=0)] = 0.0
    """Width of the range of the answers, of outcomes that measure."""
    series: tuple[KeptSeries, ...] = ()
    """Nothing where everybody in the declared domain was asked: then numbers are exact."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for of in {each.of for each in self.series}:
            if len({each.people for each in self.series if each.of == of}) > 1:
                raise ValueError(f"the kept {of} are not all about as many people")
        return self

    def find(self, of: str, contrast: str, attribute: str, names: tuple[str, str]) -> Floats | None:
        """Give the numbers of a series by the names of its reference and group, if it is kept."""
        for each in self.series:
            key = (each.of, each.contrast, each.attribute, (each.reference, each.group))
            if key == (of, contrast, attribute, names):
                return each.numbers()
        return None


def kept_of(answers: Answers) -> Kept:
    """Keep what a comparison with another audit needs.

    Parameters
    ----------
    answers : Answers

    Returns
    -------
    Kept
        The same bytes for the same answers, on every platform.
    """
    outcome = answers.outcome
    low, high = answers.bounds
    spread = high - low if outcome.measures else 0.0
    series: list[KeptSeries] = []
    if not answers.exhaustive:
        contrasts = [contrast for contrast in answers.tallies if contrast.kind != "placebo"]
        if outcome.decides:
            series += _decisions(answers, contrasts)
        if outcome.kind == "label":
            series += _changes(answers, contrasts)
        if outcome.measures:
            series += _amounts(answers, contrasts)
    return Kept(fingerprint=fingerprint_of(answers), spread=spread, series=tuple(series))


def _decisions(answers: Answers, contrasts: Sequence[Contrast]) -> Iterable[KeptSeries]:
    sides = {
        (contrast.kind, contrast.attribute, name): version
        for contrast in contrasts
        for name, version in (
            (contrast.reference_name, contrast.reference),
            (contrast.group_name, contrast.group),
        )
    }
    people = _shared_out(answers, DECISIONS, _MOST_CODES, len(sides))
    for (kind, attribute, name), version in sides.items():
        place = answers.twins.place(version)
        codes = []
        for block in answers.blocks:
            twice = block if block.again is None else block.again
            both = []
            for said in (block, twice):
                values, missing = said.side(place)
                told = np.ones(len(values), bool) if missing is None else missing == 0
                favored = answers.outcome.favors(np.where(told, values, values.dtype.type(0)))
                both.append((favored.astype(np.uint8), told))
            known = both[0][1] & both[1][1]
            codes.append(np.where(known, both[0][0] + both[1][0], _MISSING))
            if sum(map(len, codes)) >= people:
                break
        data = _packed(np.concatenate(codes)[:people])
        yield KeptSeries(
            contrast=kind, attribute=attribute, group=name, of="decisions", people=people, data=data
        )


def _changes(answers: Answers, contrasts: Sequence[Contrast]) -> Iterable[KeptSeries]:
    people = _shared_out(answers, DECISIONS, _MOST_CODES, len(contrasts))
    for contrast in contrasts:
        changed = answers.changes(contrast)[:people]
        told = answers.effects(contrast)[1][:people]
        codes = np.where(told, 2 * changed.astype(np.uint8), _MISSING)
        yield _of_pairs(contrast, "changes", people, _packed(codes))


def _amounts(answers: Answers, contrasts: Sequence[Contrast]) -> Iterable[KeptSeries]:
    people = _shared_out(answers, AMOUNTS, _MOST_AMOUNTS, len(contrasts))
    for contrast in contrasts:
        gaps = answers.amounts(contrast)[:people]
        told = answers.effects(contrast)[1][:people]
        largest = float(np.abs(gaps).max(initial=0.0))
        scale = largest if largest > _LARGE or 0 < largest < 1 / _LARGE else 1.0
        numbers = np.where(told, gaps / scale, np.nan).astype("<f4")
        data = base64.b64encode(numbers.tobytes()).decode("ascii")
        yield _of_pairs(contrast, "amounts", people, data, scale)


def _of_pairs(
    contrast: Contrast,
    of: Literal["changes", "amounts"],
    people: int,
    data: str,
    scale: float = 1.0,
) -> KeptSeries:
    assert contrast.kind != "placebo"
    return KeptSeries(
        contrast=contrast.kind, attribute=contrast.attribute, reference=contrast.reference_name,
        group=contrast.group_name, of=of, people=people, scale=scale, data=data,
    )  # fmt: skip


def _shared_out(answers: Answers, most: int, together: int, series: int) -> int:
    return min(answers.kept, most, together // max(1, series))


def _packed(codes: npt.NDArray[Any]) -> str:
    padded = np.zeros(-(-len(codes) // 4) * 4, np.uint8)
    padded[: len(codes)] = codes
    four = padded.reshape(-1, 4)
    packed = four[:, 0] | four[:, 1] << 2 | four[:, 2] << 4 | four[:, 3] << 6
    return base64.b64encode(packed.astype(np.uint8).tobytes()).decode("ascii")


def _unpacked(raw: bytes, people: int) -> Codes:
    packed = np.frombuffer(raw, np.uint8)
    four = np.stack([packed >> shift & 3 for shift in (0, 2, 4, 6)], axis=1)
    return four.ravel()[:people]


# --- who they are ---------------------------------------------------------------------------------


def fingerprint_of(answers: Answers) -> str:
    """Say who the people of an audit are, in the order in which they were asked.

    Person *i* is the same wherever the recipe is, whatever the number of people: so that number is
    no part of it. Real rows are told by their values; a seed counts where anything is drawn.
    """
    people = answers.twins.people
    drawn = people.rows is None or bool(people.fields)
    recipe = {
        "protect": {name: one.model_dump(mode="json") for name, one in people.protect.items()},
        "fields": {
            name: {"kind": field.kind} | field.model_dump(mode="json")
            for name, field in people.fields.items()
        },
        "seed": people.seed if drawn else None,
        "rows": people.rows is not None,
    }
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode())
    if people.census is None and drawn:
        some = min(_LOOKED_AT, answers.kept)
        names = people.names_in(())
        columns = answers.twins.block(0, min(some, BLOCK)).columns(Version(), names)
        for name in sorted(names):
            _add(digest, name, columns[name].arrow())
    if people.rows is not None:
        some = min(DECISIONS, answers.kept)
        for name in people.rows.names:
            _add(digest, name, people.rows.column(name, 0, some).arrow())
    return digest.hexdigest()


def _add(digest: Any, name: str, column: Any) -> None:
    """Add the values of a column as text."""
    array = flat(column)
    if pa.types.is_floating(array.type):
        # The last digits of drawn numbers differ from platform to platform.
        said = [None if v is None else f"{v:.6g}" for v in array.to_pylist()]
    else:
        try:
            said = pc.cast(array, pa.string()).to_pylist()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            said = [None if v is None else str(v) for v in array.to_pylist()]
    text = "\x1f".join("\x00" if each is None else each for each in (name, *said))
    digest.update(text.encode("utf-8", "surrogatepass") + b"\x1e")
