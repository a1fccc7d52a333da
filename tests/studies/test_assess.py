"""An assessment: planted leaks and classes are found, and only measured risk earns a word."""

import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.keys import Key
from paribus.errors import DataError, ModelError, OutputError, ParibusError, SpecError
from paribus.stats.attacks import Attack, Tries
from paribus.studies._attacks import _attacked, _closeness
from paribus.studies._persons import persons
from paribus.studies._risks import Found, Thresholds
from paribus.studies.assess import Assessment, assess, open_assessment

FEW = {"attacks": 60, "sample": 500}
ROLES = {"identifying": ["name", "email"], "quasi": ["sex", "age"], "sensitive": "illness"}


def people(n=800, seed=0):
    rng = np.random.default_rng(seed)
    sex = rng.choice(["Male", "Female"], n, p=[0.6, 0.4])
    age = rng.integers(20, 30, n)
    illness = rng.choice(["flu", "cold", "none"], n, p=[0.2, 0.3, 0.5])
    paid = (rng.random(n) < np.where(sex == "Male", 0.75, 0.25)).astype(int)
    return pd.DataFrame(
        {
            "name": [f"Person{seed}x{i} Surname{i % 311}" for i in range(n)],
            "email": [f"someone{seed}.{i}@firm{i % 11}.com" for i in range(n)],
            "sex": sex,
            "age": age,
            "illness": illness,
            "paid": paid,
        }
    )


def replaced(frame):
    n = len(frame)
    return frame.assign(
        name=[f"Fake{i:06d} Pseudonym{i % 311:04d}" for i in range(n)],
        email=[f"q{i:09d}@example.org" for i in range(n)],
    )


@pytest.fixture(scope="module")
def original():
    return people()


@pytest.fixture(scope="module")
def made(original):
    return assess(
        original, replaced(original), **ROLES, label="paid", protect={"sex": ["Male", "Female"]},
        l=2, t=0.4, **FEW,
    )  # fmt: skip


def risk(assessment, measure):
    return next(r for r in assessment.risks if r.measure == measure)


# --- privacy --------------------------------------------------------------------------------------


def test_k_l_and_t_are_counted(original, made):
    classes = original.groupby(["sex", "age"])
    assert risk(made, "k-anonymity").estimate == classes.size().min()
    assert risk(made, "k-anonymity").verdict == "within threshold"
    assert risk(made, "l-diversity").estimate == classes["illness"].nunique().min()
    whole = original["illness"].value_counts(normalize=True)
    apart = []
    for _, part in classes:
        shares = part["illness"].value_counts(normalize=True).reindex(whole.index, fill_value=0)
        apart.append(np.abs(shares - whole).sum() / 2)
    assert risk(made, "t-closeness").estimate == pytest.approx(max(apart))
    assert sum(made.classes.people) == len(original)
    assert all(r.exact for r in made.risks[:5])
    # Bonferroni: the intervals of what is estimated hold together.
    estimated = [r for r in made.risks if not r.exact]
    assert len(estimated) >= 4
    assert 1 - made.each == pytest.approx(0.05 / (len(made.risks) - 5))


def test_a_planted_small_class_is_found(original):
    frame = original.copy()
    frame.loc[7, "age"] = 93
    found = assess(frame, replaced(frame), **ROLES, **FEW)
    k, unique = risk(found, "k-anonymity"), risk(found, "unique rows")
    assert (k.estimate, k.verdict) == (1, "exceeds threshold")
    assert unique.estimate == pytest.approx(1 / len(frame))
    assert unique.verdict == "exceeds threshold"
    assert k.advice
    assert found.word == "pseudonymized"
    assert found.exit_code == 1


def test_a_planted_leak_is_found(original):
    safe = replaced(original)
    safe.loc[11, "email"] = original.loc[11, "email"]
    found = assess(original, safe, **ROLES, **FEW)
    leak = risk(found, "exact leaks")
    assert leak.estimate >= 1
    assert leak.verdict == "exceeds threshold"
    assert found.word == "identifying values are left"
    assert found.exit_code == 1


