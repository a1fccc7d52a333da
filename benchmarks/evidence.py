"""What weighing a million pairs costs, next to asking a fast model about them."""

from __future__ import annotations

from collections.abc import Sequence

import hiring
from timing import Row, at_most, interleaved, shown

from paribus.findings import judge

PEOPLE = 1_000_000


def rows(*, quick: bool) -> list[Row]:
    """Measure all default tests, for decisions and for scores."""
    people = PEOPLE // 10 if quick else PEOPLE
    model = hiring.fit("lightgbm")
    both = hiring.twins_of(hiring.codes(people, seed=1)).astype("float32")
    found: list[Row] = []
    for outcome, limit in (("decision", 0.5), ("score", 0.5)):
        found += _weighed(model, both, people, outcome, limit, rounds=2 if quick else 5)
    return found


def _weighed(
    model: object, both: object, people: int, outcome: str, limit: float, rounds: int
) -> Sequence[Row]:
    declared = hiring.audit(model, people, outcome=outcome)
    answers = declared.run()._answers
    assert answers is not None

    def weigh(names: Sequence[str] | None = None) -> None:
        weighed = [
            row
            for test in declared.tests
            if names is None or test.kind in names
            for row in test.weigh(answers, 0.01, 0.95)
        ]
        judge([row for row in weighed if not row.rule], 0.01, 0.95)

    ask = model.predict if outcome == "decision" else model.predict_proba  # type: ignore[attr-defined]
    tasks = {"bare": lambda: ask(both), "all": weigh}
    tasks |= {test.kind: (lambda kind=test.kind: weigh([kind])) for test in declared.tests}
    median = interleaved(tasks, rounds)
    parts = ", ".join(f"{test.kind} {shown(median[test.kind])}" for test in declared.tests)
    what = f"LightGBM, 100 trees, {people:,} people: all evidence of {outcome}s, over `predict`"
    return [at_most(what, median["all"] / median["bare"], limit, parts)]
