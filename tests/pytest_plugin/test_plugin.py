"""The pytest plug-in: a marker and two fixtures that hold models to their audits."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

import paribus as pb

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]

MODELS = """
def fair(people):
    return people["income"] > 80_000

def biased(people):
    return (people["gender"] == "Male") | (people["income"] > 80_000)

def broken(people):
    raise RuntimeError("no model here")
"""

AUDIT = """
[audit]
name = "Loan approval"
people = 1_000
seed = 3

[model]
kind = "callable"
function = "models:{model}"
favorable = true

[protect.gender]
levels = ["Male", "Female"]

[fields.income]
kind = "integers"
low = 30_000
high = 119_999
"""

MARKED = """
import pytest

@pytest.mark.paribus("{spec}", trust=True{more})
def test_model():
    {body}
"""

CALLED = """
import models
import paribus as pb

pytest_plugins = ["pytester"]

def test_model(paribus_audit):
    record = paribus_audit(
        models.{model},
        protect={{"gender": ["Male", "Female"]}},
        fields={{"income": pb.integers(30_000, 119_999)}},
        people={people}, favorable=True, seed=3, name="Loan approval"{more},
    )
    assert record.verdict == "{verdict}"
"""

LOADED = ("-p", "pytest_paribus", "-p", "no:cacheprovider", "--strict-markers")
"""Loads the plug-in whether or not it is installed."""


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported() -> None:
    """Runs inside this process forget what they import, and numpy is not imported twice."""
    record = pb.audit(
        lambda people: (people["gender"] == "Male") | (people["income"] > 80_000),
        protect={"gender": ["Male", "Female"]},
        fields={"income": pb.integers(30_000, 119_999)},
        people=1_000,
        favorable=True,
    )
    record.render("html")
    record.render("failure")


@pytest.fixture
def suite(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> pytest.Pytester:
    # Loaded by its name, whether or not it is installed; all others would be imported each time.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    # Where pytest was told about warnings (make lowest), those of old libraries do not count.
    told = pytestconfig.getoption("pythonwarnings")
    # In CI pytest repeats a whole failure in its last lines.
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-W default" if told else "-W error")
    pytester.makepyfile(models=MODELS)
    for model in ("fair", "biased", "broken"):
        (pytester.path / f"{model}.toml").write_text(AUDIT.format(model=model), encoding="utf-8")
    pytester.syspathinsert()
    return pytester


def marked(
    suite: pytest.Pytester, spec: str = "fair.toml", more: str = "", body: str = "pass"
) -> None:
    suite.makepyfile(test_marked=MARKED.format(spec=spec, more=more, body=body))


def called(
    suite: pytest.Pytester,
    model: str = "fair",
    people: int | None = 1_000,
    more: str = "",
    verdict: str = "within tolerance",
) -> None:
    text = CALLED.format(model=model, people=people, more=more, verdict=verdict)
    suite.makepyfile(test_called=text)


def run(suite: pytest.Pytester, *options: str) -> pytest.RunResult:
    return suite.runpytest_inprocess(*LOADED, *options)


# --- what passes, and what fails ------------------------------------------------------------------


def test_a_fair_model_passes_by_its_marker(suite: pytest.Pytester) -> None:
    marked(suite)
    result = run(suite)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*= audits of models =*",
            "within tolerance: Loan approval: decisions changed 0.0 % (0.0 to 0.4 %), "
            "gender: Male → Female; 1,000 people; *.* s",
        ]
    )


def test_a_biased_model_fails_with_sentence_place_and_witnesses(suite: pytest.Pytester) -> None:
    marked(suite, "biased.toml", body="raise AssertionError('the body must not run')")
    result = run(suite)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "Changing gender from Male to Female changes the decision for 5?.? % of people "
            "(95 % interval *, always against Female): more than the tolerance of 1.0 %.",
            "Where: income <= *, 5?.? % of people: -100.0 points (*)",
            "  person  gender  income*answer",
            "  *Male*True",
            "  *Female*False",
            "  *Male*True",
            "  *Female*False",
            "1 more of 2 findings is biased.",
            "*= audits of models =*",
            "biased: Loan approval: *; 1,000 people; * s",
            "FAILED test_marked.py::test_model - Failed: Changing gender from Male to Fe*",
        ]
    )
    shown = result.stdout.str()
    assert not re.search(r"Traceback|traceback|\.py:\d", shown)


def test_twins_of_a_witness_differ_in_the_attribute_alone(suite: pytest.Pytester) -> None:
    marked(suite, "biased.toml")
    shown = run(suite).stdout.str()
    table = re.findall(r"^  (\d\S*) +(Male|Female) +(\d+) +(True|False)$", shown, re.M)
    assert len(table) == 4
    for man, woman in zip(table[::2], table[1::2], strict=True):
        assert (man[0], man[2]) == (woman[0], woman[2])
        assert (man[1], woman[1], man[3], woman[3]) == ("Male", "Female", "True", "False")
        assert int(man[2]) <= 80_000


@pytest.mark.parametrize("spec", ["fair.toml", "biased.toml"])
def test_the_fixture_takes_a_path(suite: pytest.Pytester, spec: str) -> None:
    suite.makepyfile(
        f"""
        def test_model(paribus_audit):
            record = paribus_audit("{spec}", trust=True, people=800)
            assert record.people == 800
        """
    )
    run(suite).assert_outcomes(passed=spec == "fair.toml", failed=spec == "biased.toml")


def test_a_model_without_a_name_is_called_after_its_test(suite: pytest.Pytester) -> None:
    text = CALLED.replace(', name="Loan approval"', "")
    suite.makepyfile(
        test_called=text.format(model="fair", people=500, more="", verdict="within tolerance")
    )
    run(suite).stdout.fnmatch_lines(["within tolerance: test_model: *; 500 people; * s"])


@pytest.mark.parametrize("spec", ['"fair.toml"', 'spec="fair.toml", people=None, seed=None'])
def test_the_marker_takes_what_it_declares(suite: pytest.Pytester, spec: str) -> None:
    suite.makepyfile(
        f"import pytest\n\n@pytest.mark.paribus({spec}, trust=True)\ndef test_model():\n    pass\n"
    )
    run(suite).assert_outcomes(passed=1)


@pytest.mark.parametrize("model", ["fair", "biased"])
def test_the_fixture_takes_the_arguments_of_an_audit(suite: pytest.Pytester, model: str) -> None:
    called(suite, model)
    result = run(suite)
    result.assert_outcomes(passed=model == "fair", failed=model == "biased")
    shown = result.stdout.str()
    assert ("Changing gender from Male to Female changes" in shown) == (model == "biased")
    assert not re.search(r"Traceback|traceback|\.py:\d", shown)


def test_the_body_of_a_marked_test_runs_with_its_record(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.paribus("fair.toml", trust=True, people=700, seed=5)
        def test_model(audit_record):
            assert (audit_record.people, audit_record.seed) == (700, 5)

        class TestOthers:
            pytestmark = pytest.mark.paribus("fair.toml", trust=True, workers=2)

            def test_more(self, audit_record):
                assert audit_record.model.name == "biased", "the body runs"
        """
    )
    result = run(suite)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*AssertionError: the body runs*"])
    # One line an audit: the fixture and the marker share it.
    assert result.stdout.str().count("within tolerance: Loan approval") == 2


