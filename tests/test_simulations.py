"""Tiny versions of the simulations, with bounds so wide that only a fault breaks them."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from paribus.findings import judge

ROOT = Path(__file__).resolve().parent.parent
MODULES = (
    "table",
    "trials",
    "pairs",
    "models",
    "null_audits",
    "equivalence",
    "joint_levels",
    "intervals",
    "planned_power",
    "stopping",
    "group_verdicts",
    "proxies",
    "windows",
    "comparisons",
    "run",
)


class Simulations:
    """The modules of the folder, by name, and the settings of each topic, planned only once."""

    def __init__(self) -> None:
        self.known: dict[str, list[Any]] = {}

    def settings(self, topic: str) -> list[Any]:
        if topic not in self.known:
            self.known[topic] = getattr(self, topic).settings()
        return self.known[topic]

    def __getattr__(self, name: str) -> ModuleType:
        return importlib.import_module(name)


@pytest.fixture(scope="module")
def simulations() -> Iterator[Any]:
    folder = str(ROOT / "simulations")
    # Scripts have plain names, which another test's scripts may have too.
    others = {name: sys.modules.pop(name) for name in MODULES if name in sys.modules}
    sys.path.insert(0, folder)
    yield Simulations()
    sys.path.remove(folder)
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.modules.update(others)


def rates(simulations: Any, topic: str, title: str, times: int) -> Any:
    """Run one setting of a topic a few times, and give the mean of each of its numbers."""
    setting = next(each for each in simulations.settings(topic) if each.title.startswith(title))
    chance = [np.random.default_rng([7, number]) for number in range(times)]
    results = [setting.trial(i, random, **setting.options) for i, random in enumerate(chance)]
    assert all(row.measured for row in setting.rows(np.array(results, dtype=float)))
    return np.mean(np.array(results, dtype=float), axis=0)


@pytest.mark.parametrize(
    "title",
    [
        "Deterministic model that ignores",
        "Answers redrawn at every question",
        "The same with five levels",
        "Names with random effects of sd 0.05, English",
        "Redrawn answers, everybody's chance",
    ],
)
def test_fair_models_are_seldom_called_biased(simulations: Any, title: str) -> None:
    # At a true rate of 5 %, eight or more of 20 have a chance of 2e-6.
    assert rates(simulations, "null_audits", title, 20).max() <= 7 / 20


@pytest.mark.parametrize(
    "title",
    [
        "Net gap at the tolerance of 2 %, all one way: 150 ",
        "Net gap at the tolerance of 2 %, and 2 % changing either way besides: 1,000",
        "Sequential: net gap at the tolerance of 2 %, all one way",
    ],
)
def test_gaps_at_the_tolerance_are_seldom_settled(simulations: Any, title: str) -> None:
    within, biased, *_ = rates(simulations, "equivalence", title, 60)
    # At 5 %, twelve or more of 60 have a chance of 5e-5.
    assert within <= 11 / 60
    assert biased <= 11 / 60


def test_gaps_beyond_the_tolerance_are_found(simulations: Any) -> None:
    """The simulated audits can tell: silence about fair models is not all that they know."""
    null_audits, models, pairs = simulations.null_audits, simulations.models, simulations.pairs
    random = np.random.default_rng(7)
    for model in (models.stepped(0.2), models.redrawn(random, 0.4)):
        record = null_audits._audit(model, random, people=300, tolerance=0.02)
        assert record.verdict == "biased"
    drawn = pairs.flips(random, 300, 0.0, 0.2)
    rows = pairs.weighed(pairs.answers_of(pairs.DECISION, drawn), 0.02)
    assert {finding.verdict for finding in judge(rows, 0.02)} == {"biased"}


@pytest.mark.parametrize(
    "title",
    [
        "Equal in law, 10 % changing either way",
        "Equal in law, five levels",
        "Equal in law, other people",
        "Worse by just the margin of 2 %, from no gap",
    ],
)
def test_equal_models_are_seldom_told_apart(simulations: Any, title: str) -> None:
    worse, no_worse, *_ = rates(simulations, "comparisons", title, 25)
    # At 5 %, eight or more of 25 have a chance of 2e-5.
    assert worse <= 7 / 25
    assert no_worse <= 7 / 25


def test_a_model_that_got_worse_is_found(simulations: Any) -> None:
    title = "Power: a gap of 5 % becomes one of 9 %, the same people"
    worse, no_worse, *_ = rates(simulations, "comparisons", title, 10)
    assert worse >= 8 / 10
    assert no_worse == 0


def test_the_joint_adjustment_finds_more_and_claims_little(simulations: Any) -> None:
    title = "Five levels that share a threshold, 300 people: two groups"
    false_holm, found_holm, false_joint, found_joint = rates(simulations, "joint_levels", title, 40)
    assert max(false_holm, false_joint) <= 0.3
    assert found_joint >= found_holm
    assert found_joint > 0.8


def test_intervals_hold_what_they_are_about(simulations: Any) -> None:
    intervals = simulations.intervals
    places = [i for i, (n, _, _) in enumerate(intervals.GRID) if n <= 50]
    random = np.random.default_rng(7)
    for i in places:
        assert 0.92 <= intervals.tango(i, random, grid=intervals.GRID)[0] <= 1 + 1e-6, (
            intervals.GRID[i]
        )
        assert 0.85 <= intervals.newcombe(i, random, grid=intervals.GRID, times=100)[0] <= 1
    for i in range(0, len(intervals.SINGLE), 20):
        assert 0.9499 <= intervals.exact_rate(i, random)[0] <= 1 + 1e-6, intervals.SINGLE[i]
    covered = rates(simulations, "intervals", "Scores: intervals of normal gaps, 30 ", 200)
    assert covered.min() >= 0.88
    assert covered.max() < 1


def test_exact_coverage_agrees_with_draws(simulations: Any) -> None:
    """The sums over all counts are those of a trinomial."""
    first, second, chance = simulations.equivalence.likely_counts(40, 0.1, 0.05)
    assert chance.sum() == pytest.approx(1, abs=1e-6)
    assert chance @ first == pytest.approx(4, abs=1e-4)
    assert chance @ (first * second) == pytest.approx(40 * 39 * 0.1 * 0.05, abs=1e-3)


@pytest.mark.parametrize(
    ("title", "planned"),
    [
        ("net gap `biased`, changed for 0, against 0.06", 0.8),
        ("flip rate `within tolerance`, rate 0.005", 0.87),
        ("score gap `biased`, gap 0.5", 0.8),
        ("Whole audit `within tolerance`", 0.87),
    ],
)
def test_planned_people_have_the_planned_power(
    simulations: Any, title: str, planned: float
) -> None:
    found = rates(simulations, "planned_power", title, 100)[0]
    assert found == pytest.approx(planned, abs=0.15)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Sequential: true gap 5 %", 331),
        ("Sequential: true gap 20 %, 2 %", 57),
        ("Sequential, whole audits: true gap 0 %", 220),
    ],
)
def test_audits_stop_when_expected(simulations: Any, title: str, expected: int) -> None:
    times = 10 if "whole" in title else 100
    pairs, _, _ = rates(simulations, "stopping", title, times)
    assert pairs == pytest.approx(expected, rel=0.3)


def test_flips_have_the_declared_chances(simulations: Any) -> None:
    drawn = simulations.pairs.flips(np.random.default_rng(7), 200_000, 0.1, 0.03)
    reference, group = drawn.T
    assert np.mean(group > reference) == pytest.approx(0.1, abs=0.005)
    assert np.mean(group < reference) == pytest.approx(0.03, abs=0.005)
    assert np.mean((group == 1) & (reference == 1)) == pytest.approx(0.435, abs=0.01)


def test_results_do_not_depend_on_the_workers(simulations: Any) -> None:
    settings = simulations.stopping.settings(0.01)[2:4]
    one, several = (simulations.trials.run(settings, workers) for workers in (1, 2))
    assert all((a == b).all() for a, b in zip(one, several, strict=True))
    assert one[0].std() > 0


def test_two_settings_with_one_title_are_refused(simulations: Any) -> None:
    setting = simulations.stopping.settings(0.01)[0]
    with pytest.raises(ValueError, match="one title"):
        simulations.trials.run([setting, setting])


def test_broken_bounds_end_with_1(
    simulations: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, stopping = simulations.run, simulations.stopping
    arguments = ["--quick", "--workers", "1", "stopping"]
    monkeypatch.setattr(stopping, "EXPECTED", {(0.0, 0.0): 220, (0.2, 0.0): 45})
    monkeypatch.setattr(stopping, "WITHIN", 0.5)
    assert run.main(arguments) == 0
    assert "| yes |" in capsys.readouterr().out
    monkeypatch.setattr(stopping, "EXPECTED", {(0.0, 0.0): 900, (0.2, 0.0): 45})
    assert run.main(arguments) == 1
    told = capsys.readouterr()
    assert "| **no** |" in told.out
    assert "broken: Sequential: true gap 0 %" in told.err


def test_only_a_whole_run_is_written(
    simulations: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = simulations.run
    with pytest.raises(SystemExit):
        run.main(["--write", "--quick"])
    with pytest.raises(SystemExit):
        run.main(["nothing"])
    page = tmp_path / "page.md"
    page.write_text(f"before\n{run.START}\nold\n{run.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(run, "PAGE", page)
    run._write("new")
    assert page.read_text(encoding="utf-8") == f"before\n{run.START}\nnew\n{run.END}\nafter\n"


def test_the_page_shows_every_setting(simulations: Any) -> None:
    """A setting that is added or renamed is simulated before the page is released."""
    text = (ROOT / "docs" / "simulations.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| \*\*(.*)\*\* \| \| \| \|$", text, re.M)
    topics = [topic.replace("-", "_") for topic in simulations.run.TOPICS]
    assert shown == [setting.title for topic in topics for setting in simulations.settings(topic)]
