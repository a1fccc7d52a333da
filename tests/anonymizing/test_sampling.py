"""What detection writes for files works on them, whatever their format and wherever a value is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paribus.anonymizing import files
from paribus.anonymizing.formats.base import Options, format_of
from paribus.anonymizing.keys import Key
from paribus.anonymizing.sampling import ROWS, _lots, detect_files, sample
from paribus.errors import DataError, SpecError

KEY = Key(b"a secret of some length")
SUFFIXES = [".csv", ".parquet", ".jsonl", ".xlsx"]


def write(path: Path, table: pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = format_of(path).writer(path, path, None)
    writer.begin("Sheet1", table.schema, table.column_names)
    for batch in table.to_batches():
        writer.write(files.Chunk(batch))
    writer.close()
    return path


def run(source: Path, **options: Any) -> Path:
    """Detect, and anonymize with what was written."""
    section = detect_files(source, **options).section()
    target = source.with_name(f"out{source.suffix}")
    files.anonymize_files(source, target, section.anonymizers, KEY)
    return target


CELLS = {
    "latitude": [52.5231, 13.4, -0.1, 48.0, None, "n/a", "", "52,5", "north"],
    "longitude": [1, 2, 13, None, "", "NA", 7.5],
    "geohash": ["u33db2m3", "u281z7j5", "9q8yyk8y", None, ""],
    "birthdate": ["1980-02-03", "1991-12-24", None, "", "unknown", "03.02.1980", "19800203"],
    "dob": [19800203, 19911224, 20010101, None, ""],
    "email": ["ann@corp.com", "bob@corp.com", "", None, "none"],
    "customer_id": [1001, 1002, "A-17", "", None, 1.0, 10**15],
    "plz": ["01067", "10115", 10115, None],
    "phone": ["+49 30 901820", "030 901821", 30901822, None, ""],
    "card": ["4111111111111111", 4111111111111111, None],
    "note": ["call Ann Miller at ann@corp.com", "=1+1", "", None, "ok"],
    "amount": [1.5, "2", None, "", "1e3"],
    "hash": ["12e45678", "9e999", "00e1", None],
}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), st.sampled_from(SUFFIXES))
def test_what_is_detected_can_be_done(tmp_path: Path, data: st.DataObject, suffix: str) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4, unique=True))
    n = data.draw(st.integers(1, 12))
    columns = {}
    for name in names:
        values = data.draw(st.lists(st.sampled_from(CELLS[name]), min_size=n, max_size=n))
        if {type(v) for v in values if v is not None} not in ({int}, {float}, {str}, set()):
            values = [None if v is None else str(v) for v in values]
        columns[name] = pa.array(values)
    columns["kept"] = pa.array(range(n))
    run(write(tmp_path / f"in{suffix}", pa.table(columns)))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
@pytest.mark.parametrize(
    ("name", "usual", "odd"),
    [
        ("latitude", "52.5231", "unknown"),
        ("latitude", "52.5231", ""),
        ("birthdate", "1980-02-03", "unknown"),
        ("customer_id", "100001", "A-17"),
        ("plz", "10115", "01067"),
    ],
)
def test_one_odd_value_beyond_the_sample_stops_nothing(
    tmp_path: Path, suffix: str, name: str, usual: str, odd: str
) -> None:
    n = 2 * ROWS
    last = int(_lots(0, n).argmax())
    values = pa.array([usual] * last + [odd] + [usual] * (n - last - 1))
    source = write(tmp_path / f"in{suffix}", pa.table({name: values, "n": range(len(values))}))
    drawn = sample(format_of(source).opened(source, Options()).parts[0])
    assert odd not in drawn[name].to_pylist(), "it is in the sample"
    made = run(source)
    assert format_of(made).opened(made, Options()).parts[0].schema.names[-1] == "n"


def test_coordinates_in_text_become_coarse(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('latitude,v\n52.5231,1\n,2\nNA,3\n"",4\n13.4049,5\n')
    found = detect_files(source).tables["in"]
    assert found["latitude"].replacement == {"kind": "truncate", "step": 0.1}
    assert run(source).read_text() == 'latitude,v\n52.5,1\n,2\nNA,3\n"",4\n13.4,5\n'


def test_geohashes_become_coarse(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("geohash\n" + "".join(f"u33db{c}\n" for c in "2m3z7j5k8y"))
    assert detect_files(source).tables["in"]["geohash"].replacement == {
        "kind": "truncate", "keep": 4
    }  # fmt: skip
    assert "u33d*" in run(source).read_text()


# --- samples --------------------------------------------------------------------------------------


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 400), st.integers(1, 130), st.integers(1, 60))
def test_a_sample_is_of_rows_in_their_order_whatever_the_chunks(
    tmp_path: Path, n: int, size: int, rows: int
) -> None:
    source = write(tmp_path / "in.csv", pa.table({"n": [str(i) for i in range(n)], "x": ["a"] * n}))
    parts = [format_of(source).opened(source, Options(rows=s)).parts[0] for s in (size, 1 << 17)]
    first, second = (sample(part, rows) for part in parts)
    assert first.equals(second)
    drawn = [int(v) for v in first["n"].to_pylist()]
    assert drawn == sorted(set(drawn))
    assert len(drawn) == min(n, rows)


def test_every_part_of_a_file_is_looked_at(tmp_path: Path) -> None:
    n = 150_000
    source = write(tmp_path / "in.parquet", pa.table({"n": range(n)}))
    drawn = sample(format_of(source).opened(source, Options()).parts[0], 1000)["n"].to_numpy()
    counts = [((drawn >= low) & (drawn < low + n / 10)).sum() for low in range(0, n, n // 10)]
    assert min(counts) >= 60  # 100 expected: 4.2 standard deviations
    assert max(counts) <= 140


# --- tables and names -----------------------------------------------------------------------------

EMAILS = pa.table({"email": ["ann@corp.com", "bob@corp.com"], "n": [1, 2]})


def test_names_are_those_that_the_run_asks_for(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for inside in ("a.csv", "eu/a.parquet", "b.csv", "b.jsonl", "us/c.csv.gz"):
        write(folder / inside, EMAILS)
    found = detect_files(folder)
    assert sorted(found.tables) == ["a", "b.csv", "b.jsonl", "eu/a", "us/c"]
    written = files.anonymize_files(folder, tmp_path / "out", found.section().anonymizers, KEY)
    assert len(written) == 5


def test_a_folder_is_read_from_inside_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.csv", EMAILS)
    monkeypatch.chdir(tmp_path)
    assert list(detect_files(".").tables) == ["a"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.csv"]


def test_tables_of_one_name_are_refused(tmp_path: Path) -> None:
    one, other = write(tmp_path / "x" / "a.csv", EMAILS), write(tmp_path / "y" / "a.csv", EMAILS)
    with pytest.raises(DataError, match=r'two tables have the name "a.csv"'):
        detect_files([one, other])


def test_columns_join_where_one_table_says_nothing_of_its_locale(tmp_path: Path) -> None:
    people = pa.table(
        {
            "vorname": ["Jürgen", "Heike", "Günther", "Sabine"],
            "nachname": ["Müller", "Schröder", "Weiß", "Krüger"],
            "email": [f"{name}@firma.de" for name in ("jm", "hs", "gw", "sk")],
        }
    )
    orders = pa.table({"email": people["email"].take([0, 0, 3]), "paid": [1.5, 2.5, 3.5]})
    write(tmp_path / "in" / "people.csv", people)
    write(tmp_path / "in" / "orders.csv", orders)
    found = detect_files(tmp_path / "in")
    assert len({each.locale for each in found.tables.values()}) == 1
    files.anonymize_files(tmp_path / "in", tmp_path / "out", found.section().anonymizers, KEY)
    safe = [(tmp_path / "out" / f"{name}.csv").read_text().split() for name in ("people", "orders")]
    emails = [line.rsplit(",", 1)[-1] for line in safe[0][1:]]
    assert [line.split(",")[0] for line in safe[1][1:]] == [emails[0], emails[0], emails[3]]


def workbook(path: Path, **sheets: str) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, state in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = state
        for row in (["email", "n"], ["ann@corp.com", 1]):
            sheet.append(row)
    book.save(path)
    return path


def test_hidden_sheets_are_what_was_asked(tmp_path: Path) -> None:
    source = workbook(tmp_path / "book.xlsx", one="visible", two="hidden", three="visible")
    assert list(detect_files(source).tables) == ["book/one", "book/two", "book/three"]
    assert list(detect_files(source, hidden="drop").tables) == ["book/one", "book/three"]
    with pytest.raises(DataError, match='a hidden sheet "two"'):
        detect_files(source, hidden="refuse")
    declared = detect_files(source, hidden="drop").section().anonymizers
    written = files.anonymize_file(source, tmp_path / "out.xlsx", declared, KEY, hidden="drop") \
        if not isinstance(declared, dict) else files.anonymize_files(
            source, tmp_path / "out.xlsx", declared, KEY, hidden="drop")[0]  # fmt: skip
    assert "does not pass: a hidden sheet" in written.notes
    alone = workbook(tmp_path / "alone.xlsx", one="visible", two="hidden")
    assert list(detect_files(alone, hidden="drop").tables) == ["alone"]


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"locale": "xx"}, "$.locale"),
        ({"encoding": "x"}, "$.encoding"),
        ({"hidden": "x"}, "$.hidden"),
    ],
)
def test_options_are_checked(tmp_path: Path, options: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as raised:
        detect_files(write(tmp_path / "a.csv", EMAILS), **options)
    assert raised.value.path == path


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        ("none.csv", "there is no such file"),
        ("readme.txt", "is no table"),
        ([], "no files"),
        (["sub"], "is a folder"),
        ("sub", "no tables"),
    ],
)
def test_sources_that_are_none(tmp_path: Path, sources: Any, sentence: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "readme.txt").write_text("x")
    given_ = [tmp_path / s for s in sources] if isinstance(sources, list) else tmp_path / sources
    with pytest.raises(DataError, match=sentence):
        detect_files(given_)


def test_a_table_without_rows(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("email,latitude,n\n")
    assert run(tmp_path / "in.csv").read_text().splitlines()[0].endswith("n")


def test_nothing_left_to_write(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", pa.table({"password": ["x", "y"]}))
    with pytest.raises(DataError, match="all of its columns are dropped"):
        run(source)
