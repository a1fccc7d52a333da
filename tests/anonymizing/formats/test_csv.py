import gzip

import pyarrow as pa
import pytest

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.files import anonymize_file
from paribus.anonymizing.formats.base import Options, disarmed
from paribus.anonymizing.formats.csv import opened
from paribus.anonymizing.keys import Key
from paribus.errors import DataError

KEY = Key(b"a secret of some length")


def kept(tmp_path, content, name="in.csv", out="out.csv", **options):
    """Write, anonymize with nothing replaced, and read again."""
    source, target = tmp_path / name, tmp_path / out
    source.write_bytes(content)
    names = opened(source, Options(encoding=options.get("encoding", "utf-8"))).parts[0].schema.names
    anonymizer = Anonymizer(columns=dict.fromkeys(names, "keep"))
    written = anonymize_file(source, target, anonymizer, KEY, **options)
    return target.read_bytes(), written


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,2\n",
        b"a,b\r\n01,1.50\r\n007,-3.5e-07\r\n",
        b"a;b\n1,5;2,5\n",
        b"a\tb\n1\t2\n",
        b"a|b|c\n1|2|3\n",
        b'a,b\n,""\n"",\n',
        b'a,b\n"x, y","say ""hi"""\n',
        b'a,b\n"two\nlines",x\n',
        b'a,b\r\n"two\nlines",x\r\n',
        b'"a","b"\n"1",\n"2","x"\n',
        b"\xef\xbb\xbfa,b\n1,2\n",
        b"a,b\nNA,null\nNone,nan\n,N/A\n",
        b"a,b\n2020-02-03,03/02/2020\n",
        b"a,b\n  x  , y\n",
        "a,b\nÅsa,李\n".encode(),
        b"a\n1\n\n3\n",
        b"a,b\n-5,+49 30 123\n-inf,-1.5\n",
        b"a,b\nTrue,false\n1e400,0x1F\n",
        b"a,b\n",
    ],
    ids=repr,
)
def test_what_is_kept_is_kept_to_the_letter(tmp_path, content):
    written, _ = kept(tmp_path, content)
    assert written == content


def test_rows_are_counted_with_or_without_a_last_line_end(tmp_path):
    assert kept(tmp_path, b"a,b\n1,2\n3,4\n")[1].rows == 2
    written, report = kept(tmp_path, b"a,b\n1,2\n3,4", out="b.csv")
    assert (written, report.rows) == (b"a,b\n1,2\n3,4\n", 2)
    assert kept(tmp_path, b"a,b", out="c.csv")[0] == b"a,b\n"


