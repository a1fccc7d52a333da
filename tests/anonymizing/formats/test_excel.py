import datetime as dt
import zipfile

import pyarrow as pa
import pytest

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.files import anonymize_file, anonymize_files
from paribus.anonymizing.formats.base import Options
from paribus.anonymizing.formats.excel import opened
from paribus.anonymizing.keys import Key
from paribus.errors import DataError, OutputError

openpyxl = pytest.importorskip("openpyxl")

KEY = Key(b"a secret of some length")


@pytest.fixture
def source(tmp_path):
    return tmp_path / "in.xlsx"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.xlsx"


def workbook(path, *sheets):
    """Write sheets, each a name and its rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return book


def rows_of(path, name=None):
    book = openpyxl.load_workbook(path)
    sheet = book[name] if name else book.active
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def keep(*names):
    return Anonymizer(columns=dict.fromkeys(names, "keep"))


def test_cells_keep_their_types(source, target):
    day, moment = dt.datetime(2020, 2, 3), dt.datetime(2020, 2, 3, 4, 5, 6)
    rows = [
        ["n", "x", "t", "b", "day", "moment", "mixed", "none"],
        [1, 1.5, "007", True, day, moment, 1, None],
        [None, 2, None, False, None, day, "a", None],
        [3, -1.25, "", None, day, None, 2.5, None],
        [4, 4, "-", None, day, None, day, None],
        [5, 4, "x", None, day, None, True, None],
    ]
    workbook(source, ("S", rows))
    written = anonymize_file(source, target, keep(*rows[0]), KEY)
    assert written.rows == 5
    assert rows_of(target) == [*rows[:3], [3, -1.25, None, None, day, None, 2.5, None], *rows[4:]]
    types = opened(source, Options()).parts[0].schema.types
    assert types[:6] == [
        pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.date32(), pa.timestamp("us"),
    ]  # fmt: skip


def test_a_mixed_column_is_replaced_as_text_and_numbers_stay_numbers(source, target):
    workbook(source, ("S", [["id"], [4711], ["A-17"], [None], [4711]]))
    anonymize_file(source, target, Anonymizer(columns={"id": "id"}), KEY)
    made = [row[0] for row in rows_of(target)[1:]]
    assert made[0] == made[3] != 4711
    assert isinstance(made[1], str)
    assert made[1] != "A-17"
    assert made[2] is None


def test_rows_that_are_empty_stay_between_rows_and_end_with_them(source, target):
    workbook(source, ("S", [["a", "b"], [1, 2], [None, None], [3, None], [None, None]]))
    assert anonymize_file(source, target, keep("a", "b"), KEY).rows == 3
    assert rows_of(target) == [["a", "b"], [1, 2], [None, None], [3, None]]


def test_sheets_have_declarations_of_their_own_and_one_key(source, target):
    workbook(source, ("People", [["id"], ["A-1"], ["A-2"]]), ("Orders", [["who", "n"], ["A-2", 5]]))
    declared = {
        "in.xlsx/People": Anonymizer(columns={"id": "id"}),
        "in/Orders": Anonymizer(columns={"who": "id", "n": "keep"}),
    }
    (written,) = anonymize_files(source, target, declared, KEY)
    assert written.rows == 3
    assert openpyxl.load_workbook(target).sheetnames == ["People", "Orders"]
    assert rows_of(target, "People")[2][0] == rows_of(target, "Orders")[1][0] != "A-2"


def test_names_of_sheets_that_nobody_declared_do_not_pass(source, target):
    workbook(source, ("Ann Miller", [["a"], [1]]), ("Bob Smith", [["a"], [2]]))
    anonymize_file(source, target, keep("a"), KEY)
    assert openpyxl.load_workbook(target).sheetnames == ["Sheet1", "Sheet2"]


def hidden_workbook(path, state="hidden"):
    book = workbook(path, ("Open", [["a"], [1]]), ("Secret", [["a"], [2]]))
    book["Secret"].sheet_state = state
    book.save(path)


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_hidden_sheets_are_refused_included_or_dropped(source, target, state):
    hidden_workbook(source, state)
    with pytest.raises(DataError, match='has a hidden sheet "Secret"'):
        anonymize_file(source, target, keep("a"), KEY)
    assert not target.exists()
    assert anonymize_file(source, target, keep("a"), KEY, hidden="include").rows == 2
    written = anonymize_file(source, target, keep("a"), KEY, hidden="drop")
    assert written.rows == 1
    assert "does not pass: a hidden sheet" in written.notes
    declared = {"in/Secret": keep("a"), "in/Open": keep("a")}
    assert anonymize_files(source, target, declared, KEY)[0].rows == 2
    assert {s.sheet_state for s in openpyxl.load_workbook(target)} == {"visible"}


def with_values(path, *values):
    """Give the formulas of a sheet the values that Excel would write."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    for value in values:
        empty = "<v></v>" if "<v></v>" in sheet else "<v />" if "<v />" in sheet else "<v/>"
        sheet = sheet.replace(empty, f"<v>{value}</v>", 1)
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_formulas_become_their_values(source, target):
    workbook(source, ("S", [["a", "b"], [1, "=A2+1"], [2, "=A3+1"]]))
    with_values(source, 2, 3)
    written = anonymize_file(source, target, keep("a", "b"), KEY)
    assert rows_of(target) == [["a", "b"], [1, 2], [2, 3]]
    assert written.notes[0] == "2 formulas became their values"
    assert "=A2" not in str(rows_of(target))


