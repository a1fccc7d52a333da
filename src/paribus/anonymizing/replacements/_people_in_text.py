"""Names of people within free text: by lists of names, titles and greetings, or by the row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import compress
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from paribus.anonymizing import names
from paribus.anonymizing.marking import Marked, Pieces, Sort
from paribus.anonymizing.patterns import sort_of


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_TITLES = _words(
    """
    mr mrs ms miss mx dr prof professor doctor sir madam lady lord rev reverend capt captain sgt
    herr herrn frau fräulein monsieur madame mademoiselle mme mlle signor signora signorina sig
    dott dottor dottoressa señor señora señorita sr sra srta don doña dom senhor senhora pan
    pani dhr mevr mevrouw meneer fru hr herra rouva bay bayan
    """
)
_GREETINGS = _words(
    """
    dear hi hello hey hallo liebe lieber sehr geehrte geehrter hola querido querida estimado
    estimada bonjour cher chère chere ciao caro cara gentile olá ola prezado prezada beste hej
    kära kære regards thanks cheers sincerely grüße gruß cordialement saludos
    """
)
_STOP = _words(
    """
    the a an i you he she it we they my your his her our their its this that these those and or
    but if in on at to for from of by with as is are was were be been am not no yes please so
    then when where what who why how all any some there here customer customers client clients
    support team everyone everybody friend friends colleague colleagues world service sales help
    desk account january february march april may june july august september october november
    december monday tuesday wednesday thursday friday saturday sunday today tomorrow yesterday
    der die das ein eine und oder ich du er sie es wir ihr mein dein ist sind war nicht von zu
    im bei mit für auf damen herren kunde kundin le la les un une et ou je tu il elle nous vous
    ils mon ton son est sont pas de des au aux pour avec sur el los las y o yo mi su con por
    para en lo gli e io non di da per che os um uma eu não em inc llc ltd gmbh ag corp co
    company bank street road avenue
    """
)
_PARTICLE = _words(
    "van von vom de del della der den la le di da dos das du el bin ibn al y zu ten ter af"
)

_NONE = _STOP | _TITLES | _GREETINGS


_CAPITAL = r"\p{Lu}[\pL\pM'’\-]*\.?"
_SPACE = r"(?:[ \t\x{a0}]+|[ \t]*\r?\n(?:[ \t]*\r?\n)?[ \t>]*)"
_RUN = (
    rf"{_CAPITAL}(?:,?{_SPACE}(?:(?:{'|'.join(sorted(_PARTICLE))}){_SPACE})*{_CAPITAL})+"
    rf"|(?i:{'|'.join(sorted(_TITLES | _GREETINGS))})[.,]?{_SPACE}{_CAPITAL}(?:{_SPACE}{_CAPITAL})*"
)
CANDIDATE = rf"(?:^|[^\pL\pM\pN])(?:{_RUN})"
PREFILTER = rf"\pL[.,]?{_SPACE}(?:\pL+{_SPACE})*\p{{Lu}}"

_WORD = re.compile(r"[^\W\d_](?:[\w'’\-]*[^\W_])?\.?")


def resolve(texts: list[str]) -> list[Pieces]:
    """Cut runs of capitalized words into names and what is none."""
    runs = [[(m.start(), m.end()) for m in _WORD.finditer(text)] for text in texts]
    words = {t[a:b] for t, run in zip(texts, runs, strict=True) for a, b in run}
    listed = _Listed.of(words)
    return [_run(text, run, listed) for text, run in zip(texts, runs, strict=True)]


class _Listed:
    """What the lists of names say of words."""

    def __init__(self, first: set[str], last: set[str]) -> None:
        self.first = first
        self.last = last

    @classmethod
    def of(cls, words: Iterable[str]) -> _Listed:
        plain = {_plain(word) for word in words}
        parts = sorted({part for word in plain for part in [word, *word.split("-")]} - _NONE)
        array = pa.array(parts, pa.string())
        first = {p for p, yes in zip(parts, names.is_first(array).tolist(), strict=True) if yes}
        last = {p for p, yes in zip(parts, names.is_last(array).tolist(), strict=True) if yes}
        double = [word for word in plain if "-" in word]
        # Of Mary-Ann and Meyer-Landrut one part on a list will do.
        first.update(w for w in double if first.intersection(w.split("-")))
        last.update(w for w in double if last.intersection(w.split("-")))
        return cls(first, last)

    def sort(self, word: str, otherwise: Sort) -> Sort:
        plain = _plain(word)
        if (plain in self.first) == (plain in self.last):
            return otherwise
        return "first_name" if plain in self.first else "last_name"


def _plain(word: str) -> str:
    word = word.rstrip(".").lower()
    return word[:-2] if word.endswith(("'s", "’s")) else word


def _run(text: str, run: list[tuple[int, int]], listed: _Listed) -> Pieces:
    words = [text[a:b] for a, b in run]
    plain = [_plain(word) for word in words]
    gaps = [text[run[i][1] : run[i + 1][0]] for i in range(len(run) - 1)] + [""]

    def joined(i: int) -> bool:
        """Tell whether neither a comma nor the end of a sentence is behind a word."""
        ends = words[i].endswith(".") and len(words[i]) > 2 and plain[i] not in _TITLES
        return i + 1 < len(run) and "," not in gaps[i] and not ends

    def follows(i: int) -> bool:
        """Tell whether the word after this one may belong to the same name."""
        return joined(i) and _may_be(words[i + 1], plain[i + 1])

    def end(i: int) -> int:
        """Give the last word of the name whose word `i` is, taking those that lists know."""
        while joined(i):
            after = plain[i + 1]
            if after in _PARTICLE and joined(i + 1):
                i += 1
                continue
            initial = len(after) == 1 and words[i + 1][0].isupper()
            if not (initial or after in listed.first or after in listed.last):
                break
            i += 1
        return i if plain[i] not in _PARTICLE else i - 1

    pieces: Pieces = []
    at = i = 0
    while i < len(run):
        start, stop, sort = i, i, None
        if plain[i] in _TITLES or plain[i] in _GREETINGS:
            greeting = plain[i] in _GREETINGS
            j = i + 1
            while j < len(run) and (plain[j] in _TITLES or plain[j] in _GREETINGS):
                greeting = greeting and plain[j] in _GREETINGS
                j += 1
            while j < len(run) and plain[j] in _PARTICLE:
                j += 1
            known = j < len(run) and (plain[j] in listed.first or plain[j] in listed.last)
            # Behind a greeting and the end of its line a letter begins, or its writer signs.
            begins = greeting and "\n" in gaps[j - 1] and not known
            if j < len(run) and _may_be(words[j], plain[j]) and not begins:
                start, stop = j, end(j)
                # Of a name that no list has, the word behind it is as likely a part.
                first = plain[j] in listed.first or not (known or greeting)
                if stop == j and first and follows(j) and "\n" not in gaps[j]:
                    stop = end(j + 1)
                alone: Sort = "first_name" if greeting else "last_name"
                sort = "name" if stop > start else listed.sort(words[j], alone)
        elif plain[i] in listed.first and len(plain[i]) > 1:
            j = i + 1
            while j < len(run) and plain[j] in _PARTICLE and joined(j - 1):
                j += 1
            if j < len(run) and follows(j - 1):
                stop, sort = end(j), "name"
        elif plain[i] in listed.last and i + 1 < len(run) and plain[i + 1] in listed.first:
            certain = "," in gaps[i] or (joined(i) and plain[i + 1] not in listed.last)
            if certain and _may_be(words[i + 1], plain[i + 1]):
                stop, sort = i + 1, "name"
        if sort is None:
            i += 1
            continue
        a, b = run[start][0], run[stop][1]
        b -= len(words[stop]) - len(_kept(words[stop]))
        pieces += [(None, text[at:a]), (sort, text[a:b])]
        at, i = b, stop + 1
    return [*pieces, (None, text[at:])]


def _may_be(word: str, plain: str) -> bool:
    return word[0].isupper() and plain not in _STOP


def _kept(word: str) -> str:
    """Give a word without what follows the name: the point of a sentence, an owner's s."""
    if word.endswith("."):
        # An initial keeps its point.
        return word if len(word) == 2 else _kept(word[:-1])
    return word[:-2] if word.endswith(("'s", "’s")) else word


