"""One call for a frame, and k people alike in whatever is written, whatever it is written as."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

import paribus as pb
from paribus.anonymizing import files
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.formats.base import Options, format_of
from paribus.anonymizing.k_anonymity import KAnonymity, numbers
from paribus.anonymizing.keys import Key
from paribus.errors import DataError, SpecError

KEY = Key(b"a secret of some length")
COLUMNS = Anonymizer(columns={"email": "email", "sex": "keep", "age": "keep", "zip": "postcode"})
QUASI = ("sex", "age", "zip")
PEOPLE = pa.table(
    {
        "email": [f"ann.{i}@corp.com" for i in range(120)],
        "sex": [["f", "m", None][i % 3] for i in range(120)],
        "age": [20 + i * i % 7 for i in range(120)],
        "zip": [f"{10115 + i % 2}" for i in range(120)],
    }
)


# --- the call -------------------------------------------------------------------------------------


def test_it_replaces_what_was_detected_and_nothing_else() -> None:
    frame = PEOPLE.to_pandas()
    before = frame.copy()
    safe = pb.anonymize(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert safe["age"].equals(frame["age"])
    assert not set(safe["email"]) & set(frame["email"])
    assert safe["email"].nunique() == 120
    assert not pb.anonymize(frame)["email"].equals(safe["email"])
    pd.testing.assert_frame_equal(pb.anonymize(frame, key=KEY), pb.anonymize(frame, key=KEY))


def test_single_columns_are_said_otherwise() -> None:
    safe = pb.anonymize(PEOPLE, key=KEY, columns={"zip": "keep", "age": {"kind": "drop"}})
    assert safe.column_names == ["email", "sex", "zip"]
    assert safe["zip"].equals(PEOPLE["zip"])
    with pytest.raises(DataError, match=r'no column "zipp"; did you mean "zip"\?') as raised:
        pb.anonymize(PEOPLE, columns={"zipp": "keep"})
    assert raised.value.path == "$.columns.zipp"


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"locale": "xx"}, "$.locale"),
        ({"anonymizer": COLUMNS, "locale": "de"}, "$.locale"),
        ({"anonymizer": COLUMNS, "k": 5}, "$.quasi"),
        ({"quasi": ["age"]}, "$.k"),
        ({"quasi": ["agee"], "k": 5}, "$.quasi"),
        ({"quasi": "age", "k": 0}, "$.k"),
        ({"quasi": "age", "k": 5, "reach": "both"}, "$.by"),
    ],
)
def test_requests_that_are_wrong(options: dict[str, Any], path: str) -> None:
    with pytest.raises(pb.ParibusError) as raised:
        pb.anonymize(PEOPLE, **options)
    assert raised.value.path == path


def frames() -> dict[str, Any]:
    plain = PEOPLE.to_pandas()
    return {
        "pandas": plain,
        "index": plain.assign(n=range(120)).set_index("n").iloc[::-1],
        "category": plain.astype({"sex": "category"}),
        "objects": plain.astype(object),
        "nullable": plain.convert_dtypes(dtype_backend="pyarrow"),
        "polars": pl.from_arrow(PEOPLE),
        "arrow": PEOPLE,
        "batch": PEOPLE.combine_chunks().to_batches()[0],
        "codes": pa.table([c.dictionary_encode() for c in PEOPLE.columns], PEOPLE.column_names),
    }


def as_list(frame: Any, name: str) -> list[Any]:
    if isinstance(frame, pa.Table | pa.RecordBatch):
        values: list[Any] = frame.column(name).to_pylist()
    else:
        values = frame[name].to_list()
    return [
        None if value is None or value is pd.NA or value != value else value for value in values
    ]


@pytest.mark.parametrize("sort", frames())
@pytest.mark.parametrize("by", ["generalize", "suppress"])
def test_k_holds_in_every_sort_of_frame(sort: str, by: Any) -> None:
    frame = frames()[sort]
    safe = pb.anonymize(frame, COLUMNS, key=KEY, quasi=QUASI, k=4, reach=by)
    assert type(safe) is type(frame)
    table = pa.table({name: as_list(safe, name) for name in ("email", *QUASI)})
    assert min(Counter(zip(*(table[n].to_pylist() for n in QUASI), strict=True)).values()) >= 4
    # Whoever stays has what there would have been without.
    whole = COLUMNS.apply(PEOPLE, KEY)
    alike = Counter(zip(*(whole[name].to_pylist() for name in QUASI), strict=True))
    there = set(whole["email"].to_pylist())
    if by == "suppress":
        kept = [row for row in whole.to_pylist() if alike[tuple(row[n] for n in QUASI)] >= 4]
        there = {row["email"] for row in kept}
    assert set(table["email"].to_pylist()) <= there
    assert by == "generalize" or len(table) == len(there)


def test_what_was_detected_is_what_k_is_about() -> None:
    safe = pb.anonymize(PEOPLE, key=KEY, k=5)
    rows = zip(*(safe[name].to_pylist() for name in ("sex", "age", "zip")), strict=True)
    assert min(Counter(rows).values()) >= 5


def test_columns_of_lists_cannot_be_combined() -> None:
    table = pa.table({"a": [[1], [2]]})
    with pytest.raises(DataError, match='the column "a" holds list'):
        pb.anonymize(table, Anonymizer(columns={"a": "keep"}), quasi="a", k=2)


# --- numbers in text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", " 2 ", "", None], pa.int64()),
        (["1.5", "-2e3", "0"], pa.float64()),
        (["01067", "10115"], pa.string()),
        (["+49", "1"], pa.string()),
        (["1", "x"], pa.string()),
        (["nan", "1"], pa.string()),
        (["1e999", "1"], pa.string()),
        (["4111111111111111"], pa.string()),
        (["", None], pa.string()),
        ([], pa.string()),
    ],
)
def test_text_that_is_numbers(texts: list[str | None], kind: pa.DataType) -> None:
    assert numbers(pa.chunked_array([texts], pa.string())).type == kind


# --- files ----------------------------------------------------------------------------------------

SUFFIXES = [".csv", ".parquet", ".jsonl", ".xlsx"]


def write(path: Path, table: pa.Table) -> Path:
    writer = format_of(path).writer(path, path, None)
    writer.begin("Sheet1", table.schema, table.column_names)
    for batch in table.to_batches():
        writer.write(files.Chunk(batch))
    writer.close()
    return path


def literal(path: Path, names: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Read what stands in a file to the letter: what is absent is not what is null."""
    if path.suffix == ".parquet":
        table = parquet.read_table(path)
        return list(zip(*(table[name].to_pylist() for name in names), strict=True))
    if path.suffix == ".jsonl":
        objects = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [tuple(each.get(name, "absent") for name in names) for each in objects]
    if path.suffix == ".xlsx":
        header, *rows = openpyxl.load_workbook(path)["Sheet1"].iter_rows(values_only=True)
        return [tuple(row[header.index(name)] for name in names) for row in rows]
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    parsing = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    table = csv.read_csv(path, convert_options=options, parse_options=parsing)
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "f", "m", "NA", "", "n/a", "=x"]),
        st.sampled_from([None, 1, 2, 3, 40, 41, 10**12]),
        st.sampled_from(["01067", "10115", "10117", None]),
    ),
    min_size=1,
    max_size=40,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ROWS,
    st.integers(1, 5),
    st.sampled_from(["generalize", "suppress"]),
    st.integers(1, 12),
    st.sampled_from(SUFFIXES),
    st.sampled_from(SUFFIXES),
)
def test_k_holds_to_the_letter_of_the_file_and_chunks_change_nothing(
    tmp_path: Path, rows: list[Any], k: int, by: Any, size: int, suffix: str, to: str
) -> None:
    sexes, ages, places = zip(*rows, strict=True)
    table = pa.table(
        {
            "row": [f"row {i}" for i in range(len(rows))],
            "sex": pa.array(sexes, pa.string()),
            "age": pa.array(ages, pa.int64()),
            "zip": pa.array(places, pa.string()),
        }
    )
    source = write(tmp_path / f"in{suffix}", table)
    declared = Anonymizer(columns={"row": "keep", "sex": "keep", "age": "keep", "zip": "keep"})
    wanted = KAnonymity(quasi=QUASI, k=k, by=by)
    made = []
    for number, rows_each in enumerate((size, 1 << 17)):
        target = tmp_path / f"out{number}{to}"
        job = files.Job.of(source, target, source.name, declared, Options(rows=rows_each))
        made.append((files._run([job], KEY, wanted, None)[0], literal(target, ("row", *QUASI))))
    (written, first), (_, second) = made
    assert first == second
    assert written.rows == len(first)
    if first:
        assert min(Counter(row[1:] for row in first).values()) >= k
    kept = range(len(rows)) if written.kept is None else written.kept.tolist()
    assert [row[0] for row in first] == [f"row {i}" for i in kept]
    left = len(rows) - len(first)
    assert any("left out" in note for note in written.notes) == (left > 0)


