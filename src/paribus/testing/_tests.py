"""The suites of tests of twins and of checks of tables."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from paribus.answers import Answers
from paribus.counting import Source
from paribus.errors import ParibusError
from paribus.evidence.base import Check, Line, Row, Test, Weighed
from paribus.evidence.counterfactual import Counterfactual
from paribus.executors.serial import Serial
from paribus.observed import Observed
from paribus.people.population import People
from paribus.probe._ask import ask
from paribus.roles import Roles
from paribus.testing._models import Echo, example_fields, gender
from paribus.twins import pair


def check_test(test: Test) -> None:
    """Check the promises of a test.

    It needs contrasts of the people it is given, weighs without changing the answers, gives the
    same rows for the same answers, and no number that is not finite: not for a model that ignores
    the attribute, not for one that decides by it alone, and not for one person.
    """
    for column in ("blind", "gender_code", "mixed"):
        for size in (1, 200):
            answers = _answers(test, column, size)
            rows = test.weigh(answers, 0.01, 0.95)
            assert rows == test.weigh(answers, 0.01, 0.95), "weighing must be pure"
            for row in rows:
                assert isinstance(row, Row), "a test gives rows of evidence"
                numbers = [v for v in row.model_dump().values() if isinstance(v, float)]
                assert np.isfinite(numbers).all(), f"{row.unit}: a number is not finite"
                assert row.low <= row.high, f"{row.unit}: the interval is upside down"


def check_check(check: Check) -> None:
    """Check the promises of a check of a table.

    It weighs without changing the table, gives the same rows for the same table, and no number that
    is not finite, no interval that leaves its estimate out and no p-value beyond 0 and 1; what it
    holds against the tolerance has a claim and both p-values; the points of its lines are complete.
    All of this for tables with labels, decisions, scores, amounts, rankings, classes, weights and
    times, for one row, for one group, for names that nobody would choose, for columns of which
    nothing is known, and for tables that lack all that the check could read: there it gives
    nothing, or what attributes alone can say.

    Parameters
    ----------
    check : Check

    Examples
    --------
    >>> from paribus.evidence.ranking import Ranking
    >>> check_check(Ranking())
    """
    again = type(check)(**json.loads(json.dumps(check.model_dump(mode="json"))))
    assert again == check, "the declaration must survive being written down and read again"
    for what, frame, roles in example_tables():
        before = frame.copy(deep=True)
        observed = Observed.of(Source.of(frame), roles, seed=3)
        weighed = _weigh(check, observed, what)
        assert frame.equals(before), f"{what}: the table must stay as it was"
        if weighed is None:
            continue
        if what == _USUAL:
            assert _weigh(check, observed, what) == weighed, "weighing must be pure"
            anew = Observed.of(Source.of(frame), roles, seed=3)
            assert _weigh(check, anew, what) == weighed, "the same table must give the same rows"
        for row in weighed.rows:
            _check_row(row, check, what)
        for line in weighed.lines:
            _check_line(line, check, what)
        assert all(note.strip() for note in weighed.notes), f"{what}: a note is empty"


def _weigh(check: Check, observed: Observed, what: str) -> Weighed | None:
    """Weigh a table; None where it is refused with a sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return check.weigh(observed, 0.05, 0.95)
        except ParibusError as error:
            # Nobody can say anything of groups that nobody is known to belong to; and whoever
            # declared options may have asked for columns that are not there.
            refused = f"{what}: the table was refused ({error})"
            assert check.model_fields_set or what == _NOBODY, refused
            return None


def _check_row(row: Row, check: Check, what: str) -> None:
    where = f"{what}: {row.unit} ({row.relation}) of {row.group or 'everybody'}"
    assert row.test == check.kind, f"{where}: its test must be {check.kind}"
    assert row.stage != "model", f"{where}: a table says nothing of the stage model"
    assert row.contrast == "group", f"{where}: people of a table are different people"
    numbers = [value for value in row.model_dump().values() if isinstance(value, float)]
    assert all(map(math.isfinite, numbers)), f"{where}: a number is not finite"
    assert row.low <= row.estimate <= row.high, f"{where}: the interval leaves its estimate out"
    assert 0 <= row.answered <= row.people, f"{where}: more rows answered than there are"
    for p in (row.p, row.p_outside, row.p_within):
        assert p is None or 0 <= p <= 1, f"{where}: a p-value is beyond 0 and 1"
    if row.held:
        assert row.claim.strip(), f"{where}: what is held needs a claim"
        assert row.p_outside is not None, f"{where}: what is held needs p_outside"
        assert row.p_within is not None or row.alarm, f"{where}: what is held needs p_within"