def test_a_biased_model_fails_although_its_test_asks_for_the_record(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.paribus("biased.toml", trust=True)
        def test_model(audit_record):
            assert audit_record.verdict == "biased"
        """
    )
    run(suite).assert_outcomes(failed=1)


def test_a_known_bias_is_an_expected_failure(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.xfail(strict=True, reason="mended in May")
        @pytest.mark.paribus("biased.toml", trust=True)
        def test_model():
            pass
        """
    )
    run(suite).assert_outcomes(xfailed=1)


def test_a_unittest_can_be_marked(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import unittest
        import pytest

        class TestModels(unittest.TestCase):
            @pytest.mark.paribus("fair.toml", trust=True)
            def test_fair(self):
                pass

            @pytest.mark.paribus("biased.toml", trust=True)
            def test_biased(self):
                pass
        """
    )
    run(suite).assert_outcomes(passed=1, failed=1)


# --- inconclusive ---------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["marker", "fixture"])
def test_inconclusive_fails_and_says_what_to_do(suite: pytest.Pytester, by: str) -> None:
    if by == "marker":
        marked(suite, more=", people=60")
    else:
        called(suite, people=60)
    result = run(suite)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*neither within nor beyond the tolerance of 1.0 % is proven*",
            "Not settled is not passed. Ask more people, *allow_inconclusive=True*",
        ]
    )


@pytest.mark.parametrize(
    ("options", "configured", "more", "passed"),
    [
        ((), "", ", allow_inconclusive=True", True),
        (("--paribus-allow-inconclusive",), "", "", True),
        ((), "paribus_allow_inconclusive = true", "", True),
        (("--paribus-allow-inconclusive",), "", ", allow_inconclusive=False", False),
    ],
)
@pytest.mark.parametrize("by", ["marker", "fixture"])
def test_inconclusive_passes_where_it_is_allowed(
    suite: pytest.Pytester,
    options: tuple[str, ...],
    configured: str,
    more: str,
    passed: bool,
    by: str,
) -> None:
    suite.makeini(f"[pytest]\n{configured}\n")
    if by == "marker":
        marked(suite, more=", people=60" + more)
    else:
        called(suite, people=60, more=more, verdict="inconclusive")
    result = run(suite, *options)
    result.assert_outcomes(passed=int(passed), failed=int(not passed))
    result.stdout.fnmatch_lines(["inconclusive: Loan approval: *; 60 people; * s"])


def test_what_allows_the_inconclusive_allows_no_bias(suite: pytest.Pytester) -> None:
    marked(suite, "biased.toml", more=", allow_inconclusive=True")
    run(suite, "--paribus-allow-inconclusive").assert_outcomes(failed=1)


# --- fewer people ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "by", "most", "asked"),
    [
        ("option", "marker", 450, "450"),
        ("ini", "fixture", 450, "450"),
        ("ini", "marker", 5_000, "1,000"),
        ("option", "fixture", 5_000, "1,000"),
    ],
)
def test_fewer_people_at_most(
    suite: pytest.Pytester, way: str, by: str, most: int, asked: str
) -> None:
    marked(suite) if by == "marker" else called(suite)
    suite.makeini(f"[pytest]\nparibus_people = {most}\n" if way == "ini" else "[pytest]\n")
    result = run(suite, *([f"--paribus-people={most}"] if way == "option" else []))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"within tolerance: *; {asked} people; * s"])


def test_everybody_in_the_domain_becomes_a_sample(suite: pytest.Pytester) -> None:
    called(suite, people=None)
    result = run(suite, "--paribus-people=500")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*; 500 people; * s"])


def test_real_rows_are_all_asked_where_there_are_no_more(suite: pytest.Pytester) -> None:
    rows = "\n".join(f"{'Male' if i % 2 else 'Female'},{30_000 + 97 * i}" for i in range(600))
    (suite.path / "rows.csv").write_text(f"gender,income\n{rows}\n", encoding="utf-8")
    spec = AUDIT.format(model="fair").split("[fields.income]")[0].replace("people = 1_000", "")
    (suite.path / "rows.toml").write_text(f'{spec}\n[data]\npath = "rows.csv"\n', encoding="utf-8")
    suite.makepyfile(
        """
        import models, pandas as pd, pytest

        @pytest.mark.paribus("rows.toml", trust=True)
        def test_file(audit_record):
            print("file", audit_record.people)

        def test_frame(paribus_audit):
            rows = pd.read_csv("rows.csv")
            record = paribus_audit(
                models.fair, protect={"gender": ["Male", "Female"]}, data=rows, favorable=True
            )
            print("frame", record.people)
        """
    )
    more, fewer = (
        run(suite, "-rP", "--paribus-people=900"),
        run(suite, "-rP", "--paribus-people=500"),
    )
    more.assert_outcomes(passed=2)
    more.stdout.fnmatch_lines(["file 600", "frame 600"])
    fewer.assert_outcomes(passed=2)
    fewer.stdout.fnmatch_lines(["file 500", "frame 500"])


def test_a_table_that_is_missing_is_not_taken_for_one_that_is_short(suite: pytest.Pytester) -> None:
    spec = AUDIT.format(model="fair") + '\n[data]\npath = "rows.csv"\n'
    (suite.path / "rows.toml").write_text(spec, encoding="utf-8")
    marked(suite, "rows.toml")
    result = run(suite, "--paribus-people=500")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["$.data.path: *rows.csv*"])


def test_too_few_people_say_whose_they_are(suite: pytest.Pytester) -> None:
    marked(suite)
    result = run(suite, "--paribus-people=40")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*--paribus-people lets 40 people be asked at most: leave it out*"]
    )


@pytest.mark.parametrize("given", ["0", "-3", "some", "1.5"])
def test_a_wrong_number_of_people_is_a_wrong_usage(suite: pytest.Pytester, given: str) -> None:
    result = run(suite, f"--paribus-people={given}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f'*--paribus-people: must be a whole number from 1, not "{given}"']
    )


# --- reports --------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["option", "ini"])
def test_reports_are_written_for_each_audit(suite: pytest.Pytester, way: str) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("spec", ["fair.toml", "biased.toml"])
        def test_model(paribus_audit, spec):
            paribus_audit(spec, trust=True)

        def test_two(paribus_audit):
            paribus_audit("fair.toml", trust=True)
            paribus_audit("fair.toml", trust=True, seed=4)
        """
    )
    suite.makeini("[pytest]\nparibus_report = out/reports\n" if way == "ini" else "[pytest]\n")
    options = ["--paribus-report", "out/reports"] if way == "option" else []
    result = run(suite, *options)
    result.assert_outcomes(passed=2, failed=1)
    folder = suite.path / "out" / "reports"
    records = sorted(path.name for path in folder.glob("*.json"))
    assert len(records) == 4
    pages = {path.stem for path in folder.glob("*.html")}
    assert pages == {name.removesuffix(".json") for name in records}
    assert {pb.open_record(folder / name).verdict for name in records} == {
        "biased",
        "within tolerance",
    }
    assert all(re.fullmatch(r"[\w.-]+", name) for name in records)
    told = re.search(r"^Report: (.*\.html)$", result.stdout.str(), re.M)
    assert told is not None
    assert "biased" in Path(told[1]).read_text(encoding="utf-8")


