"""Hold models to their audits in pytest: a marker, two fixtures, and a section in the summary.

Nothing of paribus is imported before a test asks for an audit. It asserts nothing, so pytest need
not rewrite it: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from paribus import Record
    from pytest_paribus.holding import Holding

Audited = dict[str, Any]
"""What a report says of one audit: ``verdict``, ``line`` and ``seconds``."""

_HOLDING = pytest.StashKey["Holding"]()
_RECORD = pytest.StashKey["Record"]()
_AUDITED = pytest.StashKey[list[Audited]]()

_OPTIONS = ("people", "seed", "trust", "workers", "allow_inconclusive")
"""What the marker takes beside the path of the specification."""

_EXAMPLE = '@pytest.mark.paribus("audit.toml")'


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, and what a configuration file may say."""
    group = parser.getgroup("paribus", "audits of models")
    group.addoption(
        "--paribus-people",
        metavar="N",
        help="ask about N people at most in each audit, for a quick run",
    )
    group.addoption(
        "--paribus-report",
        metavar="DIR",
        help="write each audit's report (HTML) and record (JSON) into a folder",
    )
    group.addoption(
        "--paribus-allow-inconclusive",
        action="store_true",
        default=None,
        help="let an audit pass where neither a bias nor its absence is proven",
    )
    parser.addini("paribus_people", "people at most in each audit")
    parser.addini("paribus_report", "folder for reports and records, from the root folder")
    parser.addini(
        "paribus_allow_inconclusive", "let inconclusive audits pass", type="bool", default=False
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, check the options, and begin to listen for audits."""
    config.addinivalue_line(
        "markers",
        "paribus(spec, people=None, seed=None, trust=False, workers=1, allow_inconclusive=None): "
        "audit a model as a TOML file declares, before the body of the test.",
    )
    _most_people(config)
    folder = _report_folder(config)
    if folder is not None and folder.exists() and not folder.is_dir():
        raise pytest.UsageError(f'--paribus-report: "{folder}" is no folder')
    config.pluginmanager.register(_Summary(), "paribus-summary")


def _most_people(config: pytest.Config) -> int | None:
    given = config.getoption("paribus_people") or config.getini("paribus_people")
    if not given:
        return None
    try:
        people = int(str(given))
    except ValueError:
        people = 0
    if people < 1:
        raise pytest.UsageError(f'--paribus-people: must be a whole number from 1, not "{given}"')
    return people


def _report_folder(config: pytest.Config) -> Path | None:
    given = config.getoption("paribus_report")
    if given:
        return config.invocation_params.dir / str(given)
    configured = config.getini("paribus_report")
    return config.rootpath / str(configured) if configured else None


def _allows_inconclusive(config: pytest.Config) -> bool:
    given = config.getoption("paribus_allow_inconclusive")
    return bool(config.getini("paribus_allow_inconclusive") if given is None else given)


def _holding(config: pytest.Config) -> Holding:
    """Give what holds models in this session; here paribus is imported."""
    if _HOLDING not in config.stash:
        from pytest_paribus.holding import Holding

        config.stash[_HOLDING] = Holding(
            root=config.rootpath,
            most=_most_people(config),
            folder=_report_folder(config),
            allow_inconclusive=_allows_inconclusive(config),
        )
    return config.stash[_HOLDING]


# --- the fixtures and the marker ------------------------------------------------------------------


@pytest.fixture
def paribus_audit(request: pytest.FixtureRequest) -> Callable[..., Record]:
    """Audit a model, and fail where it is biased.

    Call it with the path of a TOML file, as ``paribus_audit("audit.toml", people=2_000)``, or with
    the arguments of ``paribus.audit``, as ``paribus_audit(model, protect={...}, fields={...})``. It
    returns the record. ``allow_inconclusive=True`` lets an inconclusive audit pass. A model that is
    given no ``name`` is called after the test.
    """
    item = request.node

    def audit(model: Any, /, **options: Any) -> Record:
        __tracebackhide__ = True
        holding = _holding(item.config)
        allow = options.pop("allow_inconclusive", None)
        if holding.is_declared(model):
            record = holding.declared(Path(model), options, item.path.parent)
        else:
            record = holding.called(model, {"name": item.name, **options})
        _note(item, record)
        holding.hold(record, allow, item.nodeid)
        return record

    return audit


@pytest.fixture
def audit_record(request: pytest.FixtureRequest) -> Record:
    """Give the record of the audit that the test's marker ``paribus`` declares."""
    item = request.node
    mark = _mark_of(item)
    if mark is None:
        pytest.fail(f"audit_record needs a marker: {_EXAMPLE}", pytrace=False)
    return _marked(item, mark)


def _mark_of(item: pytest.Item) -> pytest.Mark | None:
    """Give the nearest marker; of two that are equally near, one would go unheeded."""
    found = list(item.iter_markers_with_node("paribus"))
    near = [mark for node, mark in found if node is found[0][0]]
    if any(mark != near[0] for mark in near):
        pytest.fail(
            f"two markers paribus at one place, and {item.name} can be held to one of them: call "
            "the fixture paribus_audit for each",
            pytrace=False,
        )
    return near[0] if near else None


def _marked(item: pytest.Item, mark: pytest.Mark) -> Record:
    """Run the audit of a marker, once for each test."""
    if _RECORD not in item.stash:
        spec, options = _declared(mark)
        record = _holding(item.config).declared(spec, options, item.path.parent)
        item.stash[_RECORD] = record
        _note(item, record)
    return item.stash[_RECORD]


def _declared(mark: pytest.Mark) -> tuple[Path, dict[str, Any]]:
    given = {key: value for key, value in mark.kwargs.items() if key != "allow_inconclusive"}
    paths = [*mark.args, *([given.pop("spec")] if "spec" in given else [])]
    if len(paths) != 1 or not isinstance(paths[0], str | Path):
        pytest.fail(f"the marker takes the path of a TOML file: {_EXAMPLE}", pytrace=False)
    unknown = sorted(set(given) - set(_OPTIONS))
    if unknown:
        pytest.fail(
            f'the marker paribus knows no "{unknown[0]}" (there are: {", ".join(_OPTIONS)})',
            pytrace=False,
        )
    return Path(paths[0]), given


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Forget what an earlier run of the same test found: whoever repeats it asks again."""
    if _RECORD in item.stash:
        del item.stash[_RECORD]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Hold the model to the audit of the marker, before the body of the test runs."""
    mark = _mark_of(item)
    if mark is not None:
        record = _marked(item, mark)
        _holding(item.config).hold(record, mark.kwargs.get("allow_inconclusive"), item.nodeid)


# --- the summary ----------------------------------------------------------------------------------


def _note(item: pytest.Item, record: Record) -> None:
    audited = {
        "verdict": record.verdict,
        "line": record.render("line").decode(),
        "seconds": float(record.run["seconds"]["total"]),
    }
    item.stash.setdefault(_AUDITED, []).append(audited)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Hand what was audited to the report, which travels to whoever shows the summary."""
    report = yield
    audited = item.stash.get(_AUDITED, [])
    if audited:
        report.paribus = list(audited)
        audited.clear()
    return report


class _Summary:
    """Listens to reports, those of other processes too, and shows a line for each audit."""

    def __init__(self) -> None:
        self.audited: list[tuple[str, int, Audited]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for audited in getattr(report, "paribus", ()):
            self.audited.append((report.nodeid, len(self.audited), audited))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.audited:
            return
        terminalreporter.write_sep("=", "audits of models")
        for _, _, audited in sorted(self.audited, key=lambda each: each[:2]):
            color = _COLORS.get(audited["verdict"], {})
            terminalreporter.write_line(f"{audited['line']}; {audited['seconds']:.1f} s", **color)


_COLORS = {
    "biased": {"red": True},
    "inconclusive": {"yellow": True},
    "within tolerance": {"green": True},
}
