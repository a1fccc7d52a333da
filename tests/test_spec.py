"""The audit as a file: read, checked, written back."""

import tomllib

import numpy as np
import pandas as pd
import pytest

import paribus as pb
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