def test_a_folder_that_is_a_file_is_a_wrong_usage(suite: pytest.Pytester) -> None:
    result = run(suite, "--paribus-report", "fair.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--paribus-report: * is no folder"])


def test_a_folder_that_cannot_be_made_fails_in_one_sentence(suite: pytest.Pytester) -> None:
    marked(suite)
    result = run(suite, "--paribus-report", "fair.toml/below")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*--paribus-report: *"])
    assert not re.search(r"Traceback|traceback|\.py:\d|another exc", result.stdout.str())


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "more", "said"),
    [
        ("missing.toml", "", 'there is no file "*missing.toml"*'),
        ("fair.toml", ", people=0", "$.audit.people: *"),
        ("broken.toml", "", "$.model: the model refuses every question *no model here*"),
        ("fair.toml", ", peolpe=3", 'the marker paribus knows no "peolpe" (there are: people,*'),
    ],
)
def test_a_wrong_request_is_one_sentence(
    suite: pytest.Pytester, spec: str, more: str, said: str
) -> None:
    marked(suite, spec, more)
    result = run(suite)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])
    assert not re.search(r"Traceback|traceback|\.py:\d|another exc", result.stdout.str())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("models.fair", "paribus_audit: missing a required argument: 'protect'; it takes *"),
        ("models.fair, protct={}", "paribus_audit: *'protect'*"),
        ("models.fair, protect={}, poeple=3", "paribus_audit: *unexpected keyword*'poeple'*"),
        ('"fair.tml"', "paribus_audit: missing a required argument: 'protect'; *an audit.toml"),
        ("3, protect={}", "$.model: expected a fitted model, *"),
        ('models.fair, protect={}, trust="no"', "trust: must be True or False, not 'no'"),
        ('"fair.toml", trust="no"', "trust: must be True or False, not 'no'"),
        ('"fair.toml", trust=True, workers="2"', "workers: must be a whole number from 1, not '2'"),
        ('"fair.toml", trust=True, workers=0', "workers: must be a whole number from 1, not 0"),
        ('"fair.toml", trust=True, people="few"', "$.audit.people: *'few'*"),
        ('"fair.toml", trust=True, tolerence=0.1', '$.audit: *; did you mean "tolerance"?'),
        ('"fair.toml", trust=True, fields={}', '$.audit: unknown key "fields" *'),
        (
            '"fair.toml", trust=True, allow_inconclusive="no"',
            "allow_inconclusive: must be True or False, not 'no'",
        ),
    ],
)
@pytest.mark.parametrize("options", [[], ["--paribus-people=500"]])
def test_a_wrong_argument_is_one_sentence(
    suite: pytest.Pytester, options: list[str], given: str, said: str
) -> None:
    suite.makepyfile(
        f"import models\n\ndef test_model(paribus_audit):\n    paribus_audit({given})\n"
    )
    result = run(suite, *options)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])
    assert not re.search(r"Traceback|traceback|\.py:\d|another exc", result.stdout.str())


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ('"fair.tml"', '*there is no file *fair.tml"; did you mean "fair.toml"?'),
        ('".", trust=True', "*is a folder*"),
        ('"fair.toml", trust="no"', "trust: must be True or False, not 'no'"),
        ('"fair.toml", trust=True, workers="2"', "workers: must be a whole number from 1, not '2'"),
        ('"fair.toml", spec="biased.toml"', "the marker takes the path of a TOML file: *"),
    ],
)
def test_a_wrong_marker_is_one_sentence(suite: pytest.Pytester, marker: str, said: str) -> None:
    suite.makepyfile(
        f"import pytest\n\n@pytest.mark.paribus({marker})\ndef test_model():\n    pass\n"
    )
    result = run(suite)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])
    assert not re.search(r"Traceback|traceback|\.py:\d|another exc", result.stdout.str())


