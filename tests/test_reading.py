"""Excel and JSON lines as tables, beside CSV and Parquet."""

import datetime as dt
import json

import numpy as np
import openpyxl
import pandas as pd
import pytest

import paribus as pb
from paribus._files import read_table
from paribus.counting import Source
from paribus.table import Table


def lines(folder, *rows, raw=b""):
    file = folder / "people.jsonl"
    file.write_bytes(raw or "\n".join(map(json.dumps, rows)).encode())
    return file


def workbook(folder, *rows, **sheets):
    book = openpyxl.Workbook()
    book.active.title = "First"
    for sheet, held in {"First": rows, **sheets}.items():
        page = book[sheet] if sheet in book.sheetnames else book.create_sheet(sheet)
        for row in held:
            page.append(row)
    book.save(folder / "people.xlsx")
    return folder / "people.xlsx"


def frame(file, **options):
    return Table.read(file, **options).frame.to_native()


def test_json_lines_are_read_as_they_are(tmp_path):
    file = lines(
        tmp_path,
        {"a": 1, "day": "2020-01-31", "code": "007", "gone": None},
        {"a": 2.5, "code": "8", "yes": True},
    )
    table = read_table(file)
    assert table.to_pydict() == {
        "a": [1.0, 2.5],
        "day": ["2020-01-31", None],
        "code": ["007", "8"],
        "gone": [None, None],
        "yes": [None, True],
    }


def test_json_lines_with_a_mark_and_empty_lines(tmp_path):
    file = lines(tmp_path, raw=b'\xef\xbb\xbf{"a": "\xc3\xa9"}\n\n{"a": "b"}\n')
    assert read_table(file).to_pydict() == {"a": ["é", "b"]}


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "no rows"),
        (b'{"a": 1}\n{"a": "x"}\n', "changed from number to string"),
        (b"[1, 2]\n", "changed from object to array"),
        (b'{"a": ', "Invalid value"),
        (b'{"a": "\xff"}\n', "not UTF-8"),
        (b'{"a": 1, "a": 2}\n', "twice"),
    ],
)
def test_json_lines_that_are_refused(tmp_path, raw, sentence):
    file = tmp_path / "people.jsonl"
    file.write_bytes(raw)
    with pytest.raises(pb.DataError, match=sentence) as raised:
        Table.read(file)
    assert raised.value.path == "$.data.path"
    assert "\n" not in str(raised.value)


def test_a_workbook_is_read_as_pandas_does(tmp_path):
    expected = pd.DataFrame(
        {
            "n": [1, 2, 3],
            "x": [0.5, None, 1.5],
            "t": ["a", None, "c"],
            "day": [dt.datetime(2020, 1, 31)] * 3,
            "yes": [True, False, True],
        }
    )
    expected.to_excel(tmp_path / "people.xlsx", index=False)
    pd.testing.assert_frame_equal(
        frame(tmp_path / "people.xlsx"),
        pd.read_excel(tmp_path / "people.xlsx"),
        check_dtype=False,
    )


def test_cells_of_several_types_are_text_and_headers_are_too(tmp_path):
    file = workbook(tmp_path, ["m", 2020], [1, 5], ["z", 6], [None, None], [None, 7])
    read = frame(file)
    assert list(read.columns) == ["m", "2020"]
    assert read["m"].tolist()[:2] == ["1", "z"]
    assert len(read) == 3


def test_a_sheet_by_name(tmp_path):
    file = workbook(tmp_path, ["a"], [1], Second=[["b"], [2], [3]])
    assert frame(file)["a"].tolist() == [1]
    assert frame(file, sheet="Second")["b"].tolist() == [2, 3]
    with pytest.raises(pb.DataError, match='has no sheet "Secnd"; did you mean "Second"'):
        Table.read(file, sheet="Secnd")
    (tmp_path / "people.csv").write_text("a\n1\n")
    with pytest.raises(pb.DataError, match="has no sheets"):
        Table.read(tmp_path / "people.csv", sheet="First")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], 'nothing in the sheet "First"'),
        ([["a"]], "no rows"),
        ([["a", "a"], [1, 2]], 'two columns have the name "a"'),
        ([["a", None], [1, 2]], "values in column 2, and no name"),
        ([["a", "b"], [1, "=A2*2"]], "a formula without a value"),
    ],
)
def test_workbooks_that_are_refused(tmp_path, rows, sentence):
    with pytest.raises(pb.DataError, match=sentence):
        Table.read(workbook(tmp_path, *rows))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"PK no", "damaged"), (b"\xd0\xcf\x11\xe0...", "encrypted or an old")],
)
def test_what_is_no_workbook(tmp_path, content, sentence):
    (tmp_path / "people.xlsx").write_bytes(content)
    with pytest.raises(pb.DataError, match=sentence):
        Table.read(tmp_path / "people.xlsx")


