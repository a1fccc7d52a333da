"""Conformance suites for every family of kinds, and the Echo probe.

A kind of your own is done when its suite passes::

    from paribus.testing import check_field
    def test_my_field():
        check_field(MyField())

Each check raises `AssertionError` with one sentence that says which promise is broken.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from paribus import estimators
from paribus._seeds import BLOCK
from paribus.answers import Answers
from paribus.auditing import Audit
from paribus.counting import Source
from paribus.errors import ParibusError
from paribus.evidence.base import Check, Line, Row, Test, Weighed
from paribus.evidence.counterfactual import Counterfactual
from paribus.executors.base import Executor
from paribus.executors.serial import Serial
from paribus.measuring import measured_record
from paribus.mitigation.base import Mended, Mitigation, Stage, Training
from paribus.observed import Observed
from paribus.people.fields.base import Field, Streams
from paribus.people.fields.integers import integers
from paribus.people.fields.map import map_of
from paribus.people.population import People, Protected
from paribus.probe._ask import ask
from paribus.probe.base import Model, Probe, outcome_of, way_of_asking
from paribus.probe.skops import SkopsProbe, written
from paribus.record import REPORTS, Record
from paribus.roles import Roles
from paribus.table import Coded, Column, Joined, Plain, Table, Text
from paribus.twins import pair


class Echo(Probe):
    """A probe that answers with a column of the people it is asked about.

    With it a test says exactly what the model answers, without training or mocking anything.

    Examples
    --------
    >>> import paribus as pb
    >>> record = pb.audit(
    ...     Echo(column="code", outcome="decision", favorable=1),
    ...     protect={"gender": ["Male", "Female"]},
    ...     fields={"code": pb.map_of("gender", {"Male": 1, "Female": 0})},
    ...     people=200,
    ... )
    >>> record.findings[0].estimate
    1.0
    """

    kind: Literal["echo"] = "echo"
    column: str

    def open(self, *, trust: bool) -> Model:
        def answer(frame: Any) -> Any:
            return np.asarray(frame[self.column])

        return Model(
            name=f"Echo({self.column})",
            labels=answer,
            probabilities=answer,
            numbers=answer,
            features=(self.column,),
            sees_everything=True,
        )


def _gender() -> dict[str, Protected]:
    return {"gender": Protected(levels=("Male", "Female"))}


def _values(column: Column) -> list[Any]:
    values: list[Any] = column.arrow().to_pylist()
    return values


def check_field(field: Field, parents: Mapping[str, Column] | None = None) -> None:
    """Check the promises of a field.

    The same seed gives the same column; fewer people give a prefix of it; `draw` and `column`
    leave what they were given as it was; the column has the length that was asked for, and taking
    rows of it gives those rows; a declaration survives being written down and read again.

    Parameters
    ----------
    field : Field
    parents : mapping of str to Column, optional
        For a field that is made from others: their columns, 100 people long.
    """
    people, few = 100, 37
    given = dict(parents or {})
    assert set(field.parents) <= set(given), f"hand over the columns {field.parents} as parents"

    def made(n: int, block: int = 0) -> Column:
        index = np.arange(n)
        streams = Streams(7, "x/draw", block)
        columns = {name: column.take(index) for name, column in given.items()}
        return field.column(field.draw(streams, n), columns, block * BLOCK, n)

    column = made(people)
    assert isinstance(column, Plain | Coded | Text | Joined) or hasattr(column, "arrow")
    assert len(column) == people, f"asked for {people} people, the column has {len(column)}"
    whole = _values(column)
    assert whole == _values(made(people)), "the same seed must give the same column"
    assert whole[:few] == _values(made(few)), "fewer people must be the first of more people"
    at = np.array([3, 1, 30])
    assert _values(column.take(at)) == [whole[i] for i in at], "take must give the rows asked for"
    latent = field.draw(Streams(7, "x/draw", 0), people)
    twice = [_values(field.column(latent, given, 0, people)) for _ in range(2)]
    assert twice[0] == twice[1] == whole, "column must not change what was drawn"
    if field.random and len(set(map(str, whole))) > 1:
        assert whole != _values(made(people, block=1)), "another block must be drawn anew"
    again = type(field)(**json.loads(json.dumps(field.model_dump(mode="json"))))
    assert again == field, "the declaration must survive being written down and read again"


def check_probe(probe: Probe, frame: Any, *, trust: bool = False) -> None:
    """Check the promises of a probe.

    It opens twice alike, knows what its answers mean, gives one answer a person in the order of
    the people, and does not change the frame that it is handed.

    Parameters
    ----------
    probe : Probe
    frame : DataFrame or ndarray
        At least two people, as the model wants them.
    trust : bool
        As for `Probe.open`.
    """
    model = probe.open(trust=trust)
    assert model.name, "a model needs a name"
    assert model.fingerprint == probe.open(trust=trust).fingerprint, "fingerprints must repeat"
    outcome = outcome_of(probe, model)
    put = way_of_asking(model, outcome)
    before = frame.copy() if hasattr(frame, "copy") else frame
    answers = np.asarray(put(frame))
    assert len(answers) == len(frame), "one answer a person"
    assert np.array_equal(np.asarray(frame), np.asarray(before)), "the frame must stay as it was"
    backwards = frame.iloc[::-1] if hasattr(frame, "iloc") else frame[::-1]
    assert np.array_equal(np.asarray(put(backwards))[::-1], answers), "answers follow the people"
    json.dumps(probe.facts())


def check_executor(executor: Executor) -> None:
    """Check the promises of an executor.

    Results come in the order of the blocks, every block exactly once, errors reach the caller, and
    an audit gives the same record as with `Serial`.
    """
    assert list(executor.map(lambda block: block * block, range(50))) == [i * i for i in range(50)]
    assert list(executor.map(lambda block: block, [])) == []

    def broken(block: int) -> int:
        if block == 3:
            raise ValueError("block 3")
        return block

    reached = ""
    try:
        list(executor.map(broken, range(5)))
    except ValueError as error:
        reached = str(error)
    assert reached == "block 3", "an error in a task must reach the caller as it is"
    audit = _example(people=3 * BLOCK // 2)
    own, serial = (json.loads(audit.run(e).json_text()) for e in (executor, Serial()))
    own.pop("run")
    serial.pop("run")
    assert own == serial, "the record must not depend on the executor"


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
    for what, frame, roles in _tables():
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


def _tables() -> Iterator[tuple[str, Any, Roles]]:
    """Give tables of real people, with what their columns are."""
    frame = _people_of_a_table(120)
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
    odd = {"F": _SCRIPT, "M": "\u202e right", "X": ""}
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
_WEIGHTED = "weighted rows"
_NOBODY = "nobody's group"
_SCRIPT = "</script><script>alert(1)</script>"


def _people_of_a_table(n: int) -> Any:
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


def check_mitigation(mitigation: Mitigation, training: Training | None = None) -> None:
    """Check the promises of a mitigation.

    It gives a fitted model that names the columns it needs, needs no others, and answers with known
    labels: about one person as about all, in any order, and about people of groups that it has not
    met. It leaves the rows and the estimator as they were, gives the same model for the same rows,
    and heeds their weights. What it did is said in whole sentences. A saved model answers as before
    (where skops is installed). All of this for labels in words, three groups, crossed attributes,
    missing values, and rows in pandas and polars; and for estimators of other kinds and such that
    take no weights, unless it refuses them in one sentence.

    Parameters
    ----------
    mitigation : Mitigation
    training : Training, optional
        Rows for whose columns it was declared; small tables of its own where left out.

    Examples
    --------
    >>> from paribus.mitigation.reweigh import Reweigh
    >>> check_mitigation(Reweigh())
    """
    _check_declared(mitigation)
    made = _trainings() if training is None else [("the given rows", training, True)]
    for what, rows, suits in made:
        before = _state(rows)
        mended = _mend(mitigation, rows, what, suits)
        again = None if mended is None else _mend(mitigation, rows.of(), what, suits)
        assert _state(rows) == before, f"{what}: rows and estimator must stay as they were"
        if mended is not None:
            assert again is not None
            _check_mended(mended, again, rows, what)
            if what == _WEIGHTED:
                _check_weights(mitigation, rows, mended, what)


def _check_declared(mitigation: Mitigation) -> None:
    told = json.loads(json.dumps(mitigation.model_dump(mode="json")))
    again = type(mitigation)(**told)
    assert again == mitigation, "the declaration must survive being written down and read again"
    assert mitigation.stage in get_args(Stage), "its stage must be one that there is"
    module = sys.modules.get(type(mitigation).__module__)
    documented = getattr(module, "__doc__", None) or type(mitigation).__doc__ or ""
    sentence = next(iter(documented.strip().splitlines()), "")
    assert sentence.endswith("."), "its documentation must begin with a sentence on one line"


def _mend(mitigation: Mitigation, rows: Training, what: str, suits: bool) -> Mended | None:
    """Mend; None where these rows or this estimator are refused with a sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            mended = mitigation.mend(rows)
        except ParibusError as error:
            said = error.message
        else:
            assert isinstance(mended, Mended), f"{what}: a mitigation gives a Mended"
            return mended
    assert not suits, f"{what}: refused ({said})"
    assert said.strip(), f"{what}: whoever refuses must say why"
    assert "\n" not in said, f"{what}: a refusal is one sentence"
    return None


