import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from paribus.errors import ModelError, SpecError
from paribus.executors.serial import Serial
from paribus.people.population import People
from paribus.probe._ask import ask
from paribus.probe.file import FileProbe
from paribus.probe.onnx import OnnxProbe
from paribus.twins import level_contrasts, pair

pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")
onnx = pytest.importorskip("onnx")

OPSET = {"": 17, "ai.onnx.ml": 3}
"""Old enough for the oldest onnxruntime that is allowed."""

COLUMNS = ("age", "income", "gender_code")


@pytest.fixture(scope="module")
def filled(numbers: pd.DataFrame) -> pd.DataFrame:
    """Numbers that float32 holds exactly, so that all libraries see the same."""
    return numbers.fillna(0)


def save(path: Path, model: Any, types: Any, **options: Any) -> str:
    converted = skl2onnx.convert_sklearn(
        model, initial_types=types, options=options or None, target_opset=OPSET
    )
    path.write_bytes(converted.SerializeToString())
    return str(path)


def matrix_of(dtype: str, width: int = 3) -> list[tuple[str, Any]]:
    kinds = skl2onnx.common.data_types
    return [("X", getattr(kinds, f"{dtype}TensorType")([None, width]))]


def columns_of(**dtypes: str) -> list[tuple[str, Any]]:
    kinds = skl2onnx.common.data_types
    return [(name, getattr(kinds, f"{t}TensorType")([None, 1])) for name, t in dtypes.items()]


def graph(path: Path, nodes: Any, inputs: Any, outputs: Any, initializers: Any = ()) -> str:
    """Write an ONNX model by hand, as other converters make them."""
    value = onnx.helper.make_tensor_value_info
    built = onnx.helper.make_graph(
        [onnx.helper.make_node(*node) for node in nodes],
        "by_hand",
        [value(*each) for each in inputs],
        [value(*each) for each in outputs],
        list(initializers),
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    path.write_bytes(
        onnx.helper.make_model(built, opset_imports=opset, ir_version=8).SerializeToString()
    )
    return str(path)


FLOAT, INT, TEXT = 1, 7, 8

# --- one matrix -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [FileProbe, OnnxProbe])
@pytest.mark.parametrize("dtype", ["Float", "Int64"])
def test_a_matrix(say, filled, approved, tmp_path, kind, dtype) -> None:
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(filled.to_numpy(), approved)
    path = save(tmp_path / "loan.onnx", model, matrix_of(dtype))
    opened = kind(path=path).open(trust=False)
    assert opened.name == "ONNX model (loan.onnx)"
    assert (opened.features, opened.width, opened.frame) == (None, 3, "numpy")
    assert opened.precision is (np.float32 if dtype == "Float" else np.float64)
    assert opened.classes == (0, 1)
    assert opened.fingerprint == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    probe = kind(path=path, features=COLUMNS)
    np.testing.assert_array_equal(say(probe, filled), model.predict(filled.to_numpy()))
    for favorable in (0, 1):
        score = say(kind(path=path, features=COLUMNS, outcome="score", favorable=favorable), filled)
        expected = model.predict_proba(filled.to_numpy())[:, favorable]
        np.testing.assert_allclose(score, expected, atol=1e-6)


def test_missing_numbers_in_a_matrix(say, numbers, approved, tmp_path) -> None:
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())
    model.fit(numbers.to_numpy(), approved)
    path = save(tmp_path / "loan.onnx", model, matrix_of("Float"))
    score = say(OnnxProbe(path=path, features=COLUMNS, outcome="score"), numbers)
    np.testing.assert_allclose(score, model.predict_proba(numbers.to_numpy())[:, 1], atol=1e-5)


@pytest.mark.parametrize("frame", ["pandas", "polars", "pyarrow"])
def test_a_matrix_may_be_handed_over_as_a_frame(filled, approved, tmp_path, frame) -> None:
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(filled.to_numpy(), approved)
    path = save(tmp_path / "loan.onnx", model, matrix_of("Float"))
    handed: Any = filled
    if frame == "polars":
        handed = pytest.importorskip("polars").from_pandas(filled)
    elif frame == "pyarrow":
        handed = __import__("pyarrow").Table.from_pandas(filled, preserve_index=False)
    said = OnnxProbe(path=path).open(trust=False).labels(handed)
    np.testing.assert_array_equal(said, model.predict(filled.to_numpy()))


