import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from paribus.anonymizing import files
from paribus.anonymizing._staging import Staging, ahead, dealt
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.files import anonymize_file, anonymize_files
from paribus.anonymizing.formats.base import Options, format_of
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import Replacement
from paribus.errors import DataError, OutputError, SpecError

KEY = Key(b"a secret of some length")
PEOPLE = Anonymizer(columns={"id": "id", "n": "keep"})


class Broken(Replacement):
    """Fails at the value "bad"."""

    kind: Literal["broken"] = "broken"

    def replace(self, values, key, row):
        if "bad" in values.to_pylist():
            raise RuntimeError("broken on purpose")
        return values


def csv_of(path, ids=("A-1", "A-2"), **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("id,n\n" + "".join(f"{each},{i}\n" for i, each in enumerate(ids)))
    return path


def listed(folder):
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


# --- laws -----------------------------------------------------------------------------------------


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ids=st.lists(st.text(st.sampled_from("aB7-\n\", '="), max_size=6), min_size=1, max_size=40),
    rows=st.integers(1, 50),
    suffix=st.sampled_from([".csv", ".parquet", ".jsonl", ".tsv", ".csv.gz"]),
)
def test_the_size_of_chunks_changes_nothing(tmp_path, ids, rows, suffix):
    """Also the law that a file of any format holds what the table in memory would."""
    table = pa.table({"id": ids, "n": [str(i) for i in range(len(ids))]})
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    form = format_of(source)
    writer = form.writer(source, source, None)
    writer.begin("", table.schema, table.column_names)
    writer.write(files.Chunk(table.to_batches()[0]))
    writer.close()
    opened = form.opened(source, Options(rows=rows))
    read = pa.concat_tables(
        [pa.Table.from_batches([chunk.batch]) for chunk in opened.parts[0].chunks()]
    )
    apart = anonymized(opened, form, target)
    whole = tmp_path / f"whole{suffix}"
    anonymize_file(source, whole, PEOPLE, KEY)
    assert target.read_bytes() == whole.read_bytes()
    assert apart["id"].to_pylist() == PEOPLE.apply(read, KEY)["id"].to_pylist()


def anonymized(opened, form, target):
    part = opened.parts[0]
    writer = form.writer(target, target, opened.style)
    writer.begin("", PEOPLE.gives(part.schema, KEY), part.schema.names)
    made = []
    for chunk in part.chunks():
        made += list(PEOPLE.stream([chunk.batch], part.schema, KEY))
        writer.write(files.Chunk(made[-1], chunk.aside))
    writer.close()
    return pa.Table.from_batches(made)


def test_files_of_one_run_are_what_runs_of_one_file_are(tmp_path):
    a, b = csv_of(tmp_path / "a.csv", ["A-1", "A-2"]), csv_of(tmp_path / "b.csv", ["A-2", "A-3"])
    anonymize_files([a, b], tmp_path / "one", PEOPLE, KEY)
    anonymize_files([b, a], tmp_path / "two", PEOPLE, KEY)
    for file in (a, b):
        anonymize_file(file, tmp_path / "alone.csv", PEOPLE, KEY)
        alone = (tmp_path / "alone.csv").read_text()
        assert alone == (tmp_path / "one" / file.name).read_text()
        assert alone == (tmp_path / "two" / file.name).read_text()


def test_all_formats_get_the_same_fakes(tmp_path):
    source = csv_of(tmp_path / "in.csv", ["A-1", "007", "", "x y"])
    found = []
    for suffix in (".csv", ".parquet", ".jsonl", ".tsv", ".csv.gz", ".ndjson", ".pq"):
        target = tmp_path / f"out{suffix}"
        assert anonymize_file(source, target, PEOPLE, KEY).rows == 4
        part = format_of(target).opened(target, Options()).parts[0]
        found.append([row for chunk in part.chunks() for row in chunk.batch.to_pylist()])
    assert all(rows == found[0] for rows in found)


def test_another_key_gives_other_fakes(tmp_path):
    source = csv_of(tmp_path / "in.csv")
    anonymize_file(source, tmp_path / "a.csv", PEOPLE, KEY)
    anonymize_file(source, tmp_path / "b.csv", PEOPLE, Key(b"another secret of that length"))
    assert (tmp_path / "a.csv").read_text() != (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".xlsx"])