def test_a_leak_inside_another_column_is_found(original):
    safe = replaced(original).assign(note="")
    safe.loc[5, "note"] = f"please write to {original.loc[5, 'email']} soon"
    found = assess(original, safe, **ROLES, **FEW)
    assert found.word == "identifying values are left"


def test_a_table_that_is_not_replaced_at_all_is_called_by_its_name(original):
    shuffled = original.sample(frac=1, random_state=1)
    found = assess(original, shuffled, **ROLES, holdout=people(seed=1), **FEW)
    assert not found.aligned
    assert found.word == "identifying values are left"


def test_a_leak_in_the_metadata_of_a_file_is_found(original, tmp_path):
    table = pa.Table.from_pandas(replaced(original), preserve_index=False)
    clean, leaky = tmp_path / "clean.parquet", tmp_path / "leaky.parquet"
    pq.write_table(table.replace_schema_metadata(None), clean)
    pq.write_table(table.replace_schema_metadata({"owner": original.loc[3, "email"]}), leaky)
    found = [assess(original, str(p), **ROLES, **FEW) for p in (clean, leaky)]
    assert [each.word for each in found] == ["pseudonymized", "identifying values are left"]
    leak = risk(found[1], "exact leaks")
    assert leak.sentence.startswith("1 original value of name, email stands in the file")
    assert leak.advice.startswith("Write the rows into a new file")


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_a_fake_that_begins_like_an_original_is_no_leak(original, tmp_path, ending):
    original, safe = original.copy(), replaced(original)
    original.loc[3, "name"], safe.loc[8, "name"] = "Ray Spence", "Ray Spencer"
    path = tmp_path / f"safe.{ending}"
    if ending == "parquet":
        table = pa.Table.from_pandas(safe, preserve_index=False)
        pq.write_table(table.replace_schema_metadata(None), path)
    else:
        {"csv": safe.to_csv, "xlsx": safe.to_excel}[ending](path, index=False)
    leak = risk(assess(original, str(path), **ROLES, **FEW), "exact leaks")
    assert (leak.estimate, leak.verdict) == (0, "within threshold")


def test_attacks_find_copies_and_not_strangers():
    def table(seed):
        rng = np.random.default_rng(seed)
        body = {"weight": rng.normal(70, 9, 800), "height": rng.normal(175, 8, 800)}
        return people(800, seed).assign(**body)

    original, holdout, stranger = table(0), table(1), replaced(table(2))
    copied = replaced(original).sample(frac=1, random_state=1)
    roles = {**ROLES, "quasi": ["weight", "height"]}
    limits = {"k": 1, "unique_share": 1.0, "attacks": 200, "holdout": holdout}
    bad = assess(original, copied, **roles, **limits)
    good = assess(original, stranger, **roles, **limits)
    for measure in ("closeness", "singling out (several columns)", "linkability"):
        assert risk(bad, measure).verdict == "exceeds threshold"
        assert risk(good, measure).verdict != "exceeds threshold"
    assert risk(bad, "closeness").estimate == 1.0
    # Row by row, one half of the originals is the holdout of the other.
    split = assess(original, replaced(original), **{**roles, **limits, "holdout": None})
    assert risk(split, "closeness").estimate == 1.0
    assert risk(good, "closeness").low < 0.5 < risk(good, "closeness").high
    assert good.distances is not None
    assert sum(good.distances.holdout) == pytest.approx(1)


def test_rows_that_share_a_real_row_are_one_voice():
    rng = np.random.default_rng(0)
    real = [[rng.normal(size=400)] for _ in range(2)]
    widths = []
    for fakes in (few := rng.normal(size=20), np.repeat(few, 40)):
        found = Found(each=0.95)
        limits = Thresholds(5, None, None, 0.0, 0.1, 0.55)
        _closeness(([fakes], *real), ("a",), limits, found, 0)
        widths.append(found.risks[0].high - found.risks[0].low)
    assert widths[1] > 0.8 * widths[0]