def test_json_lines_get_the_keys_that_others_have(tmp_path: Path) -> None:
    """Who has no key among people who have it as null would stand alone."""
    lines = ['{"a": 1, "s": "x"}', '{"a": 1}', '{"a": 1, "s": null}', '{"a": 1, "s": "x"}']
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    declared = Anonymizer(columns={"a": "keep", "s": "keep"})
    wanted = KAnonymity(quasi=("s",), k=2, by="suppress")
    files.anonymize_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", declared, KEY, reach=wanted)
    assert Counter(literal(tmp_path / "out.jsonl", ("s",))) == {("x",): 2, (None,): 2}


def test_words_for_missing_are_no_values(tmp_path: Path) -> None:
    """Who is NA among people who are n/a would stand alone; elsewhere the words stay."""
    (tmp_path / "in.csv").write_text("q,n\nNA,NA\nn/a,1\n,2\nx,3\n")
    declared = Anonymizer(columns={"q": "keep", "n": "keep"})
    wanted = KAnonymity(quasi=("q",), k=3, by="suppress")
    files.anonymize_file(tmp_path / "in.csv", tmp_path / "out.csv", declared, KEY, reach=wanted)
    assert (tmp_path / "out.csv").read_text() == "q,n\n,NA\n,1\n,2\n"


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl", ".xlsx"])
def test_rows_left_out_in_one_chunk_do_not_move_the_next(tmp_path: Path, suffix: str) -> None:
    texts = ["a", "b", "a", "c", "a", "d", "e", "a", "a"]
    table = pa.table({"q": texts, "n": [f"row {i}" for i in range(9)]})
    source, target = write(tmp_path / f"in{suffix}", table), tmp_path / f"out{suffix}"
    declared = Anonymizer(columns={"q": "keep", "n": "keep"})
    wanted = KAnonymity(quasi=("q",), k=2, by="suppress")
    job = files.Job.of(source, target, source.name, declared, Options(rows=2))
    written = files._run([job], KEY, wanted, None)[0]
    assert literal(target, ("q", "n")) == [("a", f"row {i}") for i in (0, 2, 4, 7, 8)]
    assert written.kept is not None
    assert written.kept.tolist() == [0, 2, 4, 7, 8]


