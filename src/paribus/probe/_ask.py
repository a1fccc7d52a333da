"""Asking: the only stage that costs money. Each distinct question is put to the model once."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from paribus._seeds import BLOCK
from paribus.answers import Answers, BlockAnswers, Tallying
from paribus.errors import ModelError, ParibusError, SpecError, nearest, reason
from paribus.executors.base import Executor
from paribus.outcomes import FAILED, FAVORABLE, REFUSED, Outcome
from paribus.people.population import People
from paribus.probe.base import Missing, Model, Probe, Values, outcome_of, read, way_of_asking
from paribus.table import Coded, Column, FrameKind, Plain, Scalar, concat, matrix, to_frame
from paribus.twins import TwinBlock, Twins

_TABLE = 1 << 22
"""Distinct questions that a table of known answers may hold."""

_CALL = 2 * BLOCK
"""People in one call, at most: a call has a cost of its own, and more gain nothing."""

_SAMPLE = 256
"""People who are asked twice beforehand, to learn whether the model repeats itself."""

_FIRST_RUN = 32
"""People asked before it is first weighed whether to stop early; later runs are an eighth of all so
far, so that no more than that is asked in vain."""

_FEW = 8

_REASONS = 1_000
"""Reasons that are told apart; a message that names its row would otherwise fill the memory."""

Selection = npt.NDArray[np.intp] | None
Segment = tuple[int, Selection]
"""A version's number, and which of its people are asked about; all where None."""


Watch = Callable[[BlockAnswers, bool], bool]
"""Sees each run of people in order, and whether the model repeats itself; says when to stop."""


def ask(
    probe: Probe, model: Model, twins: Twins, executor: Executor, watch: Watch | None = None
) -> Answers:
    """Ask a model about every distinct version of every person.

    A model that does not repeat itself is asked everything twice, each person and each version for
    itself, unless the probe says otherwise.

    Parameters
    ----------
    probe : Probe
    model : Model
        The probe, opened.
    twins : Twins
    executor : Executor
        Maps the work over blocks of people.
    watch : callable, optional
        Told of each run of people in order, it says when enough of them were asked. What it is
        told depends on nothing but the people and the model.

    Raises
    ------
    SpecError
        Where the model wants columns that nobody declares.
    ModelError
        Where the model refuses every question, or its answers mean nothing.
    """
    outcome = outcome_of(probe, model)
    features = features_of(probe, model, twins)
    _check_attributes(twins.people, features)
    asking = _Asking(probe, model, twins, outcome, features)
    steady = asking.repeats_itself()
    asking.twice = probe.times == 2 or (probe.times == "auto" and not steady and watch is None)
    summed = asking.everybody(executor, steady, watch)
    if steady and not asking.repeats_its_flips(summed):
        steady = False
        if probe.times == "auto" and watch is None:
            asking.twice = True
            summed = asking.everybody(executor, steady, watch)
    answers = summed.answers(
        seen=_described(model, twins.people, features),
        repeatable=steady,
        frame=asking.kind,
        exhaustive=twins.people.census is not None,
    )
    if answers.statuses[0] == 0:
        why = next(iter(answers.reasons), "every answer was a refusal or not a number")
        raise ModelError(f"the model answered not a single question ({why})", path="$.model")
    _check_favorable(outcome, answers)
    return answers