def test_words_for_missing_are_no_values(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(b'id,n\nNA,1\nA-17,2\n,3\n"",4\n')
    anonymizer = Anonymizer(columns={"id": "id", "n": "keep"})
    anonymize_file(source, target, anonymizer, KEY)
    lines = target.read_text().splitlines()
    assert lines[1] == "NA,1"
    assert lines[3:] == [",3", '"",4']
    assert lines[2] != "A-17,2"
    assert lines[2].endswith(",2")


def test_formulas_are_disarmed_and_numbers_are_not(tmp_path):
    content = b"=a,b\n=1+1,@x\n-2,+1-325-100\n-cmd,+cmd\n"
    written, report = kept(tmp_path, content)
    assert written == b"'=a,b\n'=1+1,'@x\n-2,+1-325-100\n'-cmd,'+cmd\n"
    assert report.notes == ("5 cells that start a formula got an apostrophe",)
    with_tab = kept(tmp_path, b'a,b\n"\t=1",x\n', out="b.csv")[0]
    assert with_tab == b"a,b\n'\t=1,x\n"


@pytest.mark.parametrize("text", ["-1", "-1.5", "-1,234.5", "-1e5", "-1.5E-07", "-inf", "+1 (2) 3"])
def test_numbers_are_no_formulas(text):
    assert disarmed(pa.array([text])) == (pa.array([text]), 0)


@pytest.mark.parametrize("text", ["-e5", "-1e5+A1", "=1", "＝1", "@A1", "+A1", "-A1", "\r=1"])
def test_formulas_are_formulas(text):
    assert disarmed(pa.array([text, None], pa.large_string()))[0].to_pylist() == [f"'{text}", None]


def test_compressed_files_stay_compressed(tmp_path):
    packed, _ = kept(tmp_path, gzip.compress(b"a,b\n1,2\n"), "in.csv.gz", "out.csv.gz")
    assert gzip.decompress(packed) == b"a,b\n1,2\n"
    assert packed[3] == 0, "no name of a file in the header"


def test_another_encoding_is_read_where_it_is_named(tmp_path):
    written, report = kept(tmp_path, "a,b\nÅsa,1\n".encode("latin-1"), encoding="latin-1")
    assert written == "a,b\nÅsa,1\n".encode()
    assert report.notes == ("latin-1 became UTF-8",)
    wide = kept(tmp_path, "a,b\nÅsa,1\n".encode("utf-16"), out="b.csv", encoding="utf-16")[0]
    assert wide == "a,b\nÅsa,1\n".encode()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"a,b\n1,2\n3\n", "row 3 has 1 values and the header has 2 columns"),
        (b"a,b\n1,2\n3,4,5\n", "row 3 has 3 values and the header has 2 columns"),
        (b"a,b\n1,2\n3,\xff\n", "byte 10 (line 3) is not UTF-8 text"),
        (b"a,\xe9\n1,2\n", "byte 2 (line 1) is not UTF-8 text"),
        ("a,b\n1,2\n".encode("utf-16"), "it is UTF-16"),
        (b'a,b\n1,"x\n3,4\n', "a quotation mark is opened and never closed"),
    ],
    ids=repr,
)
def test_bad_files_are_one_sentence(tmp_path, content, told):
    with pytest.raises(DataError) as error:
        kept(tmp_path, content)
    assert told in str(error.value)
    assert str(tmp_path / "in.csv") in str(error.value)
    assert not (tmp_path / "out.csv").exists()


def test_a_byte_deep_in_a_file_is_found(tmp_path):
    content = b"a,b\n" + b"1,x\n" * 600_000 + b"2,\xe9\n" + b"1,x\n" * 10
    with pytest.raises(DataError, match=r"byte 2,400,006 \(line 600,002\) is not UTF-8"):
        kept(tmp_path, content)


def test_a_name_that_occurs_twice_is_refused(tmp_path):
    with pytest.raises(DataError, match='two columns have the name "a"'):
        kept(tmp_path, b"a,a\n1,2\n")


def test_a_cell_of_many_megabytes_is_refused(tmp_path):
    with pytest.raises(DataError, match="a row is longer than 16 MB"):
        kept(tmp_path, b"a,b\n1,2\n1," + b"x" * (40 << 20) + b"\n")


def test_an_error_never_repeats_what_a_cell_holds(tmp_path):
    with pytest.raises(DataError) as error:
        kept(tmp_path, b"a,b\nSecret Person\n")
    assert "Secret" not in str(error.value)


def test_a_row_of_some_megabytes_passes(tmp_path):
    """It takes larger blocks, and no row before it comes twice."""
    content = b"a,b\n" + b"1,x\n\n" * 700_000 + b"2," + b"y" * (5 << 20) + b"\n3,z\n" * 10
    written, report = kept(tmp_path, content)
    assert report.rows == 700_011
    assert written == content.replace(b"\n\n", b"\n")


def test_what_calculates_gets_numbers(tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("age,pay,code\n41, 1.50 ,041\nNA,,x\n-67,2e3,\n")
    kinds = {"age": {"kind": "bands", "width": 10}, "pay": {"kind": "noise", "scale": 2}}
    anonymize_file(source, target, Anonymizer(columns={**kinds, "code": "keep"}), KEY)
    rows = [line.split(",") for line in target.read_text().splitlines()]
    assert rows[1][0] == "40-49"
    assert rows[2] == ["NA", "", "x"]
    assert 0 < abs(float(rows[1][1]) - 1.5) < 20
    assert 0 < abs(float(rows[3][1]) - 2000) < 20
    assert [row[2] for row in rows] == ["code", "041", "x", ""]


def test_what_calculates_refuses_text(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("age\n41\nold\n")
    with pytest.raises(DataError, match='"age" holds string'):
        anonymize_file(
            source,
            tmp_path / "o.csv",
            Anonymizer(columns={"age": {"kind": "bands", "width": 10}}),
            KEY,
        )