def test_of_two_markers_none_goes_unheeded(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest

        fair = pytest.mark.paribus("fair.toml", trust=True)
        biased = pytest.mark.paribus("biased.toml", trust=True)

        @fair
        @biased
        def test_stacked():
            pass

        @pytest.mark.parametrize("case", [pytest.param(1, marks=biased), pytest.param(2)])
        @fair
        def test_case(case):
            pass

        @fair
        class TestBase:
            def test_base(self):
                pass

        @biased
        class TestDerived(TestBase):
            @fair
            def test_nearer(self):
                pass
        """
    )
    result = run(suite, "-rA")
    result.stdout.fnmatch_lines(
        ["two markers paribus at one place, and test_stacked can be held to one of them: *"]
    )
    passed = re.findall(r"^PASSED \S*::(\S+)", result.stdout.str(), re.M)
    assert sorted(passed) == ["test_base", "test_case[2]", "test_nearer"]
    result.assert_outcomes(passed=3, failed=3)


def test_without_trust_no_code_is_imported(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.paribus("fair.toml")
        def test_model():
            pass
        """
    )
    result = run(suite)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["$.model.function: importing*runs its code*trust=True*"])


@pytest.mark.parametrize("marker", ["", "@pytest.mark.paribus", "@pytest.mark.paribus(3)"])
def test_a_marker_that_is_missing_or_empty_says_what_it_takes(
    suite: pytest.Pytester, marker: str
) -> None:
    suite.makepyfile(f"import pytest\n\n{marker}\ndef test_model(audit_record):\n    pass\n")
    result = run(suite)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*@pytest.mark.paribus("audit.toml")*'])