def test_names_of_columns_that_identify_are_replaced_with_what_is_below_them(tmp_path, suffix):
    """And words for missing, absent keys and types of cells are found again under the new name."""
    pytest.importorskip("openpyxl")
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    name = "ann.miller@firm.com"
    if suffix == ".csv":
        source.write_text(f"n,{name},id\n1,NA,A-1\n2,5,\n")
    elif suffix == ".jsonl":
        source.write_text(f'{{"n": 1, "{name}": null}}\n{{"id": "A-1", "{name}": 5}}\n')
    else:
        import openpyxl

        book = openpyxl.Workbook()
        for row in (["n", name, "id"], [1, "x", "A-1"], [2, 5, None]):
            book.active.append(row)
        book.save(source)
    anonymizer = Anonymizer(columns={"n": "drop", name: "keep", "id": "id"})
    assert anonymize_file(source, target, anonymizer, KEY).rows == 2
    assert b"firm.com" not in target.read_bytes()
    if suffix == ".csv":
        header, first, second = target.read_text().splitlines()
        assert header.endswith(",id")
        assert (first.split(",")[0], second) == ("NA", "5,")
    elif suffix == ".jsonl":
        first, second = map(json.loads, target.read_text().splitlines())
        assert list(first.values()) == [None]
        assert next(iter(second)) == "id"
        assert list(second.values())[1] == 5
    else:
        rows = list(openpyxl.load_workbook(target).active.iter_rows(values_only=True))
        assert [row[0] for row in rows[1:]] == ["x", 5]


# --- folders --------------------------------------------------------------------------------------


def test_a_folder_keeps_its_structure(tmp_path):
    folder = tmp_path / "raw"
    csv_of(folder / "a.csv")
    csv_of(folder / "eu" / "b.csv", ["A-2"])
    csv_of(folder / "eu" / "_SUCCESS")
    csv_of(folder / ".hidden" / "c.csv")
    told = []
    written = anonymize_files(
        folder,
        tmp_path / "safe",
        PEOPLE,
        KEY,
        progress=lambda file, rows: told.append((file, rows)),
    )
    assert [each.rows for each in written] == [2, 1]
    assert listed(tmp_path / "safe") == ["a.csv", "eu", "eu/b.csv"]
    assert told == [(folder / "a.csv", 2), (folder / "eu" / "b.csv", 1)]
    first = (tmp_path / "safe" / "a.csv").read_text().splitlines()
    second = (tmp_path / "safe" / "eu" / "b.csv").read_text().splitlines()
    assert first[2].split(",")[0] == second[1].split(",")[0]


def test_each_table_has_a_declaration(tmp_path):
    folder = tmp_path / "raw"
    csv_of(folder / "a.csv")
    csv_of(folder / "eu" / "b.csv")
    keep = Anonymizer(columns={"id": "keep", "n": "keep"})
    for names in (("a", "eu/b"), ("a.csv", "b.csv"), ("a", "b"), ("a.csv", "eu/b.csv")):
        declared = dict(zip(names, (keep, PEOPLE), strict=True))
        anonymize_files(folder, tmp_path / "safe", declared, KEY)
        assert (tmp_path / "safe" / "a.csv").read_text() == (folder / "a.csv").read_text()
        assert (tmp_path / "safe/eu/b.csv").read_text() != (folder / "eu/b.csv").read_text()
    with pytest.raises(DataError, match=r'nothing says what becomes of ".*b\.csv"'):
        anonymize_files(folder, tmp_path / "new", {"a": PEOPLE}, KEY)
    with pytest.raises(DataError, match=r'there is no table "c".*there are'):
        anonymize_files(folder, tmp_path / "new", {"a": PEOPLE, "b": PEOPLE, "c": PEOPLE}, KEY)
    assert not (tmp_path / "new").exists()


def test_other_files_are_refused_or_skipped_and_never_copied(tmp_path):
    folder = tmp_path / "raw"
    csv_of(folder / "a.csv")
    (folder / "notes.txt").write_text("x")
    (folder / "old.xls").write_text("x")
    with pytest.raises(DataError, match=r'notes\.txt" \(and 1 more\) is no table'):
        anonymize_files(folder, tmp_path / "safe", PEOPLE, KEY)
    assert not (tmp_path / "safe").exists()
    anonymize_files(folder, tmp_path / "safe", PEOPLE, KEY, others="skip")
    assert listed(tmp_path / "safe") == ["a.csv"]