def _state(rows: Training) -> list[Any]:
    """Give what a mitigation may not change, as text that can be compared."""
    frame = rows.frame
    columns = [list(map(repr, frame[name])) for name in frame.columns]
    weight = None if rows.weight is None else rows.weight.tolist()
    parameters = rows.estimator.get_params(deep=True)
    learned = [
        sorted(vars(each))
        for each in (rows.estimator, *parameters.values())
        if hasattr(each, "fit")
    ]
    return [list(frame.columns), columns, rows.label.tolist(), weight, repr(parameters), learned]


def _check_mended(mended: Mended, again: Mended, rows: Training, what: str) -> None:
    model, frame = mended.model, rows.frame
    known = {*np.unique(rows.label).tolist()}
    named = [str(name) for name in getattr(model, "feature_names_in_", [])]
    assert named or rows.matrix, f"{what}: a model names the columns that it needs"
    assert set(named) <= set(rows.table.names), f"{what}: it needs columns that do not exist"
    answers, scores = _answers_of(model, rows, frame)
    assert {*answers.tolist()} <= known, f"{what}: it answers with labels that nobody has"
    assert {*np.asarray(model.classes_).tolist()} == known, f"{what}: classes_ are the labels"
    assert np.isfinite(scores).all(), f"{what}: a score is not finite"
    assert ((scores >= 0) & (scores <= 1)).all(), f"{what}: a score is beyond 0 and 1"

    if isinstance(model, estimators.Mended):
        favored, sure = model.answers(frame)
        why = f"{what}: its answers are not what it predicts"
        assert (favored == (answers == rows.favorable)).all(), why
        assert np.allclose(sure, scores, rtol=0, atol=1e-9), why

    def same(other: Any, people: Any, places: Any, why: str) -> None:
        found = _answers_of(other, rows, people)
        assert (found[0] == answers[places]).all(), f"{what}: {why}"
        assert np.allclose(found[1], scores[places], rtol=0, atol=1e-9), f"{what}: {why}"

    same(again.model, frame, slice(None), "the same rows must give the same model")
    backwards = np.arange(len(rows))[::-1]
    why = "an answer must not depend on who else is asked about"
    same(model, estimators.rows_of(frame, backwards), backwards, why)
    same(model, estimators.rows_of(frame, backwards[:1]), backwards[:1], why)
    if named:
        needed = frame[named]
        same(model, needed, slice(None), "it must do with the columns that it names")
    strangers, _ = _answers_of(model, rows, _strangers(rows))
    assert {*strangers.tolist()} <= known, f"{what}: people of new groups need known labels too"
    kept = _saved(model)
    if kept is not None:
        same(kept, frame, slice(None), "a saved model must answer as before")
    assert mended.notes == again.notes, f"{what}: the same rows must give the same notes"
    for note in mended.notes:
        assert note.strip().endswith("."), f"{what}: a note is a whole sentence"
        words = set(note.replace("(", " ").replace(",", " ").split())
        assert not words & {"nan", "inf", "-inf"}, f"{what}: a note has a number that is none"