def test_rows_as_close_to_all_prove_no_more_than_their_number():
    same = np.zeros(100, int)
    found = Found(each=0.95)
    _closeness(([same], [same], [same]), ("a",), Thresholds(5, None, None, 0, 0.1, 0.55), found, 0)
    (made,) = found.risks
    # Rule of three: of 100 more rows, up to 3 % could differ by a half.
    assert made.estimate == 0.5
    assert made.high - 0.5 == pytest.approx(0.5 * (1 - 0.05 ** (1 / 100)))
    assert made.low == pytest.approx(1 - made.high)


def test_closeness_is_within_its_interval_as_often_as_it_says():
    """Rows of the result that know nothing of the one half more than of the other: 0.5."""
    missed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        table = [
            [rng.normal(size=n), rng.integers(0, 3, n)] for n in (150, 300, 300)
        ]  # fmt: skip
        found = Found(each=0.9)
        limits = Thresholds(5, None, None, 0.0, 0.1, 0.55)
        _closeness(tuple(table), ("a", "b"), limits, found, seed)
        missed += not found.risks[0].low <= 0.5 <= found.risks[0].high
    assert missed <= 12


def strangers(seed, n=2_000):
    """People whose columns go together, so that attacks have something to go by."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    return pd.DataFrame(
        {
            "id": [f"id-{rng.integers(10**12)}-{i}" for i in range(n)],
            "weight": (size + rng.normal(size=n)).round(2),
            "height": (size + rng.normal(size=n)).round(2),
            "waist": rng.normal(size=n).round(2),
            "band": np.where(size + rng.normal(size=n) / 2 > 0, "tall", "small"),
        }
    )


BODY = {"identifying": "id", "quasi": ["weight", "height"], "sensitive": "band",
        "k": 1, "unique_share": 1.0, "l": 1, "attack_risk": 0.3, "closer": 0.6}  # fmt: skip


def test_the_stronger_word_is_earned_where_everything_is_within():
    """Others from the same population: what they tell, they tell of anybody."""
    original, synthetic, holdout = strangers(3), strangers(4), strangers(5)
    found = assess(original, synthetic, holdout=holdout, **BODY)
    assert [r.measure for r in found.risks if r.verdict != "within threshold"] == []
    assert found.word == "anonymized to the declared thresholds"
    assert (found.verdict, found.exit_code) == ("within threshold", 0)
    # One threshold that is not kept takes the word away.
    again = assess(original, synthetic, holdout=holdout, **{**BODY, "k": 2_001}, **FEW)
    assert again.word == "pseudonymized"
    # And so does a measure that was not taken.
    for change, lacking in (({"sensitive": ()}, "Inference"), ({"quasi": "weight"}, "Linkability")):
        fewer = assess(original, synthetic, holdout=holdout, **{**BODY, **change})
        assert {r.verdict for r in fewer.risks} == {"within threshold"}
        assert fewer.word == "pseudonymized"
        assert (fewer.verdict, fewer.exit_code) == ("inconclusive", 3)
        assert any(said.startswith(lacking) for said in fewer.unmeasured)
        assert f"not everything was measured ({lacking.lower()})" in fewer.sentence


def test_what_the_result_does_not_have_need_not_be_measured():
    tables = [strangers(seed, 300).drop(columns="id") for seed in range(3)]
    roles = {"identifying": [], "quasi": ["weight", "height"], "sensitive": "band", **FEW}
    synthetic = tables[1].drop(columns=["band", "weight"])
    found = assess(tables[0], synthetic, holdout=tables[2], **roles)
    assert [said.split(":")[0] for said in found.unmeasured] == ["Exact leaks"]
    assert any("nothing to link by" in note for note in found.notes)


@pytest.mark.parametrize(
    ("measure", "attack", "verdict", "said"),
    [
        ("linkability", (2, 60, 2), "inconclusive", "worse than guessing"),
        ("linkability", (2, 9, 2), "within threshold", "No better than guessing"),
        ("linkability", (0, 0, 0), "within threshold", "No better than guessing"),
        ("linkability", None, "inconclusive", "without a try"),
        ("singling out (one column)", None, "within threshold", "nothing to try"),
    ],
)
def test_an_attack_too_weak_to_tell_proves_nothing(measure, attack, verdict, said):
    """Where nobody is alone with a value, to single somebody out cannot even be tried."""
    tries = [Tries(0, 0)] * 3 if attack is None else [Tries(each, 2_000) for each in attack]
    made = _attacked(measure, ("a", "b"), Attack(*tries), 0.1, 0.95)
    assert made.verdict == verdict
    assert said in made.sentence


# --- values dealt to others -----------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["aligned", "unordered"])
@pytest.mark.parametrize("column", ["email", "name"])
def test_values_dealt_to_others_are_leaks(original, column, rows):
    safe = replaced(original).assign(**{column: np.roll(original[column], 1)})
    found = assess(original, safe, rows=rows, **ROLES, **FEW)
    leak = risk(found, "exact leaks")
    assert (leak.estimate, leak.verdict) == (len(original), "exceeds threshold")
    assert f"those of {column} were dealt to other rows" in leak.sentence
    assert found.word == "identifying values are left"
    # In a column of another name, too.
    safe = replaced(original).assign(contact=np.roll(original["email"], 1))
    found = assess(original, safe, rows=rows, **ROLES, **FEW)
    assert risk(found, "exact leaks").verdict == "exceeds threshold"


def test_addresses_of_several_rows_dealt_to_others_are_seen():
    frame = people(200).loc[np.repeat(np.arange(200), 4)].reset_index(drop=True)
    dealt = frame.assign(email=np.roll(frame["email"], 40), name=replaced(frame)["name"])
    assert risk(assess(frame, dealt, **ROLES, **FEW), "exact leaks").estimate == len(frame)
    # One column alone does not say how many people there are.
    roles = {"identifying": "email", "quasi": ["sex", "age"]}
    found = assess(frame.drop(columns="name"), dealt.drop(columns="name"), **roles, **FEW)
    assert risk(found, "exact leaks").verdict == "inconclusive"


def test_some_values_dealt_to_others_are_not_proven_to_be_chance(original):
    some = np.arange(len(original)) < 0.3 * len(original)
    safe = replaced(original)
    safe["email"] = np.where(some, np.roll(original["email"], 1), safe["email"])
    leak = risk(assess(original, safe, **ROLES, **FEW), "exact leaks")
    assert (leak.estimate, leak.verdict) == (0, "inconclusive")
    assert "more than chance explains" in leak.sentence


@pytest.mark.parametrize("n", [40, 300, 20_000])
def test_names_that_others_have_are_no_leak(n):
    """Fakes are drawn from the lists that the originals are of: most are somebody's."""
    from mimesis import Person
    from mimesis.locales import Locale

    drawn, rng = Person(Locale.EN, seed=1), np.random.default_rng(1)
    first, last = ([f() for _ in range(n)] for f in (drawn.first_name, drawn.last_name))
    frame = pd.DataFrame(
        {
            "first": first, "last": last,
            "full": [f"{a} {b}" for a, b in zip(first, last, strict=True)],
            "number": 20_000 + rng.permutation(n),
            "sex": rng.choice(["F", "M"], n), "age": rng.integers(20, 24, n),
        }
    )  # fmt: skip
    kinds = {"first": "first_name", "last": "last_name", "full": "full_name", "number": "id"}
    anonymizer = Anonymizer(columns={**kinds, "sex": "keep", "age": "keep"})
    safe = anonymizer.frame(frame, Key(b"a secret of some length"))
    found = assess(frame, safe, anonymizer=anonymizer, quasi=["sex", "age"], **FEW)
    assert risk(found, "exact leaks").verdict == "within threshold"


