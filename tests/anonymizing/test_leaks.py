"""Planted originals are found wherever they stand, and coincidences are told from leaks."""

from __future__ import annotations

import io
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from paribus.anonymizing import _traces
from paribus.anonymizing.file_leaks import leaks_in_file
from paribus.anonymizing.leaks import CUT, FILE_BLOCK, Leaks, leaks
from paribus.errors import DataError

N = 200
EMAILS = [f"person{i:04d}.of@acme{i % 7}.com" for i in range(N)]
NAMES = [f"{first} Zander{last}" for first in ("Anna", "Bruno") for last in "abcdefghijklmnopqrst"]
NAMES = [f"{name} Ölberg{i}" for i, name in enumerate(NAMES * 5)]
PHONES = [f"+49 170 {1000000 + 7919 * i}" for i in range(N)]
IDS = [10_000_000 + 104_729 * i for i in range(N)]
REAL = pa.table({"email": EMAILS, "name": NAMES, "phone": PHONES, "id": IDS})
FAKE = pa.table(
    {
        "email": [f"fake{i}@example.com" for i in range(N)],
        "name": [f"Person {i}" for i in range(N)],
        "phone": [f"+49 171 {2000000 + i}" for i in range(N)],
        "id": [5_000_000 + i for i in range(N)],
        "note": ["nothing to see in here at all"] * N,
    }
)
COLUMNS = ["email", "name", "phone", "id"]


def planted(column: str, row: int, value: object) -> pa.Table:
    values = FAKE[column].to_pylist()
    values[row] = value
    at = FAKE.column_names.index(column)
    return FAKE.set_column(at, column, pa.array(values, FAKE.schema.field(column).type))


def of(found: Leaks, column: str):
    return next(each for each in found.columns if each.column == column)


def test_nothing() -> None:
    found = leaks(REAL, FAKE, COLUMNS)
    assert found.leaked == 0
    assert found.aligned
    for column in found.columns:
        assert (column.rows, column.values, column.searched) == (N, N, N)
        assert (column.elsewhere, column.by_chance, column.examples) == (0, 0, ())


@pytest.mark.parametrize("column", COLUMNS)
def test_a_cell_that_was_kept(column: str) -> None:
    found = of(leaks(REAL, planted(column, 17, REAL[column][17].as_py()), COLUMNS), column)
    assert (found.kept, found.own, found.elsewhere, found.examples) == (1, 0, 0, (17,))
    assert found.by_chance == pytest.approx(1 / N)


@pytest.mark.parametrize("column", COLUMNS)
def test_another_persons_value(column: str) -> None:
    found = of(leaks(REAL, planted(column, 17, REAL[column][18].as_py()), COLUMNS), column)
    assert (found.kept, found.own, found.elsewhere) == (0, 0, 1)
    assert found.leaked == 0


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("email", "write to {}, please"),
        ("email", "<{}>"),
        ("email", "PERSON0017.OF@ACME3.COM"),
        ("name", "Dear {}!"),
        ("name", "zanderr, anna ... ANNA  ZANDERR\nÖLBERG17 called"),
        ("name", "annazanderrölberg17"),
        ("name", "„{}“ – he said"),
        ("phone", "call +49-170-1134623 now"),
        ("phone", "491701134623"),
        ("phone", "49170 1134 623"),
        ("phone", "x491701134623y"),
        ("id", "no. {}."),
        ("id", "ID{}"),
        ("id", "11.780.393"),
    ],
)
def test_inside_a_text(column: str, written: str) -> None:
    real = str(REAL[column][17].as_py())
    assert EMAILS[17] == "person0017.of@acme3.com"
    assert NAMES[17] == "Anna Zanderr Ölberg17"
    assert PHONES[17] == "+49 170 1134623"
    assert IDS[17] == 11_780_393
    found = of(leaks(REAL, planted("note", 17, written.format(real)), COLUMNS), column)
    assert (found.kept, found.own, found.elsewhere, found.examples) == (0, 1, 0, (17,))
    found = of(leaks(REAL, planted("note", 3, written.format(real)), COLUMNS), column)
    assert (found.kept, found.own, found.elsewhere) == (0, 0, 1)


@pytest.mark.parametrize(
    "written",
    [
        "https://x.org/?q=person0017.of%40acme3.com&r=1",
        "person0017%2Eof%2540acme3%2Ecom",
        "&#112;erson0017&period;of&#x40;acme3.com",
        r'{"m": "\u0070erson0017.of\u0040acme3.com"}',
    ],
)
@pytest.mark.parametrize("column", ["note", "email"])
def test_inside_escapes(column: str, written: str) -> None:
    found = of(leaks(REAL, planted(column, 17, written), COLUMNS), "email")
    assert (found.own, found.elsewhere, found.examples) == (1, 0, (17,))