# --- by the row -----------------------------------------------------------------------------------

_LETTERS = re.compile(r"[^\W\d_]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff]")
_CODE = re.compile(r"[@_\d]|^\s*[^\s.]*\.\S*\s*$")
"""Emails and usernames, whose words nobody reads as those of a name."""
_COMMON = _NONE | _PARTICLE
"""Words that are rarely names: they are, where they are the row's own and written as one."""

Fakes = Callable[[pa.Array], pa.Array]
"""Gives the fakes of texts."""


class Told(NamedTuple):
    """What the row tells of a word."""

    sort: Sort
    written: str


Wanted = dict[str, Told]
"""What is looked for in one text, by how it is written without case and accents."""


class Row:
    """What the identifying columns of each row hold, to be found in the text of that row.

    Parameters
    ----------
    columns : list of (pyarrow.Array of string, Fakes), arrays of shape (n,)
        Each with what a column of its names gives them. Null where a row has no value.
    ask : callable
        Gives the fakes of what is of a sort.
    """

    def __init__(
        self, columns: list[tuple[pa.Array, Fakes]], ask: Callable[[Sort, pa.Array], pa.Array]
    ) -> None:
        self._columns = [column.dictionary_encode() for column, _ in columns]
        pools = [column.dictionary for column in self._columns]
        self._values = [_values(pool) for pool in pools]
        self._words = [
            _told(pool, whole, ask) for pool, (_, whole) in zip(pools, columns, strict=True)
        ]

    def values(self, marked: Marked) -> Marked:
        """Find whole values with digits in them: IDs, phones, dates."""
        return self._found(marked, self._values, _matched_values)

    def words(self, marked: Marked) -> Marked:
        """Find the words of values."""
        return self._found(marked, self._words, _matched_words)

    def _found(
        self,
        marked: Marked,
        told: list[list[Wanted]],
        match: Callable[[str, Wanted], Pieces],
    ) -> Marked:
        here = pc.fill_null(pc.not_equal(marked.texts, ""), False)
        if not any(any(each) for each in told) or not pc.any(here).as_py():
            return marked
        rows = np.flatnonzero(here.to_numpy(zero_copy_only=False))
        texts = marked.texts.take(pa.array(rows))
        asked = texts.to_pylist()
        codes = [column.indices.take(pa.array(rows)).to_pylist() for column in self._columns]
        found_rows: list[int] = []
        found: list[Pieces] = []
        for place, plain in enumerate(names.bare(texts).to_pylist()):
            wanted: Wanted = {}
            for pool, code in zip(told, codes, strict=True):
                at = code[place]
                if at is not None:
                    for token, told_of in pool[at].items():
                        if token in plain:
                            wanted.setdefault(token, told_of)
            if wanted:
                pieces = match(asked[place], wanted)
                if len(pieces) > 1:
                    found_rows.append(int(rows[place]))
                    found.append(pieces)
        return marked.cut(np.array(found_rows, np.int64), found) if found else marked


