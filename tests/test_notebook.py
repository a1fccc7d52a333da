"""What objects show of themselves in a notebook: brief, harmless, and readable on any ground."""

from __future__ import annotations

import math
import os
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paribus as pb
from paribus import _html
from paribus._text import value
from paribus.evidence.base import Row
from paribus.findings import Findings, judge
from paribus.people.sample import Rows
from paribus.probe._handed import probe_of
from paribus.record import Counts, Record, Witness
from paribus.report import _fragment
from paribus.report._parts import Cell, Column, Line, Lines, Page, Point, Section, Table
from paribus.report.base import page
from paribus.studies.plan import Goal, Plan
from paribus.studies.search import Search, Sought
from paribus.table import Table as Data
from paribus.twins import factorial, level_contrasts, pair, placebo_contrasts

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "notebook.ipynb"

TAGS = {
    *("div", "style", "p", "span", "mark", "small", "figure", "figcaption"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
    *("svg", "g", "path", "line", "rect", "circle", "text", "tspan", "title", "desc"),
}
ATTRIBUTES = {
    *(
        "class",
        "tabindex",
        "aria-label",
        "scope",
        "role",
        "xmlns",
        "font-family",
        "width",
        "height",
        "viewbox",
    ),
    *("transform", "d", "x", "y", "x1", "x2", "y1", "y2", "fill", "stroke", "opacity"),
    *("fill-opacity", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linecap"),
    *("stroke-linejoin", "text-anchor", "font-size", "font-weight"),
}
HOSTILE = [
    "</style><script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<iframe srcdoc='<script>1</script>'>",
    "javascript:alert(1)",
    "@import url(http://evil.example/x.css);",
    "}.paribus{display:none}",
    "{{ 7 * 7 }} {% raw %} {0} {x!r}",
    "a\u202egnp.exe",
    "\u2066\u2067\u061c\u200f",
    "red\x1b[31m\x07\x00",
    "two\nlines\r\n\tthree",
    "]]><!-- &amp; &#x202e;",
    "\u05d0\u05d1\u05d2",
    "\U0001f469\u200d\U0001f52c",
    "x" * 10_000,
]


class Seen(HTMLParser):
    """What a browser makes of a fragment."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.marked: list[str] = []
        self.style = ""
        self.feed(fragment)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            self.style += data
        else:
            self.words.append(data)
            if "mark" in self.open:
                self.marked.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def checked(fragment: str) -> Seen:
    """Hold a fragment to what all of them promise."""
    seen = Seen(fragment)
    assert set(seen.tags) <= TAGS
    # No id can clash, no handler can act, and nothing can be fetched.
    assert {name for name, _ in seen.attributes} <= ATTRIBUTES
    words = {"xmlns", "aria-label"}
    values = [value or "" for name, value in seen.attributes if name not in words]
    assert not any("://" in value or "url(" in value for value in values)
    assert seen.style == str(_html._STYLE)
    assert seen.tags.count("style") == 1
    assert re.match(r'<div class="paribus"><style>', fragment)
    assert len(fragment.encode()) < 60_000
    unseen = {*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), 0x200F, 0x061C}
    assert not unseen & {ord(character) for character in fragment}
    return seen


def people(**parts: Any) -> pb.People:
    fields = {
        "full_name": pb.mimesis(
            "person.full_name", follows={"gender": {"Male": "MALE", "Female": "FEMALE"}}
        ),
        "income": pb.integers(30_000, 119_999),
        "code": pb.map_of("gender", {"Male": 1, "Female": 0}),
    }
    given = {"protect": {"gender": {"levels": ["Male", "Female"]}}, "fields": fields}
    return pb.People(**{**given, "size": 10_000, "seed": 42, **parts})


@pytest.fixture(scope="module")
def record() -> Record:
    def model(data: pd.DataFrame) -> Any:
        return ((data["code"] == 1) | (data["income"] > 80_000)).astype(int)

    return pb.audit(
        model,
        protect={"gender": ["Male", "Female"]},
        fields=people().fields,
        people=2_000,
        favorable=1,
        tolerance=0.01,
        seed=42,
        name="Loan approval",
    )


# --- a record -------------------------------------------------------------------------------------


def test_a_record_in_brief_says_what_its_page_says(record: Record) -> None:
    seen = checked(record._repr_html_())
    whole = page(record)
    assert whole.title in seen.text
    assert whole.sentence in seen.text
    assert "biased" in seen.words
    assert seen.tags.count("svg") == 2
    # The findings, and three pairs of witnesses.
    assert seen.tags.count("table") == 2
    assert seen.tags.count("tr") == 1 + 2 + 1 + 6
    first = record.witnesses[0]
    assert {first.reference_values["full_name"], first.group_values["full_name"]} < set(seen.marked)
    assert "Twins whom the model treats differently (gender: Male and Female)" in seen.words
    assert "Seed: 42." in seen.text


def test_a_record_read_from_a_file_shows_the_same(record: Record, tmp_path: Path) -> None:
    opened = pb.open_record(record.save(tmp_path / "loan.json"))
    assert opened._repr_html_() == record._repr_html_()


def test_it_is_no_format_of_its_own() -> None:
    from paribus.record import REPORTS

    assert not [kind for kind in REPORTS.kinds() if "fragment" in kind]


def test_text_stays_as_it_was(record: Record) -> None:
    assert repr(record).startswith("╭")
    assert repr(people()).startswith("People(protect=")
    assert repr(record.findings[0]).startswith("Finding(test=")


def test_within_tolerance_and_inconclusive() -> None:
    def fair(data: pd.DataFrame) -> Any:
        return (data["income"] > 80_000).astype(int)

    shared: dict[str, Any] = {
        "protect": {"gender": ["Male", "Female"]},
        "fields": {"income": pb.integers(1, 100_000)},
        "favorable": 1,
        "tolerance": 0.01,
    }
    seen = checked(pb.audit(fair, people=2_000, **shared)._repr_html_())
    assert "within tolerance" in seen.words
    seen = checked(pb.audit(fair, people=20, **shared)._repr_html_())
    assert "inconclusive" in seen.words


def test_an_audit_of_a_table_and_its_numbers() -> None:
    rows = pd.DataFrame({"sex": ["m", "f"] * 200, "hired": [1, 0, 1, 1] * 100})
    audited = pb.audit_data(rows, protect=["sex"], label="hired", favorable=1)
    seen = checked(audited._repr_html_())
    assert page(audited).sentence in seen.text
    assert seen.tags.count("table") == 1


def test_a_model_that_answers_nothing() -> None:
    record = bulky(1, "<b>").model_copy(
        update={"answers": Counts(versions=2, answered=0, refused=1, failed=1), "witnesses": ()}
    )
    assert "answered none of the questions" in checked(record._repr_html_()).text


def bulky(many: int, name: str, attributes: int = 20) -> Record:
    """Compare many levels with long names, all of them witnessed, in many columns."""
    evidence = tuple(
        Row(
            test="counterfactual", unit=unit, contrast="level", reference=f"r{name}",
            attribute=f"a{i % attributes}{name}", group=f"g{i}{name}", people=1_000, answered=1_000,
            estimate=0.2, low=0.1, high=0.3, p=1e-9, p_outside=1e-9, p_within=1.0, held=True,
            flips_against=200, flips_for=0,
        )
        for i in range(many)
        for unit in ("flip rate", "net gap")
    )  # fmt: skip
    values = {f"column {i}{name}": f"{i}{name}" for i in range(60)}
    witnesses = tuple(
        Witness(
            person=i, attribute=row.attribute, reference=row.reference, group=row.group,
            reference_answer=name, group_answer=0, same=values,
            reference_values={row.attribute: row.reference},
            group_values={row.attribute: row.group},
        )
        for i, row in enumerate(evidence)
    )  # fmt: skip
    return Record.sum_up(
        name=name, tolerance=0.01, confidence=0.95, seed=0, people=1_000, spec={},
        answers=Counts(versions=1, answered=1, refused=0, failed=0), evidence=evidence,
        findings=judge(evidence, 0.01), witnesses=witnesses,
        notes=tuple(f"Simpson's paradox: {name * 9}" for _ in range(9)), run={},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["", "\U0001f469" * 400, '&"' * 200], ids=["short", "long", "&"])
def test_however_much_there_is_it_stays_brief(name: str) -> None:
    for attributes in (1, 20):
        seen = checked(bulky(60, name, attributes)._repr_html_())
        assert seen.tags.count("svg") in ({1, 2} if name else {2})
        assert seen.tags.count("table") == 2
        assert "the 12 widest" in seen.text
        assert any(re.fullmatch(r"and 1\d\d more rows", word) for word in seen.words)


def test_a_drawing_that_takes_too_much_ink_is_left_out() -> None:
    def zigzag(points: int) -> Lines:
        lines = tuple(
            Line(f"l{k}", tuple(Point(i, (i * 7 + k) % 5) for i in range(points))) for k in range(5)
        )
        return Lines(f"{points}", "", "along", "up", share=False, lines=lines)

    parts = (zigzag(1_500), zigzag(20))
    seen = checked(_fragment.write(Page("Title", None, "Said.", (Section("", (), parts),))))
    assert seen.tags.count("svg") == 1
    assert "20" in seen.words


def test_a_table_with_more_columns_than_there_is_room_for() -> None:
    columns = tuple(Column(f"c{i}", extra=i % 2 == 1) for i in range(30))
    table = Table("Wide", columns, (tuple(Cell(f"v{i}") for i in range(30)),))
    content = Page("Title", None, "Said.", (Section("", (), (table,)),), advice=("Do this.",))
    seen = checked(_fragment.write(content))
    assert [word for word in seen.words if re.fullmatch(r"v\d+", word)] == [
        f"v{i}" for i in range(0, 18, 2)
    ]
    assert "Do this." in seen.words


# --- what lies below the reports ------------------------------------------------------------------


def test_a_finding(record: Record) -> None:
    finding = record.findings[0]
    seen = checked(finding._repr_html_())
    assert seen.words[0] == finding.verdict
    assert finding.sentence in seen.words


def test_all_findings_of_a_record(record: Record) -> None:
    seen = checked(record.findings._repr_html_())  # type: ignore[attr-defined]
    assert seen.tags.count("tr") == 1 + len(record.findings)
    assert {finding.sentence for finding in record.findings} <= set(seen.words)
    assert record.findings == tuple(record.findings)
    assert isinstance(record.findings, tuple)
    assert "0 findings" in checked(Findings()._repr_html_()).words


def test_an_audit_that_has_not_run(tmp_path: Path) -> None:
    def never(data: pd.DataFrame) -> Any:
        raise AssertionError("a model that is shown is asked")

    probe = probe_of(never, {"favorable": 1})
    declared = pb.Audit(
        name="Loans", probe=probe, protect=people().protect, fields=people().fields, size=70
    )
    seen = checked(declared._repr_html_())
    assert "Audit: Loans" in seen.words
    assert "70 people (drawn), seed 0" in seen.words
    assert "full_name, code" in seen.words
    nothing = pb.Audit(name="<b>", probe=probe, protect=people().protect)
    assert "declare fields" in checked(nothing._repr_html_()).text


def test_a_draft_says_what_was_guessed_and_why() -> None:
    rows = pd.DataFrame({"sex": ["f", "m"] * 50, "pay": range(100), "<b>": ["<i>", "x"] * 50})
    drafted = pb.draft(rows, model=lambda data: data["pay"] > 9, protect="sex", favorable=True)
    seen = checked(drafted._repr_html_())
    assert {"protect.sex", "What was guessed", "not sure, left out"} <= set(seen.words)
    assert set(drafted.told()) <= set(seen.words)


def test_people_show_who_they_are() -> None:
    seen = checked(people()._repr_html_())
    assert seen.words[0] == "10,000 people (drawn), seed 42"
    assert "full_name, code" in seen.words
    shown = people().head(5).to_pydict()
    assert {str(income) for income in shown["income"]} <= set(seen.words)
    assert set(shown["full_name"]) <= set(seen.words)
    assert "1 person (drawn), seed 42" in people(size=1)._repr_html_()


def test_people_of_a_table() -> None:
    sexes = ["Male", "Female", None]
    data = pd.DataFrame({"gender": sexes, "income": [math.nan, 1e300, 1], "x": ["\xff", "", "y"]})
    rows = Rows(Data.of(data), 0, None)
    seen = checked(people(rows=rows, size=3, fields={})._repr_html_())
    assert seen.words[0] == "3 people (in the data), seed 42"
    assert {"missing", "1.000e+300", "(empty)", "nothing else"} <= set(seen.words)


def test_people_who_cannot_be_drawn_say_why() -> None:
    data = pd.DataFrame({"gender": ["Male", "Female"], "post": ["<b>none</b>", "a"]})
    rows = Rows(Data.of(data), 0, None)
    unknown = people(rows=rows, size=2, fields={"x": pb.map_of("post", {"a": 1})})
    assert "<b>none</b>" in checked(unknown._repr_html_()).text
    assert "<b>none</b>" in checked(factorial(unknown)._repr_html_()).text


def test_twins_stand_one_below_the_other() -> None:
    seen = checked(factorial(people())._repr_html_())
    rows = [seen.words.index(f"gender={level}") for level in ("Male", "Female")]
    assert rows[0] < rows[1]
    names = pair(people(), level_contrasts(people(), "gender")).block(0, 3)
    for version in names.twins.versions:
        told = names.columns(version, ["full_name"])["full_name"].arrow().to_pylist()
        assert set(told) <= set(seen.marked)
    assert "2 versions of each person, for 1 contrast" in seen.words


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    levels=st.integers(2, 6),
    alike=st.booleans(),
)
def test_what_is_marked_lies_in_the_closure(seed: int, levels: int, alike: bool) -> None:
    code = {f"l{i}": "same" if alike else f"code {i}" for i in range(levels)}
    made = pb.People(
        protect={"group": {"levels": list(code)}},
        fields={
            "code": pb.map_of("group", code),
            "income": pb.integers(1, 3),
            "rate": pb.constant(math.pi),
        },
        size=4,
        seed=seed,
    )
    seen = checked(factorial(made)._repr_html_())
    shown = min(levels, 4)
    marked = {f"l{i}" for i in range(shown)} | (
        set() if alike else {f"code {i}" for i in range(shown)}
    )
    assert set(seen.marked) == marked
    assert ("(4 of" in seen.text) == (levels > 4)


def test_placebo_twins_differ_in_their_names_alone() -> None:
    made = people()
    seen = checked(pair(made, placebo_contrasts(made, "gender"))._repr_html_())
    assert "another full_name" in seen.words
    assert len(seen.marked) == 6
    assert not {"Male", "Female"} & set(seen.marked)


# --- what else stands at the end of a cell --------------------------------------------------------


def test_detected_columns_show_no_value() -> None:
    table = pd.DataFrame({"mail": ["ann@corp.example", "bob@corp.example"], "n": [1, 2]})
    seen = checked(pb.detect(table)._repr_html_())
    assert {"mail", "email", "identifies"} <= set(seen.words)
    assert "ann@" not in seen.text


def test_a_mitigation() -> None:
    from sklearn.tree import DecisionTreeClassifier

    n = 120
    loans = pd.DataFrame({"male": [1, 0] * (n // 2), "income": [(37 * i) % 90 for i in range(n)]})
    loans["approved"] = ((loans["male"] == 1) | (loans["income"] > 60)).astype(int)
    model = DecisionTreeClassifier(max_depth=3, random_state=0)
    model.fit(loans[["male", "income"]], loans["approved"])
    mended = pb.mitigate(
        model, train=loans, label="approved", protect={"male": [1, 0]},
        candidates=["drop_attribute"], favorable=1, folds=2, workers=1,
    )  # fmt: skip
    seen = checked(mended._repr_html_())
    assert mended.record.comparison is not None
    assert "drop_attribute" in seen.text
    assert "Held against the tolerance: the model as it is" in seen.words


def test_a_plan() -> None:
    goals = (
        Goal(verdict="within tolerance", case="no decision changes", people=367, chance=0.999),
        Goal(verdict="biased", case="a gap of <1 %", people=None, chance=0.0),
    )
    planned = Plan(
        name="<b>loans</b>", outcome="decision", tolerance=0.01, confidence=0.95, power=0.8,
        claims=2, people=3_000, exhaustive=False, goals=goals,
    )  # fmt: skip
    seen = checked(planned._repr_html_())
    assert str(planned).splitlines()[0] in seen.words
    assert seen.tags.count("tr") == 1 + 2
    assert {"367", "99.9 %", "never", "a gap of <1 %"} <= set(seen.words)


def test_an_assessment_and_a_disclosure() -> None:
    people = pd.DataFrame({"male": [1, 0] * 50, "income": range(100), "paid": [1, 1, 0, 0] * 25})
    after = people.assign(income=people["income"] // 10)
    risk = pb.assess(people, after, identifying=[], quasi=["male", "income"])
    seen = checked(risk._repr_html_())
    assert risk.name in seen.text
    assert seen.tags.count("table") == 2
    shown = pb.disclose(people, rule="eeoc-four-fifths", decision="paid", favorable=1, by=["male"])
    assert shown.title in checked(shown._repr_html_()).text


def test_a_search_shows_its_worst_pairs() -> None:
    found = Search(
        name="<b>", seed=0, budget=9, rows_only=False, counts="a changed decision", guide="",
        found=Sought(asked=9, flips=2), contrasts=(),
        witnesses=(
            Witness(
                person=0, row=7, attribute="sex", reference="m", group="f", reference_answer=1,
                group_answer=None, same={"age": 41}, reference_values={"sex": "m", "name": "Al"},
                group_values={"sex": "f", "name": "Di"},
            ),
        ),
    )  # fmt: skip
    seen = checked(found._repr_html_())
    assert "Worst cases, no rate" in seen.text
    assert "sex, row 7" in seen.words
    assert seen.marked == ["m", "Al", "1", "f", "Di", "missing"]


# --- hostile content ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[1:15])
def test_nothing_acts(text: str) -> None:
    protect = {text: {"levels": ["plain", text]}}
    fields = {f"{text}2": pb.choice([text, "b"]), f"{text}3": pb.constant(text)}
    made = pb.People(protect=protect, fields=fields, size=5)
    checked(made._repr_html_())
    checked(factorial(made)._repr_html_())
    checked(pb.detect(pd.DataFrame({text: [text, "b"]}))._repr_html_())

    def model(data: pd.DataFrame) -> Any:
        return [text if value == text else "other" for value in data[text]]

    audited = pb.audit(
        model, protect={text: ["plain", text]}, fields=fields, people=60, favorable=text, name=text
    )
    assert audited.verdict == "biased"
    checked(audited._repr_html_())
    for finding in audited.findings:
        checked(finding._repr_html_())


@given(text=st.text(max_size=200))
@settings(deadline=None)
def test_no_text_opens_a_tag(text: str) -> None:
    shown = _html.values(text, {text: [text, None], "n": [1, 2]}, {text: [True, False]})
    seen = checked(_html.piece(shown, _html.verdict("biased", title=value(text)))
                   if text.isprintable() else _html.piece())  # fmt: skip
    assert seen.tags.count("td") in {0, 4}


# --- the style ------------------------------------------------------------------------------------


def test_no_rule_leaks_into_the_notebook() -> None:
    style = str(_html._STYLE)
    assert "@" not in style  # no at-rule, so every brace opens a rule of ours
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", style)
    assert len(rules) == style.count("{") > 20
    for rule in rules:
        assert all(part.startswith(".paribus.paribus") for part in rule.split(","))
    assert "<" not in style
    assert "http" not in style


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("ink", _html.INKS)
@pytest.mark.parametrize("ground", ["#ffffff", "#111111", "#1f1f1f", "#212121"])
def test_shapes_are_told_from_any_ground(ink: str, ground: str) -> None:
    light, dark = sorted((luminance(_html.INKS[ink]), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_words_have_the_color_of_the_notebook() -> None:
    style = str(_html._STYLE)
    colors = set(re.findall(r"(?<![-\w])color:([^;}]+)", style))
    assert colors == {"inherit", "var(--tone)"}
    # Signs before words, not the words.
    signs = re.findall(r"([^{}]+)\{[^{}]*(?<![-\w])color:var\(--tone\)[^{}]*\}", style)
    assert [rule.count("::before") for rule in signs] == [2]


def test_several_fragments_share_no_id(record: Record) -> None:
    assert " id=" not in record._repr_html_() + factorial(people())._repr_html_()
    # A drawing is named all the same.
    assert re.search(r"<svg[^>]*role=\"img\"[^>]*><title>[^<]+</title><desc>", record._repr_html_())


# --- notebooks ------------------------------------------------------------------------------------


def test_a_notebook_finds_both_forms(record: Record) -> None:
    from IPython.core.formatters import DisplayFormatter

    shown = DisplayFormatter()
    for thing in (record, record.findings[0], people(), factorial(people())):
        bundle, _ = shown.format(thing)
        assert bundle["text/html"] == thing._repr_html_()
        assert bundle["text/plain"]


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    notebook = nbformat.read(EXAMPLE, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    with tempfile.TemporaryDirectory(prefix="nb") as folder:
        # The names of sockets are short, and nothing is read from or left in a home.
        for variable in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR"):
            monkeypatch.setenv(variable, folder)
        path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        monkeypatch.setenv("PYTHONPATH", path)
        config = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/k"}})
        client = NotebookClient(notebook, timeout=120, kernel_name="python3", config=config)
        client.execute(cwd=folder)
    shown = {
        cell.id: set(output.get("data", {"error or stream": output}))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    }
    both = {"text/plain", "text/html"}
    ours = {"people", "twins", "record", "finding"}
    assert shown == dict.fromkeys((*ours, "chart"), both)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if cell.id in ours:
                checked(output.data["text/html"])