def test_whole_numbers_are_never_cut(filled, approved, tmp_path) -> None:
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(filled.to_numpy(), approved)
    opened = OnnxProbe(path=save(tmp_path / "l.onnx", model, matrix_of("Int64"))).open(trust=False)
    assert len(opened.labels(filled.to_numpy())) == len(filled)
    for odd in (0.5, np.nan, np.inf):
        rows = filled.to_numpy()
        rows[4, 1] = odd
        with pytest.raises(ValueError, match=f'the input "X" takes whole numbers, not {odd}'):
            opened.labels(rows)


def test_numbers(say, filled, tmp_path) -> None:
    model = LinearRegression().fit(filled.to_numpy(), filled["age"])
    path = save(tmp_path / "age.onnx", model, matrix_of("Double"))
    said = say(FileProbe(path=path, features=COLUMNS), filled)
    np.testing.assert_allclose(said, model.predict(filled.to_numpy()), rtol=1e-5)


# --- one input a column ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed(applicants: pd.DataFrame, approved: np.ndarray, tmp_path_factory) -> tuple[Any, str]:
    """A pipeline of numbers with gaps and of text, with labels that are text."""
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
        (OneHotEncoder(handle_unknown="ignore"), ["job"]),
        remainder="passthrough",
    )
    model = make_pipeline(columns, LogisticRegression())
    model.fit(applicants, np.where(approved == 1, "yes", "no"))
    types = columns_of(age="Float", income="Float", job="String", gender_code="Float")
    return model, save(tmp_path_factory.mktemp("onnx") / "mixed.onnx", model, types)


def test_named_inputs_are_the_features(say, applicants, mixed) -> None:
    model, path = mixed
    opened = FileProbe(path=path).open(trust=False)
    assert opened.features == ("age", "income", "job", "gender_code")
    assert opened.classes == ("no", "yes")
    decisions = say(FileProbe(path=path, favorable="yes"), applicants)
    np.testing.assert_array_equal(decisions, model.predict(applicants) == "yes")
    for column, favorable in enumerate(("no", "yes")):
        score = say(FileProbe(path=path, outcome="score", favorable=favorable), applicants)
        expected = model.predict_proba(applicants)[:, column]
        np.testing.assert_allclose(score, expected, atol=1e-5)


def test_any_data_frame(say, applicants, mixed) -> None:
    model, path = mixed
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    category = applicants.assign(job=applicants["job"].astype("category"))
    nullable = applicants.convert_dtypes()
    arrow = pa.Table.from_pandas(applicants, preserve_index=False)
    for frame in (category, nullable, pl.from_pandas(applicants), arrow):
        decisions = say(FileProbe(path=path, favorable="yes"), frame)
        np.testing.assert_array_equal(decisions, model.predict(applicants) == "yes")


def test_columns_go_to_their_names_in_any_order(applicants, mixed) -> None:
    model, path = mixed
    opened = OnnxProbe(path=path).open(trust=False)
    said = opened.labels(applicants[applicants.columns[::-1]])
    np.testing.assert_array_equal(said, model.predict(applicants))


def test_missing_text_is_the_category_nan(say, applicants, approved, tmp_path) -> None:
    frame = applicants[["job"]].mask(applicants.index.to_series() % 3 == 0)
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    model.fit(frame, approved)
    path = save(tmp_path / "job.onnx", model, columns_of(job="String"))
    probe = OnnxProbe(path=path, outcome="score")
    assert probe.open(trust=False).features == ("job",)
    np.testing.assert_allclose(say(probe, frame), model.predict_proba(frame)[:, 1], atol=1e-6)


