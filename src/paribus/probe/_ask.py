"""Asking: the only stage that costs money. Each distinct question is put to the model once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from paribus._seeds import BLOCK
from paribus.answers import Answers, BlockAnswers, Tallying
from paribus.errors import ModelError, SpecError, nearest
from paribus.executors.base import Executor
from paribus.outcomes import FAILED, FAVORABLE, Outcome
from paribus.people.population import People
from paribus.probe._calls import (
    Calls,
    Heard,
    Segment,
    Selection,
    batches,
    either,
    gathered,
    reasons_of,
    statuses_of,
)
from paribus.probe._known import Known
from paribus.probe.base import Missing, Model, Probe, Values, outcome_of
from paribus.table import Column, FrameKind, Scalar
from paribus.twins import TwinBlock, Twins

_SAMPLE = 256
"""Questions that are put twice beforehand, to learn whether the model repeats itself: half of them
about people as the first version, half as the last. Fewer where everybody is asked for themselves:
an eighth of all people, or a first run."""

_FIRST_RUN = 32
"""People asked before it is first weighed whether to stop early; later runs are an eighth of all so
far, so that no more than that is asked in vain."""

_FEW = 8

Watch = Callable[[bool], Callable[[BlockAnswers], bool]]
"""Told whether the model repeats itself, begins to watch: sees each run of people in order, and
says when to stop."""


def ask(
    probe: Probe,
    model: Model,
    twins: Twins,
    executor: Executor,
    watch: Watch | None = None,
    *,
    instead: Twins | None = None,
    steady: bool | None = None,
) -> Answers:
    """Ask a model about every distinct version of every person.

    A few people are asked twice beforehand, and afterwards once more some whose twins were answered
    otherwise. A model that does not repeat itself is asked about each person and each version for
    itself: what looks the same to it is no longer asked once, or one answer's noise would be that
    of many. It is asked everything twice, unless the probe says otherwise or the audit may stop
    early.

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
    instead : Twins, optional
        Who is asked if the model does not repeat itself.
    steady : bool, optional
        Whether the model repeats itself, where that is known; else it is found out.

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
    summed = None
    asking.steady = asking.repeats_itself(early=watch is not None) if steady is None else steady
    if asking.steady:
        summed = asking.everybody(executor, watch)
        asking.steady = steady is not None or asking.repeats_its_flips(summed)
    if not asking.steady and instead is not None:
        asking, summed = _Asking(probe, model, instead, outcome, features), None
        asking.steady = False
    if summed is None or (not asking.steady and not asking.allows_for_noise(summed, watch)):
        summed = asking.everybody(executor, watch)
    answers = summed.answers(
        seen=_described(model, twins.people, features),
        repeatable=asking.steady,
        frame=asking.kind,
        exhaustive=asking.twins.people.census is not None,
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
        rows = twins.people.rows
        by_itself: FrameKind = "pandas" if rows is None else rows.table.kind
        self.kind: FrameKind = by_itself
        # Fitted models know pandas and polars frames; a plain function is handed what its data are.
        usual = "pandas" if by_itself == "pyarrow" and not model.sees_everything else by_itself
        handed: FrameKind = probe.frame or model.frame or usual
        self.calls = Calls(model, outcome, features, handed, None if rows is None else rows.table)
        self.times = probe.times
        self.sample = twins.block(0, _SAMPLE)
        self.known = Known.of(twins, self.sample, features, probe.repeats, self.calls.value_type)
        self.steady = True
        """Whether the model repeats itself, as far as that is known."""

    # --- runs of people ---------------------------------------------------------------------------

    def everybody(self, executor: Executor, watch: Watch | None) -> Tallying:
        """Ask one run of people after the other, until all or enough of them have answered."""
        summed = Tallying(self.twins, self.outcome)
        runs = _runs(len(self.twins.people), watch is not None)
        twice = self._twice(watch)
        enough = None if watch is None else watch(self.steady)
        for answers in executor.map(lambda i: self.run(*runs[i], twice), range(len(runs))):
            summed.add(answers)
            _check_decisions(self.outcome, summed.unfavorable)
            if enough is not None and enough(answers):
                break
        return summed

    def _twice(self, watch: Watch | None) -> bool:
        return self.times == 2 or (self.times == "auto" and not self.steady and watch is None)

    def allows_for_noise(self, summed: Tallying, watch: Watch | None) -> bool:
        """Tell whether everything was already asked as of a model that does not repeat itself."""
        return summed.each_asked and (summed.twice or not self._twice(watch))

    def run(self, start: int, stop: int, twice: bool) -> BlockAnswers:
        """Ask about all versions of a run of people of the same block."""
        index, skip = divmod(start, BLOCK)
        twins = self.twins.block(index, stop - index * BLOCK, skip)
        heard = Heard()
        alone = twice or not self.steady
        if not alone and self.known is not None and self.known.fits(twins, self.features):
            values, missing = self._through_table(self.known, twins, heard)
        else:
            values, missing = self._each_distinct(twins, heard, alone=alone)
        again, gone = None, missing
        if twice:
            second, unsaid = self._each_distinct(twins, heard, alone=True)
            again = BlockAnswers(twins.start, tuple(second), statuses_of(unsaid))
            gone = [either(one, other) for one, other in zip(missing, unsaid, strict=True)]
        return BlockAnswers(
            start=twins.start,
            values=tuple(values),
            missing=statuses_of(missing),
            reasons=reasons_of(gone, heard.codes),
            unfavorable=heard.unfavorable,
            questions=heard.questions,
            again=again,
            weights=twins.weights(),
        )

    def _each_distinct(
        self, twins: TwinBlock, heard: Heard, *, alone: bool
    ) -> tuple[list[Values], list[Missing]]:
        versions = range(len(self.twins.versions))
        firsts = [np.asarray(i) for i in versions] if alone else twins.distinct(self.features)
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
            v, m = gathered(first, said, len(twins))
            values.append(v)
            missing.append(m)
        return values, missing

    def _ask_segments(
        self, twins: TwinBlock, segments: Sequence[Segment], heard: Heard
    ) -> dict[int, tuple[Selection, Values, Missing]]:
        """Ask about all segments, several in one call where they are few enough people."""
        columns = [self._columns(twins, segment) for segment in segments]
        lengths = [len(next(iter(c.values()))) for c in columns]
        out: dict[int, tuple[Selection, Values, Missing]] = {}
        for batch in batches(lengths):
            values, missing = self.calls.call([columns[i] for i in batch], heard)
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

    def _through_table(
        self, known: Known, twins: TwinBlock, heard: Heard
    ) -> tuple[list[Values], list[Missing]]:
        """Look answers up in the table of known ones, after asking for those that it lacks."""
        columns = [twins.columns(version, self.features) for version in self.twins.versions]
        keys = [known.keys(c) for c in columns]
        for c, key in zip(columns, keys, strict=True):
            # One block at a time, or two would put the same question.
            with known.lock:
                new = np.flatnonzero(known.status[key] < 0)
                if len(new):
                    distinct, first = np.unique(key[new], return_index=True)
                    chosen = {name: column.take(new[first]) for name, column in c.items()}
                    here = Heard(codes=known.codes)
                    values, missing = self.calls.call([chosen], here)
                    known.learn(distinct, values, missing, here.unfavorable)
                    heard.questions += here.questions
        values_of = [known.values[key] for key in keys]
        statuses = [known.status[key] for key in keys]
        with known.lock:
            heard.codes = dict(known.codes)
            heard.unfavorable = frozenset().union(*map(known.unfavorable, keys))
        return values_of, [s if s.any() else None for s in statuses]

    # --- whether the model repeats itself ---------------------------------------------------------

    def repeats_itself(self, *, early: bool) -> bool:
        """Ask about some people twice, and compare what the model says.

        Parameters
        ----------
        early : bool
            Whether the audit may stop after a few people: then fewer are asked about twice.
        """
        everybody = len(self.twins.people)
        most = _FIRST_RUN if early else min(_SAMPLE, max(_FIRST_RUN, everybody // 8))
        people = np.arange(min(len(self.sample), most))
        if self.known is not None or self.twins.people.census is not None:
            # An answer that stands for many, or for everybody alike, must be no matter of chance.
            people = np.resize(np.arange(len(self.sample)), _SAMPLE)
        # Noise may come with one version only.
        halves = np.array_split(people, 2)
        asked = [(0, halves[0]), (len(self.twins.versions) - 1, halves[1])]
        columns = [self._columns(self.sample, each) for each in asked if len(each[1])]
        try:
            return _alike(self.calls.call(columns, Heard()), self.calls.call(columns, Heard()))
        except ModelError:
            # Asked about everybody it may answer some, or the error is told with their number.
            self._find_anybody()
            return True

    def _find_anybody(self) -> None:
        """Ask about single people from all over: whoever is asked first may be whom it fails on."""
        everybody = len(self.twins.people)
        for person in sorted({(everybody - 1) * i // _FEW for i in range(_FEW + 1)}):
            index, at = divmod(person, BLOCK)
            twins = self.twins.block(index, at + 1, at)
            try:
                self.calls.call([self._columns(twins, (0, None))], Heard())
            except ModelError:
                continue
            return

    def repeats_its_flips(self, summed: Tallying) -> bool:
        """Ask those again whose twins were answered otherwise, and compare.

        Noise that is too rare to show among a few people is what makes the flips of a fair model.
        """
        first = summed.first_block()
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
        said = self.calls.call([self._columns(twins, each) for each in asked], Heard())
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
