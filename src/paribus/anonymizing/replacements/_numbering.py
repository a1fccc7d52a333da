"""Numbering plans of telephones: which numbers are valid, numbered from 0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Digits = npt.NDArray[np.uint8]

_KINDS = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_ROWS = 1 << 13
_NEVER = np.uint64((1 << 64) - 1)
_LONGEST = 17
"""Digits of a national number at most, as `phonenumbers` has it."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The valid national numbers of a country calling code, as an automaton over digits.

    Attributes
    ----------
    steps : ndarray of int32, shape (states, 10)
        Where each digit leads; 0 is the start and 1 the dead end.
    sorts : ndarray of int32, shape (states, 18)
        For a number of so many digits that ends in a state: 0 invalid, else its region and type.
    names : tuple of str
        What each sort is called.

    Notes
    -----
    The numbers of one sort and length are numbered in their order, by counting the ways from each
    state to the end (rank-encipher: Bellare, Ristenpart, Rogaway and Stegers 2009, SAC, 295-312).
    """

    steps: npt.NDArray[np.int32]
    sorts: npt.NDArray[np.int32]
    names: tuple[str, ...]

    def sort(self, digits: Digits) -> npt.NDArray[np.int32]:
        """Give the sort of national numbers, shape (n, length); 0 where one is not valid."""
        length = digits.shape[1]
        if not 0 < length <= _LONGEST:
            return np.zeros(len(digits), np.int32)
        steps = _flat(self.steps, 10)
        row = np.zeros(len(digits), np.intp)
        for j in range(length):
            row += digits[:, j]
            row = steps.take(row)
        return self.sorts[:, length].take(row // 10)

    def ranking(self, sort: int, length: int) -> Ranking:
        """Put the numbers of a sort and a length in order."""
        ways = (self.sorts[:, length] == sort).astype(np.uint64)
        before = []
        for _ in range(length):
            each = ways[self.steps]
            before.append(np.cumsum(each, axis=1, dtype=np.uint64) - each)
            ways = each.sum(1, dtype=np.uint64)
        return Ranking(self.steps, tuple(before[::-1]), int(ways[0]))


@dataclass(frozen=True, eq=False)
class Ranking:
    """The numbers of one sort and length, in their order.

    Attributes
    ----------
    steps : ndarray of int32, shape (states, 10)
    before : tuple of ndarray of uint64, shape (states, 10), one for each place
        How many numbers go on from a state with a smaller digit.
    total : int
        How many numbers there are.
    """

    steps: npt.NDArray[np.int32]
    before: tuple[npt.NDArray[np.uint64], ...]
    total: int

    @property
    def zeros(self) -> int:
        """Give how many numbers begin with a zero: they are the first."""
        return int(self.before[0][0, 1])

    def rank(self, digits: Digits) -> npt.NDArray[np.uint64]:
        """Give the places of numbers, shape (n, length)."""
        steps = _flat(self.steps, 10)
        row, rank = np.zeros(len(digits), np.intp), np.zeros(len(digits), np.uint64)
        for j, before in enumerate(self.before):
            row += digits[:, j]
            rank += before.take(row)
            row = steps.take(row)
        return rank

    def at(self, rank: npt.NDArray[np.uint64]) -> Digits:
        """Give the numbers that stand at some places, shape (n, length)."""
        out = np.empty((len(rank), len(self.before)), np.uint8)
        steps = _flat(self.steps, 16)
        wide = [np.full((len(self.steps), 16), _NEVER) for _ in self.before]
        for padded, before in zip(wide, self.before, strict=True):
            padded[:, :10] = before
        for start in range(0, len(rank), _ROWS):
            rest = rank[start : start + _ROWS].copy()
            row = np.zeros(len(rest), np.intp)
            for j, padded in enumerate(wide):
                # The last digit that no more numbers come before than are to be passed.
                at = row.copy()
                for half in (8, 4, 2, 1):
                    at += (padded.take(at + half) <= rest) * half
                out[start : start + _ROWS, j] = at - row
                rest -= padded.take(at)
                row = steps.take(at)
        return out


def _flat(steps: npt.NDArray[np.int32], width: int) -> npt.NDArray[np.intp]:
    """Say where the row of the next state begins, in tables of so many columns laid out flat."""
    found = np.zeros((len(steps), width), np.intp)
    found[:, :10] = steps
    found *= width
    return found.ravel()


@lru_cache(maxsize=64)
def plan(code: int) -> Plan:
    """Give the numbering plan of a country calling code, from the metadata of `phonenumbers`."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    found: list[Any] = [
        PhoneMetadata.metadata_for_region_or_calling_code(code, each) for each in regions
    ]
    tagged: list[tuple[Any, str]] = []
    for place, data in enumerate(found):
        for kind in ("general_desc", "fixed_line", "mobile", *_KINDS):
            described = getattr(data, kind)
            if described is not None and described.national_number_pattern is not None:
                tagged.append(((place, kind), described.national_number_pattern))
        if len(regions) > 1 and data.leading_digits is not None:
            tagged.append(((place, "leading"), f"(?:{data.leading_digits})\\d{{0,{_LONGEST}}}"))
    steps, ends = _automaton(tagged)
    names: dict[str, int] = {"": 0}
    sorts = np.zeros((len(steps), _LONGEST + 1), np.int32)
    for state, tags in enumerate(ends):
        if tags:
            for length in range(1, _LONGEST + 1):
                name = _sort(tags, length, regions, found)
                sorts[state, length] = names.setdefault(name, len(names))
    return Plan(steps, sorts, tuple(names))