def test_the_audit_lies_beside_the_test_or_in_the_root_folder(suite: pytest.Pytester) -> None:
    body = (
        "import pytest\n\n@pytest.mark.paribus('fair.toml', trust=True)\n"
        "def test_{}(audit_record):\n    assert audit_record.name == '{}'\n"
    )
    for folder, name in (("near", "Near"), ("far", "Loan approval")):
        (suite.path / folder).mkdir()
        (suite.path / folder / f"test_{folder}.py").write_text(body.format(folder, name))
    near = AUDIT.format(model="fair").replace("Loan approval", "Near")
    (suite.path / "near" / "fair.toml").write_text(near, encoding="utf-8")
    run(suite, f"--rootdir={suite.path}").assert_outcomes(passed=2)


# --- people are drawn once ------------------------------------------------------------------------


def test_tests_of_a_session_share_their_people(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import pytest
        import pytest_paribus

        @pytest.mark.parametrize("spec", ["fair.toml", "fair.toml", "biased.toml"])
        def test_model(paribus_audit, spec, pytestconfig):
            try:
                paribus_audit(spec, trust=True)
            finally:
                shared = pytestconfig.stash[pytest_paribus._HOLDING].shared
                print("drawn", shared.drawn, "reused", shared.reused > 3)
        """
    )
    result = run(suite, "-rA")
    result.assert_outcomes(passed=2, failed=1)
    drawn = re.findall(r"^drawn (\d+) reused (\w+)$", result.stdout.str(), re.M)
    assert len({blocks for blocks, _ in drawn}) <= 2, "only witnesses ask for other blocks"
    assert drawn[-1][1] == "True"


# --- the session around it ------------------------------------------------------------------------


def test_nothing_is_shown_where_nothing_was_audited(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_nothing():\n    pass\n")
    result = run(suite)
    result.assert_outcomes(passed=1)
    assert "audits of models" not in result.stdout.str()


def test_the_marker_is_declared_and_both_fixtures_say_what_they_do(suite: pytest.Pytester) -> None:
    run(suite, "--markers").stdout.fnmatch_lines(["@pytest.mark.paribus(spec, *"])
    shown = run(suite, "--fixtures").stdout.str()
    assert re.search(
        r"^paribus_audit.*\n +Audit a model, and fail where it is biased\.", shown, re.M
    )
    assert re.search(r"^audit_record.*\n +Give the record", shown, re.M)


def test_repeating_a_test_asks_the_model_again(suite: pytest.Pytester) -> None:
    suite.makeconftest(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            for _ in range(2):
                for report in runtestprotocol(item, nextitem=nextitem, log=False):
                    item.ihook.pytest_runtest_logreport(report=report)
            return True
        """
    )
    marked(suite)
    shown = run(suite).stdout.str()
    assert shown.count("within tolerance: Loan approval") == 2