# --- people with several rows ---------------------------------------------------------------------


def visits(seed=0, n=200, each=4):
    """People who come several times, and are the same people each time."""
    rng = np.random.default_rng(seed)
    frame = people(n, seed).assign(
        weight=rng.normal(70, 9, n), height=rng.normal(175, 8, n)
    )  # fmt: skip
    return frame.loc[np.repeat(np.arange(n), each)].reset_index(drop=True)


def test_nobody_is_a_stranger_to_their_own_rows():
    frame = visits()
    roles = {**ROLES, "quasi": ["weight", "height"], "k": 1, "unique_share": 1.0}
    found = assess(frame, replaced(frame), **roles, attacks=100)
    assert risk(found, "closeness").estimate == 1.0
    for measure in ("closeness", "linkability", "inference"):
        assert risk(found, measure).verdict == "exceeds threshold"


def test_people_are_counted_where_they_are_known():
    frame = visits(n=100, each=5).assign(sex="Male", age=30)
    frame.loc[:4, "age"] = 55
    found = assess(frame, replaced(frame), **ROLES, **FEW)
    k, unique = risk(found, "k-anonymity"), risk(found, "unique rows")
    assert (k.estimate, k.verdict) == (1, "exceeds threshold")
    assert "100 people in 500 rows" in k.sentence
    assert unique.estimate == 1 / 100
    assert sum(found.classes.people) == 100
    # Nobody knows how many people bear a name.
    rows = assess(frame, replaced(frame), **{**ROLES, "identifying": "name"}, **FEW)
    assert risk(rows, "k-anonymity").estimate == 5
    assert "Rows are counted" in risk(rows, "k-anonymity").sentence


