"""The example suite passes as its page says, and the workflow asks for what there is."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

import paribus as pb
from paribus import cli

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "examples" / "github-actions" / "audit.yml"


def test_the_example_suite_passes(tmp_path: Path) -> None:
    suite = tmp_path / "audit_suite"
    shutil.copytree(
        ROOT / "examples" / "audit_suite",
        suite,
        ignore=shutil.ignore_patterns("__pycache__", "*.skops", "*.pyc"),
    )
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    environment = {
        **{key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"},
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": path.rstrip(os.pathsep),
    }
    loaded = ["-p", "pytest_paribus", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-W", "default", "-m", "pytest", *loaded, "--paribus-people=2000"],
        cwd=suite,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed, 1 xfailed" in done.stdout
    shown = re.findall(r"^(biased|within tolerance|inconclusive): Loan", done.stdout, re.M)
    assert sorted(shown) == ["biased", *["within tolerance"] * 3]


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    read: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    [job] = workflow["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def commands(steps: list[dict[str, Any]], program: str) -> list[list[str]]:
    lines = [line for step in steps for line in step.get("run", "").splitlines()]
    return [words for line in lines if (words := shlex.split(line)) and words[0] == program]


def test_the_workflow_calls_the_command_as_it_is(steps: list[dict[str, Any]]) -> None:
    """Every option exists, and the command line reads as it stands."""
    calls = commands(steps, "paribus")
    assert calls
    known = typer.main.get_command(cli.app)
    for _, name, *words in calls:
        command = known.commands[name]  # type: ignore[attr-defined]
        context = command.make_context(name, list(words))
        outputs = [str(path) for path in context.params["output"]]
        assert {pb.Record.format_of(path) for path in outputs} == {"markdown", "sarif", "html"}


def test_every_later_step_reads_what_was_written(steps: list[dict[str, Any]]) -> None:
    [audit] = commands(steps, "paribus")
    written = {word for word in audit if word.startswith("report.")}
    place = next(i for i, step in enumerate(steps) if "paribus audit" in step.get("run", ""))
    assert "continue-on-error" not in steps[place], "a biased model must stop the merge"
    for step in steps[place + 1 :]:
        read = set(re.findall(r"report\.(?:md|sarif|html)", yaml.safe_dump(step)))
        assert read, step
        assert read <= written
        assert step["if"].startswith("${{ !cancelled() && hashFiles('report."), step


def test_the_workflow_has_no_more_rights_than_it_needs(
    workflow: dict[Any, Any], steps: list[dict[str, Any]]
) -> None:
    # YAML 1.1 reads `on` as a truth value.
    assert workflow[True] == "pull_request", "with pull_request_target a fork's code would run"
    assert workflow["permissions"] == {
        "contents": "read",
        "pull-requests": "write",
        "security-events": "write",
    }
    [checkout] = [step for step in steps if "actions/checkout" in step.get("uses", "")]
    assert checkout["with"]["persist-credentials"] is False, "a package could read the token"
    for step in steps:
        assert "${{" not in step.get("run", ""), "what others chose stays out of the shell"
        writes = "upload-sarif" in step.get("uses", "") or "gh pr" in step.get("run", "")
        assert ("head.repo.full_name == github.repository" in step.get("if", "")) == writes


def test_the_page_shows_the_workflow_itself() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    shown = re.search(r"^~~~yaml\n(.*?)^~~~$", page, re.M | re.S)
    assert shown is not None
    assert shown[1] == WORKFLOW.read_text(encoding="utf-8")
