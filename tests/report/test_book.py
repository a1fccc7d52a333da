"""Several results as one page: chapters, contents, and the worst verdict above them all."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import paribus as pb
from paribus.cli import app
from paribus.errors import DataError, OutputError
from paribus.findings import judge
from paribus.report.html import render
from paribus.studies.book import bound


@pytest.fixture(scope="module")
def fair(loan):
    row = loan.evidence[0].model_copy(update={"estimate": 0.0, "low": 0.0, "high": 0.004})
    row = row.model_copy(update={"flips_against": 0, "p": 1.0, "p_outside": 1.0, "p_within": 1e-5})
    parts = {"evidence": (row,), "findings": judge([row], 0.01), "regions": (), "witnesses": ()}
    return loan.model_copy(update={**parts, "verdict": "within tolerance", "name": "Fair"})


@pytest.fixture(scope="module")
def unsettled(fair):
    row = fair.evidence[0].model_copy(update={"p_within": 0.3})
    parts = {"evidence": (row,), "findings": judge([row], 0.01)}
    return fair.model_copy(update={**parts, "verdict": "inconclusive", "name": "Open"})


@pytest.fixture(scope="module")
def assessment():
    rows = np.arange(400)
    frame = pd.DataFrame(
        {"age": rows % 40, "income": rows % 17, "sex": np.where(rows % 2, "m", "f")}
    )
    rough = frame.assign(age=frame["age"] // 10 * 10)
    return pb.assess(frame, rough, identifying=[], quasi=["age", "sex"], sensitive=["income"])


def written(tmp_path, results, **options):
    return pb.write_report(results, tmp_path / "all.html", **options).read_text(encoding="utf-8")


def test_every_chapter_is_the_page_that_a_record_has_alone(tmp_path, loan, everything, assessment):
    html = written(tmp_path, [loan, everything, assessment])
    alone = [render(loan), render(everything), assessment.render("html").decode()]
    assert html.count("<svg") == sum(page.count("<svg") for page in alone)
    assert html.count("<table") == sum(page.count("<table") for page in alone)
    assert html.count('class="chapter"') == 3
    assert html.count("<h1>") == html.count("<main ") == html.count("<style>") == 1


def test_ids_are_unique_and_every_link_leads_to_one(tmp_path, loan, everything):
    html = written(tmp_path, [loan, everything, loan])
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    links = re.findall(r'href="#([^"]+)"', html)
    assert set(links) <= set(ids)
    labels = " ".join(re.findall(r'aria-labelledby="([^"]+)"', html)).split()
    assert set(labels) <= set(ids)


def test_the_contents_have_two_levels(tmp_path, loan, everything):
    html = written(tmp_path, [loan, everything])
    contents = html[html.index("<nav") : html.index("</nav>")]
    assert contents.count('href="#chapter-') == 2
    sections = sum(html.count(f'<section id="c{i}-section-') for i in (1, 2))
    assert contents.count("-section-") == sections > 12
    heads = [int(level) for level in re.findall(r"<h(\d)", html)]
    assert all(after - before <= 1 for before, after in pairwise(heads))


def test_the_worst_chapter_gives_the_verdict(tmp_path, loan, fair, unsettled, assessment):
    def verdict(*results):
        found = re.search(
            r'class="word"><span>([^<]+)<', written(tmp_path, results).split("<nav")[0]
        )
        return found and found[1]

    assert verdict(fair, loan, unsettled) == "biased"
    assert verdict(fair, unsettled) == "inconclusive"
    assert verdict(fair, fair, assessment) == "within tolerance"
    assert verdict(assessment, assessment) is None


def test_the_sentence_names_who_is_where(loan, fair, unsettled, assessment):
    from paribus.report.base import page
    from paribus.studies._assessment_page import page as assessed

    pages = [page(loan), page(fair), page(unsettled), assessed(assessment)]
    assert bound(pages).sentence == (
        "Bias beyond what was declared acceptable is found in 1 of 3 audits: Loan approval. "
        "Also not settled: Open; neither a gap beyond the tolerance nor its absence is proven. "
        "Held against no tolerance of gaps: Assessment."
    )
    assert bound(pages[1:2] * 2).sentence == (
        "All 2 audits are within the declared tolerance, and this is proven, not assumed."
    )
    assert bound(pages, "Ours").title == "Ours"
    assert bound(pages * 3).title == "Loan approval, Fair, Open, Assessment"


def test_one_result_alone_looks_as_ever(tmp_path, loan):
    assert written(tmp_path, [loan]) == written(tmp_path, loan) == render(loan)
    assert "<h1>Ours</h1>" in written(tmp_path, [loan, loan], title="Ours")
    assert "<h1>Loan approval</h1>" in written(tmp_path, [loan, loan], title=" ")


def test_one_result_alone_takes_the_title_too(tmp_path, loan):
    alone = written(tmp_path, loan, title="</title>Ours")
    assert "<h1>&lt;/title&gt;Ours</h1>" in alone
    assert "<title>&lt;/title&gt;Ours: biased</title>" in alone
    assert 'class="chapter"' not in alone


def test_charts_that_are_equal_have_ids_of_their_own(tmp_path, loan):
    twice = tuple(
        finding.model_copy(update={"attribute": attribute})
        for attribute in ("gender", "sex")
        for finding in loan.findings
    )
    html = render(loan.model_copy(update={"findings": twice}))
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_hostile_titles_stay_text(tmp_path, hostile, loan):
    html = written(tmp_path, [hostile, loan], title="</title><script>x\x1b\u202e")
    assert "<script" not in html.lower()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", html)


def test_requests_that_are_wrong(tmp_path, loan):
    with pytest.raises(OutputError, match=r"must end in \.html"):
        pb.write_report([loan], tmp_path / "all.pdf")
    with pytest.raises(DataError, match="nothing to show"):
        pb.write_report([], tmp_path / "all.html")
    with pytest.raises(DataError, match="not int"):
        pb.write_report([loan, 3], tmp_path / "all.html")
    assert list(tmp_path.iterdir()) == []


def test_the_command_shows_several(tmp_path, loan, fair, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loan.save("a.json")
    fair.save("b.json")
    run = CliRunner().invoke(app, ["show", "a.json", "b.json", "--html", "all.html"])
    assert run.exit_code == 0, run.output
    assert run.output.index("Loan approval") < run.output.index("Fair")
    assert (tmp_path / "all.html").read_text(encoding="utf-8").count('class="chapter"') == 2
    refused = CliRunner().invoke(app, ["show", "a.json", "b.json", "--junit", "x.xml"])
    assert isinstance(refused.exception, pb.SpecError)
    assert not (tmp_path / "x.xml").exists()