def test_twins_through_a_file(people: People, applicants, mixed) -> None:
    model, path = mixed
    probe = FileProbe(path=path, favorable="yes")
    twins = pair(people, level_contrasts(people, "gender"))
    answers = ask(probe, probe.open(trust=False), twins, Serial())
    block = people.block(0)
    named = {n: block.column(n).arrow().to_pandas() for n in ("age", "income", "job")}
    frame = pd.DataFrame(named).astype({"job": "str"}).assign(gender_code=0)[applicants.columns]
    men, women = model.predict(frame.assign(gender_code=1)), model.predict(frame)
    cells = answers.tallies[twins.contrasts[0]].cells
    order = ("yes", "no")
    assert cells[:2, :2].tolist() == [
        [((women == w) & (men == m)).sum() for m in order] for w in order
    ]
    assert cells[1, 0] > 0
    assert answers.statuses == (1000, 0, 0)
    assert answers.repeatable


# --- which probability belongs to which label -----------------------------------------------------


def test_bare_probabilities_of_numbered_labels(say, filled, grades, tmp_path) -> None:
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(filled.to_numpy(), grades)
    path = save(tmp_path / "loan.onnx", model, matrix_of("Float"), zipmap=False)
    assert OnnxProbe(path=path).open(trust=False).classes == (0, 1, 2)
    labels = say(OnnxProbe(path=path, features=COLUMNS, favorable=2), filled)
    np.testing.assert_array_equal(labels, model.predict(filled.to_numpy()))
    score = say(OnnxProbe(path=path, features=COLUMNS, outcome="score", favorable=2), filled)
    expected = model.predict_proba(filled.to_numpy())[:, 2]
    np.testing.assert_allclose(score, expected, atol=1e-6)


def test_a_wrong_guess_of_the_order_is_found_out(say, filled, approved, tmp_path) -> None:
    """Labels 1 and 2 are not 0 and 1; declared the wrong way round they do not pass either."""
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(filled.to_numpy(), approved + 1)
    path = save(tmp_path / "loan.onnx", model, matrix_of("Float"), zipmap=False)
    guessed = OnnxProbe(path=path, features=COLUMNS, outcome="score", favorable=1)
    with pytest.raises(ModelError, match=r"\$\.model\.labels: the model answers .* declare labels"):
        say(guessed, filled)
    turned = guessed.model_copy(update={"labels": (2, 1)})
    with pytest.raises(ModelError, match="declare labels"):
        say(turned, filled)
    right = guessed.model_copy(update={"labels": (1, 2)})
    expected = model.predict_proba(filled.to_numpy())[:, 0]
    np.testing.assert_allclose(say(right, filled), expected, atol=1e-6)


def test_text_labels_with_bare_probabilities(say, filled, approved, tmp_path) -> None:
    words = np.where(approved == 1, "yes", "no")
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(filled.to_numpy(), words)
    path = save(tmp_path / "loan.onnx", model, matrix_of("Float"), zipmap=False)
    probe = OnnxProbe(path=path, features=COLUMNS, outcome="decision", favorable="yes")
    assert probe.open(trust=False).classes is None
    np.testing.assert_array_equal(say(probe, filled), model.predict(filled.to_numpy()) == "yes")
    score = probe.model_copy(update={"outcome": "score"})
    with pytest.raises(SpecError, match=r"\$\.model\.labels: .* declare labels = "):
        score.open(trust=False)
    declared = score.model_copy(update={"labels": ("no", "yes")})
    expected = model.predict_proba(filled.to_numpy())[:, 1]
    np.testing.assert_allclose(say(declared, filled), expected, atol=1e-6)
    with pytest.raises(SpecError, match="3 labels are declared, and the model gives 2 prob"):
        score.model_copy(update={"labels": ("a", "b", "c")}).open(trust=False)


def test_labels_alone_where_scores_are_no_probabilities(say, filled, approved, tmp_path) -> None:
    filled = (filled / [80, 100_000, 1]).astype(np.float32)
    model = LinearSVC(random_state=0).fit(filled.to_numpy(), approved)
    path = save(tmp_path / "svc.onnx", model, matrix_of("Float"))
    probe = OnnxProbe(path=path, features=COLUMNS, outcome="decision", favorable=1)
    np.testing.assert_array_equal(say(probe, filled), model.predict(filled.to_numpy()))


def test_labels_alone_with_one_output_a_label(say, filled, approved, tmp_path) -> None:
    model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(filled.to_numpy(), approved)
    path = save(tmp_path / "loan.onnx", model, matrix_of("Float"), zipmap="columns")
    probe = OnnxProbe(path=path, features=COLUMNS, outcome="decision", favorable=1)
    np.testing.assert_array_equal(say(probe, filled), model.predict(filled.to_numpy()))


