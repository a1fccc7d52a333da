"""The suite of mitigations."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from paribus import estimators
from paribus.errors import ParibusError
from paribus.mitigation.base import Mended, Mitigation, Stage, Training
from paribus.people.fields.map import map_of
from paribus.people.population import Protected
from paribus.probe.skops import SkopsProbe, written
from paribus.table import Table
from paribus.testing._tests import WEIGHTED


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
    made = example_trainings() if training is None else [("the given rows", training, True)]
    for what, rows, suits in made:
        before = _state(rows)
        mended = _mend(mitigation, rows, what, suits)
        again = None if mended is None else _mend(mitigation, rows.of(), what, suits)
        assert _state(rows) == before, f"{what}: rows and estimator must stay as they were"
        if mended is not None:
            assert again is not None
            _check_mended(mended, again, rows, what)
            if what == WEIGHTED:
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


def example_trainings() -> Iterator[tuple[str, Training, bool]]:
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
    yield WEIGHTED, three.of(weight=weight), False
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
