"""Texts of the corpus in data sets that are written, and in errors."""

from __future__ import annotations

import csv
import sys

import pandas as pd
import pyarrow.parquet as pq
import pytest

import paribus as pb
from paribus import cli
from paribus._text import visible
from paribus._toml import quoted
from paribus.people.population import People
from paribus.people.sample import Rows
from paribus.studies.plan import Plan
from paribus.table import Table
from paribus.twins import level_contrasts, pair


@pytest.mark.parametrize("source", ["fields", "rows"])
def test_no_cell_of_a_data_set_starts_a_formula(tmp_path, source, corpus, readers):
    texts = corpus.CORPUS.values()
    formulas = [t for t in texts if t[0] in readers.STARTS and not readers.PHONE.fullmatch(t)]
    formulas = list(dict.fromkeys([*formulas, "@x", "=1+1", "-x", "+x"]))
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


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u3000", "\ufeff", "\x00", "\u200b\u2060"])
def test_no_blank_before_a_formula_lets_it_through(blank, tmp_path):
    frame = pd.DataFrame({"g": ["a", "b"], "said": [f"{blank}=1+1", f"{blank}plain"]})
    people = People(
        protect={"g": {"levels": ["a", "b"]}}, size=2, rows=Rows(Table.of(frame), 0, None)
    )
    pair(people, level_contrasts(people, "g")).write(tmp_path / "twins.csv")
    with (tmp_path / "twins.csv").open(newline="", encoding="utf-8") as file:
        said = {row["said"] for row in csv.DictReader(file)}
    assert said == {f"'{blank}=1+1", f"{blank}plain"}


def test_tables_of_a_disclosure_and_an_assessment(corpus, readers):
    texts = [text for text in corpus.CORPUS.values() if len(text) < 200]
    rows = pd.DataFrame({"who": texts * 4, "paid": [1, 0] * (2 * len(texts))})
    shown = pb.disclose(rows, rule="eeoc-four-fifths", decision="paid", favorable=1, by=["who"])
    said = "".join(readers.cells_of_csv(shown.render("csv")))
    for text in texts:
        assert visible(text).strip() in said
    readers.page(shown.render("html").decode())
    readers.terminal(shown.render("terminal").decode())
    named = rows.rename(columns={"who": "\x07\r=who"})
    risk = pb.assess(named, named, identifying=[], quasi=list(named), name="\x00\x9b=1")
    readers.cells_of_csv(risk.render("csv"))
    readers.page(risk.render("html").decode())
    readers.terminal(risk.render("terminal").decode())


def test_a_plan_is_read_not_obeyed(hostile_text, readers):
    planned = Plan(
        name=hostile_text, outcome="decision", tolerance=0.01, confidence=0.95, power=0.8,
        claims=2, people=30, exhaustive=False, goals=(),
    )  # fmt: skip
    assert len(readers.terminal(str(planned)).splitlines()[0]) < 200


@pytest.mark.parametrize("protect", [{"g": ["a", "b"]}, {"n": [0, 1]}])
def test_a_table_whose_values_are_no_text_is_refused(surrogate, protect):
    values = pd.Series(["a", "b", surrogate, None] * 10, dtype=object)
    rows = pd.DataFrame({"g": values, "n": [0, 1] * 20})

    def model(people):
        return (people["n"] > 0).astype(int)

    for refused in (
        lambda: pb.audit(model, data=rows, protect=protect, favorable=1),
        lambda: pb.metrics(rows, by=["g"], decision="n", favorable=1),
        lambda: pb.assess(rows, rows, identifying=[], quasi=["g"]),
        lambda: pb.draft(rows, model=model, protect="g", favorable=1),
        lambda: pb.learn(rows),
    ):
        with pytest.raises(pb.DataError, match='the column "g" holds text that is no valid'):
            refused()


def test_names_in_errors_are_one_line_that_does_not_act(
    tmp_path, monkeypatch, capsys, corpus, readers
):
    for name in corpus.CORPUS.values():
        spec = tmp_path / "audit.toml"
        text = quoted(name)
        spec.write_text(
            f'[model]\nkind = "callable"\nfunction = "math:sqrt"\nfavorable = 1\n'
            f'[protect.{text}]\nlevels = ["a", "b"]\n[fields.x]\nkind = "copy"\nof = "y"\n',
            encoding="utf-8",
        )
        monkeypatch.setattr(sys, "argv", ["paribus", "audit", str(spec), "--trust"])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        assert left.value.code == 2
        assert (said.out, said.err.count("\n")) == ("", 1)
        assert said.err.startswith("paribus: $.fields.x: is made from")
        readers.terminal(said.err)