def test_everything_is_checked_before_anything_is_written(tmp_path):
    folder = tmp_path / "raw"
    csv_of(folder / "a.csv")
    (folder / "b.csv").write_text("id,n,new\n1,2,3\n")
    with pytest.raises(DataError, match=r'b\.csv": nothing says what becomes of the column "new"'):
        anonymize_files(folder, tmp_path / "safe", PEOPLE, KEY)
    (folder / "b.csv").write_text("id\n1\n")
    with pytest.raises(DataError, match=r'b\.csv": the table has no column "n"'):
        anonymize_files(folder, tmp_path / "safe", PEOPLE, KEY)
    (folder / "b.csv").unlink()
    (folder / "b.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="its end is missing"):
        anonymize_files(folder, tmp_path / "safe", PEOPLE, KEY)
    assert listed(tmp_path) == ["raw", "raw/a.csv", "raw/b.parquet"]


@pytest.mark.parametrize("sources", [[], "nowhere.csv", ["nowhere.csv"], "empty"])
def test_nothing_to_do(tmp_path, sources):
    (tmp_path / "empty").mkdir()
    given = tmp_path / sources if isinstance(sources, str) else [tmp_path / s for s in sources]
    with pytest.raises(DataError, match=r"there are no|there is no such file"):
        anonymize_files(given, tmp_path / "safe.csv", PEOPLE, KEY)


def test_options_are_checked(tmp_path):
    source = csv_of(tmp_path / "in.csv")
    with pytest.raises(SpecError, match="there is no encoding"):
        anonymize_file(source, tmp_path / "o.csv", PEOPLE, KEY, encoding="latin-17")
    with pytest.raises(SpecError, match="none of refuse, skip"):
        anonymize_files(source, tmp_path / "o.csv", PEOPLE, KEY, others="copy")
    with pytest.raises(SpecError, match="none of refuse"):
        anonymize_file(source, tmp_path / "o.csv", PEOPLE, KEY, hidden="show")


# --- the original is never touched ----------------------------------------------------------------


def links(tmp_path, source):
    (tmp_path / "soft.csv").symlink_to(source)
    (tmp_path / "hard.csv").hardlink_to(source)
    (tmp_path / "dir").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path)
    return [
        source,
        tmp_path / "soft.csv",
        tmp_path / "hard.csv",
        tmp_path / "dir" / ".." / "in.csv",
        tmp_path / "linked" / "in.csv",
        tmp_path / "IN.CSV",
        Path(os.path.relpath(source)),
    ]


def test_an_output_that_is_the_input_is_refused_by_any_name(tmp_path):
    source = csv_of(tmp_path / "in.csv")
    before = source.read_bytes()
    targets = links(tmp_path, source)
    there = listed(tmp_path)
    for target in targets:
        with pytest.raises(OutputError, match="originals are never written to"):
            anonymize_file(source, target, PEOPLE, KEY)
    with pytest.raises(OutputError, match="originals are never written to"):
        anonymize_file(tmp_path / "soft.csv", source, PEOPLE, KEY)
    assert source.read_bytes() == before
    assert listed(tmp_path) == there


def test_an_output_that_is_another_input_is_refused(tmp_path):
    a = csv_of(tmp_path / "a" / "x.csv")
    b = csv_of(tmp_path / "b" / "y.csv")
    with pytest.raises(OutputError, match="originals are never written to"):
        anonymize_files([a, b], tmp_path / "b", PEOPLE, KEY)
    twin = csv_of(tmp_path / "b" / "x.csv")
    with pytest.raises(OutputError, match="would be written twice"):
        anonymize_files([a, twin], tmp_path / "safe", PEOPLE, KEY)
    assert listed(tmp_path) == ["a", "a/x.csv", "b", "b/x.csv", "b/y.csv"]


def test_a_folder_into_itself_is_refused(tmp_path):
    csv_of(tmp_path / "raw" / "a.csv")
    for target in (tmp_path / "raw", tmp_path / "raw" / "safe", tmp_path / "raw" / "x" / ".."):
        with pytest.raises(OutputError, match="is inside of"):
            anonymize_files(tmp_path / "raw", target, PEOPLE, KEY)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        anonymize_files(tmp_path / "raw", tmp_path / "file", PEOPLE, KEY)