def _check_line(line: Line, check: Check, what: str) -> None:
    where = f"{what}: {line.chart} of {line.group or 'everybody'}"
    assert line.test == check.kind, f"{where}: its test must be {check.kind}"
    assert line.stage != "model", f"{where}: a table says nothing of the stage model"
    assert len(line.x) == len(line.y), f"{where}: every place needs a number"
    for part in (line.low, line.high, line.people, line.alarms):
        assert len(part) in {0, len(line.x)}, f"{where}: its parts must be equally long"
    assert bool(line.low) == bool(line.high), f"{where}: an interval has two ends"
    numbers = (*line.x, *line.y, *line.low, *line.high)
    assert all(map(math.isfinite, numbers)), f"{where}: a number is not finite"
    for low, y, high in zip(line.low, line.y, line.high, strict=bool(line.low)):
        assert low <= y <= high, f"{where}: the interval leaves its number out"
    if line.labels:
        places = set(range(len(line.labels)))
        assert {*line.x} <= places, f"{where}: every place must have a label"


def example_tables() -> Iterator[tuple[str, Any, Roles]]:
    """Give tables of real people, with what their columns are."""
    frame = people_of_a_table(120)
    binary = Roles(
        by=("sex", "race"), label="y", decision="yhat", score="score", time="month",
        features=("income", "code"), factors=("code",),
        population={"sex": {"F": 0.5, "M": 0.4, "X": 0.1}},
    )  # fmt: skip
    yield _USUAL, frame, binary
    gone = frame.copy()
    for column in ("sex", "race", "y", "yhat", "score", "month", "income", "code"):
        gone.loc[gone.sample(frac=0.2, random_state=len(column)).index, column] = None
    plain = binary.model_copy(update={"population": {}, "factors": ()})
    yield "missing values", gone, plain.model_copy(update={"weight": "weight"})
    yield "amounts", frame, Roles(by=("sex",), label="income", prediction="guess")
    yield "a ranking", frame, Roles(by=("race",), rank="rank", top=(5, 20))
    classes = Roles(by=("race",), label="kind", decision="guessed", outcome="label")
    yield "classes", frame, classes
    yield "one row", frame.iloc[:1].reset_index(drop=True), plain
    yield "one group", frame.assign(sex="F", race="a"), plain
    nobody = frame.assign(sex=None, race=None)
    nobody[["sex", "race"]] = nobody[["sex", "race"]].astype("str").where(frame["rank"] < 0)
    yield _NOBODY, nobody, plain
    odd = {"F": SCRIPT, "M": "\u202e right", "X": ""}
    named = {"sex": "=1+1", "race": "<b>", "y": "\x1b[31m", "yhat": "y hat, 2", "month": "\n"}
    hostile = frame.assign(sex=frame["sex"].map(odd), race="x" * 300).rename(columns=named)
    yield (
        "names that nobody would choose",
        hostile,
        Roles(
            by=(named["sex"], named["race"]), label=named["y"], decision=named["yhat"],
            score="score", time=named["month"], features=("income",),
        ),
    )  # fmt: skip
    yield "attributes alone", frame, Roles(by=("sex", "race"), features=())


_USUAL = "decisions"


WEIGHTED = "weighted rows"


_NOBODY = "nobody's group"


SCRIPT = "</script><script>alert(1)</script>"


def people_of_a_table(n: int) -> Any:
    import pandas as pd

    rng = np.random.default_rng(0)
    sex, race = rng.choice(["F", "M", "X"], n, p=[0.5, 0.45, 0.05]), rng.choice(["a", "b"], n)
    income = rng.normal(50, 10, n).round(1) - 4 * (sex == "F")
    score = (1 / (1 + np.exp(-(income - 50) / 6))).round(2)
    kind = rng.choice(["low", "middle", "high"], n)
    return pd.DataFrame(
        {
            "sex": sex,
            "race": race,
            "income": income,
            "code": np.where(rng.random(n) < 0.9, race, "b"),
            "y": (income + rng.normal(0, 8, n) > 50).astype(float),
            "yhat": (score > 0.5).astype(float),
            "score": score,
            "guess": income + rng.normal(0, 3, n),
            "rank": rng.permutation(n) + 1,
            "kind": kind,
            "guessed": np.where(rng.random(n) < 0.7, kind, "low"),
            "month": np.char.add("2026-0", rng.integers(1, 6, n).astype(str)),
            "weight": rng.integers(0, 4, n).astype(float),
        }
    )


def _answers(test: Test, column: str, size: int) -> Answers:
    people = People(protect=gender(), fields=example_fields(), size=size, seed=3)
    needed: Sequence[Any] = test.needs(people) or Counterfactual().needs(people)
    probe = Echo(column=column, outcome="decision", favorable=1)
    return ask(probe, probe.open(trust=False), pair(people, needed), Serial())