def _values(values: pa.Array) -> list[Wanted]:
    told: list[Wanted] = []
    for text, bare in zip(values.to_pylist(), names.bare(values).to_pylist(), strict=True):
        whole = bare.strip()
        coded = len(whole) >= 4 and "@" not in whole and any(c.isdigit() for c in whole)
        told.append({whole: Told(sort_of(text.strip()) or "code", whole)} if coded else {})
    return told


def _told(
    values: pa.Array, whole: Fakes, ask: Callable[[Sort, pa.Array], pa.Array]
) -> list[Wanted]:
    """Give the words of values that may be names of people.

    Which words of a name are names, and whether first or last ones, is what its column makes of
    them: a word is of that sort which gives it the same fake.
    """
    texts = values.to_pylist()
    parts = [_named(text) for text in texts]
    words = sorted({word for each in parts for word in each})
    pool = pa.array(words, pa.string())
    bare = dict(zip(words, names.bare(pool).to_pylist(), strict=True))
    first, last = (
        dict(zip(words, ask(sort, pool).to_pylist(), strict=True))
        for sort in ("first_name", "last_name")
    )
    listed = _Listed.of({part for word in bare.values() for part in _LETTERS.findall(word)})
    told = []
    for text, own, fake in zip(texts, parts, whole(values).to_pylist(), strict=True):
        fakes, coded = _named(fake), _CODE.search(text) is not None
        tokens: Wanted = {}
        for i, word in enumerate(own):
            final: Sort = "last_name" if i == len(own) - 1 and i > 0 else "first_name"
            if coded:
                sorts = _guessed(word, bare[word], listed, "@" in text)
            elif len(fakes) != len(own):
                # A name without spaces, or one of which not every word has a fake.
                one: Sort = "name" if len(own) == 1 else listed.sort(bare[word], final)
                sorts = [one] * len(_LETTERS.findall(word))
            elif fakes[i] == word:
                # A title or a particle, which stays in the column too.
                continue
            else:
                sort: Sort = "first_name" if fakes[i] == first[word] else "last_name"
                if fakes[i] not in (first[word], last[word]):
                    sort = listed.sort(bare[word], final) if len(own) > 1 else "name"
                sorts = [sort] * len(_LETTERS.findall(word))
            for token, spelled, each in zip(
                _LETTERS.findall(bare[word]), _LETTERS.findall(word), sorts, strict=False
            ):
                if len(token) >= 2 and each is not None:
                    tokens.setdefault(token, Told(each, spelled))
        told.append(tokens)
    return told


