"""Asking about pairs of twins, and choosing whom to ask about next."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from paribus._seeds import generator
from paribus.answers import Answers
from paribus.errors import ModelError
from paribus.executors.base import Executor
from paribus.probe._ask import ask
from paribus.probe.base import Model, Probe, outcome_of
from paribus.studies._candidates import Candidates, Space, together
from paribus.twins import Contrast, Twins, pair

_FIRST = 200
"""Pairs asked at random before the first forest; of small budgets, a quarter."""

_BATCH = 100
_EXPLORED = 10
"""Pairs of each batch that are drawn at random."""

_REAL = 3_000
"""Rows among which a batch is chosen, beside mutations."""

_MUTATIONS = ((1_500, 2, 0.1), (500, 1, 0.03))
"""How many, columns changed at most, and how far as a share of the spread."""

_PARENTS = 100
_TREES = 30

Floats = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]


# --- asking ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Said:
    """The answers about some pairs of one contrast."""

    people: Candidates
    reference: Floats
    group: Floats
    told: Truths
    """Whether both answered."""
    flip: Truths
    scores: Floats
    """Of a classifier, for both twins, shape (n, 2); NaN where it was not asked for any."""
    answers: Answers | None
    """None where the model could not answer about any of them."""

    @classmethod
    def unusable(cls, people: Candidates) -> Said:
        """Note pairs that the model could not be asked about."""
        gone, no = np.zeros(len(people)), np.zeros(len(people), bool)
        return cls(people, gone, gone, no, no, np.full((len(people), 2), np.nan), None)


class Asking:
    """Puts pairs of twins to one model, and keeps what it said.

    Parameters
    ----------
    probe : Probe
    model : Model
        The probe, opened.
    space : Space
    tolerance : float
        The largest gap that counts as equal; for outcomes that measure and do not decide.
    executor : Executor
    scores : bool
        Whether to ask a classifier for its scores as well. They guide, and never count.
    """

    def __init__(
        self,
        probe: Probe,
        model: Model,
        space: Space,
        tolerance: float,
        executor: Executor,
        *,
        scores: bool,
    ) -> None:
        # A model that does not repeat itself need not be asked everything twice: nothing is judged.
        self.probe = probe.model_copy(update={"times": 1}) if probe.times == "auto" else probe
        self.model = model
        self.space = space
        self.tolerance = tolerance
        self.executor = executor
        self.outcome = outcome_of(probe, model)
        self.scoring = _scoring(self.probe, model, self.outcome) if scores else None
        self.said: list[Said] = []
        self.repeatable = True

    @property
    def asked(self) -> int:
        """Pairs asked so far."""
        return sum(len(said.people) for said in self.said)

    @property
    def people(self) -> Candidates:
        """All pairs asked so far."""
        none = self.space.candidates(np.empty(0, np.intp), np.empty(0, np.intp))
        return together([none, *(said.people for said in self.said)])

    @property
    def told(self) -> Truths:
        """Which of all pairs were answered, shape (asked,)."""
        return np.concatenate([np.empty(0, bool), *(said.told for said in self.said)])

    @property
    def sides(self) -> Floats:
        """All answers, of the reference and of the group twin, shape (asked, 2)."""
        both = (np.column_stack([said.reference, said.group]) for said in self.said)
        return np.concatenate([np.empty((0, 2)), *both])

    @property
    def has_scores(self) -> bool:
        """Whether a margin has a size."""
        return self.outcome.measures or self.scoring is not None

    def ask(self, people: Candidates) -> None:
        """Ask about pairs, one call of the line for each contrast."""
        for c in np.unique(people.contrast):
            self._ask(people.take(people.contrast == c), self.space.contrasts[c])

    def _ask(self, people: Candidates, contrast: Contrast) -> None:
        twins = pair(self.space.people(people, self.asked), [contrast])
        try:
            # Whether the model repeats itself is found out with the first pairs, and then known.
            known = self.repeatable if self.said else None
            answers = ask(self.probe, self.model, twins, self.executor, steady=known)
        except ModelError:
            if not any(said.answers for said in self.said):
                raise
            # It has answered before: these it cannot answer, or one of them spoils the rest.
            if len(people) == 1:
                self.said.append(Said.unusable(people))
                return
            for half in np.array_split(np.arange(len(people)), 2):
                self._ask(people.take(half), contrast)
            return
        self.repeatable &= answers.repeatable is not False
        if not self.outcome.labels and answers.outcome.labels:
            # From now on a few people need not show both labels for a decision to be told.
            self.outcome = answers.outcome
            told_by = {"outcome": self.outcome.kind, "labels": self.outcome.labels}
            self.probe = self.probe.model_copy(update=told_by)
        reference, group = (answers.values(v) for v in (contrast.reference, contrast.group))
        told = answers.answered(contrast.reference) & answers.answered(contrast.group)
        flip = told & self._differ(reference, group)
        sides = reference.astype(np.float64), group.astype(np.float64)
        self.said.append(Said(people, *sides, told, flip, self._scores(twins, contrast), answers))

    def _differ(self, reference: npt.NDArray[Any], group: npt.NDArray[Any]) -> Truths:
        if self.outcome.decides:
            return np.asarray(self.outcome.favors(reference) != self.outcome.favors(group))
        if self.outcome.measures:
            return np.asarray(np.abs(group - reference) > self.tolerance)
        return np.asarray(reference != group)

    def _scores(self, twins: Twins, contrast: Contrast) -> Floats:
        if self.scoring is not None:
            try:
                answers = ask(self.scoring, self.model, twins, self.executor, steady=True)
            except ModelError:
                self.scoring = None
            else:
                sides = [answers.values(v) for v in (contrast.reference, contrast.group)]
                told = [answers.answered(v) for v in (contrast.reference, contrast.group)]
                return np.where(told[0] & told[1], np.array(sides), np.nan).T
        return np.full((twins.people.size, 2), np.nan)

    def margins(self) -> Floats:
        """Give by how much each pair is a flip, shape (asked,); negative or 0 where it is none.

        Where scores s1 and s0 turn into decisions at a threshold t, it is
        ``min(max(s1, s0) - t, t - min(s1, s0))``; of amounts without a threshold, the size of the
        gap minus the tolerance; of mere decisions 1 or -1.
        """
        flip = np.concatenate([np.empty(0, bool), *(said.flip for said in self.said)])
        outcome, sides = self.outcome, self.sides
        if outcome.measures and not outcome.decides:
            margins = np.abs(sides[:, 1] - sides[:, 0]) - self.tolerance
        elif outcome.measures:
            assert outcome.threshold is not None
            margins = _straddle(sides, outcome.threshold)
        elif self.scoring is not None and len(sides):
            scores = np.concatenate([said.scores for said in self.said])
            turn = _turn(scores, outcome.favors(sides.astype(np.intp)) & self.told[:, None])
            margins = np.nan_to_num(_straddle(scores, turn), nan=-1.0)
        else:
            margins = np.where(flip, 1.0, -1.0)
        # What counts is what the model says: a score may round, or not be what it decides by.
        return np.where(flip, np.maximum(margins, 1e-12), np.minimum(margins, 0.0))


def _scoring(probe: Probe, model: Model, outcome: Any) -> Probe | None:
    """Declare the scores of a model that is a classifier and has any."""
    if outcome.measures or len(outcome.favorable) != 1:
        return None
    if model.classes is None or model.probabilities is None:
        return None
    as_score = {"outcome": "score", "favorable": outcome.favorable[0], "labels": None}
    return probe.model_copy(update=as_score)


def _straddle(scores: Floats, threshold: float) -> Floats:
    above, below = scores.max(axis=1) - threshold, threshold - scores.min(axis=1)
    return np.asarray(np.minimum(above, below))


def _turn(scores: Floats, favored: Truths) -> float:
    """Give the score at which decisions turn: one half, unless decisions so far say otherwise."""
    known = ~np.isnan(scores)
    below = scores[known & ~favored].max(initial=0.0)
    above = scores[known & favored].min(initial=1.0)
    return float(np.clip(0.5, below, above)) if below <= above else 0.5


# --- the search -----------------------------------------------------------------------------------


def guided(asking: Asking, pairs: int, *, rows_only: bool, seed: int) -> None:
    """Ask about at most so many pairs: at random first, then where flips are expected."""
    space = asking.space
    rows = space.dealt(generator(seed, "search/dealt", 0))
    if not len(rows):
        return
    keys = space.keys(rows)
    asking.ask(rows.take(np.arange(min(_FIRST, -(-pairs // 4), len(rows)))))
    for batch in count():
        wanted = min(_BATCH, pairs - asking.asked)
        if wanted <= 0:
            return
        rng = generator(seed, "search/batch", batch)
        known = set(space.keys(asking.people))
        still = np.flatnonzero([key not in known for key in keys])
        explored = rows.take(still[: -(-wanted * _EXPLORED // _BATCH)])
        still = still[len(explored) :]
        pool = [rows.take(still if rows_only else rng.permutation(still)[:_REAL])]
        if not rows_only:
            best = _best(asking, rng)
            pool += [space.mutated(rng, best, *how) for how in _MUTATIONS]
        fresh = _new(space, together(pool), known.union(space.keys(explored)))
        if not len(fresh) + len(explored):
            return
        expected = _expected(asking, fresh, int(rng.integers(2**31)))
        chosen = _promising(expected, fresh.contrast, wanted - len(explored))
        asking.ask(together([explored, fresh.take(chosen)]))


def _new(space: Space, people: Candidates, known: set[bytes]) -> Candidates:
    """Leave out what was asked, and what is there twice."""
    first: dict[bytes, int] = {}
    for at, key in enumerate(space.keys(people)):
        if key not in known:
            first.setdefault(key, at)
    return people.take(np.fromiter(first.values(), np.intp, len(first)))


def _best(asking: Asking, rng: np.random.Generator) -> Candidates:
    """Give the most extreme pairs of each contrast so far: those worth changing a little."""
    # In random order first: of mere decisions, all flips are equally extreme.
    told = rng.permutation(np.flatnonzero(asking.told))
    order = told[np.argsort(-asking.margins()[told], kind="stable")]
    people = asking.people.take(order)
    each = -(-_PARENTS // len(asking.space.contrasts))
    return people.take(np.flatnonzero(places(people.contrast) < each))


def _promising(expected: Floats, contrast: npt.NDArray[np.intp], wanted: int) -> Any:
    """Choose half of the places for the best of each contrast, the rest for the best of all.

    A contrast in which flips are harder to find would otherwise hardly be asked about.
    """
    order = np.argsort(-expected, kind="stable")
    each = wanted // (2 * len(np.unique(contrast))) if len(contrast) else 0
    own = places(contrast[order]) < each
    return np.concatenate([order[own], order[~own]])[:wanted]


def places(contrast: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Count for each entry how many of the same contrast come before it."""
    out = np.empty(len(contrast), np.intp)
    for c in np.unique(contrast):
        here = np.flatnonzero(contrast == c)
        out[here] = np.arange(len(here))
    return out


def _expected(asking: Asking, people: Candidates, seed: int) -> Floats:
    """Let a forest say how promising candidates are, shape (n,)."""
    from sklearn.ensemble import RandomForestRegressor

    told = asking.told
    if not len(people) or not told.any():
        return np.zeros(len(people))
    past, margins = asking.people.take(told), asking.margins()[told]
    decided = asking.outcome.decides and not asking.has_scores
    if decided:
        favored = asking.outcome.favors(asking.sides[told].astype(np.intp))
        target = np.column_stack([favored, margins > 0]).astype(np.float64)
    else:
        # Splits compare squares, and those of the largest answers would be all that counts.
        target = margins / max(float(np.abs(margins).max()), 1e-100)
    forest = RandomForestRegressor(
        _TREES, min_samples_leaf=2, max_features=0.6, n_jobs=1, random_state=seed
    )
    forest.fit(asking.space.features(past), target)
    said = np.asarray(forest.predict(asking.space.features(people)))
    if not decided:
        return said
    # Flips lie where decisions turn: where the trees do not agree.
    return np.asarray(said[:, 2] - np.abs(said[:, 0] + said[:, 1] - 1.0) / 2)