def test_a_formula_without_a_value_is_refused(source, target):
    workbook(source, ("S", [["a", "b"], [1, "=A2+1"]]))
    with pytest.raises(DataError, match='"S" has a formula without a value in B2; open the'):
        anonymize_file(source, target, keep("a", "b"), KEY)


def test_text_that_starts_a_formula_is_disarmed(source, target):
    book = workbook(source, ("S", [["a"], ["x"]]))
    cell = book["S"]["A2"]
    cell.value, cell.data_type = "=HYPERLINK(1)", "s"
    book.save(source)
    written = anonymize_file(source, target, keep("a"), KEY)
    assert rows_of(target) == [["a"], ["'=HYPERLINK(1)"]]
    assert "1 cells that start a formula got an apostrophe" in written.notes


def test_nothing_but_cells_passes(source, target):
    from openpyxl.comments import Comment
    from openpyxl.workbook.defined_name import DefinedName

    book = workbook(source, ("S", [["a", "b"], [1, 2]]))
    book.properties.creator = "Canary Author"
    book.properties.title = "Canary Title"
    book["S"]["A2"].comment = Comment("Canary Comment", "Canary")
    book["S"].column_dimensions["B"].hidden = True
    book["S"].oddHeader.center.text = "Canary Header"
    book["S"]["A2"].number_format = '"Canary" 0'
    book.defined_names["Canary"] = DefinedName("Canary", attr_text="S!$A$2")
    book.save(source)
    written = anonymize_file(source, target, keep("a", "b"), KEY)
    with zipfile.ZipFile(target) as archive:
        for name in archive.namelist():
            assert b"Canary" not in archive.read(name)
            assert b"openpyxl</dc:creator" not in archive.read(name)
    told = " ".join(written.notes)
    for what in ("comments", "defined names", "document properties", "columns are hidden"):
        assert what in told


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["a", None], [1, 2]], "values in column B, and no name for it"),
        ([["a", "a"], [1, 2]], 'two columns have the name "a"'),
    ],
)
def test_bad_sheets_are_one_sentence(source, target, rows, told):
    workbook(source, ("S", rows))
    with pytest.raises(DataError) as error:
        anonymize_file(source, target, keep("a"), KEY)
    assert told in str(error.value)
    assert str(source) in str(error.value)
    assert not target.exists()


def test_files_that_are_no_workbook(source, target, tmp_path):
    source.write_bytes(b"PK\x03\x04 is not all")
    with pytest.raises(DataError, match=r"it is damaged, or no \.xlsx workbook"):
        anonymize_file(source, target, keep("a"), KEY)
    source.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    with pytest.raises(DataError, match=r"it is encrypted or an old \.xls"):
        anonymize_file(source, target, keep("a"), KEY)
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(DataError, match=r"it is damaged, or no \.xlsx workbook"):
        anonymize_file(source, target, keep("a"), KEY)
    workbook(source, ("S", [["a"], *[[i] for i in range(1000)]]))
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"it is damaged, or no \.xlsx workbook"):
        anonymize_file(source, target, keep("a"), KEY)
    workbook(source, ("S", []))
    with pytest.raises(DataError, match="no sheet of the workbook has rows"):
        anonymize_file(source, target, keep("a"), KEY)
    for suffix in (".xls", ".xlsb", ".xlsm", ".ods", ".json"):
        other = tmp_path / f"book{suffix}"
        other.write_bytes(b"x")
        with pytest.raises(DataError, match="save it as"):
            anonymize_file(other, target, keep("a"), KEY)


def test_what_excel_cannot_hold_is_refused(tmp_path, target):
    source = tmp_path / "in.csv"
    for cell, told in (("x" * 40_000, "40,000 characters"), ("a\x01b", "a control character")):
        source.write_text(f"a,b\n{cell},1\n")
        with pytest.raises(OutputError, match=told):
            anonymize_file(source, target, keep("a", "b"), KEY)
        assert [each.name for each in tmp_path.iterdir()] == ["in.csv"]


def test_from_csv_to_excel_and_back(tmp_path, target):
    source, back = tmp_path / "in.csv", tmp_path / "back.csv"
    source.write_text("a,b\n007,x\n,NA\n")
    anonymize_file(source, target, keep("a", "b"), KEY)
    assert rows_of(target) == [["a", "b"], ["007", "x"]]
    anonymize_file(target, back, keep("a", "b"), KEY)
    assert back.read_text() == "a,b\n007,x\n"