def _runs(people: int, early: bool) -> list[tuple[int, int]]:
    """Deal people to runs, each from its first person to that after its last.

    The runs depend on nothing but the number of people: whoever asks, and however often it was
    interrupted, weighs the same people at the same time.
    """
    if not early:
        return [(start, min(start + BLOCK, people)) for start in range(0, people, BLOCK)]
    runs: list[tuple[int, int]] = []
    start = 0
    while start < people:
        end_of_block = (start // BLOCK + 1) * BLOCK
        stop = min(start + max(_FIRST_RUN, start // 8), end_of_block, people)
        runs.append((start, stop))
        start = stop
    return runs


def features_of(probe: Probe, model: Model, twins: Twins) -> tuple[str, ...]:
    """Decide which columns the model sees, in its order.

    Raises
    ------
    SpecError
        Where the model wants a column that nobody declares, or does not say which it wants.
    """
    people = twins.people
    wanted = probe.features or model.features
    if wanted and model.features and set(wanted) == set(model.features):
        # The model knows its own order best.
        wanted = model.features
    if wanted is None:
        if model.sees_everything:
            # What some version lacks (a level that the data do not know) nobody is asked about.
            known = [set(twins.people.names_in(version.moves)) for version in twins.versions]
            return tuple(name for name in people.names if all(name in names for names in known))
        width = "" if model.width is None else f"{model.width} "
        raise SpecError(
            f"the model wants {width}columns and does not name them; declare features = [...] in "
            "the order in which it was fitted",
            path="$.model.features",
        )
    for name in wanted:
        if name not in people.names:
            raise SpecError(
                f'the model wants the column "{name}", which nobody declares'
                f"{nearest(name, people.names)}",
                path="$.model.features" if probe.features else f"$.fields.{name}",
            )
    if model.width is not None and len(wanted) != model.width:
        raise SpecError(
            f"{len(wanted)} features are declared and the model was fitted on {model.width}",
            path="$.model.features",
        )
    return tuple(wanted)


def _described(model: Model, people: People, features: tuple[str, ...]) -> tuple[str, ...]:
    """List what is known of people beside their answers, where these are part of the data."""
    if not model.hidden:
        return features
    return tuple(name for name in people.names if name not in model.hidden)


def _check_attributes(people: People, features: Sequence[str]) -> None:
    """Refuse an attribute that exists nowhere: misspelled, its twins would never differ.

    Raises
    ------
    SpecError
        Where real rows have no such column, nothing follows it, and the model sees no such column
        (or, seeing whatever there is, probably means one of nearly the same name).
    """
    if people.rows is None:
        return
    for name in people.protect:
        if name in people.rows.names or people.closure(name) != (name,):
            continue
        near = nearest(name, people.rows.names)
        if name not in features or "did you mean" in near:
            raise SpecError(
                f"the data have no such column, and no field follows it{near}",
                path=f"$.protect.{name}",
            )


def _check_decisions(outcome: Outcome, unfavorable: frozenset[Scalar]) -> None:
    if outcome.kind == "decision" and len(unfavorable) > 1:
        said = ", ".join(sorted(f'"{label}"' for label in unfavorable)[:5])
        raise ModelError(
            f'beside "{outcome.favorable[0]}" the model answered {said}; a decision has two: '
            'use outcome = "label" with labels = [...], or correct the favorable one',
            path="$.model.favorable",
        )


def _check_favorable(outcome: Outcome, answers: Answers) -> None:
    """Refuse a favorable label that nobody was ever given: misspelled, it would hide every gap."""
    if outcome.kind != "decision" or outcome.labels or not answers.outcome.labels:
        return
    favorable, other = answers.outcome.labels
    tallies = answers.tallies.values()
    given = any(t.cells[FAVORABLE].any() or t.cells[:, FAVORABLE].any() for t in tallies)
    if not given and {favorable, other} != {0, 1}:
        raise ModelError(
            f'the model never answered "{favorable}", only "{other}"{nearest(favorable, [other])}; '
            "if that is right, name both in labels = [...]",
            path="$.model.favorable",
        )


class _Asking:
    """One model, one set of twins: puts blocks of questions."""

    def __init__(
        self, probe: Probe, model: Model, twins: Twins, outcome: Outcome, features: tuple[str, ...]
    ) -> None:
        self.twins = twins
        self.outcome = outcome
        self.features = features
        self.model = model
        self.put = way_of_asking(model, outcome)
        rows = twins.people.rows
        self.like = None if rows is None else rows.table
        by_itself: FrameKind = "pandas" if rows is None else rows.table.kind
        self.kind: FrameKind = by_itself
        # Fitted models know pandas and polars frames; a plain function is handed what its data are.
        usual = "pandas" if by_itself == "pyarrow" and not model.sees_everything else by_itself
        self.handed: FrameKind = probe.frame or model.frame or usual
        self.heard = False
        self._lock = threading.Lock()
        self._codes = {"no answer": REFUSED, "not a number": FAILED}
        self.sample = twins.block(0, _SAMPLE)
        self.known = _Known.of(self, probe.repeats)
        self.twice = False
        """Whether everything is asked twice, of each person and each version for itself."""

    # --- runs of people ---------------------------------------------------------------------------

    def everybody(self, executor: Executor, steady: bool, watch: Watch | None) -> Tallying:
        """Ask one run of people after the other, until all or enough of them have answered."""
        summed = Tallying(self.twins, self.outcome)
        runs = _runs(len(self.twins.people), watch is not None)
        for answers in executor.map(lambda i: self.run(*runs[i]), range(len(runs))):
            summed.add(answers)
            _check_decisions(self.outcome, summed.unfavorable)
            if watch is not None and watch(answers, steady):
                break
        return summed

    def run(self, start: int, stop: int) -> BlockAnswers:
        """Ask about all versions of a run of people of the same block."""
        index, skip = divmod(start, BLOCK)
        twins = self.twins.block(index, stop - index * BLOCK, skip)
        answers = self._answers(twins)
        if self.twice:
            answers = replace(answers, again=self._answers(twins))
        return answers

    def _answers(self, twins: TwinBlock) -> BlockAnswers:
        heard = _Heard()
        if not self.twice and self.known is not None and self.known.fits(self, twins):
            values, missing = self._through_table(twins, heard)
        else:
            values, missing = self._each_distinct(twins, heard)
        return BlockAnswers(
            start=twins.start,
            values=tuple(values),
            missing=tuple(
                None if gone is None else np.minimum(gone, FAILED).astype(np.int8)
                for gone in missing
            ),
            reasons=self._why(missing),
            unfavorable=heard.unfavorable,
            questions=heard.questions,
            weights=twins.weights(),
        )

    def _why(self, missing: Sequence[Missing]) -> dict[str, int]:
        """Count the reasons of all versions that are missing, whoever was asked in their place."""
        counts: Counter[int] = Counter()
        for gone in missing:
            if gone is not None:
                counts.update(dict(zip(*np.unique(gone, return_counts=True), strict=True)))
        with self._lock:
            texts = {code: text for text, code in self._codes.items()}
        return {texts[int(code)]: int(n) for code, n in counts.items() if code}

    def _code(self, error: BaseException) -> int:
        """Give a reason its number: what is missing for this reason has this number."""
        with self._lock:
            text = reason(error) if len(self._codes) < _REASONS else "other reasons"
            return self._codes.setdefault(text, FAILED + len(self._codes) - 1)

    def _each_distinct(self, twins: TwinBlock, heard: _Heard) -> tuple[list[Values], list[Missing]]:
        # Of a model that does not repeat itself, answers that are shared would be noise that is.
        alone = [np.asarray(number) for number in range(len(self.twins.versions))]
        firsts = alone if self.twice else twins.distinct(self.features)
        segments: list[Segment] = []
        for number, first in enumerate(firsts):
            if first.ndim == 0:
                if int(first) == number:
                    segments.append((number, None))
            elif (first == number).any():
                segments.append((number, np.flatnonzero(first == number)))
        said = self._ask_segments(twins, segments, heard)
        values: list[Values] = []
        missing: list[Missing] = []
        for first in firsts:
            v, m = _gathered(first, said, len(twins))
            values.append(v)
            missing.append(m)
        return values, missing

    def _ask_segments(
        self, twins: TwinBlock, segments: Sequence[Segment], heard: _Heard
    ) -> dict[int, tuple[Selection, Values, Missing]]:
        """Ask about all segments, several in one call where they are few enough people."""
        columns = [self._columns(twins, segment) for segment in segments]
        lengths = [len(next(iter(c.values()))) for c in columns]
        out: dict[int, tuple[Selection, Values, Missing]] = {}
        for batch in _batches(lengths):
            values, missing = self._call([columns[i] for i in batch], heard)
            at = 0
            for i in batch:
                stop = at + lengths[i]
                number, chosen = segments[i]
                out[number] = (
                    chosen,
                    values[at:stop],
                    None if missing is None else missing[at:stop],
                )
                at = stop
        return out

    def _columns(self, twins: TwinBlock, segment: Segment) -> dict[str, Column]:
        number, chosen = segment
        columns = twins.columns(self.twins.versions[number], self.features)
        if chosen is None:
            return columns
        return {name: column.take(chosen) for name, column in columns.items()}

    def _through_table(self, twins: TwinBlock, heard: _Heard) -> tuple[list[Values], list[Missing]]:
        """Look answers up in the table of known ones, after asking for those that it lacks."""
        known = self.known
        assert known is not None
        columns = [twins.columns(version, self.features) for version in self.twins.versions]
        keys = [known.keys(c) for c in columns]
        for c, key in zip(columns, keys, strict=True):
            # One block at a time, or two would put the same question.
            with known.lock:
                new = np.flatnonzero(known.status[key] < 0)
                if len(new):
                    distinct, first = np.unique(key[new], return_index=True)
                    chosen = {name: column.take(new[first]) for name, column in c.items()}
                    values, missing = self._call([chosen], heard)
                    known.learn(distinct, values, missing)
        values_of = [known.values[key] for key in keys]
        statuses = [known.status[key] for key in keys]
        return values_of, [s if s.any() else None for s in statuses]

    # --- calls ------------------------------------------------------------------------------------

    def _call(
        self, columns: Sequence[Mapping[str, Column]], heard: _Heard
    ) -> tuple[Values, Missing]:
        people = sum(len(next(iter(c.values()))) for c in columns)
        heard.questions += people
        return self._put(partial(self._frame, columns, people), people, heard)

    def _frame(self, columns: Sequence[Mapping[str, Column]], people: int) -> Any:
        if self.handed == "numpy":
            return matrix(columns, people, self.model.precision)
        merged = {name: concat([c[name] for c in columns]) for name in self.features}
        return to_frame(merged, self.handed, self.like)

    def _put(self, make: Callable[[], Any], people: int, heard: _Heard) -> tuple[Values, Missing]:
        """Put questions; where the model raises, find those that it raises on, by halves."""
        try:
            said = self.put(make())
        except ParibusError:
            raise
        except (Exception, SystemExit) as error:
            # Made anew: the model may have written into its frame before it raised.
            questions = make()
            if not self.heard:
                self._refuses_everything(questions, people, error)
            if people == 1:
                return np.zeros(1, self._value_type), np.full(1, self._code(error), np.int32)
            # Where failures are many, halves of a few people fail too: one by one is cheaper.
            half = people // 2 if people > _FEW else 1
            parts = [
                self._put(partial(_slice, questions, 0, half), half, heard),
                self._put(partial(_slice, questions, half, people), people - half, heard),
            ]
            return _joined(parts)
        values, missing, unfavorable = read(self.outcome, said, people)
        self.heard = True
        heard.unfavorable |= unfavorable
        return values, missing

    @property
    def _value_type(self) -> type[np.generic]:
        if self.outcome.measures:
            return np.float64
        return np.int8 if self.outcome.kind == "decision" else np.int16

    def _refuses_everything(self, questions: Any, people: int, error: BaseException) -> None:
        """Raise where the model has never answered and raises on single people too."""
        for at in {0, people // 3, 2 * people // 3, people - 1}:
            try:
                self.put(_slice(questions, at, at + 1))
            except (Exception, SystemExit):  # noqa: S112 - the first error is the one to tell
                continue
            self.heard = True
            return
        wanted = ", ".join(self.features[:8]) + (" ..." if len(self.features) > 8 else "")
        raise ModelError(
            f"the model refuses every question ({reason(error)}); it was handed a {self.handed} "
            f"frame with the columns {wanted}",
            path="$.model",
        ) from error

    def repeats_itself(self) -> bool:
        """Ask about some people twice, and compare what the model says."""
        people = np.arange(min(len(self.sample), max(_FIRST_RUN, len(self.twins.people) // 8)))
        last = len(self.twins.versions) - 1
        # Noise may come with one version only.
        halves = [(place, people[place > 0 :: 2]) for place in {0, last}]
        asked = [(place, at) for place, at in halves if len(at)]
        columns = [self._columns(self.sample, each) for each in asked]
        try:
            return _alike(self._call(columns, _Heard()), self._call(columns, _Heard()))
        except ModelError:
            # Asked about everybody it may answer some, or the error is told with their number.
            return True

    def repeats_its_flips(self, summed: Tallying) -> bool:
        """Ask those again whose twins were answered otherwise, and compare.

        Noise that is too rare to show among a few people is what makes the flips of a fair model.
        """
        first = summed.first_run()
        people, places = [], []
        budget = max(4, _SAMPLE // (2 * len(self.twins.contrasts)))
        for contrast in self.twins.contrasts:
            sides = [self.twins.place(v) for v in (contrast.reference, contrast.group)]
            reference, group = (first.values[i] for i in sides)
            differ = np.flatnonzero(reference[:_SAMPLE] != group[:_SAMPLE])
            if len(differ) < _FEW:
                differ = np.flatnonzero(reference != group)
            people += [differ[:budget]] * 2
            places += sides
        asked = [(place, at) for place, at in zip(places, people, strict=True) if len(at)]
        if not asked:
            return True
        last = max(int(at.max()) for _, at in asked)
        twins = self.sample if last < _SAMPLE else self.twins.block(0, last + 1)
        said = self._call([self._columns(twins, each) for each in asked], _Heard())
        before = np.concatenate([first.values[place][at] for place, at in asked])
        gone = [first.missing[place] for place, _ in asked]
        ok = [_told(m, at) for m, (_, at) in zip(gone, asked, strict=True)]
        return _alike((before, np.where(np.concatenate(ok), 0, FAILED)), said)


def _alike(one: tuple[Values, Missing], other: tuple[Values, Missing]) -> bool:
    """Tell whether the same questions were answered the same way."""
    told = [_told(missing, np.arange(len(values))) for values, missing in (one, other)]
    both = told[0] & told[1]
    # Sums may round otherwise in a batch of another size; that is no change of mind.
    same = np.isclose(one[0][both], other[0][both], rtol=1e-6, atol=1e-9)
    return bool(same.all() and (told[0] == told[1]).all())


def _told(missing: Missing, at: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    return np.ones(len(at), bool) if missing is None else np.asarray(missing[at] == 0)


@dataclass
class _Heard:
    """What came back beside values, for one block."""

    unfavorable: frozenset[Scalar] = frozenset()
    questions: int = 0


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Deal segments of these lengths to calls, in order."""
    out: list[list[int]] = []
    room = 0
    for i, length in enumerate(lengths):
        if not out or length > room:
            out.append([])
            room = _CALL
        out[-1].append(i)
        room -= length
    return out


def _slice(questions: Any, start: int, stop: int) -> Any:
    """Give some rows of a frame or matrix as a copy, which a model may write into."""
    if hasattr(questions, "iloc"):
        return questions.iloc[start:stop].copy()
    if hasattr(questions, "slice"):
        return questions.slice(start, stop - start)
    return questions[start:stop].copy()


def _joined(parts: Sequence[tuple[Values, Missing]]) -> tuple[Values, Missing]:
    values = np.concatenate([v for v, _ in parts])
    if all(m is None for _, m in parts):
        return values, None
    gone = [np.zeros(len(v), np.int32) if m is None else m for v, m in parts]
    return values, np.concatenate(gone)


def _gathered(
    first: npt.NDArray[Any],
    said: Mapping[int, tuple[Selection, Values, Missing]],
    people: int,
) -> tuple[Values, Missing]:
    """Collect a version's answers from the versions that were asked in its place."""
    if first.ndim == 0:
        _, values, missing = _spread(said[int(first)], people)
        return values, missing
    roots = [(int(r), *_spread(said[int(r)], people)[1:]) for r in np.unique(first)]
    out = np.empty(people, roots[0][1].dtype)
    gone = np.zeros(people, np.int32)
    for root, values, missing in roots:
        here = first == root
        out[here] = values[here]
        if missing is not None:
            gone[here] = missing[here]
    return out, gone if gone.any() else None


def _spread(said: tuple[Selection, Values, Missing], people: int) -> tuple[None, Values, Missing]:
    chosen, values, missing = said
    if chosen is None:
        return None, values, missing
    full = np.zeros(people, values.dtype)
    full[chosen] = values
    if missing is None:
        return None, full, None
    gone = np.zeros(people, np.int32)
    gone[chosen] = missing
    return None, full, gone


class _Known:
    """A table of every answer so far, for questions with few distinct forms.

    Each question is a number in mixed radix, one digit a column; looking an answer up costs a few
    nanoseconds, less than any model.
    """

    def __init__(self, digits: tuple[_Digit, ...], value_type: type[np.generic]) -> None:
        self.digits = digits
        total = int(np.prod([size for size, _, _ in digits], dtype=np.int64))
        self.values: Values = np.zeros(total, value_type)
        self.status = np.full(total, -1, np.int32)
        self.lock = threading.Lock()

    @classmethod
    def of(cls, asking: _Asking, repeats: str) -> _Known | None:
        """Make a table where it surely pays: where there are far more questions than forms."""
        if repeats == "ask" or not asking.features:
            return None
        digits = {
            tuple(map(_digit, asking.sample.columns(version, asking.features).values()))
            for version in asking.twins.versions
        }
        # In real rows a column may be coded in one version and the caller's own in another.
        first = tuple(digit for digit in digits.pop() if digit is not None)
        if digits or len(first) < len(asking.features):
            return None
        forms = math.prod(size for size, _, _ in first)
        questions = asking.twins.people.size * len(asking.twins.versions)
        if forms > _TABLE or (repeats == "auto" and forms > questions // 4):
            return None
        return cls(first, asking._value_type)

    def fits(self, asking: _Asking, twins: TwinBlock) -> bool:
        """Tell whether a block's columns have the pools and bounds that questions are numbered by.

        A pool may grow: where a value is missing for the first time, say.
        """
        return all(
            tuple(map(_digit, twins.columns(version, asking.features).values())) == self.digits
            for version in asking.twins.versions
        )

    def keys(self, columns: Mapping[str, Column]) -> npt.NDArray[np.int64]:
        """Give each question its number, shape (n,)."""
        out: Any = np.int64(0)
        for column, (size, low, _) in zip(columns.values(), self.digits, strict=True):
            whole = column.values if isinstance(column, Plain) else cast("Coded", column).codes
            digit: Any = whole - low if low else whole
            out = out * size + digit
        length = len(next(iter(columns.values())))
        return np.broadcast_to(np.asarray(out, dtype=np.int64), (length,))

    def learn(self, keys: npt.NDArray[np.int64], values: Values, missing: Missing) -> None:
        """Remember answers."""
        self.values[keys] = values
        self.status[keys] = 0 if missing is None else missing


_Digit = tuple[int, int, int]
"""How many values a column can have, its lowest number, and which pool it is from."""


def _digit(column: Column) -> _Digit | None:
    if isinstance(column, Coded):
        return len(column.pool), 0, id(column.pool)
    if isinstance(column, Plain) and column.domain is not None:
        low, high = column.domain
        return high - low + 1, low, 0
    return None
