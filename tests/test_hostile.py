"""Names and values that attack whoever reads them: nothing of them acts, all stays readable."""

import csv
import json
import re
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import paribus as pb
from paribus import cli
from paribus.people.population import People
from paribus.people.sample import Rows
from paribus.table import Table
from paribus.twins import level_contrasts, pair

SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://evil.example","click")'
HOSTILE = [
    SCRIPT,
    FORMULA,
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "red\x1b[31m\x07",
    "a\u202egnp.exe",
    "two\nlines\r\n\tthree",
    "[bold]rich[/bold] [link=http://evil.example]x[/link]",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!--",
    "null\x00byte",
    "$.fields[0] 'quotes' \"double\" & ampersand;",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+cmd|x",
    "-2+3+cmd|x",
    "＝1+1",
    "x" * 2_000,
    "\u200f\u05d0\u05d1\u05d2",
    "\ufffe\uffff",
]


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.links = set(), set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value for name, value in attrs if name in {"href", "src", "xlink:href"}}


def audited(name):
    """Use one name as attribute, level, field, value and answer."""

    def model(people):
        return np.where(people[name] == name, name, "other")

    return pb.audit(
        model,
        protect={name: ["plain", name]},
        fields={f"{name}2": pb.choice([name, "b"]), f"{name}3": pb.constant(name)},
        people=60,
        favorable=name,
        name=name,
    )


@pytest.mark.parametrize("name", HOSTILE, ids=lambda n: ascii(n)[1:15])
def test_no_report_acts(name):
    record = audited(name)
    assert record.verdict == "biased"

    read = json.loads(record.json_text())
    assert read["findings"][0]["attribute"] == name
    assert pb.Record(**read).json_text() == record.json_text()

    html = record.render("html").decode()
    page = Page()
    page.feed(html)
    assert not page.tags & {"script", "img", "iframe", "object", "embed", "form", "base"}
    assert not [a for a in page.attributes if a.startswith("on")]
    assert not [link for link in page.links if not link.startswith("#")]
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "script-src" not in policy[1]
    assert "\x1b" not in html
    assert "\x00" not in html

    for color in (False, True):
        text = record.render("terminal", color=color).decode()
        assert "\x07" not in text
        assert "\u202e" not in text
        assert "\x00" not in text
        if not color:
            assert "\x1b" not in text

    junit = ET.fromstring(record.render("junit"))
    assert junit.iter("testcase")


@pytest.mark.parametrize("source", ["fields", "rows"])
def test_no_cell_of_a_data_set_starts_a_formula(tmp_path, source):
    formulas = [n for n in HOSTILE if n[0] in "=+-@\t\r\n＝"] + [
        "\t=1",
        "\r=1",
        "@x",
        "=1+1",
        "-x",
        "+x",
    ]
    formulas = list(dict.fromkeys(formulas))
    protect = {"=g": {"levels": ["=a", "@b"]}}
    if source == "fields":
        fields = {f"={i}": pb.choice([f, "harmless"]) for i, f in enumerate(formulas)}
        people = People(protect=protect, fields=fields, size=40)
    else:
        frame = pd.DataFrame({f"@{i}": [f, None] * 2 for i, f in enumerate(formulas)})
        frame["=g"] = ["=a", "@b"] * 2
        people = People(protect=protect, size=4, rows=Rows(Table.of(frame), 0, None))
    twins = pair(people, level_contrasts(people, "=g"))
    twins.write(tmp_path / "twins.csv")
    with (tmp_path / "twins.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert len(cells) > 50
    assert not [cell for cell in cells if cell and cell[0] in "=+-@\t\r\n＝＋－＠"]
    twins.write(tmp_path / "twins.parquet")
    assert "=a" in pq.read_table(tmp_path / "twins.parquet")["=g"].to_pylist()


def test_numbers_and_phone_numbers_are_left_alone(tmp_path):
    frame = pd.DataFrame({"g": ["a", "b"], "n": [-5, 3], "phone": ["+1-325-100", "-3.5"]})
    people = People(
        protect={"g": {"levels": ["a", "b"]}}, size=2, rows=Rows(Table.of(frame), 0, None)
    )
    pair(people, level_contrasts(people, "g")).write(tmp_path / "twins.csv")
    text = (tmp_path / "twins.csv").read_text()
    assert "'" not in text
    assert "+1-325-100" in text
    assert "-5" in text


def test_hostile_names_in_errors_are_one_line_that_does_not_act(tmp_path, monkeypatch, capsys):
    for name in HOSTILE:
        spec = tmp_path / "audit.toml"
        text = json.dumps(name).replace("\\u0000", "\\u0001")
        if any(0xD800 <= ord(c) < 0xE000 for c in json.loads(text)):
            continue
        spec.write_text(
            f'[model]\nkind = "callable"\nfunction = "math:sqrt"\nfavorable = 1\n'
            f'[protect.{text}]\nlevels = ["a", "b"]\n[fields.x]\nkind = "copy"\nof = "y"\n'
        )
        monkeypatch.setattr(sys, "argv", ["paribus", "audit", str(spec), "--trust"])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        assert left.value.code == 2
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert said.err.startswith("paribus: $.fields.x: is made from")
        assert not {"\x1b", "\x07", "\u202e", "\r", "\x00"} & set(said.err)
