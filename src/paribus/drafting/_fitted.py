"""Fields fitted to the columns of a table, for people who are drawn and no rows of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtr

from paribus._text import number
from paribus.drafting._guess import Guess, name
from paribus.drafting._looked import Looked
from paribus.stats.coarsening import rounded_shares

_FITS = 0.1
"""The largest distance of distribution functions that still counts as a fit."""
_METHODS = {
    "name": "person.full_name",
    "first name": "person.first_name",
    "last name": "person.last_name",
    "email": "person.email",
    "username": "person.username",
    "phone": "person.phone_number",
    "address": "address.address",
    "city": "address.city",
    "region": "address.region",
    "postcode": "address.postal_code",
    "country": "address.country",
    "company": "finance.company",
    "job": "person.occupation",
    "ip": "internet.ip_v4",
    "url": "internet.url",
    "card": "payment.credit_card_number",
    "iban": "cryptographic.uuid",
    "national id": "cryptographic.uuid",
    "id": "cryptographic.uuid",
    "text": "text.sentence",
    "clean text": "text.sentence",
}

Floats = npt.NDArray[np.float64]


def fitted(column: str, looked: Looked) -> Guess:
    """Fit a field to a column.

    Returns
    -------
    Guess
        Not sure where nothing fits.
    """
    array = looked.array(column)
    sort = looked.sort(column)
    place = ("fields", column)
    gone = array.null_count
    missing = f"; of the data {number(100 * gone / len(array))} % are missing" if gone else ""
    identifies = sort.role == "direct" and sort.sort in _METHODS
    if identifies and not (looked.is_number(column) and sort.sort == "id"):
        return Guess(place, _mimesis(sort.sort, looked), f"{sort.sort}: {sort.reason}{missing}")
    if sort.sort == "id":
        return Guess(place, {"kind": "sequence"}, f"an ID: {sort.reason}")
    if looked.distinct(column) == 1:
        only = array.drop_null()[0].as_py()
        return Guess(place, {"kind": "constant", "value": only}, f"the same in all rows{missing}")
    if looked.has_levels(column):
        return Guess(place, _choice(array), f"as often as in the data{missing}")
    if looked.is_number(column) and len(found := looked.floats(column)):
        field, why = _number(found)
        return Guess(place, field, why + missing)
    if pa.types.is_date(array.type) or pa.types.is_timestamp(array.type):
        ends = pc.min_max(array.drop_null().cast(pa.timestamp("us")))
        low, high = (str(ends[end].as_py())[:10] for end in ("min", "max"))
        return Guess(place, {"kind": "dates", "low": low, "high": high}, f"as the data{missing}")
    if sort.sort in _METHODS:
        return Guess(place, _mimesis(sort.sort, looked), f"{sort.sort}: {sort.reason}{missing}")
    said = f"{name(column)} holds {looked.described(column)}, to which no field fits: name a method"
    return Guess(place, {"kind": "mimesis", "method": "text.word"}, said, sure=False, told=True)


def weights(counts: list[int]) -> list[float]:
    """Give shares in millionths that sum to 1."""
    return [float(each) for each in rounded_shares(np.array(counts))]


def _mimesis(sort: str, looked: Looked) -> dict[str, Any]:
    locale = looked.detected.locale
    plain = {"kind": "mimesis", "method": _METHODS[sort]}
    return plain if locale == "en" else {**plain, "locale": locale}


def _choice(array: pa.Array) -> dict[str, Any]:
    counted = pc.value_counts(array.drop_null())
    pairs = sorted(
        zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True),
        key=lambda pair: -pair[1],
    )
    values = [int(v) if isinstance(v, float) and v.is_integer() else v for v, _ in pairs]
    if any(isinstance(v, float) for v in values):
        values = [float(v) for v in values]
    return {"kind": "choice", "values": values, "weights": weights([rows for _, rows in pairs])}


# --- numbers --------------------------------------------------------------------------------------


def _number(found: Floats) -> tuple[dict[str, Any], str]:
    """Choose the distribution that is nearest to the sample (Kolmogorov's distance)."""
    x = np.sort(np.clip(found, -1e100, 1e100))
    low, high = float(x[0]), float(x[-1])
    whole = bool((x == np.rint(x)).all()) and max(abs(low), abs(high)) < 2**53
    decimals = 0 if whole else _decimals(x)
    fits: dict[str, tuple[float, dict[str, Any]]] = {}
    span = high - low
    if span > 0:
        fits["uniform"] = (_distance(x, (x - low) / span), {})
    mean, sd = float(x.mean()), float(x.std())
    if sd > 0:
        cdf = _cut(x, mean, sd)
        fits["normal"] = (_distance(x, cdf), {"mean": _short(mean), "sd": _short(sd)})
    if low > 0:
        logs = np.log(x)
        middle, sigma = float(np.median(logs)), float(logs.std())
        if sigma > 0:
            cdf = _cut(logs, middle, sigma)
            keys = {"median": _short(float(np.exp(middle))), "sigma": _short(sigma)}
            fits["lognormal"] = (_distance(x, cdf), keys)
    # The simpler one where they are as near: a lognormal of small spread is nearly normal.
    kind = min(fits, key=lambda each: fits[each][0] + 0.01 * (each == "lognormal"))
    distance, keys = fits[kind]
    ends: dict[str, Any] = {"low": int(low) if whole else low, "high": int(high) if whole else high}
    said = f"nearest of the distributions (distance {distance:.2f})"
    if distance > _FITS:
        said += "; it fits badly: `paribus people learn` follows any shape"
    if kind == "uniform":
        return {"kind": "integers" if whole else "uniform", **ends}, said
    field = {"kind": kind, **keys, **ends}
    return field if decimals is None else {**field, "decimals": decimals}, said


def _cut(x: Floats, middle: float, sd: float) -> Floats:
    """Give the distribution function of a normal number that is cut off at both ends."""
    below, above = ndtr((x[0] - middle) / sd), ndtr((x[-1] - middle) / sd)
    return np.asarray((ndtr((x - middle) / sd) - below) / max(above - below, 1e-12))


def _distance(x: Floats, cdf: Floats) -> float:
    steps = np.searchsorted(x, x, side="right") / len(x)
    before = np.searchsorted(x, x, side="left") / len(x)
    return float(np.maximum(np.abs(steps - cdf), np.abs(before - cdf)).max())


def _decimals(x: Floats) -> int | None:
    for digits in range(1, 7):
        if np.array_equal(np.round(x, digits), x):
            return digits
    return None


def _short(value: float) -> float:
    return float(f"{value:.6g}")
