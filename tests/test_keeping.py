"""What a record keeps of its first people, and who they are."""

import base64
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import paribus as pb
from paribus import keeping
from paribus.evidence.counterfactual import Counterfactual
from paribus.keeping import Kept, KeptSeries, _packed
from paribus.record import Record

GENDER = {"gender": ["Male", "Female"]}
INCOME = {"income": pb.uniform(30_000.0, 120_000.0)}


def loan(people):
    return people["income"] > 60_000 + 9_000 * (people["gender"] == "Female")


def audited(model=loan, **given):
    asked = {
        "protect": GENDER,
        "fields": INCOME,
        "people": 600,
        "seed": 3,
        "tests": [Counterfactual()],
    }
    asked |= {"favorable": True} if model is loan else {}
    return pb.audit(model, **{**asked, **given})


def series(record, of, group="Female", reference="", attribute="gender", contrast="level"):
    return record.kept.find(of, contrast, attribute, (reference, group))


@given(st.lists(st.integers(0, 3), max_size=70))
def test_codes_come_back(codes):
    kept = KeptSeries(
        contrast="level", attribute="a", group="g", of="decisions", people=len(codes),
        data=_packed(np.array(codes, np.uint8)),
    )  # fmt: skip
    expected = [np.nan if code == 3 else code / 2 for code in codes]
    np.testing.assert_array_equal(kept.numbers(), expected)


def test_the_bytes_are_what_the_docstring_says():
    """Four codes a byte, the lowest bits first: readable by anybody, and the same everywhere."""
    assert base64.b64decode(_packed(np.array([2, 0, 3, 1, 2]))) == bytes([0b01_11_00_10, 0b10])


def test_decisions_are_those_of_the_twins():
    record = audited()
    pairs = record.pairs()
    np.testing.assert_array_equal(series(record, "decisions"), pairs["group_answer"] == True)  # noqa: E712
    np.testing.assert_array_equal(
        series(record, "decisions", "Male"),
        pairs["reference_answer"] == True,  # noqa: E712
    )
    assert record.kept.find("decisions", "cell", "gender", ("", "Male")) is None


def test_amounts_are_those_of_the_twins():
    def score(people):
        return people["income"] / 150_000 - 0.05 * (people["gender"] == "Female")

    record = audited(score, outcome="score", threshold=0.5)
    gaps = record.pairs()["gap"].to_numpy()
    assert series(record, "amounts", reference="Male") == pytest.approx(gaps, abs=1e-7)
    assert record.kept.spread == pytest.approx(0.65, abs=0.01)
    assert series(record, "decisions") is not None


def test_labels_keep_whether_they_change():
    def rank(people):
        return np.where(
            people["income"] > 60_000 + 9_000 * (people["gender"] == "Female"), "a", "b"
        )

    record = audited(rank, outcome="label", labels=["a", "b", "c"])
    flips = record.pairs()["flip"].to_numpy()
    np.testing.assert_array_equal(series(record, "changes", reference="Male"), flips)
    assert series(record, "decisions") is None


def test_missing_answers_are_marked():
    def torn(people):
        if (people["income"] > 100_000).any():
            raise ValueError("too rich")
        return [True] * len(people)

    record = audited(torn, people=40, favorable=True, repeats="ask")
    assert record.answers.failed > 0
    known = ~np.isnan(series(record, "decisions"))
    assert known.sum() == record.answers.answered / 2


def test_models_that_do_not_repeat_themselves_keep_both_answers():
    rng = np.random.default_rng(1)
    record = audited(lambda people: rng.random(len(people)) < 0.5, favorable=True)
    kept = series(record, "decisions")
    assert set(kept) == {0.0, 0.5, 1.0}
    net = next(row for row in record.evidence if row.unit == "net gap" and row.contrast == "level")
    assert (kept - series(record, "decisions", "Male")).mean() == pytest.approx(net.estimate)