@pytest.mark.parametrize("written", ["100 %", "%zz", "a & b; c", r"\ud83d", "%ff%fe", "&nosuch;"])
def test_what_looks_like_escapes(written: str) -> None:
    assert leaks(REAL, planted("note", 17, written), COLUMNS).leaked == 0


def test_chance_is_what_a_list_or_a_format_gives() -> None:
    rng = np.random.default_rng(0)
    listed = [f"Name{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(400)]
    real, fake = (pa.table({"name": rng.choice(listed, 500)}) for _ in range(2))
    found = leaks(real, fake, ["name"]).columns[0]
    # Of 400 names each is missed by 500 draws with exp(-500/400).
    assert found.again == pytest.approx(1 - np.exp(-1.25), abs=0.05)
    assert found.chance == pytest.approx(found.again, abs=0.1)
    assert (found.shuffled, found.doubtful) == (0, False)
    numbers = np.arange(1000, 10_000)
    dense = pa.table({"id": numbers}), pa.table({"id": rng.permutation(numbers)})
    found = leaks(*dense, ["id"]).columns[0]
    assert (found.again, found.chance) == (1.0, 0.9)
    assert found.shuffled == 0
    sparse = pa.table({"id": numbers[::9]}), pa.table({"id": np.roll(numbers[::9], 1)})
    assert leaks(*sparse, ["id"]).columns[0].shuffled == 1000


@pytest.mark.parametrize("written", ["911780393", "117803931", "Anna Zanderr", "Zanderr Ölberg17"])
def test_a_part_of_something_longer_or_less_than_all_is_none(written: str) -> None:
    found = leaks(REAL, planted("note", 17, written), COLUMNS)
    assert found.leaked == 0


def test_words() -> None:
    found = of(leaks(REAL, planted("name", 17, "Petra Zanderr"), COLUMNS), "name")
    assert (found.leaked, found.words) == (0, 1)
    # Ten people are called so, and one row of 200 shows it.
    assert found.words_by_chance == pytest.approx(10 / N)
    note = of(leaks(REAL, planted("note", 3, "the Zanderr file"), COLUMNS), "name")
    assert note.words == 0


def test_short_and_common_values() -> None:
    real = pa.table({"name": ["Li", "Berlin", "Berlin", "Berlin", "Rarename", None, ""]})
    fake = pa.table({"name": ["Li", "x", "Berlin", "y", "z", None, ""], "t": ["Berlin"] * 7})
    found = leaks(real, fake, ["name"], common=3).columns[0]
    assert (found.rows, found.values, found.short, found.common, found.searched) == (5, 3, 1, 1, 1)
    # They are held against their own cell, and only that.
    assert (found.kept, found.own, found.elsewhere, found.examples) == (2, 0, 0, (0, 2))


def test_rows_that_were_left_out_or_moved() -> None:
    rows = np.array([5, 3, 17])
    moved = REAL.take(rows)
    found = leaks(REAL, moved, ["email"], rows=rows)
    assert found.aligned
    assert found.columns[0].kept == 3
    found = leaks(REAL, moved, ["email"])
    assert not found.aligned
    assert (found.columns[0].kept, found.columns[0].elsewhere) == (0, 3)
    # All that comes out are addresses of these people, whoever is whose.
    assert found.leaked == found.columns[0].shuffled == 3


def test_headers_metadata_and_dictionaries() -> None:
    renamed = FAKE.rename_columns([*COLUMNS, EMAILS[3]])
    assert of(leaks(REAL, renamed, COLUMNS), "email").hidden == 1
    described = FAKE.replace_schema_metadata({"by": f"made for {EMAILS[4]} and {EMAILS[5]}"})
    assert of(leaks(REAL, described, COLUMNS), "email").hidden == 2
    field = pa.field("note", pa.string(), metadata={"of": EMAILS[6]})
    told = FAKE.set_column(4, field, FAKE["note"])
    assert of(leaks(REAL, told, COLUMNS), "email").hidden == 1
    coded = pa.DictionaryArray.from_arrays(pa.array([0] * N), pa.array(["fine", EMAILS[7]]))
    unused = FAKE.set_column(4, "note", coded)
    found = of(leaks(REAL, unused, COLUMNS), "email")
    assert (found.hidden, found.own, found.elsewhere) == (1, 0, 0)
    assert found.leaked == 1


def test_batches_and_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    values = [
        f"see {EMAILS[draw.integers(N)]}" if draw.random() < 0.2 else "ä plain note of five words"
        for _ in range(N)
    ]
    table = FAKE.set_column(4, "note", pa.array(values))
    whole = leaks(REAL, table, COLUMNS)
    assert of(whole, "email").elsewhere + of(whole, "email").own > 20
    monkeypatch.setattr(_traces, "_BYTES", 64)
    monkeypatch.setattr(_traces, "_OVERLAP", 48)
    pieces = leaks(REAL, iter(table.to_batches(max_chunksize=7)), COLUMNS)
    for one, other in zip(whole.columns, pieces.columns, strict=True):
        # What chance gives is summed up batch by batch.
        assert one.words_by_chance == pytest.approx(other.words_by_chance, abs=3)
        assert (one.kept, one.own, one.elsewhere, one.words, one.examples) == (
            other.kept,
            other.own,
            other.elsewhere,
            other.words,
            other.examples,
        )


def test_an_enormous_cell() -> None:
    text = "lorem ipsum " * 500_000
    real = pa.table({"email": [EMAILS[0], EMAILS[1]]})
    for at in (0, 2_097_140, 3_000_000, 6_000_000):
        cell = f"{text[:at]} {EMAILS[0]} {text[at:]}"
        found = leaks(real, pa.table({"t": [cell, "none"]}), ["email"]).columns[0]
        assert (found.own, found.elsewhere) == (1, 0)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([EMAILS[0].encode(), b"\xff\xfe"], pa.binary()),
        pa.array([EMAILS[0], None], pa.large_string()),
        pa.array([[EMAILS[0]], []], pa.list_(pa.string())),
        pa.array([{"a": EMAILS[0]}, None], pa.struct([("a", pa.string())])),
        pa.array([EMAILS[0], "x"]).dictionary_encode(),
    ],
)
def test_every_type(column: pa.Array) -> None:
    real = pa.table({"email": [EMAILS[0], EMAILS[1]]})
    found = leaks(real, pa.table({"other": column}), ["email"]).columns[0]
    assert (found.own, found.elsewhere) == (1, 0)
    back = leaks(pa.table({"other": column}), pa.table({"t": [EMAILS[0], "no"]}), ["other"])
    if not pa.types.is_nested(column.type):
        assert back.columns[0].own == 1