def test_hostile_names_stay_text(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        r"""
        import paribus as pb

        def test_model(paribus_audit):
            odd = "\x1b[31m\u202e<b>\n"
            paribus_audit(
                lambda people: people["group"] == odd,
                protect={"group": [odd, "plain"]}, fields={"x": pb.integers(0, 9)},
                people=500, favorable=True, name=odd,
            )
        """
    )
    result = run(suite, "--color=no")
    result.assert_outcomes(failed=1)
    shown = result.stdout.str()
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "Changing group from ␛[31m�<b>" in shown


def test_an_error_of_a_model_cannot_act_on_the_terminal(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        r"""
        import paribus as pb

        def test_model(paribus_audit):
            def model(people):
                raise RuntimeError("\x1b[31m\u202e\x07")

            paribus_audit(
                model, protect={"g": ["a", "b"]}, fields={"x": pb.integers(0, 9)}, favorable=True
            )
        """
    )
    result = run(suite, "--color=no")
    result.assert_outcomes(failed=1)
    shown = result.stdout.str()
    assert "RuntimeError: ␛[31m�␇" in shown
    assert not {"\x1b", "\u202e", "\x07"} & set(shown)


def test_junit_xml_holds_the_sentence(suite: pytest.Pytester) -> None:
    odd = '"]]>&<b>\\x1b\\x00\\ufffe\\u202e\\n"'
    called(suite, "biased")
    text = (suite.path / "test_called.py").read_text(encoding="utf-8")
    text = text.replace('"Loan approval"', odd).replace('"Female"', odd)
    (suite.path / "test_called.py").write_text(text, encoding="utf-8")
    run(suite, "--junitxml=report.xml").assert_outcomes(failed=1)
    [failure] = ElementTree.parse(suite.path / "report.xml").iter("failure")
    message = "Failed: Changing gender from Male to ]]>&<b>␛"
    assert failure.attrib["message"].startswith(message)
    assert "Where: income <= " in (failure.text or "")