@pytest.mark.parametrize("unit", [1e90, 1e-90])
def test_huge_and_tiny_amounts_keep_their_ratios(unit):
    record = audited(
        lambda people: unit * people["income"] * (1 + (people["gender"] == "Female")),
        outcome="number", tolerance=unit,
    )  # fmt: skip
    gaps = record.pairs()["gap"].to_numpy()
    assert series(record, "amounts", reference="Male") == pytest.approx(gaps, rel=1e-6, abs=0)


def test_only_the_first_people_are_kept(monkeypatch):
    monkeypatch.setattr(keeping, "DECISIONS", 101)
    assert len(series(audited(), "decisions")) == 101
    monkeypatch.setattr(keeping, "_MOST_CODES", 100)
    assert len(series(audited(), "decisions")) == 50


def test_a_record_keeps_it_in_its_file_and_stays_small(tmp_path):
    record = audited(people=10_000)
    path = record.save(tmp_path / "record.json")
    again = pb.open_record(path)
    assert again.kept == record.kept
    bare = len(record.model_copy(update={"kept": None}).json_text())
    # Two levels of 10,000 people, four a byte, and base64.
    assert len(record.json_text()) - bare < 7_500


def test_records_of_older_versions_open(tmp_path):
    content = json.loads(audited().json_text())
    del content["kept"]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(content))
    assert pb.open_record(path).kept is None
    assert isinstance(pb.open_record(path), Record)


def test_the_same_request_keeps_the_same_bytes():
    assert audited().kept == audited(workers=2).kept


def test_damage_is_found():
    def kept(data, people, of="decisions"):
        return KeptSeries(
            contrast="level", attribute="a", group="g", of=of, people=people, data=data
        )

    with pytest.raises(pb.SpecError, match="12 numbers for 50 people"):
        kept("AAAA", 50)
    with pytest.raises(pb.SpecError, match="cut off within a number"):
        kept("AAAA", 1, "amounts")
    infinite = base64.b64encode(np.array([np.inf], "<f4").tobytes()).decode()
    with pytest.raises(pb.SpecError, match="infinite"):
        kept(infinite, 1, "amounts")
    with pytest.raises(pb.SpecError, match="not all about as many people"):
        Kept(fingerprint="", series=(kept("AAAA", 12), kept("AA==", 3)))


# --- who they are ---------------------------------------------------------------------------------


def table(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "gender": rng.choice(["Male", "Female"], n),
            "income": rng.uniform(30_000, 120_000, n),
            "joined": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "note": [None if i % 7 else f"n{i}" for i in range(n)],
        }
    )


def test_the_same_people_whatever_their_number_and_the_model():
    one = audited().kept.fingerprint
    assert audited(people=2_000).kept.fingerprint == one
    assert audited(lambda people: [True] * len(people), favorable=True).kept.fingerprint == one
    assert audited(name="Another", tolerance=0.1).kept.fingerprint == one


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 4},
        {"fields": {"income": pb.uniform(30_000.0, 120_001.0)}},
        {"fields": {**INCOME, "age": pb.integers(18, 70)}},
        {"protect": {"gender": ["Female", "Male"]}},
    ],
)
def test_other_people(other):
    assert audited(**other).kept.fingerprint != audited().kept.fingerprint


def test_real_people_are_told_by_their_values():
    def rows(frame, **given):
        asked = {"fields": None, "people": None, "data": frame}
        return audited(**{**asked, **given}).kept.fingerprint

    one = rows(table())
    # Nothing is drawn: no seed, and no order of columns, makes them others.
    assert rows(table(), seed=9) == one
    changed = table()
    changed.loc[299, "income"] += 100
    assert rows(changed) != one
    assert rows(table().iloc[::-1]) != one
    assert rows(table(), people=200) != one
    drawn = {"fields": {"age": pb.integers(18, 70)}}
    assert rows(table(), **drawn, seed=1) != rows(table(), **drawn, seed=2)


def test_everybody_in_the_domain_needs_no_series():
    record = pb.audit(
        lambda people: people["age"] > 30 + 2 * (people["gender"] == "Female"),
        protect=GENDER, fields={"age": pb.integers(18, 70)}, favorable=True,
    )  # fmt: skip
    assert record.exhaustive
    assert record.kept.series == ()
