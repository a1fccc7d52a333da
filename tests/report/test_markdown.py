"""Markdown, read by GitHub's own library: what it shows, and that nothing in it acts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from paribus.record import Record
from paribus.report import _gfm, markdown
from paribus.report._wording import readable, sentence, verdict_sentence
from paribus.testing import check_report

cmarkgfm = pytest.importorskip("cmarkgfm", reason="a tool of the test extra")

TAGS = {
    *("h2", "h3", "p", "b", "br", "sub", "ul", "li", "strong", "em"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre", "code"),
}
ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069\u200b"))

NASTY = [
    "<script>alert(1)</script>",
    "</details><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/x.png)",
    "[click](http://evil.example)",
    "<http://evil.example>",
    "http://evil.example https://evil.example www.evil.example ftp://evil.example",
    "me@evil.example mailto:me@evil.example xmpp:me@evil.example",
    "@everyone",
    "a@b #1 GH-1 gh-2 owner/repo#3",
    ":smile: :100: :+1:",
    "$x$ $$y$$ $`z`$",
    "a | b || c \\| d \\\\| e",
    "`code` ``two`` ```three",
    "*em* **strong** _em_ __strong__ ~~gone~~ ~gone~",
    "- [ ] task",
    "+ list",
    "* list",
    "1. list",
    "12) list",
    "# heading",
    "> quote",
    "---",
    "===",
    "***",
    "    code",
    "| --- |",
    "&lt;b&gt; &#64;me &amp;",
    "<!-- comment",
    "]]> -->",
    "[^1] [^1]: note",
    "[ref]: http://evil.example",
    "{{ 7 * 7 }} {% raw %}",
    "ends with a backslash\\",
    "two  spaces  ",
    "full_name of_a_person",
    "\u05d0\u05d1\u05d2",
    "👩🏽‍🦽",
]


class Shown(HTMLParser):
    """What a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.runs: list[tuple[str, bool]] = []
        self.code = 0
        self.feed(cmarkgfm.github_flavored_markdown_to_html(text, UNSAFE))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.code += tag in {"code", "pre"}

    def handle_endtag(self, tag):
        self.code -= tag in {"code", "pre"}

    def handle_data(self, data):
        self.runs.append((data, self.code > 0))

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.runs)


# GitHub lets HTML through to its sanitizer; so does the test, which sees what would get there.
UNSAFE = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE if hasattr(cmarkgfm, "cmark") else 1 << 17


def nothing_acts(text: str) -> Shown:
    shown = Shown(text)
    assert not set(shown.tags) - TAGS
    assert not [name for name, _ in shown.attributes if name != "align"]
    for run, code in shown.runs:
        if code:
            continue
        # What GitHub looks for in the text of its HTML.
        assert not re.search(r"(?<!\w)@\w", run), run
        assert not re.search(r"(?<!&)#\d|\bGH-\d", run, re.IGNORECASE), run
        assert not re.search(r"https?://|ftp://|www\.\w", run, re.IGNORECASE), run
        assert not re.search(r":[\w+-]+:", run), run
    assert "$" not in text
    return shown


def test_the_library_would_let_it_act():
    """What the tests look for is there where nothing is escaped."""
    acting = Shown("\n\n".join(NASTY))
    assert {"img", "a", "strong", "h1"} <= set(acting.tags)


def test_it_conforms(record):
    check_report("markdown", record)


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("form", ["{}", "- {}", "| {} |\n| --- |\n| {} |", "<b>{}</b>"])
def test_escaped_text_is_shown_as_it_is(text, form):
    written = _gfm.escaped(text)
    shown = nothing_acts(form.replace("{}", written))
    expected = {"ul", "li"} if form.startswith("-") else set()
    expected |= {"table", "thead", "tbody", "tr", "th", "td"} if form.startswith("|") else set()
    expected |= {"b"} if form.startswith("<b>") else set()
    assert set(shown.tags) - {"p"} == expected
    read = " ".join(shown.text.translate(ISOLATES).split())
    wanted = " ".join(text.split())
    assert read == (f"{wanted} {wanted}" if form.startswith("|") else wanted)


def test_plain_words_and_numbers_stay_plain():
    for text in ("full_name is -55.7 points (-56.7 to -54.7)", "1.0 %", "12:30, 100.0 %", "+0.8"):
        assert _gfm.escaped(text) == text