def _check_weights(mitigation: Mitigation, rows: Training, mended: Mended, what: str) -> None:
    """Check that people who stand for many count for more."""
    plain = _mend(mitigation, rows.of(weight=None), what, suits=True)
    assert plain is not None
    one, other = (_answers_of(each.model, rows, rows.frame) for each in (plain, mended))
    differ = (one[0] != other[0]).any() or not np.allclose(one[1], other[1], rtol=0, atol=1e-6)
    assert differ, f"{what}: the weights of rows must count, or be refused"


def _answers_of(model: Any, rows: Training, people: Any) -> tuple[npt.NDArray[Any], Any]:
    """Ask a model about people: the labels, and how sure it is of the favorable one."""
    shown = people if isinstance(model, estimators.Mended) else rows.seen.of_frame(people)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = np.asarray(model.predict(shown)).ravel()
        assert len(labels) == len(people), "one answer a person"
        return labels, estimators.favorable_scores(model, shown, rows.favorable)


def _strangers(rows: Training) -> Any:
    """Give people whose attributes are missing, or are none that anybody has had."""
    few = rows.table.take(np.arange(min(len(rows), 4)))
    changed = {}
    for name, each in rows.protect.items():
        if name not in rows.features:
            new = "somebody else" if isinstance(each.levels[0], str) else None
            changed[name] = np.array([None, new, None, new], dtype=object)[: len(few)]
    return few.with_columns(changed).frame.to_native()


