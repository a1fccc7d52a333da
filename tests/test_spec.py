"""The audit as a file: read, checked, written back."""

import inspect
import subprocess
import sys
import tomllib

import numpy as np
import pandas as pd
import pytest

import paribus as pb
from paribus.mitigation.base import MITIGATIONS, Request
from paribus.spec import from_tables, kinds

FULL = """
[audit]
name = "Loan approval"
seed = 42
people = 500
tolerance = 0.02
confidence = 0.9
cross = [["gender", "nation"]]

[model]
kind = "callable"
function = "loans:decide"
favorable = "yes"
features = ["income", "code"]
labels = ["yes", "no"]

[protect.gender]
levels = ["Male", "Female"]
reference = "Female"
weights = [0.4, 0.6]

[protect.nation]
levels = ["US", "DE"]

[protect.age]
levels = [25, 35.5, 65]

[fields]
id = { kind = "mimesis", method = "cryptographic.uuid" }
same = { kind = "constant", value = true }
count = { kind = "sequence", start = 5 }
u = { kind = "uniform", low = -1, high = 2.5 }
z = { kind = "normal", mean = 3, sd = 2, low = 0, decimals = 1 }
income = { kind = "lognormal", median = 40_000, sigma = 0.5, low = 12_000 }
n = { kind = "integers", low = 0, high = 9 }
born = { kind = "dates", low = 1950-01-01, high = "2000-12-31" }
city = { kind = "choice", values = ["a", "b"], weights = [0.25, 0.75] }
code = { kind = "map", of = "gender", map = { Male = 1, Female = 0 } }
sex = { kind = "copy", of = "code" }
mail = { kind = "mimesis", method = "person.email", of = "name" }

[fields.name]
kind = "mimesis"
method = "person.full_name"
locale = "en"
arguments = { reverse = true }
follows = { gender = { Male = "MALE", Female = "FEMALE" }, nation = { US = "en", DE = "de" } }

[[tests]]
kind = "counterfactual"
cross = [["gender", "nation"]]
placebo = false

[[tests]]
kind = "regions"
depth = 2
"""


def test_a_spec_survives_the_round_trip():
    declared = from_tables(tomllib.loads(FULL))
    spec = declared.spec()
    again = from_tables(spec)
    assert again == declared
    assert again.spec() == spec
    assert spec["audit"] == tomllib.loads(FULL)["audit"]
    assert set(spec["fields"]) == set(tomllib.loads(FULL)["fields"])
    assert spec["protect"]["gender"]["reference"] == "Female"
    assert [t["kind"] for t in spec["tests"]] == ["counterfactual", "regions"]


def test_the_spec_in_a_record_gives_the_same_record(tmp_path, monkeypatch):
    """A record is enough to run its audit again."""
    (tmp_path / "again.py").write_text("def decide(d):\n    return (d['code'] == 1).astype(int)\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = tmp_path / "audit.toml"
    spec.write_text(
        "[audit]\npeople = 300\n"
        '[model]\nkind = "callable"\nfunction = "again:decide"\nfavorable = 1\n'
        '[protect.gender]\nlevels = ["Male", "Female"]\n'
        '[fields]\nx = { kind = "integers", low = 0, high = 5 }\n'
        'code = { kind = "map", of = "gender", map = { Male = 1, Female = 0 } }\n'
    )
    one = pb.load(spec).run(trust=True)
    two = from_tables(pb.open_record(one.save(tmp_path / "r.json")).spec).run(trust=True)
    assert (
        one.model_copy(update={"run": {}}).json_text()
        == two.model_copy(update={"run": {}}).json_text()
    )


def test_overrides_win_where_they_are_given(tmp_path):
    path = tmp_path / "audit.toml"
    path.write_text(FULL)
    assert pb.load(path).size == 500
    assert pb.load(path, people=None, seed=None).seed == 42
    over = pb.load(path, people=7, seed=1)
    assert (over.size, over.seed) == (7, 1)


@pytest.mark.parametrize(
    ("override", "said"),
    [({"tolerence": 0.1}, 'did you mean "tolerance"'), ({"fields": {}}, 'unknown key "fields"')],
)
def test_only_keys_of_audit_are_overridden(tmp_path, override, said):
    path = tmp_path / "audit.toml"
    path.write_text(FULL)
    with pytest.raises(pb.SpecError, match=said) as caught:
        pb.load(path, **override)
    assert caught.value.path == "$.audit"


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    pd.DataFrame({"gender": ["Male", "Female"]}).to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "audit.toml").write_text(
        '[model]\nkind = "file"\npath = "m.onnx"\n[data]\npath = "people.csv"\n'
        '[protect.gender]\nlevels = ["Male", "Female"]\n'
    )
    monkeypatch.chdir("/")
    declared = pb.load(tmp_path / "audit.toml")
    assert len(declared.people) == 2
    assert declared.probe.path == str(tmp_path / "m.onnx")


def test_defaults():
    declared = from_tables(
        {
            "model": {"kind": "callable", "function": "a:b"},
            "protect": {"g": {"levels": ["a", "b"]}},
            "fields": {"x": {"kind": "sequence"}},
        }
    )
    assert len(declared.people) == 10_000
    assert (declared.seed, declared.confidence, declared.tolerance) == (0, 0.95, None)
    kinds = [test.kind for test in declared.tests]
    assert kinds == ["counterfactual", "paired", "levels", "regions", "profiles"]


def test_a_declaration_is_frozen_and_equal_to_its_like():
    one, two = (from_tables(tomllib.loads(FULL)) for _ in range(2))
    assert one == two
    with pytest.raises(Exception, match="frozen"):
        one.seed = 3


