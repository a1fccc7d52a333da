"""Words of outcomes: what a header says a column is, and whether a value is good for a person."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from paribus.anonymizing.detection._headers import spellings, words_of

_ABOVE = re.compile(r"\s*(>=?|≥|above\b|over\b|more\b)", re.I)
_BELOW = re.compile(r"\s*(<=?|≤|below\b|under\b|less\b|up to\b)", re.I)
_LETTERS = {"y": 1, "n": -1, "t": 1, "f": -1}


@cache
def _known(sort: str) -> frozenset[str]:
    tables = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
    words = (word for said in tables[sort].values() for word in said.split())
    return frozenset(folded for word in words for folded in spellings(word))


def says(sort: str, header: str) -> bool:
    """Tell whether a header has a word of a sort, alone or glued to its neighbor.

    Examples
    --------
    >>> says("weight", "sample_weight"), says("outcome", "loan_status"), says("weight", "income")
    (True, True, False)
    """
    words = words_of(header)
    glued = {a + b for a, b in pairwise(words)}
    return bool(_known(sort) & ({*words} | glued))


def valence(text: Any) -> int:
    """Tell whether words are good for a person: 1, -1, or 0 where they do not say.

    Examples
    --------
    >>> valence("loan_approved"), valence("not approved"), valence("default_next_month")
    (1, -1, -1)
    >>> valence("purpose"), valence("no default"), valence("no")
    (0, 1, -1)
    """
    words = words_of(str(text))
    if len(words) == 1 and words[0] in _LETTERS:
        return _LETTERS[words[0]]
    said, turned = 0, 1
    for place, word in enumerate(words):
        if word in _known("neither") and place < len(words) - 1:
            turned = -turned
        elif said == 0 and word in _known("good"):
            said = 1
        elif said == 0 and word in _known("bad"):
            said = -1
    return said * turned


def greater(texts: list[str]) -> int | None:
    """Find which of two classes is the larger amount, such as ``>50K`` beside ``<=50K``.

    Examples
    --------
    >>> greater(["<=50K", ">50K"]), greater(["a", "b"])
    (1, None)
    """
    above = [at for at, text in enumerate(texts) if _ABOVE.match(text)]
    below = [at for at, text in enumerate(texts) if _BELOW.match(text)]
    return above[0] if len(above) == len(below) == 1 and len(texts) == 2 else None