def _saved(model: Any) -> Any:
    """Write a model and read it again; None where skops is missing."""
    if find_spec("skops") is None:
        return None
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.skops"
        file.write_bytes(written(model))
        return SkopsProbe(path=str(file)).open(trust=True).estimator


def _trainings() -> Iterator[tuple[str, Training, bool]]:
    """Give rows to learn from, and whether every mitigation must suit them."""
    import polars as pl
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.tree import DecisionTreeClassifier

    frame, label = _history(200)
    two = frame[frame["gender"] != "x"].reset_index(drop=True)
    good = label[(frame["gender"] != "x").to_numpy()]
    yield "two groups", _learning(two, good, _pipeline(), ("gender",), "trade"), True
    crossed = ("gender", "race")
    gone = two.astype(dict.fromkeys(crossed, object))
    gone.loc[np.random.default_rng(0).random(len(gone)) < 0.2, "gender"] = None
    words = np.where(good == 1, "yes", "no")
    missing = "crossed groups, missing values, labels in words"
    yield missing, _learning(gone, words, _pipeline(), crossed, "trade"), True
    polars = pl.from_pandas(gone)
    yield "polars", _learning(polars, good == 1, _pipeline(), crossed, "trade"), True
    three = _learning(frame, label, LogisticRegression(max_iter=1_000), ("gender",))
    yield "three groups", three, True
    weight = np.random.default_rng(5).uniform(0.0, 3.0, len(frame))
    yield _WEIGHTED, three.of(weight=weight), False
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    yield "a tree", three.of(estimator=tree), False
    yield "no weights", three.of(estimator=KNeighborsClassifier(7)), False


def _history(n: int) -> tuple[Any, npt.NDArray[np.intp]]:
    """Draw people with a label that depends on the attributes, and columns that tell of them."""
    import pandas as pd

    rng = np.random.default_rng(2)
    gender = rng.choice(["f", "m", "x"], n, p=[0.4, 0.4, 0.2])
    race = rng.choice(["a", "b"], n)
    income = rng.normal(50.0, 10.0, n) + 4.0 * (gender == "m")
    trade = np.where(rng.random(n) < 0.8, np.where(gender == "m", "metal", "care"), "sales")
    margin = (income - 50.0) / 8.0 + 1.5 * (gender == "m") - 1.0 * (race == "b")
    frame = pd.DataFrame(
        {
            "gender": gender,
            "race": race,
            "code": np.array([{"m": 1.0, "f": 0.0, "x": 0.5}[g] for g in gender]),
            "income": income.round(1),
            "age": rng.integers(18, 70, n).astype(float),
            "trade": trade,
        }
    )
    return frame, (margin + rng.logistic(size=n) > 0.5).astype(np.intp)