def test_nothing_in_a_comment_acts(record):
    nothing_acts(markdown.render(record))


def test_it_says_the_verdict_the_findings_and_two_witnesses(loan):
    shown = Shown(markdown.render(loan))
    said = shown.text
    assert said.startswith("❌ Loan approval: biased")
    assert verdict_sentence(loan) in said
    assert "gender: Male → Female, decisions changed" in said
    assert "income <= 79,997: -100.0 points" in said
    assert shown.tags.count("details") == 4
    # Two pairs, two rows each.
    assert said.count("Berry") == 2
    assert said.count("Calhoun") == 2
    assert "Al Roy" not in said


def test_every_row_of_a_table_has_every_cell(hostile):
    for block in markdown.render(hostile).split("\n\n"):
        if block.startswith("| "):
            rows = [len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()]
            assert len(set(rows)) == 1


@pytest.mark.parametrize("verdict", ["biased", "within tolerance", "inconclusive"])
def test_signs_differ_in_shape(loan, verdict):
    findings = tuple(f.model_copy(update={"verdict": verdict}) for f in loan.findings)
    text = markdown.render(loan.model_copy(update={"findings": findings, "verdict": verdict}))
    sign = {"biased": "❌", "within tolerance": "✅", "inconclusive": "❔"}[verdict]
    assert text.startswith(f"### {sign} Loan approval: {verdict}\n")
    assert text.count(sign) == 3


def test_it_fits_into_a_comment(hostile):
    long = [
        finding.model_copy(update={"group": f"group {i} {'|<@#' * 30}", "attribute": f"a{i}" * 40})
        for i, finding in enumerate(hostile.findings * 20)
    ]
    notes = tuple(f"note {i} {'<|>' * 200}" for i in range(200))
    for record in (
        hostile,
        hostile.model_copy(update={"findings": tuple(long), "notes": notes}),
    ):
        text = markdown.render(record)
        assert len(text) < 65_000
        nothing_acts(text)
    assert "Left out, since a comment ends somewhere: What this does not say" in text
    assert "1,170 more findings" in text


@pytest.mark.parametrize("limit", [10_000, 20_000, 64_000])
def test_a_limit_is_kept(hostile, limit):
    long = [
        finding.model_copy(update={"group": f"{i}{'*' * 200}", "attribute": f"{'<' * 200}{i}"})
        for i, finding in enumerate(hostile.findings)
    ]
    text = markdown.render(hostile.model_copy(update={"findings": tuple(long)}), limit=limit)
    assert len(text) <= limit
    assert text.startswith("### ")
    assert ("What was found" in text) == (limit == 10_000)


def test_the_worst_comes_first(everything):
    text = markdown.render(everything)
    table = next(block for block in text.split("\n\n") if block.startswith("| Verdict"))
    verdicts = [line.split(" | ")[0].split(" ", 2)[2] for line in table.splitlines()[2:]]
    assert verdicts == sorted(verdicts, key=["biased", "inconclusive", "within tolerance"].index)
    assert len(verdicts) == len(everything.findings)


def test_a_table_alone_is_a_comment_too(loan):
    empty = loan.model_copy(update={"findings": (), "regions": (), "witnesses": ()})
    shown = nothing_acts(markdown.render(empty))
    assert "Nothing was compared" in shown.text


def test_a_listing_cannot_leave_its_box(loan):
    spec = {"audit": {"name": "x ``` </pre> <b> $y$ &amp; z"}}
    text = markdown.render(loan.model_copy(update={"spec": spec}))
    shown = nothing_acts(text)
    code = "".join(run for run, code in shown.runs if code)
    assert 'name = "x ``` </pre> <b> $y$ &amp; z"' in code


def test_every_sentence_is_readable(hostile):
    """A model card shows the sentences themselves."""
    for finding in readable(hostile).findings:
        said = sentence(finding)
        shown = nothing_acts(_gfm.escaped(said)).text
        assert shown.translate(ISOLATES).split() == said.translate(ISOLATES).split()


def test_the_suffix_chooses_it(loan: Record, tmp_path):
    assert loan.save(tmp_path / "loan.md").read_text("utf-8") == markdown.render(loan)