def test_targets_that_cannot_be_written(tmp_path):
    source = csv_of(tmp_path / "in.csv")
    (tmp_path / "file").write_text("x")
    for target, told in (
        (tmp_path / "file" / "o.csv", "cannot be written"),
        (tmp_path, "is a folder"),
        (tmp_path / "o.doc", "is no table"),
        (tmp_path / "o.xls", "save it as .xlsx"),
    ):
        with pytest.raises(OutputError, match=told):
            anonymize_file(source, target, PEOPLE, KEY)
    assert listed(tmp_path) == ["file", "in.csv"]


def test_what_was_there_is_replaced_whole_with_the_mode_of_a_new_file(tmp_path):
    source, target = csv_of(tmp_path / "in.csv"), tmp_path / "out.csv"
    target.write_text("old")
    (tmp_path / "link.csv").symlink_to(target)
    anonymize_file(source, tmp_path / "link.csv", PEOPLE, KEY)
    assert (tmp_path / "link.csv").is_symlink()
    assert target.read_text().startswith("id,n\n")
    (tmp_path / "new").write_text("")
    assert target.stat().st_mode == (tmp_path / "new").stat().st_mode


# --- whole or not at all --------------------------------------------------------------------------


def crash_table(path, rows=400_000):
    ids = [f"A-{i}" for i in range(rows)]
    ids[rows - 100] = "bad"
    parquet.write_table(pa.table({"id": ids}), path, row_group_size=50_000)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".xlsx"])
def test_a_crash_in_the_middle_leaves_nothing(tmp_path, suffix):
    if suffix == ".xlsx":
        pytest.importorskip("openpyxl")
    source = crash_table(tmp_path / "z.parquet", 60_000 if suffix == ".xlsx" else 400_000)
    good = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"id": ["x"]}), good)
    anonymizer = Anonymizer(columns={"id": Broken()})
    threads = threading.active_count()
    with pytest.raises(RuntimeError, match="broken on purpose"):
        anonymize_file(source, tmp_path / "new" / f"out{suffix}", anonymizer, KEY)
    with pytest.raises(RuntimeError, match="broken on purpose"):
        anonymize_files([good, source], tmp_path / "safe", anonymizer, KEY)
    assert listed(tmp_path) == ["a.parquet", "z.parquet"]
    assert threading.active_count() == threads


def test_what_was_there_survives_a_crash(tmp_path):
    source, target = crash_table(tmp_path / "in.parquet"), tmp_path / "out.parquet"
    target.write_text("old")
    seen = []
    with pytest.raises(RuntimeError, match="broken on purpose"):
        anonymize_file(
            source,
            target,
            Anonymizer(columns={"id": Broken()}),
            KEY,
            progress=lambda file, rows: seen.append(target.read_text()),
        )
    assert len(seen) >= 2
    assert {*seen, target.read_text()} == {"old"}


def test_all_files_get_their_names_at_the_end(tmp_path):
    a, b = csv_of(tmp_path / "raw" / "a.csv"), csv_of(tmp_path / "raw" / "b.csv")
    seen = []

    def progress(file, rows):
        seen.append([each for each in listed(tmp_path / "safe") if not each.startswith(".")])

    anonymize_files([a, b], tmp_path / "safe", PEOPLE, KEY, progress=progress)
    assert seen == [[], []]
    assert listed(tmp_path / "safe") == ["a.csv", "b.csv"]