def test_a_formula_in_text_stays_text(tmp_path):
    file = lines(tmp_path, {"a": "=1+1"}, {"a": "@x"})
    assert frame(file)["a"].tolist() == ["=1+1", "@x"]


def test_tabs_between_columns(tmp_path):
    (tmp_path / "people.tsv").write_text("a,b\tc\n1\t2\n")
    assert frame(tmp_path / "people.tsv").to_dict("list") == {"a,b": [1], "c": [2]}


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("x;y\n1,5;a\n-2;b\n", {"x": [1.5, -2.0], "y": ["a", "b"]}),
        ('x\ty\n"2,25"\t7\n', {"x": [2.25], "y": [7]}),
        ("x;y\n1,5;2.5\n", {"x": ["1,5"], "y": [2.5]}),
        ("x;y\n1;a, b\n", {"x": [1], "y": ["a, b"]}),
        # Thousands, or three decimals: nobody can tell, and text hides nothing.
        ("x\ty\n54,000\t1\n7,250\t2\n", {"x": ["54,000", "7,250"], "y": [1, 2]}),
        ("x;y\n1,234,567;1\n1,5;2\n", {"x": ["1,234,567", "1,5"], "y": [1, 2]}),
        ("x;y\n54,000;0,5\n", {"x": [54.0], "y": [0.5]}),
        ("x|y\n0,125|1234,567\n", {"x": [0.125], "y": [1234.567]}),
        ("x,y\n1.5,2\n", {"x": [1.5], "y": [2]}),
    ],
)
def test_decimal_commas(tmp_path, monkeypatch, text, columns):
    file = tmp_path / "people.csv"
    file.write_text(text)
    assert read_table(file).to_pydict() == columns
    # A file that is too large for memory is read alike.
    monkeypatch.setattr("paribus.counting.files.IN_MEMORY", 0)
    rows = Source.of(file).rows(10, 0)
    assert rows.frame.to_native().to_dict("list") == columns


@pytest.mark.parametrize("suffix", ["xlsx", "jsonl"])
def test_an_audit_of_either(tmp_path, suffix):
    data = pd.DataFrame({"sex": ["f", "m"] * 100, "x": np.arange(200)})
    file = tmp_path / f"people.{suffix}"
    if suffix == "xlsx":
        data.to_excel(file, index=False)
    else:
        data.to_json(file, orient="records", lines=True)
    record = pb.audit(
        lambda people: people["sex"] == "m",
        protect={"sex": ["m", "f"]},
        data=file,
        favorable=True,
    )
    assert (record.people, record.verdict) == (200, "biased")
    measured = pb.metrics(data=str(file), by=["sex"], score="x", threshold=100)
    assert measured.data.rows == 200


def test_a_sheet_of_the_audit_file(tmp_path):
    rows = [["sex", "hired"], *([["f", 0], ["m", 1]] * 60)]
    workbook(tmp_path, ["nothing"], [1], People=rows)
    (tmp_path / "audit.toml").write_text(
        '[model]\nkind = "callable"\nfunction = "m:m"\nfavorable = 1\n'
        '[data]\npath = "people.xlsx"\nsheet = "People"\nlabel = "hired"\n'
        '[protect.sex]\nlevels = ["m", "f"]\n'
    )
    audit = pb.load(tmp_path / "audit.toml")
    assert len(audit.people) == 120
    assert audit.spec()["data"]["sheet"] == "People"