def test_rows_are_connected_by_what_one_person_has():
    mail = pa.array(["a@x.org", "a@x.org", "b@x.org", None, "c@x.org", None])
    number = pa.array(["100200", "300400", "300400", "500600", None, None])
    assert persons([mail, number]).of_row.tolist() == [0, 0, 0, 1, 2, 3]
    name = pa.array(["Ann", "Ann", "Bob", None])
    assert persons([name]).of_row.tolist() == [0, 0, 1, 2]
    assert not persons([name]).apart


def test_a_holdout_of_the_same_people_proves_nothing():
    original, synthetic, holdout = strangers(3), strangers(4), strangers(5)
    holdout.loc[:9, "id"] = original.loc[:9, "id"]
    found = assess(original, synthetic, holdout=holdout, **BODY, attacks=300)
    assert any(
        note.startswith("Warning: 10 rows of the holdout are of people") for note in found.notes
    )
    estimated = [r for r in found.risks if not r.exact]
    assert len(estimated) == 5
    assert {r.verdict for r in estimated} == {"inconclusive"}
    assert found.word == "pseudonymized"


def test_a_small_holdout_hides_no_copies():
    original, holdout = strangers(3), strangers(5).head(200)
    roles = {**BODY, "rows": "unordered"}
    fakes = original.assign(id=[f"f{i:09d}" for i in range(len(original))])
    copied = assess(original, fakes, holdout=holdout, **roles, attacks=300)
    # A tenth of the originals is searched, and stands for all.
    assert risk(copied, "closeness").estimate == pytest.approx(1.0, abs=0.15)
    assert risk(copied, "closeness").verdict != "within threshold"
    assert risk(copied, "singling out (several columns)").verdict != "within threshold"
    assert "extrapolated from 10.0 % of the originals" in risk(copied, "closeness").sentence
    wide = {**roles, "closer": 1.0, "attack_risk": 1.0, "attacks": 300}
    honest = assess(original, strangers(4), holdout=holdout, **wide)
    for made in honest.risks:
        small = made.measure.startswith(("closeness", "singling out"))
        assert made.verdict == ("inconclusive" if small else "within threshold"), made.measure
        assert ("hold half of the real rows back" in made.sentence) == small


