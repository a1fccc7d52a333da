"""Asking: what fails is found by halves, what is refused is counted, nothing is dropped."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb

GENDER = {"gender": ["Male", "Female"]}
FIELDS = {"x": pb.sequence(0), "city": pb.choice(["a", "b", "c"])}


def audit(model, people=300, fields=FIELDS, **options):
    if not {"favorable", "outcome"} & set(options):
        options["favorable"] = 1
    return pb.audit(model, protect=GENDER, fields=fields, people=people, **options)


@given(st.sets(st.integers(0, 299), max_size=25), st.booleans())
@settings(max_examples=25, deadline=None)
def test_exactly_the_failing_rows_fail(bad, only_women):
    def model(d):
        fails = d["x"].isin(bad) & ((not only_women) | (d["gender"] == "Female"))
        if fails.any():
            raise ValueError(f"cannot answer about {d['x'][fails].iloc[0]}")
        return np.ones(len(d), dtype=int)

    record = audit(model)
    sides = 1 if only_women else 2
    assert record.answers.failed == sides * len(bad)
    assert record.answers.answered == 600 - sides * len(bad)
    assert sum(record.answers.reasons.values()) == record.answers.failed
    # Twenty reasons are told one by one, all others together.
    assert len(record.answers.reasons) == min(len(bad), 21)
    flips = next(f for f in record.findings if f.unit == "flip rate")
    assert (flips.people, flips.answered) == (300, 300 - len(bad))
    pairs = record.pairs()
    assert set(pairs["person"][pairs["group_answer"].astype(str) == "no answer"]) == bad


def test_refusals_and_numbers_that_are_none_are_told_apart():
    def model(d):
        said = np.where(d["x"] % 10 == 0, None, 1.0)
        return np.where(d["x"] % 10 == 1, np.nan, said)

    record = audit(model, outcome="score")
    assert (record.answers.refused, record.answers.failed) == (60, 60)
    assert record.answers.reasons == {"no answer": 60, "not a number": 60}
    gap = next(f for f in record.findings if f.unit == "score gap")
    assert gap.answered == 240
    assert "counting 60 pairs without an answer at their worst" in gap.sentence


@pytest.mark.parametrize(
    "answer",
    [None, np.nan, np.inf, -np.inf, pd.NA, pd.NaT, "nan", 1e300, float("nan")],
    ids=str,
)
def test_what_is_no_number_is_missing(answer):
    record = audit(
        lambda d: [answer if x == 7 else 0.5 for x in d["x"]], outcome="score", people=20
    )
    assert record.answers.refused + record.answers.failed == 2


@pytest.mark.parametrize("answer", [None, np.nan, pd.NA, pd.NaT], ids=str)
@pytest.mark.parametrize("labels", [("yes", "no"), (1, 0), (True, False)])
def test_what_is_no_label_is_missing(answer, labels):
    def model(d):
        return [answer if x == 7 else labels[x % 2] for x in d["x"]]

    record = audit(model, favorable=labels[0], people=20)
    assert record.answers.refused + record.answers.failed == 2
    rates = [row.estimate for row in record.evidence if row.unit == "favorable rate"]
    assert rates == [10 / 19] * 2


def test_reasons_are_counted_alike_however_the_work_is_done():
    """People who look the same are asked once, by several workers: the record is the same."""

    def model(d):
        if (d["city"] == "b").any():
            raise ValueError("not b")
        return (d["gender"] == "Male").astype(int)

    texts = set()
    for workers in (1, 3, 3):
        record = audit(model, people=140_000, workers=workers, features=["gender", "city"])
        assert record.answers.reasons == {"ValueError: not b": record.answers.failed}
        assert 90_000 < record.answers.failed < 96_000
        texts.add(record.model_copy(update={"run": {}}).json_text())
    assert len(texts) == 1


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_model_that_fails_often_is_audited_nevertheless(share):
    def model(d):
        if (d["x"] % 100 < 100 * share).any():
            raise ValueError("no")
        return np.ones(len(d), dtype=int)

    record = audit(model, people=1_000)
    assert record.answers.answered == pytest.approx(2_000 * (1 - share))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda d: 1 / 0, "refuses every question (ZeroDivisionError: division by zero)"),
        (lambda d: [None] * len(d), "answered not a single question (no answer)"),
        (lambda d: [np.nan] * len(d), "answered not a single question (not a number)"),
        (lambda d: [1], "asked about 600 people and answered 1;"),
        (lambda d: [1] * (len(d) + 1), "answered 601;"),
        (lambda d: None, "answered a single value"),
        (lambda d: 1, "answered a single value"),
        (lambda d: np.ones((len(d), 3)), "answered 600 x 3"),
        (lambda d: [[1], [1, 2]] * (len(d) // 2), "lists of different lengths"),
        (lambda d: np.arange(len(d)) % 3, 'answered "0", "2"'),
        (lambda d: {"a": 1}, "answered a single value"),
        (lambda d: (1 for _ in range(len(d))), "answered a single value"),
    ],
)
def test_answers_that_mean_nothing(model, said):
    with pytest.raises(pb.ModelError) as raised:
        audit(model)
    assert said in raised.value.message
    assert "\n" not in str(raised.value)
    assert raised.value.path.startswith("$.model")


def test_an_unknown_label_has_a_nearest_one():
    with pytest.raises(pb.ModelError, match=r'answered "dennied".*did you mean "denied"'):
        audit(
            lambda d: ["approved", "dennied"] * (len(d) // 2),
            favorable="approved",
            labels=["approved", "denied"],
            outcome="label",
        )


def test_text_where_a_number_is_declared():
    with pytest.raises(pb.ModelError, match='answered "yes", which is no number'):
        audit(lambda d: ["yes"] * len(d), outcome="score")


def test_a_function_with_declared_features_is_still_a_decision():
    record = audit(lambda d: d["gender"] == "Male", features=["gender"], favorable=True)
    assert record.model.outcome == "decision"
    assert record.verdict == "biased"


@pytest.mark.parametrize(
    ("options", "path", "said"),
    [
        ({"features": ["gendr"], "favorable": 1}, "$.model.features", 'did you mean "gender"?'),
        ({"features": "gender", "favorable": 1}, "$.model.features", "must be a list"),
        ({"outcome": "desicion"}, "$.model.outcome", 'did you mean "decision"?'),
        ({"outcome": "label"}, "$.model.labels", "name all labels"),
        (
            {"outcome": "label", "labels": ["a", "b"], "favorable": "c"},
            "$.model.favorable",
            'no label "c"',
        ),
        ({"outcome": "decision"}, "$.model.favorable", "name the favorable label"),
        ({"prefer": "up", "favorable": 1}, "$.model.prefer", "not one of the choices"),
        ({"frame": "panda", "favorable": 1}, "$.model.frame", 'did you mean "pandas"?'),
    ],
)
def test_models_that_are_declared_wrongly(options, path, said):
    with pytest.raises(pb.SpecError) as raised:
        pb.audit(lambda d: [1] * len(d), protect=GENDER, fields=FIELDS, people=9, **options)
    assert raised.value.path == path
    assert said in raised.value.message


def test_a_plain_function_must_say_what_it_answers():
    with pytest.raises(pb.SpecError, match="say what the answers mean") as raised:
        pb.audit(lambda d: [1] * len(d), protect=GENDER, fields=FIELDS, people=9)
    assert raised.value.path == "$.model.outcome"


class Flaky:
    """Answers by chance, differently each time."""

    def __init__(self, seed, share=0.5, score=False):
        self.random = np.random.default_rng(seed)
        self.share = share
        self.score = score

    def __call__(self, d):
        noise = self.random.random(len(d))
        return noise if self.score else (noise > self.share).astype(int)


def test_a_model_that_does_not_repeat_itself_is_noticed():
    record = audit(Flaky(1))
    assert record.model.repeatable is False
    assert {f.unit for f in record.findings} == {"net gap"}
    assert any("does not repeat itself" in note for note in record.notes)
    assert audit(lambda d: d["x"] % 2).model.repeatable is True


# --- models that do not repeat themselves ---------------------------------------------------------


class Noisy:
    """Answers by a rule, and by chance otherwise in some versions; counts what it is asked."""

    def __init__(self, share, versions=("Male", "Female", "Other"), seed=1, rule=None):
        self.random = np.random.default_rng(seed)
        self.share = share
        self.versions = versions
        self.rule = rule or (lambda d: d["x"] % 2 == 0)
        self.asked = 0

    def __call__(self, d):
        self.asked += len(d)
        noisy = d["gender"].isin(self.versions) & (self.random.random(len(d)) < self.share)
        return (np.asarray(self.rule(d)) ^ np.asarray(noisy)).astype(int)


@pytest.mark.parametrize("version", ["Male", "Other", "Female"])
@pytest.mark.parametrize("share", [0.5, 0.003])
def test_noise_in_one_version_only_is_found(version, share):
    """Rare noise too: it is what makes the flips of a model that treats everybody alike."""
    model = Noisy(share, (version,))
    record = pb.audit(
        model,
        protect={"gender": ["Male", "Other", "Female"]},
        fields=FIELDS, people=6_000, favorable=1, tolerance=0.05,
    )  # fmt: skip
    assert record.model.repeatable is False
    assert record.run["questions"] == 2 * 3 * 6_000
    assert {f.unit for f in record.findings} <= {"net gap", "squared effect"}
    again = [r for r in record.evidence if r.unit == "repeat change rate"]
    rate = 2 * share * (1 - share) if version == "Male" else 0.0
    assert [r.estimate for r in again] == pytest.approx([rate] * len(again), abs=0.03)


@pytest.mark.parametrize(
    ("times", "share", "questions"),
    [("auto", 0.0, 1), ("auto", 0.3, 2), (1, 0.0, 1), (1, 0.3, 1), (2, 0.0, 2), (2, 0.3, 2)],
)
def test_how_often_each_question_is_put(times, share, questions):
    model = Noisy(share)
    record = audit(model, people=2_000, times=times, tolerance=0.1)
    assert record.run["questions"] == questions * 4_000
    assert record.model.repeatable is (share == 0)
    assert ("flip rate" in {f.unit for f in record.findings}) == (share == 0)
    # Before it, 250 people are asked twice; after it some whose twins differ, once more.
    assert model.asked <= questions * 4_000 + 500 + 256
    units = {r.unit for r in record.evidence}
    assert ("squared effect" in units) == (share > 0 and times != 1)


def test_the_first_look_costs_little():
    for people, extra in ((100_000, 512), (2_000, 500), (40, 64), (10, 20), (1, 2)):
        model = Noisy(0.0)
        audit(model, people=people)
        assert model.asked == 2 * people + extra
    model = Noisy(0.0)
    record = audit(model, people=100_000, tolerance=0.05, stop="early")
    assert model.asked == 2 * record.people + 64


@pytest.mark.parametrize("times", ["auto", 1, 2])
@pytest.mark.parametrize("repeats", ["auto", "merge", "ask"])
@pytest.mark.parametrize("share", [0.5, 0.02])
def test_noise_is_never_shared(times, repeats, share):
    """Six questions by their looks: one answer of chance for a sixth of all would be a bias."""
    fields = {"city": pb.choice(["a", "b", "c"])}
    for seed in range(3):
        model = Noisy(share, seed=seed, rule=lambda d: d["city"] == "a")
        record = audit(
            model, people=3_000, fields=fields, times=times, repeats=repeats, tolerance=0.1
        )
        assert record.model.repeatable is False
        assert record.run["questions"] == (1 if times == 1 else 2) * 6_000
        assert record.verdict == "within tolerance"
    steady = Noisy(0.0, rule=lambda d: d["city"] == "a")
    record = audit(steady, people=3_000, fields=fields, repeats=repeats)
    assert record.run["questions"] == (6_000 if repeats == "ask" else 6)


class Unreliable:
    """Fails by chance, differently each time it is asked."""

    def __init__(self, share):
        self.random = np.random.default_rng(1)
        self.share = share

    def __call__(self, d):
        fails = self.random.random(len(d)) < self.share
        return np.where(fails, np.nan, np.asarray(d["x"] % 2, dtype=float))


def test_an_answer_that_fails_once_of_twice_is_missing():
    record = audit(Unreliable(0.1), people=2_000)
    counts = record.answers
    assert counts.versions == counts.answered + counts.failed == 4_000
    assert counts.failed == pytest.approx(4_000 * (1 - 0.9**2), abs=150)
    assert counts.reasons == {"not a number": counts.failed}
    gap = next(f for f in record.findings if f.unit == "net gap")
    assert gap.answered == pytest.approx(2_000 * 0.9**4, abs=120)
    assert gap.verdict == "inconclusive"


def test_second_answers_are_kept_as_long_as_first_ones(monkeypatch):
    from paribus import answers as module
    from paribus.auditing import Audit
    from paribus.executors.serial import Serial
    from paribus.probe._ask import ask
    from paribus.probe._handed import probe_of

    monkeypatch.setattr(module, "KEPT", 65_536)
    declared = Audit(
        probe=probe_of(Noisy(0.5), {"favorable": 1}),
        protect={"gender": pb.Protected(levels=("Male", "Female"))},
        fields=FIELDS, size=70_000,
    )  # fmt: skip
    model = declared.probe.open(trust=False)
    said = ask(declared.probe, model, declared.twins(), Serial())
    assert (said.kept, said.people, said.repeatable) == (65_536, 70_000, False)
    assert [len(block.again) for block in said.blocks] == [65_536]
    contrast = next(iter(said.tallies))
    assert said.tallies[contrast].repeated.people == 70_000
    gaps, told = said.effects(contrast)
    assert told.all()
    assert set(np.unique(gaps)) == {-1.0, -0.5, 0.0, 0.5, 1.0}
    assert said.statuses == (140_000, 0, 0)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_model_that_fails_on_whoever_is_asked_first(workers):
    """Sorted rows: that the first ones fail, and all that are tried, is no sign that all do."""
    tried = (21_845, 43_690, 65_535)

    def model(d):
        if ((d["x"] < 300) | d["x"].isin(tried)).any():
            raise ValueError("not these")
        return (d["x"] % 2).astype(int)

    record = audit(model, people=72_000, workers=workers)
    assert record.answers.reasons == {"ValueError: not these": 606}
    assert (record.answers.answered, record.answers.failed) == (144_000 - 606, 606)


def test_reasons_beyond_those_told_apart_are_alike_however_the_work_is_done(monkeypatch):
    from paribus import answers as module

    monkeypatch.setattr(module, "_TOLD_APART", 10)

    def model(d):
        for x in d["x"]:
            if x % 65_536 < 12:
                raise ValueError(f"row {x % 7}{x % 65_536}{x}")
        return np.ones(len(d), int)

    texts = set()
    for workers in (1, 3, 3):
        record = audit(model, people=140_000, workers=workers)
        assert sum(record.answers.reasons.values()) == record.answers.failed == 72
        assert record.answers.reasons["other reasons"] == 52
        texts.add(record.model_copy(update={"run": {}}).json_text())
    assert len(texts) == 1


# --- no number is ever NaN ------------------------------------------------------------------------

answers = st.sampled_from([0, 1, None, "raise"])
amounts = st.sampled_from([0.0, 1.0, 0.25, -3.0, 1e99, -1e99, 1e-300, None, float("nan"), "raise"])


@st.composite
def models(draw):
    kind = draw(st.sampled_from(["decision", "score", "number", "threshold", "label"]))
    n = draw(st.integers(1, 12))
    pool = draw(
        st.lists(
            amounts if kind in {"score", "number", "threshold"} else answers, min_size=1, max_size=3
        )
    )
    table = {(x, g): draw(st.sampled_from(pool)) for x in range(n) for g in ("Male", "Female")}

    def model(d):
        said = [table[key] for key in zip(d["x"], d["gender"], strict=True)]
        if "raise" in said:
            raise RuntimeError("no")
        return pd.Series(said, dtype=object).to_numpy()

    options = {
        "decision": {"favorable": 1},
        "score": {"outcome": "score"},
        "number": {"outcome": "number"},
        "threshold": {"outcome": "score", "threshold": 0.25},
        "label": {"outcome": "label", "labels": [0, 1]},
    }[kind]
    return model, n, options


@given(models(), st.sampled_from([0.0, 0.01, 0.5, 0.99]), st.sampled_from([0.51, 0.95, 0.999999]))
@settings(max_examples=100, deadline=None)
def test_no_number_in_a_record_is_nan_or_infinite(modelled, tolerance, confidence):
    model, n, options = modelled
    try:
        record = audit(model, people=n, tolerance=tolerance, confidence=confidence, **options)
    except pb.ModelError as error:
        if "single question" in error.message or "every question" in error.message:
            return
        raise

    def never(constant):
        raise AssertionError(constant)

    read = json.loads(record.json_text(), parse_constant=never)
    for row in (*read["evidence"], *read["findings"], *read["regions"]):
        for name in ("estimate", "low", "high"):
            assert isinstance(row[name], int | float), (name, row)
        assert row["low"] <= row["high"]
    assert sum(record.answers.reasons.values()) == record.answers.refused + record.answers.failed
    assert "nan" not in record.render("terminal").decode().lower().split()