# --- models from elsewhere ------------------------------------------------------------------------


def test_a_network_that_ends_in_a_softmax(say, filled, tmp_path) -> None:
    path = graph(
        tmp_path / "net.onnx",
        [("Softmax", ["x"], ["y"])],
        [("x", FLOAT, ["n", 3])],
        [("y", FLOAT, ["n", 3])],
    )
    with pytest.raises(SpecError, match="gives 3 numbers a person; declare labels"):
        OnnxProbe(path=path).open(trust=False)
    probe = OnnxProbe(path=path, features=COLUMNS, labels=("a", "b", "c"), favorable="b")
    rows = filled / [80, 100_000, 1]
    expected = np.exp(rows.to_numpy())
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(say(probe, rows), expected.argmax(axis=1))
    score = say(probe.model_copy(update={"outcome": "score"}), rows)
    np.testing.assert_allclose(score, expected[:, 1], atol=1e-6)


def test_raw_margins_are_not_taken_for_probabilities(say, filled, tmp_path) -> None:
    path = graph(
        tmp_path / "net.onnx",
        [("Identity", ["x"], ["y"])],
        [("x", FLOAT, ["n", 3])],
        [("y", FLOAT, ["n", 3])],
    )
    probe = OnnxProbe(path=path, features=COLUMNS, labels=("a", "b", "c"), favorable="b")
    with pytest.raises(ModelError, match='the output "y" holds no probabilities'):
        say(probe, filled)


def test_a_network_that_ends_in_a_sigmoid(say, filled, tmp_path) -> None:
    path = graph(
        tmp_path / "net.onnx",
        [("Sigmoid", ["x"], ["y"])],
        [("x", FLOAT, [None, 1])],
        [("y", FLOAT, [None, 1])],
    )
    age = filled[["age"]] / 10 - 4
    expected = 1 / (1 + np.exp(-age["age"]))
    as_number = OnnxProbe(path=path, features=("age",))
    np.testing.assert_allclose(say(as_number, age), expected, atol=1e-6)
    declared = OnnxProbe(path=path, features=("age",), labels=("no", "yes"), favorable="yes")
    np.testing.assert_array_equal(say(declared, age), expected > 0.5)


def test_labels_that_come_as_a_column(say, filled, tmp_path) -> None:
    path = graph(
        tmp_path / "sign.onnx",
        [("Sign", ["x"], ["s"])],
        [("x", INT, ["n", 1])],
        [("s", INT, ["n", 1])],
    )
    probe = OnnxProbe(path=path, features=("age",), outcome="decision", favorable=1)
    np.testing.assert_array_equal(say(probe, filled[["age"]] - 50), filled["age"] > 50)


@pytest.mark.parametrize(
    ("shape", "message"),
    [([1, 3], "always takes 1 rows"), (["n", 3, 4, 4], "has 4 dimensions; a table has two")],
)
def test_what_is_no_table_is_refused(tmp_path, shape, message) -> None:
    path = graph(
        tmp_path / "image.onnx",
        [("Identity", ["x"], ["y"])],
        [("x", FLOAT, shape)],
        [("y", FLOAT, shape)],
    )
    with pytest.raises(ModelError, match=message) as caught:
        OnnxProbe(path=path).open(trust=False)
    assert caught.value.path == "$.model.path"


def test_a_model_that_refuses_rows_prints_nothing(applicants, approved, tmp_path, capfd) -> None:
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(applicants[["job"]], approved)
    path = save(tmp_path / "job.onnx", model, columns_of(job="String"))
    opened = OnnxProbe(path=path).open(trust=False)
    with pytest.raises(Exception, match="Unknown Category"):
        opened.labels(pd.DataFrame({"job": ["king"]}))
    # Its labels cannot be learned from a made-up person, so they are to be declared.
    assert opened.classes is None
    declared = OnnxProbe(path=path, labels=(0, 1), outcome="score").open(trust=False)
    expected = model.predict_proba(applicants[["job"]])
    np.testing.assert_allclose(declared.probabilities(applicants[["job"]]), expected, atol=1e-6)
    assert capfd.readouterr() == ("", "")