def test_where_rows_belong_together_a_small_holdout_is_enough():
    original = strangers(3)
    safe = original.assign(id=[f"f{i:09d}" for i in range(len(original))])
    found = assess(original, safe, holdout=strangers(5).head(200), **BODY, attacks=100)
    assert found.aligned
    assert risk(found, "closeness").estimate == 1.0
    assert "extrapolated" not in risk(found, "closeness").sentence


def test_without_people_to_compare_with_nothing_is_called_anonymized(original):
    synthetic = replaced(people(seed=3))
    found = assess(original, synthetic, **ROLES, rows="unordered", k=1, unique_share=1.0, **FEW)
    assert found.word == "pseudonymized"
    assert found.exit_code == 3
    assert any("holdout" in said for said in found.unmeasured)


def test_rows_that_were_left_out_are_no_obstacle(original):
    chosen = np.arange(0, len(original), 2)
    safe = replaced(original).iloc[chosen].reset_index(drop=True)
    safe.loc[0, "email"] = original.loc[0, "email"]
    found = assess(original, safe, rows=chosen, **ROLES, **FEW)
    assert found.aligned
    assert found.word == "identifying values are left"
    assert any("not in the result" in note for note in found.notes)
    kept = {c.name: c.treatment for c in found.columns}
    assert kept["age"] == kept["illness"] == "kept"