def test_numbers_with_and_without_a_point() -> None:
    real = pa.table({"id": pa.array([1234567.0, None])})
    found = leaks(real, pa.table({"t": ["is 1234567", "no"]}), ["id"]).columns[0]
    assert (found.rows, found.own) == (1, 1)


@pytest.mark.parametrize("values", [[], [None], ["", "  ", "!!!"]])
def test_nobody(values: list[str | None]) -> None:
    table = pa.table({"a": pa.array(values, pa.string())})
    found = leaks(table, table, ["a"])
    assert found.leaked == 0
    assert (found.columns[0].values, found.columns[0].by_chance) == (0, 0)


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(DataError, match='no column "emial"; did you mean "email"'):
        leaks(REAL, FAKE, ["emial"])
    with pytest.raises(DataError, match='no column "emial"'):
        leaks_in_file(REAL, "nowhere", ["emial"])


WORD = st.text("abAB1ß é.-@ß中", max_size=12)


@settings(deadline=None, max_examples=150)
@given(st.lists(WORD, min_size=1, max_size=6), WORD, WORD)
@example(["1111ß"], "", "")
def test_what_stands_between_signs_is_always_found(
    values: list[str], left: str, right: str
) -> None:
    real = pa.table({"v": values})
    fake = pa.table({"t": [f"{left} {value} {right}" for value in values]})
    found = leaks(real, fake, ["v"], common=10**6).columns[0]
    said = ["".join(c for c in _normal(value) if c.isalnum()) for value in values]
    least = [7 if each.isdigit() else 5 for each in said]
    # pyarrow 18 counts an accent as a character of its own.
    marked = [len(unicodedata.normalize("NFD", each)) for each in said]
    assert found.own >= sum(len(each) >= n for each, n in zip(said, least, strict=True))
    assert found.own <= sum(length >= n for length, n in zip(marked, least, strict=True))


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