def _named(text: str) -> list[str]:
    """Give the words with letters; of an email the part that names its owner."""
    return [word for word in text.partition("@")[0].split() if _LETTERS.search(word)]


@cache
def _given_names() -> frozenset[str]:
    """Give the common words that are first names of people."""
    words = sorted(_COMMON)
    return frozenset(compress(words, names.is_first(pa.array(words)).tolist()))


def _guessed(word: str, bare: str, listed: _Listed, email: bool) -> list[Sort | None]:
    """Give the sorts of the parts of a username, None for those that say what it is for."""
    parts = _LETTERS.findall(bare)
    ends = [i == len(parts) - 1 and (i > 0 or email) for i in range(len(parts))]
    return [
        None
        if part in _COMMON - _given_names()
        else listed.sort(part, "last_name" if end else "first_name")
        for part, end in zip(parts, ends, strict=True)
    ]


def _matched_values(text: str, wanted: Wanted) -> Pieces:
    spans = []
    for token, (sort, _) in wanted.items():
        alone = rf"(?<![^\W_]){re.escape(token)}(?![^\W_])"
        spans += [(m.start(), m.end(), sort) for m in re.finditer(alone, text, re.IGNORECASE)]
    return _cut(text, spans)


def _matched_words(text: str, wanted: Wanted) -> Pieces:
    spans = []
    for token, (sort, _) in wanted.items():
        # Scripts without spaces have no edges of words.
        if _UNSPACED.search(token):
            spans += [(m.start(), m.end(), sort) for m in re.finditer(re.escape(token), text)]
    for m in _LETTERS.finditer(text):
        word = m.group()
        plain = _bare_word(word)
        said = wanted.get(plain)
        if said is not None and (plain not in _COMMON or word[0].isupper() or word == said.written):
            spans.append((m.start(), m.end(), said.sort))
    return _cut(text, spans)


def _cut(text: str, spans: list[tuple[int, int, Sort]]) -> Pieces:
    pieces: Pieces = []
    at = 0
    for start, end, sort in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= at:
            pieces += [(None, text[at:start]), (sort, text[start:end])]
            at = end
    return [*pieces, (None, text[at:])]


def _bare_word(word: str) -> str:
    if word.isascii():
        return word.lower()
    found: str = names.bare(pa.array([word]))[0].as_py()
    return found
