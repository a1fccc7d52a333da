"""What a record says beside its findings: times and versions, counts, witnesses and notes."""

from __future__ import annotations

import datetime
import platform
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from paribus._text import percent
from paribus.answers import Answers
from paribus.probe.base import Model, Probe
from paribus.record import Counts, ModelFacts, Witness

_WITNESSES = 3
"""Pairs shown for each direction of each contrast."""


class Clock:
    """Measures the stages of one run."""

    def __init__(self) -> None:
        self.started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Note the time since the last lap as that of a stage."""
        now = time.perf_counter()
        self.seconds[stage] = round(now - self._last, 6)
        self._last = now

    def run(self, answers: Answers | None) -> dict[str, Any]:
        """Give the record's section of what may differ between runs."""
        return {
            "started": self.started,
            "seconds": {**self.seconds, "total": round(sum(self.seconds.values()), 6)},
            **({} if answers is None else {"questions": answers.questions}),
            "versions": dict(_versions()),
            "host": {"system": platform.system(), "machine": platform.machine()},
        }


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in ("paribus", "mimesis", "numpy", "scipy", "pandas", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def model_facts(probe: Probe, model: Model, answers: Answers) -> ModelFacts:
    """Say what was audited."""
    return ModelFacts(
        kind=probe.kind,
        name=model.name,
        fingerprint=model.fingerprint,
        features=answers.seen,
        outcome=answers.outcome.kind,
        favorable=answers.outcome.favorable,
        threshold=answers.outcome.threshold,
        repeatable=answers.repeatable,
    )


def counts_of(answers: Answers) -> Counts:
    """Count answers by status."""
    answered, refused, failed = answers.statuses
    return Counts(
        versions=answered + refused + failed,
        answered=answered,
        refused=refused,
        failed=failed,
        reasons=answers.reasons,
    )


def witnesses_of(answers: Answers) -> tuple[Witness, ...]:
    """Show the first pairs of each contrast that the model treats differently."""
    chosen = [
        (contrast, example)
        for contrast, tally in answers.tallies.items()
        for examples in (tally.against, tally.in_favor)
        for example in examples[:_WITNESSES]
    ]
    people = answers.persons([(e[0], v) for c, e in chosen for v in (c.reference, c.group)])
    rows = answers.twins.people.rows
    found = []
    for contrast, (person, reference, group) in chosen:
        one, other = people[person, contrast.reference], people[person, contrast.group]
        differ = [name for name in other if name not in one or one[name] != other[name]]
        found.append(
            Witness(
                person=person,
                row=None if rows is None else rows.number(person),
                attribute=contrast.attribute,
                reference=contrast.reference_name,
                group=contrast.group_name,
                reference_answer=answers.outcome.shown(reference),
                group_answer=answers.outcome.shown(group),
                same={name: value for name, value in one.items() if name not in differ},
                reference_values={name: one[name] for name in differ if name in one},
                group_values={name: other[name] for name in differ},
            )
        )
    return tuple(found)


def _placebo_notes(answers: Answers) -> list[str]:
    """Warn where another name alone moves the model about as much as the attribute does."""
    if answers.repeatable is False:
        return []
    changed = {c: t.changed / max(t.answered, 1) for c, t in answers.tallies.items()}
    found = {
        placebo.attribute: by_name
        for placebo, by_name in changed.items()
        for contrast, by_level in changed.items()
        if (placebo.kind, contrast.kind) == ("placebo", "level")
        if placebo.attributes == contrast.attributes and by_name >= by_level / 2 > 0
    }
    return [
        f"Drawing the fields linked to {name} again, at the same {name}, changes the answer for "
        f"{percent(share)} of people: much of what a change of {name} does may be a mere change "
        "of name."
        for name, share in found.items()
    ]


def notes_of(answers: Answers, *, sampled: bool = False) -> tuple[str, ...]:
    """Say what a reader must know before trusting a number.

    Parameters
    ----------
    answers : Answers
    sampled : bool
        Whether a sample was asked although everybody in the declared domain could have been.
    """
    people = answers.twins.people
    notes = []
    held = {
        people.protect[name].levels[level]: name
        for contrast in answers.tallies
        for name, level in contrast.reference.moves
        if name not in contrast.attributes
    }
    notes += [
        f"The data have no column {name}, and something follows it: it is held at {level} "
        "wherever it is not compared itself."
        for level, name in held.items()
    ]
    notes += _placebo_notes(answers)
    for name in people.protect:
        if not set(people.closure(name)) & set(answers.seen):
            notes.append(
                f"The model sees nothing of {name}, nor of any column declared to follow it: its "
                "twins look the same to the model."
            )
    if answers.repeatable is False:
        notes.append(
            "The model does not repeat itself: asked twice about the same people it gave different "
            "answers. Flips may be noise, so only net gaps are held against the tolerance."
        )
    if sampled:
        notes.append(
            f"Everybody in the declared domain could be asked. As the model does not repeat "
            f"itself, no answer would be exact: {len(people):,} people were drawn instead."
        )
    if people.rows is None:
        notes.append(
            "The people are synthetic: fields are drawn independently of each other as declared, "
            "so shares hold for the declared population, not for a real one."
        )
    if answers.kept < answers.people:
        notes.append(
            f"Regions were looked for among the first {answers.kept:,} people; counts cover all."
        )
    return tuple(notes)
