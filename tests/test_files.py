"""Files take their place whole; a link, a pipe and a device stay what they are."""

import os
import stat
import threading
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv

import paribus as pb
from paribus._files import _reason, atomic, read_table, write_table


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "record.json").write_text("before")
    (tmp_path / "link.json").symlink_to(Path("real") / "record.json")
    (tmp_path / "dangling.json").symlink_to(Path("real") / "new.json")
    for name in ("link.json", "dangling.json"):
        pb.check_writable(tmp_path / name)
        pb.write_atomically(tmp_path / name, b"after")
        assert (tmp_path / name).is_symlink()
    assert {p.name: p.read_text() for p in (tmp_path / "real").iterdir()} == {
        "record.json": "after",
        "new.json": "after",
    }


def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pb.check_writable(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    pb.write_atomically(pipe, b"content")
    reader.join(timeout=10)
    assert read == [b"content"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [p.name for p in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_goes_through_a_pipe(tmp_path, suffix):
    pipe, copy = tmp_path / f"pipe.{suffix}", tmp_path / f"copy.{suffix}"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: copy.write_bytes(pipe.read_bytes()))
    reader.start()
    assert write_table(pipe, [pa.table({"x": [1, 2]})]) == 2
    reader.join(timeout=10)
    assert read_table(copy).to_pydict() == {"x": [1, 2]}


def test_a_device_is_written_to(tmp_path):
    """A terminal of the test's own: no mistake can replace a device that others need."""
    terminal, device = os.openpty()
    link = tmp_path / "device"
    link.symlink_to(os.ttyname(device))
    pb.check_writable(link)
    pb.write_atomically(link, b"content")
    assert os.read(terminal, 100) == b"content"
    assert link.is_symlink()
    assert stat.S_ISCHR(link.stat().st_mode)
    os.close(device)
    os.close(terminal)


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_a_file_that_is_replaced_keeps_who_may_read_it(tmp_path, mode):
    target = tmp_path / "record.json"
    target.write_text("before")
    target.chmod(mode)
    pb.write_atomically(target, b"after")
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert target.read_text() == "after"


def test_an_error_leaves_what_was_there(tmp_path):
    target = tmp_path / "record.json"
    target.write_text("before")

    def half_written():
        with atomic(target) as file:
            file.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        half_written()
    assert target.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\0b.json", "no path holds a null character"),
        ("x" * 300 + ".json", "File name too long"),
        ("no/where.json", "there is no folder"),
        (".", "is a folder; name a file"),
    ],
)
def test_paths_that_are_refused(tmp_path, name, said):
    for write in (pb.check_writable, lambda path: pb.write_atomically(path, b"")):
        with pytest.raises(pb.OutputError, match=said):
            write(f"{tmp_path}/{name}")
    assert not list(tmp_path.iterdir())


def test_null_characters_in_paths_that_are_read():
    with pytest.raises(pb.DataError, match="null byte"):
        read_table("a\0b.parquet")
    with pytest.raises(pb.SpecError, match="null character"):
        pb.load("a\0b.toml")
    with pytest.raises(pb.DataError, match="is not a JSON file"):
        pb.open_record("a\0b.json")


@pytest.mark.parametrize(
    ("content", "types"),
    [
        ("a,b\n1,2\n1,Ann Smith\n", {"b": pa.int64()}),
        ("a,b\n1,Ann Smith\n", {"b": pa.timestamp("s")}),
        ("a,b\n1,2\nAnn Smith,3,4\n", {}),
    ],
)
def test_no_reason_quotes_a_value(tmp_path, content, types):
    file = tmp_path / "people.csv"
    file.write_text(content)
    options = csv.ConvertOptions(column_types=types)
    with pytest.raises(pa.ArrowInvalid, match="Ann Smith") as error:
        csv.read_csv(file, convert_options=options)
    said = _reason(error.value)
    assert "Ann" not in said
    assert ("column 2" in said) == bool(types)
