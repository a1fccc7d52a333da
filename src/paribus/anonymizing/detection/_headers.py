"""What the header of a column says of its values."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from paribus.anonymizing.detection._vocabularies import AROUND, PEOPLE, THINGS

_STRENGTH = {"": 5.0, "~": 3.0, "?": 1.5}
_LONGEST = 4
_PIECES = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-zß-öø-ÿ\d])(?=[A-ZÀ-ÖØ-Þ])|(?<=[A-Z])(?=[A-Z][a-zß-öø-ÿ])")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SPELLED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_NUMBERED = frozenset(
    ("id", "key", "no", "nr", "num", "number", "nummer", "numero", "uid", "uuid", "guid", "code")
)
_COMPOUNDS = (("nummer", "id"), ("nr", "id"), ("strasse", "address"), ("telefon", "phone"))
"""Endings of German, Dutch and Scandinavian compounds."""


@dataclass(frozen=True)
class Header:
    """What the words above a column say.

    Parameters
    ----------
    hits : dict of str to (float, str)
        Sort -> how strongly it is said, and by which word of the dictionary.
    around : bool
        Whether it is about a property of such a thing: whether an email is verified, say.
    thing : bool
        Whether it is about a thing and no person.
    person : bool
        Whether it is about a person.
    languages : dict of str to float
        How many words each language could have written.
    """

    hits: dict[str, tuple[float, str]] = field(default_factory=dict)
    around: bool = False
    thing: bool = False
    person: bool = False
    languages: dict[str, float] = field(default_factory=dict)


def fold(text: str) -> str:
    """Give text in lower case and without accents.

    Examples
    --------
    >>> fold("Straße"), fold("NÚMERO")
    ('strasse', 'numero')
    """
    plain = unicodedata.normalize("NFKD", text.casefold()).translate(_SPELLED)
    # Only accents of letters go: the marks of kana make another letter.
    kept = "".join(c for c in plain if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", kept)


def spellings(word: str) -> frozenset[str]:
    """Fold a word in the ways in which people write it where a keyboard lacks its letters.

    Examples
    --------
    >>> sorted(spellings("Nationalität"))
    ['nationalitaet', 'nationalitat']
    """
    return frozenset((fold(word), fold(word.casefold().translate(_WRITTEN_OUT))))


def words_of(name: str) -> list[str]:
    """Cut a header into its words.

    Examples
    --------
    >>> words_of("custFirstName_2"), words_of("HTTPStatus"), words_of("E-Mail")
    (['cust', 'first', 'name', '2'], ['http', 'status'], ['e', 'mail'])
    """
    return [fold(piece) for piece in _PIECES.findall(_CAMEL.sub(" ", name[:200]))]


@cache
def _dictionary() -> dict[str, list[tuple[str, float, str]]]:
    """Word -> the sorts that it says, how strongly, and in which language."""
    known: dict[str, list[tuple[str, float, str]]] = {}
    file = Path(__file__).with_name("header_words.toml")
    for sort, languages in tomllib.loads(file.read_text("utf-8")).items():
        for language, words in languages.items():
            for word in words.split():
                mark = word[-1] if word[-1] in "~?" else ""
                for folded in spellings(word.rstrip("~?")):
                    plain = folded.replace("_", "").replace(".", "").replace("'", "")
                    known.setdefault(plain, []).append((sort, _STRENGTH[mark], language))
    return known


def read(name: str) -> Header:
    """Read a header.

    Examples
    --------
    >>> read("customer_email").hits["email"], read("email_verified").around
    ((5.0, 'email'), True)
    """
    words = words_of(name)
    found = sorted(_found(words), key=lambda hit: hit[0])
    hits: dict[str, tuple[float, str]] = {}
    languages: Counter[str] = Counter()
    for place, (_, _, word) in enumerate(found):
        entries = _dictionary()[word]
        last = place == len(found) - 1
        for sort, points, _ in entries:
            # The last word names the thing, and those before say whose it is.
            told = points if last else points * 0.5
            if told > hits.get(sort, (0.0, ""))[0]:
                hits[sort] = (told, word)
        own = {language for _, _, language in entries}
        if len(word) > 2:
            languages.update({language: 1 / len(own) for language in own})
    # A word with several meanings where another word has but one.
    if "name" in words and len(words) > 1 and any(s not in ("name", "id") for s in hits):
        hits.pop("name", None)
    covered = {i for start, stop, _ in found for i in range(start, stop)}
    free = [word for i, word in enumerate(words) if i not in covered]
    thing = any(word in THINGS for word in words)
    person = any(word in PEOPLE for word in words) and not thing
    if words and words[-1] in _NUMBERED and len(words) > 1 and (person or thing):
        hits["id"] = max(hits.get("id", (0.0, "")), (5.0 if person else 2.0, words[-1]))
    if "name" in words[-1:] and person:
        hits["name"] = max(hits.get("name", (0.0, "")), (5.0, "name"))
    around = any(word in AROUND for word in free) and bool(set(hits) - {"none", "date", "id"})
    return Header(hits, around, thing, person, dict(languages))


def _found(words: list[str]) -> Iterator[tuple[int, int, str]]:
    """Give the longest runs of words that the dictionary has, which do not overlap."""
    known = _dictionary()
    taken: set[int] = set()
    for length in range(min(_LONGEST, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            run = range(start, start + length)
            glued = "".join(words[start : start + length])
            if glued in known and not taken.intersection(run):
                taken.update(run)
                yield start, start + length, glued
    for place, word in enumerate(words):
        if place in taken:
            continue
        inner = _within(word)
        if inner:
            yield place, place + 1, inner


def _within(word: str) -> str:
    """Find a known word inside a run of letters without spaces."""
    known = _dictionary()
    if _UNSPACED.search(word):
        for size in range(len(word) - 1, 1, -1):
            for start in range(len(word) - size, -1, -1):
                if word[start : start + size] in known:
                    return word[start : start + size]
        return ""
    for ending, _ in _COMPOUNDS:
        if len(word) > len(ending) + 3 and word.endswith(ending) and ending in known:
            return ending
    return ""
