"""Leave out the protected attributes, what follows them, and every column that tells them.

A column tells an attribute where it alone predicts it: an encoder learns the share of each group
among people with the same value in one half of the rows, and the AUC on the other half is above
`strength`, and above chance by its interval too (the strength of ``proxies`` in
`paribus.evidence`). Columns that only together tell an attribute are not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import pydantic

from paribus import estimators
from paribus._plugins import Number
from paribus._text import name
from paribus.counting import Source
from paribus.errors import ModelError, SpecError, nearest
from paribus.evidence._strength import Strength
from paribus.evidence.proxies import strengths
from paribus.mitigation.base import Mended, Mitigation, Stage, Training
from paribus.observed import Observed
from paribus.roles import Roles

_CONFIDENCE = 0.95


class DropProxies(Mitigation):
    """Leave out what follows a protected attribute, and the columns that stand for one."""

    kind: Literal["drop_proxies"] = "drop_proxies"
    stage: ClassVar[Stage] = "features"
    columns: tuple[str, ...] | None = None
    """Columns that stand for an attribute; found by themselves where left out."""
    strength: Number = pydantic.Field(default=0.6, ge=0.5, lt=1)
    """AUC up to which a column is no proxy, of those found by themselves; 0.5 is chance."""
    keep: tuple[str, ...] = ()
    """Columns that may not be dropped, such as those that the job requires."""

    def mend(self, training: Training) -> Mended:
        self._check(training)
        told = {each: _told(training, each) for each in training.attributes}
        best = _best({attribute: found for attribute, found in told.items() if found is not None})
        follows = {each for each in training.features if each in training.closure}
        proxies = set(self.columns) if self.columns is not None else self._found(best)
        dropped = [each for each in training.features if each in (follows | proxies)]
        kept = [each for each in dropped if each in self.keep]
        dropped = [each for each in dropped if each not in self.keep]
        if not dropped:
            raise ModelError(self._nothing(kept))
        if len(dropped) == len(training.features):
            raise ModelError(
                "every column that the model sees tells a protected attribute, and none would be "
                "left to decide by; name those that it needs in keep, or raise strength"
            )
        model = estimators.Without(
            training.estimator, dropped, features=list(training.features),
            favorable=training.favorable, matrix=training.matrix,
        )  # fmt: skip
        model.fit(training.frame, training.label, training.weight)
        silent = [attribute for attribute, found in told.items() if found is None]
        return Mended(model, _notes(training, dropped, kept, silent, best))

    def _check(self, training: Training) -> None:
        for option, columns in (("columns", self.columns or ()), ("keep", self.keep)):
            for i, each in enumerate(columns):
                if each not in training.features:
                    raise SpecError(
                        f'"{each}" is no feature of the model{nearest(each, training.features)}',
                        path=f"$.{option}[{i}]",
                    )
        both = set(self.columns or ()) & set(self.keep)
        if both:
            raise SpecError(f'"{min(both)}" is both to be kept and to be dropped', path="$.keep")

    def _found(self, best: Mapping[str, _Told]) -> set[str]:
        return {each for each, told in best.items() if told.area > self.strength and told.sure}

    def _nothing(self, kept: list[str]) -> str:
        if kept:
            listed = ", ".join(name(each) for each in kept)
            return f"{listed} must be kept, so there is nothing to drop"
        return (
            "the model sees neither the protected attributes nor what follows them, and "
            + (
                f"no column alone tells one with an AUC above {self.strength:g}"
                if self.columns is None
                else "no column is declared to stand for one"
            )
            + ", so there is nothing to drop"
        )


# --- strength -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Told:
    """How well a column alone tells an attribute."""

    attribute: str
    area: float
    sure: bool
    """Whether it does so better than chance, by the interval of the area."""

    @classmethod
    def of(cls, attribute: str, found: Strength) -> _Told:
        low, _ = found.interval(_CONFIDENCE)
        return cls(attribute, found.estimate, low > 0.5)


def _told(training: Training, attribute: str) -> dict[str, Strength] | None:
    """Measure each column; None where there are too few people of two groups."""
    roles = Roles(by=(attribute,), features=training.features)
    observed = Observed.of(Source.of(training.frame), roles, training.seed)
    return strengths(observed, attribute)


def _best(told: Mapping[str, Mapping[str, Strength]]) -> dict[str, _Told]:
    """Choose for each column the attribute that it tells best."""
    best: dict[str, _Told] = {}
    for attribute, columns in told.items():
        for column, found in columns.items():
            mine = _Told.of(attribute, found)
            known = best.get(column)
            if known is None or (mine.sure, mine.area) > (known.sure, known.area):
                best[column] = mine
    return best


# --- notes ----------------------------------------------------------------------------------------


def _notes(
    training: Training,
    dropped: list[str],
    kept: list[str],
    silent: list[str],
    best: Mapping[str, _Told],
) -> tuple[str, ...]:
    listed = "; ".join(_described(training, each, best) for each in dropped)
    notes = [f"The model no longer looks at {listed}."]
    if kept:
        listed = "; ".join(_described(training, each, best) for each in kept)
        notes.append(f"Kept as declared: {listed}.")
    if silent:
        listed = ", ".join(name(each) for each in silent)
        notes.append(
            f"There are too few people of two groups of {listed} to say what stands for it."
        )
    if best:
        notes.append(
            "AUC says how well a column alone tells an attribute, in rows that were not learned "
            "from; 0.5 is chance. What columns tell only together is still used."
        )
    return tuple(notes)


def _described(training: Training, column: str, best: Mapping[str, _Told]) -> str:
    followed = sorted(training.people.attributes_behind(column) - {column})
    said = [f"follows {name(each)}" for each in followed]
    if column in training.protect:
        said.append("protected")
    elif column in best:
        said.append(f"AUC {best[column].area:.2f} of {name(best[column].attribute)}")
    return f"{name(column)} ({', '.join(said)})" if said else name(column)