def test_the_python_call_writes_a_spec_too():
    record = pb.audit(
        lambda d: np.ones(len(d)),
        protect={"g": ["a", "b"]},
        fields={"x": pb.integers(1, 2), "c": pb.map_of("g", {"a": 1, "b": 0})},
        favorable=1,
        people=30,
    )
    assert record.spec["protect"] == {"g": {"levels": ["a", "b"]}}
    assert record.spec["fields"]["x"] == {"kind": "integers", "low": 1, "high": 2}
    assert record.spec["fields"]["c"] == {"kind": "map", "of": "g", "map": {"a": 1, "b": 0}}
    assert record.spec["model"]["kind"] == "callable"
    assert record.spec["audit"]["people"] == 30


def test_every_kind_has_a_sentence():
    for members in kinds().values():
        assert members
        assert all(sentence.endswith(".") for sentence in members.values())
    assert list(kinds("fields")) == ["fields"]


# --- what is tried to mend the model --------------------------------------------------------------

MITIGATE = """
[mitigate]
train = "loans.csv"
label = "repaid"
try = ["reweigh", "twin-average", { kind = "thresholds", constraint = "equalized odds" }]
scorer = "balanced_accuracy"
gap = "flip rate"
folds = 5
weight = "people"
"""


def test_an_audit_makes_nothing_of_mitigate():
    assert from_tables(tomllib.loads(FULL + MITIGATE)) == from_tables(tomllib.loads(FULL))


def test_mitigate_gives_the_arguments_of_the_call(tmp_path):
    path = tmp_path / "audit.toml"
    path.write_text(FULL + MITIGATE)
    found = pb.read_mitigation(path)
    candidates = found.pop("candidates")
    assert candidates[:2] == ["reweigh", "twin-average"]
    assert candidates[2] == {"kind": "thresholds", "constraint": "equalized odds"}
    assert found == {
        "train": str(tmp_path / "loans.csv"),
        "label": "repaid",
        "scorer": "balanced_accuracy",
        "gap": "flip rate",
        "folds": 5,
        "weight": "people",
    }
    given = pb.read_mitigation(path, train="here.csv", candidates=["massage"], label=None, folds=2)
    assert (given["train"], given["candidates"], given["folds"]) == ("here.csv", ["massage"], 2)
    assert given["label"] == "repaid"


def test_without_the_section_there_is_nothing_to_give(tmp_path):
    path = tmp_path / "audit.toml"
    path.write_text(FULL)
    assert pb.read_mitigation(path) == {}
    assert pb.read_mitigation(path, choose="consistency", label="repaid") == {"label": "repaid"}


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        ({"candidates": ["reweight"]}, "$.mitigate.try[0].kind", 'did you mean "reweigh"?'),
        ({"candidates": [pb.integers(0, 1)]}, "$.mitigate.try[0]", "must be a kind"),
        ({"folds": 1}, "$.mitigate.folds", "greater than or equal to 2"),
        ({"foldes": 3}, "$.mitigate", 'did you mean "folds"?'),
        ({"choose": "reweight"}, "choose", 'did you mean "reweigh"?'),
        ({"choose": "massage"}, "choose", '"massage" is not tried'),
        ({"choose": "massage", "candidates": ["reweigh"]}, "choose", "not tried"),
        (
            {"choose": "thresholds (equalised odds)", "candidates": [
                "thresholds", {"kind": "thresholds", "constraint": "equalized odds"}
            ]},
            "choose",
            'did you mean "thresholds (equalized odds)"?',
        ),
    ],
)  # fmt: skip
def test_what_replaces_the_file_is_checked_as_well(tmp_path, given, path, said):
    file = tmp_path / "audit.toml"
    file.write_text(FULL + MITIGATE)
    with pytest.raises(pb.SpecError) as raised:
        pb.read_mitigation(file, **given)
    assert raised.value.path == path
    assert said in raised.value.message


@pytest.mark.parametrize("choose", ["reweigh", "twin_average", "thresholds", "as it is"])
def test_any_candidate_may_be_chosen(tmp_path, choose):
    file = tmp_path / "audit.toml"
    file.write_text(FULL + MITIGATE)
    assert "choose" not in pb.read_mitigation(file, choose=choose)


def test_the_request_declares_what_the_call_takes():
    """The section and the call have the same keys, and the same is meant where nobody says."""
    called = inspect.signature(pb.mitigate).parameters
    for key, field in Request.model_fields.items():
        assert called[key].default == field.default, key


def test_a_wrong_mitigation_is_found_without_what_a_model_needs(tmp_path):
    """Every kind is declared without scikit-learn, which takes a second to import."""
    file = tmp_path / "audit.toml"
    every = ", ".join(f'"{kind}"' for kind in MITIGATIONS.kinds())
    file.write_text(f"{FULL}[mitigate]\ntry = [{every}, {{ kind = 'thresholds', grid = 0 }}]\n")
    script = (
        f"import sys, paribus\n"
        f"try:\n    paribus.load({str(file)!r})\n"
        "except paribus.SpecError as error:\n    print(error.path)\n"
        "print(*sys.modules)"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    path, modules = done.stdout.splitlines()
    assert path == f"$.mitigate.try[{len(MITIGATIONS.kinds())}].grid"
    loaded = set(modules.split())
    assert {f"paribus.mitigation.{kind}" for kind in MITIGATIONS.kinds()} <= loaded
    assert not loaded & {"sklearn", "fairlearn", "skops", "paribus.estimators.base"}