def test_an_error_of_the_reader_comes_out(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("id,n\n" + "A-1,1\n" * 3_000_000 + "A-1\n")
    with pytest.raises(DataError, match=r"row 3000002 has 1 values"):
        anonymize_file(
            source, tmp_path / "o.csv", Anonymizer(columns={"id": "keep", "n": "keep"}), KEY
        )
    assert listed(tmp_path) == ["in.csv"]


def test_an_error_of_the_caller_stops_all_threads(tmp_path):
    source = crash_table(tmp_path / "in.parquet")

    def progress(file, rows):
        raise KeyboardInterrupt

    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        anonymize_file(
            source,
            tmp_path / "o.parquet",
            Anonymizer(columns={"id": "keep"}),
            KEY,
            progress=progress,
        )
    assert listed(tmp_path) == ["in.parquet"]
    assert threading.active_count() == threads


RUN = """
import sys
from pathlib import Path
from typing import Literal
import time
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.files import anonymize_files
from paribus.anonymizing.keys import Key
from paribus.anonymizing.replacements.base import Replacement

class Slow(Replacement):
    kind: Literal["slow"] = "slow"
    def replace(self, values, key, row):
        time.sleep(0.1)
        return values

print("starts", flush=True)
anonymize_files(sys.argv[1], sys.argv[2], Anonymizer(columns={"id": Slow()}), Key.fresh(),
                progress=lambda file, rows: print(rows, flush=True))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_leaves_nothing(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    parquet.write_table(pa.table({"id": ["x"]}), folder / "a.parquet")
    rows = pa.table({"id": [f"A-{i}" for i in range(10_000)]})
    parquet.write_table(rows, folder / "b.parquet", row_group_size=100)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), str(tmp_path / "safe")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    for _ in range(4):
        process.stdout.readline()
    assert (tmp_path / "safe").exists(), "it is at work"
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in told
    assert time.monotonic() - start < 5
    assert listed(tmp_path) == ["raw", "raw/a.parquet", "raw/b.parquet"]


def test_staging_keeps_what_has_its_name_and_removes_the_rest(tmp_path):
    with Staging() as staging:
        first = staging.place(tmp_path / "new" / "deep" / "a")
        first.write_text("a")
        staging.commit()
        staging.place(tmp_path / "other" / "b").write_text("half")
    assert listed(tmp_path) == ["new", "new/deep", "new/deep/a"]


def test_working_ahead_is_bounded_and_ends_early():
    made = []

    def items():
        for i in range(1000):
            made.append(i)
            yield i

    taken = ahead(items())
    assert next(taken) == 0
    time.sleep(0.1)
    assert len(made) <= 5
    taken.close()
    assert len(made) <= 7
    assert list(ahead(iter(range(100)))) == list(range(100))


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("length", [0, 1, 2, 3, 20])
def test_dealing_keeps_the_order(workers, length):
    def slow_at_times(items):
        for item in items:
            time.sleep(0.002 * (item % 3 == 0))
            yield item * 2

    threads = threading.active_count()
    made = list(dealt(iter(range(length)), slow_at_times, workers))
    assert made == [2 * i for i in range(length)]
    assert threading.active_count() == threads


@pytest.mark.parametrize("taken", [0, 1, 2, 5])
def test_dealing_ends_early(taken):
    threads = threading.active_count()
    made = dealt(ahead(iter(range(1000))), lambda items: (item for item in items))
    assert [next(made) for _ in range(taken)] == list(range(taken))
    made.close()
    assert threading.active_count() <= threads + 1, "the reader is closed by who made it"


@pytest.mark.parametrize("at", [0, 1, 7])
def test_errors_come_out_of_dealing_in_their_place(at):
    def items():
        yield from range(at)
        raise KeyError("reader")

    def work(items):
        for item in items:
            if item == 4:
                raise ValueError("worker")
            yield item

    made, seen = dealt(items(), work), []
    with pytest.raises(ValueError if at > 4 else KeyError):
        seen.extend(made)
    assert seen == list(range(min(at, 4)))


# --- memory ---------------------------------------------------------------------------------------

PEAK = """
import sys
from pathlib import Path
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.files import anonymize_file
from paribus.anonymizing.keys import Key
anonymizer = Anonymizer(columns={"id": "keep", "n": "keep"})
anonymize_file(sys.argv[1], sys.argv[2], anonymizer, Key.fresh())
status = Path("/proc/self/status").read_text()
print(next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the kernel's own mark")
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_memory_does_not_grow_with_the_file(tmp_path, suffix):
    peaks = []
    for rows in (1_000_000, 4_000_000):
        source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
        writer = format_of(source).writer(source, source, None)
        block = pa.record_batch(
            {"id": [f"person-{i:012}@example.org" for i in range(100_000)], "n": ["1.50"] * 100_000}
        )
        writer.begin("", block.schema, block.schema.names)
        for _ in range(rows // 100_000):
            writer.write(files.Chunk(block))
        writer.close()
        done = subprocess.run(
            [sys.executable, "-c", PEAK, str(source), str(target)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        peaks.append(int(done.stdout))
    # Three million rows are 110 MB as text alone, of which there would be several copies.
    assert peaks[1] < 1.3 * peaks[0], peaks