def _sort(tags: frozenset[Any], length: int, regions: tuple[str, ...], data: list[Any]) -> str:
    """Say what a number is, in the order in which `phonenumbers` asks."""
    for place, region in enumerate(regions):
        kind = _kind(tags, length, place, data[place])
        if len(regions) > 1 and data[place].leading_digits is not None:
            if (place, "leading") in tags:
                return f"{region} {kind}" if kind else ""
        elif kind:
            return f"{region} {kind}"
    return ""


def _kind(tags: frozenset[Any], length: int, place: int, data: Any) -> str:
    def matches(kind: str) -> bool:
        described = getattr(data, kind)
        lengths = described.possible_length if described is not None else ()
        return (place, kind) in tags and (not lengths or length in lengths)

    if not matches("general_desc"):
        return ""
    for kind in _KINDS:
        if matches(kind):
            return kind
    if matches("fixed_line"):
        both = data.same_mobile_and_fixed_line_pattern or matches("mobile")
        return "fixed_line_or_mobile" if both else "fixed_line"
    both = data.same_mobile_and_fixed_line_pattern
    return "mobile" if not both and matches("mobile") else ""


@cache
def calling_codes() -> npt.NDArray[np.int64]:
    """Give the country calling code that three digits begin with; 0 where there is none."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    found = np.zeros(1000, np.int64)
    for code in COUNTRY_CODE_TO_REGION_CODE:
        scale = 10 ** (3 - len(str(code)))
        found[code * scale : (code + 1) * scale] = code
    return found


@cache
def dialed(region: str) -> tuple[int, str, str]:
    """Give the calling code of a region, and what is dialed before national numbers and abroad."""
    from phonenumbers import PhoneMetadata

    data: Any = PhoneMetadata.metadata_for_region(region)
    abroad = data.international_prefix or ""
    return data.country_code, data.national_prefix or "", abroad if abroad.isdigit() else "00"


@cache
def regions() -> frozenset[str]:
    """Give the regions that have a plan."""
    from phonenumbers import SUPPORTED_REGIONS

    return frozenset(SUPPORTED_REGIONS)


# --- patterns as automata -------------------------------------------------------------------------


class _Network:
    """A nondeterministic automaton (Thompson 1968, CACM 11, 419-422)."""

    def __init__(self) -> None:
        self.free: list[list[int]] = []
        self.by: list[tuple[int, int]] = []
        """Digits (as bits) that lead on from each state, and where to."""

    def state(self) -> int:
        self.free.append([])
        self.by.append((0, -1))
        return len(self.free) - 1

    def closure(self, states: Iterable[int]) -> frozenset[int]:
        seen, left = set(states), list(states)
        while left:
            for other in self.free[left.pop()]:
                if other not in seen:
                    seen.add(other)
                    left.append(other)
        return frozenset(seen)


class _Pattern:
    """Reads a pattern of digits: classes, groups, alternatives and bounded repetitions."""

    def __init__(self, text: str, network: _Network) -> None:
        self.text, self.place, self.network = text, 0, network

    def alternatives(self, start: int) -> int:
        end = self.network.state()
        while True:
            self.network.free[self.sequence(start)].append(end)
            if not self.taken("|"):
                return end

    def sequence(self, start: int) -> int:
        at = self.network.state()
        self.network.free[start].append(at)
        while self.place < len(self.text) and self.text[self.place] not in "|)":
            begin = self.place
            end = self.atom(at)
            low, high = self.repeats()
            if (low, high) != (1, 1):
                after, ends = self.place, [at] if low == 0 else []
                for number in range(1, high + 1):
                    if number > 1:
                        self.place = begin
                        end = self.atom(end)
                    if number >= low:
                        ends.append(end)
                self.place, end = after, self.network.state()
                for each in ends:
                    self.network.free[each].append(end)
            at = end
        return at

    def atom(self, start: int) -> int:
        if self.taken("(?:") or self.taken("("):
            begin = self.network.state()
            self.network.free[start].append(begin)
            end = self.alternatives(begin)
            assert self.taken(")"), self.text
            return end
        begin, end = self.network.state(), self.network.state()
        self.network.free[start].append(begin)
        self.network.by[begin] = (self.digits(), end)
        return end

    def digits(self) -> int:
        if self.taken("\\d"):
            return 1023
        if not self.taken("["):
            self.place += 1
            return 1 << int(self.text[self.place - 1])
        bits = 0
        while not self.taken("]"):
            if self.taken("\\d"):
                bits |= 1023
                continue
            low = high = int(self.text[self.place])
            self.place += 1
            if self.taken("-"):
                high = int(self.text[self.place])
                self.place += 1
            bits |= (1 << high + 1) - (1 << low)
        return bits

    def repeats(self) -> tuple[int, int]:
        if self.taken("?"):
            return 0, 1
        if not self.taken("{"):
            return 1, 1
        end = self.text.index("}", self.place)
        low, _, high = self.text[self.place : end].partition(",")
        self.place = end + 1
        return int(low), int(high or low)

    def taken(self, sign: str) -> bool:
        if self.text.startswith(sign, self.place):
            self.place += len(sign)
            return True
        return False


def _automaton(tagged: list[tuple[Any, str]]) -> tuple[npt.NDArray[np.int32], list[frozenset[Any]]]:
    """Give a deterministic automaton and, for each state, the patterns that end there."""
    network, tags = _Network(), dict[int, Any]()
    start = network.state()
    for tag, text in tagged:
        begin = network.state()
        network.free[start].append(begin)
        pattern = _Pattern(text, network)
        tags[pattern.alternatives(begin)] = tag
        assert pattern.place == len(text), text
    closed = [network.closure([state]) for state in range(len(network.free))]
    # Of a set of states, only those matter that a digit leaves or that a pattern ends in.
    telling = [frozenset(s for s in each if network.by[s][0] or s in tags) for each in closed]
    known = {telling[start]: 0, frozenset[int](): 1}
    order, steps = [telling[start], frozenset[int]()], list[list[int]]()
    for states in order:
        to: list[set[int]] = [set() for _ in range(10)]
        for state in states:
            bits, after = network.by[state]
            if bits:
                for digit in range(10):
                    if bits >> digit & 1:
                        to[digit] |= telling[after]
        row = []
        for each in map(frozenset, to):
            if each not in known:
                known[each] = len(order)
                order.append(each)
            row.append(known[each])
        steps.append(row)
    return np.array(steps, np.int32), [
        frozenset(tags[s] for s in states if s in tags) for states in order
    ]