# --- in processes of their own --------------------------------------------------------------------


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)}


@pytest.mark.parametrize("option", ["--version", "--help", "--fixtures"])
def test_pytest_starts_without_what_an_audit_needs(option: str, tmp_path: Path) -> None:
    code = (
        "import sys, pytest\n"
        "pytest.main([*sys.argv[1:], '-p', 'pytest_paribus'])\n"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, option],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**environment(), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    imported = set(done.stdout.splitlines()[-1].split())
    # The newest pytest says its version before it loads a plug-in.
    assert "pytest_paribus" in imported or option == "--version"
    assert not imported & {"numpy", "pandas", "pydantic", "paribus", "pytest_paribus.holding"}


def test_the_summary_stands_under_xdist(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makepyfile(
        """
        import pytest

        @pytest.mark.paribus("fair.toml", trust=True)
        def test_a():
            pass

        @pytest.mark.paribus("biased.toml", trust=True)
        def test_b():
            pass
        """
    )
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    options = ("-p", "xdist", "-n", "2", "--paribus-people", "600")
    result = suite.runpytest_subprocess(*LOADED, *options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*= audits of models =*",
            "within tolerance: Loan approval: *; 600 people; * s",
            "biased: Loan approval: decisions changed *; 600 people; * s",
        ]
    )


def test_it_can_be_left_out(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_model(paribus_audit):\n    pass\n")
    result = suite.runpytest_inprocess("-p", "no:paribus", "-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'paribus_audit' not found"])


@pytest.mark.parametrize("also", [[], ["-p", "pytest_paribus"], ["-p", "no:paribus"]])
def test_it_is_found_by_itself_where_it_is_installed(
    suite: pytest.Pytester, also: list[str]
) -> None:
    """Metadata as an installer writes them, with the entry points of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = project["entry-points"]["pytest11"]
    installed = suite.path / "installed" / "paribus_plugin-1.dist-info"
    installed.mkdir(parents=True)
    lines = "\n".join(f"{name} = {module}" for name, module in entries.items())
    (installed / "entry_points.txt").write_text(f"[pytest11]\n{lines}\n", encoding="utf-8")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: paribus-plugin\nVersion: 1\n")
    path = os.pathsep.join([str(installed.parent), environment()["PYTHONPATH"]])
    of_the_shell = {
        key: value
        for key, value in environment().items()
        if key != "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
    }
    command = [sys.executable, "-m", "pytest", "--fixtures", *also]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=suite.path,
        env={**of_the_shell, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("paribus_audit" in done.stdout) == (also != ["-p", "no:paribus"])