def _pipeline() -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    encoded = make_column_transformer(
        (StandardScaler(), ["code", "income", "age"]),
        (OneHotEncoder(handle_unknown="ignore"), ["trade"]),
    )
    return make_pipeline(encoded, LogisticRegression())


def _learning(
    frame: Any, label: Any, estimator: Any, protect: Sequence[str], *more: str
) -> Training:
    """Declare rows to learn from, of people as `_history` draws them."""
    levels = {"gender": ("f", "m", "x"), "race": ("a", "b")}
    if "x" not in {*frame["gender"]}:
        levels["gender"] = ("f", "m")
    return Training(
        table=Table.of(frame),
        label=label,
        favorable=np.unique(label)[-1].item(),
        estimator=estimator,
        features=("code", "income", "age", *more),
        protect={name: Protected(levels=levels[name]) for name in protect},
        fields={"code": map_of("gender", {"m": 1.0, "f": 0.0, "x": 0.5})},
        seed=3,
    )


def check_report(format: str, record: Record | None = None) -> None:
    """Check the promises of a report format.

    It renders any record, the same bytes each time, says something, and carries nothing that a
    reader's program could run.

    Parameters
    ----------
    format : str
        Name of the kind.
    record : Record, optional
        What to render; where left out, a small audit and a measured table, both with hostile names.
    """
    for shown in (_hostile().run(), _hostile_table()) if record is None else (record,):
        content = REPORTS.module(format).render(shown)
        assert content == REPORTS.module(format).render(shown), "rendering must repeat itself"
        text = content.decode() if isinstance(content, bytes) else content
        assert text.strip(), "a report says something"
        if format not in {"json", "terminal"}:
            assert "<script" not in text.lower(), "what reaches a page must be escaped"
        assert "\x1b]" not in text, "no control sequence of the data may reach a terminal"


def _hostile_table() -> Record:
    _, frame, roles = next(each for each in _tables() if each[0].startswith("names that"))
    told = roles.model_dump(exclude_unset=True)
    checks = ("group", "scores", "representation", "deployment")
    return measured_record(frame, told | {"checks": checks}, name=_SCRIPT)


def _example(people: int) -> Audit:
    return Audit(
        name="Example",
        seed=3,
        size=people,
        probe=Echo(column="mixed", outcome="decision", favorable=1),
        protect=_gender(),
        fields=_fields(),
    )


def _fields() -> dict[str, Field]:
    return {
        "gender_code": map_of("gender", {"Male": 1, "Female": 0}),
        "income": integers(0, 9),
        "blind": map_of("income", {i: int(i > 4) for i in range(10)}),
        "mixed": map_of("gender", {"Male": 1, "Female": 0}),
    }


def _hostile() -> Audit:
    script, formula = "<script>alert(1)</script>", '=HYPERLINK("x","y")'
    return Audit(
        name=script,
        size=50,
        probe=Echo(column="answer", outcome="decision", favorable=script),
        protect={script: Protected(levels=(formula, "\x1b]0;owned\x07", "\u202e right"))},
        fields={
            "answer": map_of(
                script, {formula: script, "\x1b]0;owned\x07": "no", "\u202e right": "no"}
            )
        },
    )


def _answers(test: Test, column: str, size: int) -> Answers:
    people = People(protect=_gender(), fields=_fields(), size=size, seed=3)
    needed: Sequence[Any] = test.needs(people) or Counterfactual().needs(people)
    probe = Echo(column=column, outcome="decision", favorable=1)
    return ask(probe, probe.open(trust=False), pair(people, needed), Serial())
