import gzip
import json

import pyarrow as pa
import pytest

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.files import anonymize_file
from paribus.anonymizing.formats.base import Options
from paribus.anonymizing.formats.jsonl import opened
from paribus.anonymizing.keys import Key
from paribus.errors import DataError

KEY = Key(b"a secret of some length")


def kept(tmp_path, content, name="in.jsonl", out="out.jsonl"):
    source, target = tmp_path / name, tmp_path / out
    source.write_bytes(content)
    names = opened(source, Options()).parts[0].schema.names
    anonymizer = Anonymizer(columns=dict.fromkeys(names, "keep"))
    return anonymize_file(source, target, anonymizer, KEY), target.read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": 1, "b": "x"}\n{"b": "y", "a": 2}\n',
        b'{"a":1,"b":null}\n{"a":2}\n{}\n{"b":"x"}\n',
        b'{"a": 1.5, "b": [1, 2], "c": {"x": "y", "z": true}}\n{"a": -1e-07, "b": [], "c": null}\n',
        '{"a": "Åsa", "b": "李"}\n'.encode(),
        b'{"a": "\\u00c5sa"}\n',
        b'{"a": "2020-02-03", "b": "2020-02-03T10:00:00Z", "c": "=1+1", "d": ""}\n',
        b'{"a": null}\n{"a": null}\n',
        b'{"a": [{"x": 1}, {"x": 2}]}\n',
        b'{"a": true, "b": 9007199254740993}\n',
    ],
    ids=repr,
)
def test_what_is_kept_comes_back(tmp_path, content):
    assert kept(tmp_path, content)[1] == content


def test_keys_that_come_late_are_found_beforehand(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"a": 1}\n' * 40_000 + '{"a": 1, "secret": "x"}\n')
    assert opened(source, Options()).parts[0].schema.names == ["a", "secret"]
    with pytest.raises(DataError, match='nothing says what becomes of the column "secret"'):
        anonymize_file(source, tmp_path / "out.jsonl", Anonymizer(columns={"a": "keep"}), KEY)


def test_types_grow_together(tmp_path):
    content = b'{"a": 1}\n' * 40_000 + b'{"a": 1.5}\n{"a": null}\n'
    source = tmp_path / "in.jsonl"
    source.write_bytes(content)
    assert opened(source, Options()).parts[0].schema.field("a").type == pa.float64()
    written, made = kept(tmp_path, content)
    assert written.rows == 40_002
    found = [json.loads(line)["a"] for line in made.splitlines()]
    assert found == [1] * 40_000 + [1.5, None]


def test_absent_keys_stay_absent_where_values_are_replaced(tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"n": 1, "id": "A-17"}\n{"n": 2}\n{"id": null, "n": 3}\n{"id": ""}\n')
    anonymize_file(source, target, Anonymizer(columns={"id": "id", "n": "keep"}), KEY)
    made = [json.loads(line) for line in target.read_text().splitlines()]
    assert [list(each) for each in made] == [["n", "id"], ["n"], ["id", "n"], ["id"]]
    assert made[0]["id"] != "A-17"
    assert made[1:] == [{"n": 2}, {"id": None, "n": 3}, {"id": ""}]


def test_blank_lines_a_byte_order_mark_and_windows_line_ends(tmp_path):
    written, made = kept(tmp_path, b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"a": 2}')
    assert (written.rows, made) == (2, b'{"a": 1}\n{"a": 2}\n')


def test_compressed(tmp_path):
    packed = gzip.compress(b'{"a": 1}\n')
    assert gzip.decompress(kept(tmp_path, packed, "in.jsonl.gz", "out.ndjson.gz")[1]) == (
        b'{"a": 1}\n'
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file has no rows"),
        (b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        (b'{"a": 1}\n\n[1]\n', "line 3 holds no object"),
        (b'{"a": NaN}\n', "line 1 is not JSON"),
        (b'{"a": 1}\n{"a": "x"}\n', '"a" holds numbers (line 1) and text (line 2)'),
        (b'{"a": 1}\n{"a": true}\n', '"a" holds numbers (line 1) and true or false (line 2)'),
        (b'{"a": 18446744073709551616}\n', 'line 1: "a" is a number of more than 64 bits'),
        (b'{"a": "x"}\n{"a": "\xff"}\n', "byte 8 of line 2 is not UTF-8 text"),
        (b'{"a": "\\ud800"}\n', "half of a character"),
        (b"[" * 200_000, "line 1 is not JSON"),
        (
            b'{"a": 1}\n' * 32_768 + b'{"a": "x"}\n',
            '"a" holds numbers in one line and text in another',
        ),
        (b'{"a": "' + b"x" * (20 << 20) + b'"}\n', "line 1 is longer than 16 MB"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_files_are_one_sentence(tmp_path, content, told):
    with pytest.raises(DataError) as error:
        kept(tmp_path, content)
    assert told in str(error.value)
    assert str(tmp_path / "in.jsonl") in str(error.value)