def test_numbers_in_bands_are_attacked_in_their_own_terms(original):
    banded = replaced(original).assign(age=(original["age"] // 5 * 5).astype(str) + "+")
    found = assess(original, banded, **ROLES, **FEW)
    assert "age" in risk(found, "linkability").about
    assert risk(found, "k-anonymity").estimate > 50


def test_the_anonymizer_says_what_identifies(original):
    kinds = dict.fromkeys(original.columns, "keep") | {"name": "id", "email": "id"}
    anonymizer = Anonymizer(columns=kinds)
    table = pa.Table.from_pandas(original, preserve_index=False)
    safe = anonymizer.apply(table, Key(b"a secret of some length"))
    found = assess(original, safe, anonymizer=anonymizer, quasi=["sex", "age"], **FEW)
    assert found.identifying == ("name", "email")
    assert risk(found, "exact leaks").estimate == 0


# --- usefulness -----------------------------------------------------------------------------------


def test_an_audit_finds_the_same_where_names_alone_were_replaced(made):
    assert made.usefulness == "kept"
    assert {one.source for one in made.agreements} == {"table", "model", "twins"}
    assert all(one.agrees and one.verdict == "kept" for one in made.agreements)
    assert any(one.before_verdict == "biased" for one in made.agreements)
    assert all(score.verdict == "kept" for score in made.scores)


def test_destroyed_dependence_is_less_useful(original):
    rng = np.random.default_rng(1)
    torn = replaced(original).apply(lambda column: rng.permutation(column.to_numpy()))
    found = assess(
        original, torn, **ROLES, label="paid", protect="sex", holdout=people(seed=9), **FEW
    )
    assert found.usefulness == "changed"
    assert any(not one.agrees for one in found.agreements)
    assert any(score.verdict == "changed" for score in found.scores)


def test_names_that_twins_are_given_again_are_seen_by_the_models():
    frame = people()
    frame["name"] = np.where(frame["sex"] == "Male", "Karl", "Anna")
    safe = frame.assign(
        name=np.where(frame["sex"] == "Male", "Hugo", "Erna"),
        email=[f"q{i:09d}@example.org" for i in range(len(frame))],
    )
    names = {"kind": "map", "of": "sex", "map": {"Male": "Karl", "Female": "Anna"}}
    found = assess(
        frame, safe, **ROLES, label="paid", protect={"sex": ["Male", "Female"]},
        fields={"name": names}, **FEW,
    )  # fmt: skip
    twins = [one for one in found.agreements if one.source == "twins"]
    assert twins
    assert all(math.isfinite(one.before) for one in twins)


def test_an_estimator_of_ones_own(original):
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    words = OneHotEncoder(handle_unknown="ignore")
    model = make_pipeline(
        make_column_transformer((words, ["sex", "illness"])), LogisticRegression()
    )
    found = assess(original, replaced(original), **ROLES, label="paid", model=model, **FEW)
    assert found.scores[0].before > 0.55


def test_one_column_is_one_column(original):
    found = assess(original, replaced(original).assign(age=25), **ROLES, **FEW)
    assert "1 column (age)" in found.useful_sentence


def test_the_command_takes_what_is_known_of_rows(original, tmp_path):
    from typer.testing import CliRunner

    from paribus.cli import app

    files = [tmp_path / name for name in ("before.csv", "after.csv")]
    for frame, file in zip((original, replaced(original)), files, strict=True):
        frame.to_csv(file, index=False)
    asked = ["assess", *map(str, files), "--identifying", "name,email", "--quasi", "sex,age"]
    for rows, aligned in (("aligned", True), ("unordered", False)):
        made = tmp_path / f"{rows}.json"
        CliRunner().invoke(app, [*asked, "--rows", rows, "-o", str(made)])
        assert open_assessment(made).aligned is aligned


# --- the document ---------------------------------------------------------------------------------


def test_json_comes_back(made, tmp_path):
    path = made.save(tmp_path / "risk.json")
    assert open_assessment(path) == made
    assert Assessment(**json.loads(made.json_text())) == made
    for bad in ("NaN", "Infinity"):
        assert bad not in made.json_text()


def test_the_same_request_gives_the_same_document(original, made):
    again = assess(
        original, replaced(original), **ROLES, label="paid", protect={"sex": ["Male", "Female"]},
        l=2, t=0.4, **FEW,
    )  # fmt: skip
    assert again.json_text() == made.json_text()


def test_every_kind_of_frame_and_file(original, made, tmp_path):
    safe = replaced(original)
    original.to_csv(tmp_path / "before.csv", index=False)
    safe.to_parquet(tmp_path / "after.parquet")
    other = assess(tmp_path / "before.csv", pl.from_pandas(safe), **ROLES, **FEW)
    from_file = assess(original, tmp_path / "after.parquet", **ROLES, **FEW)
    for found in (other, from_file):
        assert [r.estimate for r in found.risks[:2]] == [r.estimate for r in made.risks[:2]]
        assert all(c.treatment in ("kept", "replaced") for c in found.columns)


@pytest.mark.parametrize("suffix", [".html", ".json", ".csv", ".txt"])
def test_it_is_written_in_every_format(made, tmp_path, suffix):
    path = made.save(tmp_path / f"risk{suffix}")
    assert b"k-anonymity" in path.read_bytes()
    assert str(made).startswith("╭")
    assert made._repr_html_().startswith('<div class="paribus">')


def test_a_format_nobody_has(made, tmp_path):
    with pytest.raises(OutputError, match=r"names no format of an assessment"):
        made.save(tmp_path / "risk.pdf")
    with pytest.raises(SpecError, match="is no format"):
        made.render("pdf")
    (tmp_path / "other.json").write_text('{"schema": 1}')
    with pytest.raises(DataError, match="is no assessment"):
        open_assessment(tmp_path / "other.json")


# --- bad input ------------------------------------------------------------------------------------

SMALL = people(200)
SAFE = replaced(SMALL)
BAD = [
    ({"quasi": []}, SpecError, "name the columns that identify in combination"),
    ({"quasi": ["sexx"]}, SpecError, 'no column "sexx".*sex'),
    ({"quasi": ["sex", "sex"]}, SpecError, "is named twice"),
    ({"quasi": ["email"]}, SpecError, "identifying already"),
    ({"sensitive": "age"}, SpecError, "quasi-identifier already"),
    ({"identifying": None}, SpecError, "hand the anonymizer over"),
    ({"identifying": None, "anonymizer": 3}, SpecError, "expected an Anonymizer"),
    ({"identifying": ["mail"]}, SpecError, 'no column "mail"'),
    ({"anonymized": SAFE.head(9), "rows": "aligned"}, DataError, "not aligned"),
    ({"rows": "sorted"}, SpecError, "expected"),
    ({"rows": [0, 1]}, DataError, "2 numbers for the 200 rows"),
    ({"rows": [900] * 200}, DataError, "go from 0 to 199"),
    ({"rows": [0.5] * 200}, SpecError, "numbers of rows"),
    ({"holdout": SMALL.drop(columns="age")}, DataError, 'has no column "age"'),
    ({"label": "wealth"}, SpecError, 'no column "wealth"'),
    ({"label": "email"}, SpecError, "identifies people"),
    ({"label": "one", "original": SMALL.assign(one=1), "anonymized": SAFE.assign(one=1)},
     DataError, "one class"),
    ({"label": "many", "original": SMALL.assign(many=range(200)),
      "anonymized": SAFE.assign(many=range(200))}, DataError, "cut it at a threshold"),
    ({"label": "paid", "anonymized": SAFE.assign(paid=1)}, DataError, "one class"),
    ({"label": "paid", "anonymized": SAFE.drop(columns="paid")}, SpecError, "the result has no"),
    ({"label": "illness"}, SpecError, "say which value"),
    ({"label": "illness", "favorable": "plague"}, SpecError, "is no value"),
    ({"label": "paid", "protect": "gender"}, SpecError, 'no column "gender"'),
    ({"label": "paid", "protect": {"sex": ["Male"]}}, SpecError, "two levels"),
    ({"label": "paid", "protect": "name"}, SpecError, "name its levels"),
    ({"protect": "sex"}, SpecError, "takes a label"),
    ({"label": "paid", "model": 3}, ModelError, "expected an estimator"),
    ({"original": SMALL.head(0)}, DataError, "no rows"),
    ({"original": 3}, DataError, "expected a data frame"),
    ({"anonymized": pd.DataFrame({"z": [1]})}, DataError, "no column in common"),
    ({"k": 0}, SpecError, r"\$\.k"),
    ({"closer": 0.5}, SpecError, r"\$\.closer"),
    ({"tolerance": float("nan")}, SpecError, r"\$\.tolerance"),
    ({"confidence": 1.0}, SpecError, r"\$\.confidence"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "kind", "said"), BAD)
def test_bad_input_is_one_sentence(change, kind, said):
    asked = {"original": SMALL, "anonymized": SAFE, **ROLES, **change}
    with pytest.raises(kind, match=said) as caught:
        assess(**asked)
    assert isinstance(caught.value, ParibusError)
    assert "\n" not in str(caught.value)


def test_free_text_without_identifiers_may_stay():
    """Only what identifies must not be found again; "no remarks" identifies nobody."""
    anonymizer = Anonymizer(columns={"note": "text", "sex": "keep", "age": "keep"})
    notes = ["no remarks", "write to ann.miller@firm.com", "called twice"] * 200
    people = pa.table({"note": notes, "sex": ["F", "M", "M"] * 200, "age": [30, 40, 50] * 200})
    told = {"anonymizer": anonymizer, "quasi": ["sex", "age"]}
    kept = assess(people, people, **told)
    assert next(risk for risk in kept.risks if risk.measure == "exact leaks").estimate == 200
    safe = people.set_column(0, "note", pa.array([n.replace("ann.miller", "x") for n in notes]))
    made = assess(people, safe, **told)
    assert next(risk for risk in made.risks if risk.measure == "exact leaks").estimate == 0