class TestFiles:
    def test_ten_thousand_canaries_leave_no_trace(self, tmp_path: Path) -> None:
        canaries = pa.table(
            {"id": [f"canary-{i:05d}-{(i * 48271) % 65537:05x}" for i in range(10_000)]}
        )
        fake = pa.table({"id": [f"K{i}" for i in range(10_000)], "n": range(10_000)})
        parquet.write_table(fake, tmp_path / "safe.parquet")
        found = leaks_in_file(canaries, tmp_path / "safe.parquet", ["id"])
        assert (found.hidden, found.explained, dict(found.places)) == (0, 0, {})
        assert leaks(canaries, fake, ["id"]).leaked == 0

    def test_parquet(self, tmp_path: Path) -> None:
        path = tmp_path / "out.parquet"
        fake = FAKE.replace_schema_metadata({"by": EMAILS[1]})
        coded = pa.DictionaryArray.from_arrays(pa.array([0] * N), pa.array(["fine", EMAILS[7]]))
        parquet.write_table(fake.set_column(4, "note", coded), path, compression="zstd")
        found = leaks_in_file(REAL, path, COLUMNS)
        assert found.places["bytes"] >= 1
        assert found.hidden >= 1
        cells = planted("note", 3, EMAILS[9])
        parquet.write_table(cells, path, compression="zstd", write_statistics=False)
        found = leaks_in_file(REAL, path, COLUMNS)
        assert (found.places["values of note"], found.hidden) == (1, 1)
        known = leaks_in_file(REAL, path, COLUMNS, known=leaks(REAL, cells, COLUMNS))
        assert (known.hidden, known.explained) == (0, 1)

    def test_statistics_of_parquet(self, tmp_path: Path) -> None:
        # Written from other rows than those that are left: what a careless filter does.
        path = tmp_path / "out.parquet"
        parquet.write_table(pa.table({"t": [EMAILS[2], "zz"]}), path, compression="zstd")
        assert leaks_in_file(REAL, path, COLUMNS).places["bytes"] == 1

    def test_archives(self, tmp_path: Path) -> None:
        path = tmp_path / "book.xlsx"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/sheet.xml", "<v>fine</v>" * 50)
            archive.writestr("docProps/core.xml", f"<creator>{EMAILS[3]}</creator>" + " " * 99)
            archive.comment = NAMES[5].encode()
        found = leaks_in_file(REAL, path, COLUMNS)
        assert found.places == {"bytes": 1, "docProps/core.xml": 1}
        assert found.hidden == 2

    @pytest.mark.parametrize(
        ("beside", "hidden"),
        [
            ("", 0),
            ("# for Ray Spence", 1),
            ("Ray Spence, again", 1),
            ("for Ray Spencers", 0),
            ("(Ray Spence)", 1),
        ],
    )
    def test_a_longer_word_of_a_cell_is_no_trace(
        self, tmp_path: Path, beside: str, hidden: int
    ) -> None:
        real, fake = pa.table({"n": ["Ray Spence"]}), pa.table({"n": ["Ray Spencer"]})
        path = tmp_path / "safe.csv"
        path.write_text(f"n\nRay Spencer\n{beside}", encoding="utf-8")
        told = leaks(real, fake, ["n"])
        assert told.leaked == 0
        found = leaks_in_file(real, path, ["n"], known=told, output=fake)
        assert (found.places, found.hidden) == ({"bytes": 1}, hidden)
        assert found.explained == 1 - hidden
        # Without the cells, or where none of them holds it, nothing explains it.
        assert leaks_in_file(real, path, ["n"], known=told).hidden == 1
        other = pa.table({"n": [None, "Sue Brown"], "x": [1.5, 2.0]})
        assert leaks_in_file(real, path, ["n"], known=told, output=other).hidden == 1

    @pytest.mark.parametrize("place", [0, 1, CUT - 12, CUT, FILE_BLOCK - 13, FILE_BLOCK - 5])
    def test_words_at_borders_of_blocks(self, tmp_path: Path, place: int) -> None:
        real, fake = pa.table({"n": ["Ray Spence"]}), pa.table({"n": ["XRay Spencer"]})
        path = tmp_path / "out.txt"
        for said, hidden in (("XRay Spencer", 0), ("Ray Spence", 1)):
            for filler in (b" ", b"x"):
                body = filler * place + said.encode()
                ends = (body, body + filler * (2 * FILE_BLOCK))
                for content in ends:
                    path.write_bytes(content)
                    alone = filler == b" " or (place == 0 and content is body)
                    found = leaks_in_file(real, path, ["n"], output=fake)
                    assert found.hidden == (hidden if alone else 0), (said, filler)

    def test_borders_of_blocks(self, tmp_path: Path) -> None:
        path = tmp_path / "out.csv"
        buffer = io.BytesIO(b"x" * (3 << 20))
        for at in ((1 << 21) - 5, (1 << 21), (3 << 20) - len(EMAILS[0])):
            buffer.seek(at)
            buffer.write(EMAILS[0].encode())
            path.write_bytes(buffer.getvalue())
            found = leaks_in_file(REAL, path, ["email"])
            assert (found.places, found.hidden) == ({"bytes": 1}, 1)
            buffer = io.BytesIO(b"x" * (3 << 20))

    def test_bad_files(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="cannot be read"):
            leaks_in_file(REAL, tmp_path / "none.csv", ["email"])
        half = tmp_path / "half.parquet"
        parquet.write_table(FAKE, half)
        half.write_bytes(half.read_bytes()[:500])
        with pytest.raises(DataError, match="cannot be read"):
            leaks_in_file(REAL, half, ["email"])
        empty = tmp_path / "empty.csv"
        empty.write_bytes(b"")
        assert leaks_in_file(REAL, empty, ["email"]).hidden == 0