def test_cells_of_several_types_are_text(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["q", "n"], ["5", "a"], [5, 2], ["x", 3], ["x", "d"]):
        book.active.append(row)
    book.active.title = "Sheet1"
    book.save(tmp_path / "in.xlsx")
    declared = Anonymizer(columns={"q": "keep", "n": "keep"})
    wanted = KAnonymity(quasi=("q",), k=2, by="suppress")
    files.anonymize_file(tmp_path / "in.xlsx", tmp_path / "out.xlsx", declared, KEY, reach=wanted)
    made = literal(tmp_path / "out.xlsx", ("q", "n"))
    assert made == [("5", "a"), ("5", 2), ("x", 3), ("x", "d")]


def test_numbers_in_text_become_bands(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("age,x\n" + "".join(f"{i},1\n" for i in range(64)))
    declared = Anonymizer(columns={"age": "keep", "x": "keep"})
    wanted = KAnonymity(quasi=("age",), k=4)
    written = files.anonymize_file(
        tmp_path / "in.csv", tmp_path / "out.csv", declared, KEY, reach=wanted
    )
    assert written.notes == ("to reach k = 4, age was made coarser: bands of 4",)
    assert literal(tmp_path / "out.csv", ("age",))[0] == ("[0, 3]",)


def test_replacements_that_read_other_columns_are_what_they_were(tmp_path: Path) -> None:
    table = pa.table(
        {
            "who": ["a", "b", "a", "b"],
            "full": ["Ann Lee", "Bob Ray", "Ann Lee", "Bob Ray"],
            "day": ["1980-02-03", "1991-12-24", "1980-02-03", "1991-12-24"],
        }
    )
    source = write(tmp_path / "in.parquet", table)
    declared = Anonymizer(
        columns={
            "who": {"kind": "text", "names": ["full"]},
            "full": "full_name",
            "day": {"kind": "dates", "person": "who"},
        }
    )
    wanted = KAnonymity(quasi=("day",), k=2, by="suppress")
    files.anonymize_file(source, tmp_path / "out.parquet", declared, KEY, reach=wanted)
    assert parquet.read_table(tmp_path / "out.parquet").equals(declared.apply(table, KEY))


def test_columns_whose_names_identify_are_found_under_their_new_ones(tmp_path: Path) -> None:
    name = "ann.miller@corp.com"
    table = pa.table({"x": [1, 2, 3], name: ["a", "a", "b"]})
    source = write(tmp_path / "in.parquet", table)
    declared = Anonymizer(columns={"x": "keep", name: "keep"})
    wanted = KAnonymity(quasi=(name,), k=2, by="suppress")
    files.anonymize_file(source, tmp_path / "out.parquet", declared, KEY, reach=wanted)
    made = parquet.read_table(tmp_path / "out.parquet")
    assert made.column(1).to_pylist() == ["a", "a"]
    assert name not in made.column_names
    safe = pb.anonymize(table, declared, key=KEY, quasi=name, k=2, reach="suppress")
    assert safe.equals(made)


def test_each_table_that_has_all_columns_reaches_k(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text("s,t\nx,1\nx,1\ny,2\n")
    (folder / "b.csv").write_text("s,u\nx,1\ny,2\n")
    declared = {
        "a": Anonymizer(columns={"s": "keep", "t": "keep"}),
        "b": Anonymizer(columns={"s": "keep", "u": "keep"}),
    }
    written = files.anonymize_files(
        folder, tmp_path / "out", declared, KEY, reach=KAnonymity(quasi=("s", "t"), k=2)
    )
    assert (tmp_path / "out" / "b.csv").read_text() == (folder / "b.csv").read_text()
    assert written[1].notes == ('k is not reached here: there is no column "t"',)
    assert min(Counter(literal(tmp_path / "out" / "a.csv", ("s", "t"))).values()) >= 2
    with pytest.raises(DataError, match='no column "v"') as raised:
        files.anonymize_files(
            folder, tmp_path / "no", declared, KEY, reach=KAnonymity(quasi=("s", "v"), k=2)
        )
    assert raised.value.path == "$.quasi"
    assert not (tmp_path / "no").exists()


def test_nobody_is_left_where_k_is_out_of_reach(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", PEOPLE)
    wanted = KAnonymity(quasi=("zip",), k=1000, by="suppress")
    written = files.anonymize_file(source, tmp_path / "out.csv", COLUMNS, KEY, reach=wanted)
    assert (written.rows, (tmp_path / "out.csv").read_text()) == (0, "email,sex,age,zip\n")
    assert written.notes == ("to reach k = 1000, 120 rows (100.0 %) were left out",)


def test_dropped_columns_are_in_no_combination() -> None:
    declared = Anonymizer(columns={"a": "drop", "b": "keep"})
    table = pa.table({"a": [1, 2], "b": [1, 1]})
    assert pb.anonymize(table, declared, quasi=["a", "b"], k=2).num_rows == 2
    assert pb.anonymize(table, declared, quasi=["a"], k=2).num_rows == 2


def test_a_declaration_needs_columns() -> None:
    with pytest.raises(SpecError, match="in combination"):
        KAnonymity(quasi=(), k=2)


def test_places_are_kept_over_batches() -> None:
    table = pa.table({"q": ["a", "b", "a", "c", "a"], "n": np.arange(5)})
    planned = KAnonymity(quasi=("q",), k=2, by="suppress").planned(table.select(["q"]))
    batch = table.to_batches()[0]
    named = {"q": "q"}
    made = [planned.of(batch.slice(i, 2), i, named)[0] for i in range(0, 5, 2)]
    assert [n for each in made for n in each.column(1).to_pylist()] == [0, 2, 4]
