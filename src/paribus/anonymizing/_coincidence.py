"""How much of a column chance gives back, where fakes are drawn from what originals are of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_ISSUED = r"@|(?:[0-9][^0-9]*){6}"
_DATE = r"^\s*[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}\b"
_DIGIT, _LETTER = 10.0, 26.0


def issued(texts: pa.Array) -> bool:
    """Tell whether values are given to one person each: addresses of email, long numbers.

    Names, cities and dates are shared by people who have nothing to do with one another.

    Parameters
    ----------
    texts : pyarrow.Array of text
        Distinct values.

    Examples
    --------
    >>> issued(pa.array(["a@b.com", "c@d.com"])), issued(pa.array(["Ann", "Bob"]))
    (True, False)
    >>> issued(pa.array(["+49 170 123456"])), issued(pa.array(["1980-05-12"]))
    (True, False)
    """
    known = texts.drop_null()
    if not len(known):
        return False
    said = pc.and_not(
        pc.match_substring_regex(known, _ISSUED), pc.match_substring_regex(known, _DATE)
    )
    return bool(pc.mean(said).as_py() > 0.5)


def unseen(codes: npt.NDArray[np.integer[Any]]) -> float:
    """Estimate how much of what values are drawn from was not drawn: Turing's share.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        Which value each draw gave.

    Returns
    -------
    float
        Draws whose value nobody else has, over all draws; 1 without any.

    References
    ----------
    Good (1953), The population frequencies of species and the estimation of population parameters,
    Biometrika 40, 237-264.

    Examples
    --------
    >>> unseen(np.array([1, 1, 2, 3]))
    0.5
    """
    if not len(codes):
        return 1.0
    _, counts = np.unique(codes, return_counts=True)
    return float(np.count_nonzero(counts == 1) / len(codes))


def density(texts: pa.Array) -> float:
    """Give the share of all texts of their format that some distinct values are.

    A format is what is left when digits and letters are taken for any others. Numbers from 1000 to
    9999 are all that there are of four digits: whatever replaces one of them is another.

    Examples
    --------
    >>> density(pa.array([str(number) for number in range(1000, 10_000)]))
    0.9
    """
    known = texts.drop_null()
    if not len(known):
        return 0.0
    lowered = pc.utf8_lower(known)
    shapes = pc.replace_substring_regex(lowered, r"[0-9]", "0")
    shapes = pc.replace_substring_regex(shapes, r"\pL", "a")
    found = 0.0
    for counted in pc.value_counts(shapes).to_pylist():
        shape, held = counted["values"], counted["counts"]
        room = np.log(_DIGIT) * shape.count("0") + np.log(_LETTER) * shape.count("a")
        found += held * float(np.exp(min(0.0, np.log(held) - room)))
    return float(np.clip(round(found / len(known), 12), 0.0, 1.0))
