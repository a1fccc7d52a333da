import pyarrow as pa
import pytest
from pyarrow import parquet

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.files import anonymize_file
from paribus.anonymizing.formats.base import Chunk, bare
from paribus.anonymizing.formats.parquet import Layout, writer
from paribus.anonymizing.keys import Key
from paribus.errors import DataError

KEY = Key(b"a secret of some length")


def kept(tmp_path, table, **options):
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    parquet.write_table(table, source, **options)
    anonymizer = Anonymizer(columns=dict.fromkeys(table.column_names, "keep"))
    written = anonymize_file(source, target, anonymizer, KEY)
    return parquet.ParquetFile(target), written


def table(rows=1000):
    return pa.table(
        {
            "id": [f"A-{i}" for i in range(rows)],
            "city": pa.array(["Bonn", "Ulm", None, ""] * (rows // 4)).dictionary_encode(),
            "large": pa.array([str(i % 7) for i in range(rows)], pa.large_string()),
            "when": pa.array(range(rows), pa.timestamp("us", "UTC")),
            "born": pa.array(range(rows), pa.date32()),
            "share": pa.array([i / 7 for i in range(rows)], pa.float32()),
            "pair": pa.array([{"x": i, "y": None} for i in range(rows)]),
            "many": pa.array([[i, i + 1] for i in range(rows)]),
        }
    )


def test_rows_and_types_come_back(tmp_path):
    given = table()
    file, written = kept(tmp_path, given)
    assert written.rows == 1000
    assert file.schema_arrow.equals(given.schema)
    assert file.read().equals(given)


def test_row_groups_and_compression_are_kept(tmp_path):
    given = table().select(["id", "large", "share"])
    codecs = {"id": "GZIP", "large": "NONE", "share": "SNAPPY"}
    file, _ = kept(tmp_path, given, row_group_size=300, compression=codecs)
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [300, 300, 300, 100]
    assert [groups[1].column(i).compression for i in range(3)] == ["GZIP", "UNCOMPRESSED", "SNAPPY"]


def test_row_groups_larger_than_a_chunk_are_put_together_again(tmp_path):
    given = pa.table({"n": pa.array(range(300_000))})
    file, _ = kept(tmp_path, given, row_group_size=300_000)
    assert [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)] == [
        300_000
    ]
    assert file.read().equals(given)


def test_chunks_are_cut_where_a_row_group_ends(tmp_path):
    path = tmp_path / "out.parquet"
    made = writer(path, path, Layout(groups=7))
    batch = pa.record_batch({"n": list(range(20))})
    made.begin("", batch.schema, ["n"])
    made.write(Chunk(batch))
    made.write(Chunk(batch))
    made.close()
    told = parquet.ParquetFile(path).metadata
    assert [told.row_group(i).num_rows for i in range(told.num_row_groups)] == [7] * 5 + [5]
    assert parquet.read_table(path)["n"].to_pylist() == [*range(20), *range(20)]


def test_nothing_of_the_metadata_passes(tmp_path):
    inner = pa.field("x", pa.string(), metadata={"owner": "Canary Inner"})
    schema = pa.schema(
        [
            pa.field("a", pa.string(), metadata={"note": "Canary Field"}),
            pa.field("s", pa.struct([inner])),
            pa.field("l", pa.list_(pa.field("item", pa.string(), metadata={"q": "Canary Item"}))),
        ],
        metadata={"author": "Canary Table"},
    )
    given = pa.table([["p"], [{"x": "q"}], [["r"]]], schema=schema)
    assert "Canary" in given.schema.to_string(show_field_metadata=True)
    assert "Canary" not in bare(given.schema).to_string(show_field_metadata=True)
    assert bare(given.schema).field("s").type[0].metadata is None
    file, written = kept(tmp_path, given)
    raw = (tmp_path / "out.parquet").read_bytes()
    assert b"Canary" in (tmp_path / "in.parquet").read_bytes()
    assert b"Canary" not in raw
    assert file.schema_arrow.metadata is None
    assert file.read().to_pylist() == given.to_pylist()
    assert written.notes == ("the metadata of the file do not pass",)


def test_statistics_are_those_of_the_fakes(tmp_path):
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    parquet.write_table(pa.table({"id": ["CANARY-1", "CANARY-2"]}), source)
    anonymize_file(source, target, Anonymizer(columns={"id": "id"}), KEY)
    assert b"CANARY" not in target.read_bytes()
    told = parquet.ParquetFile(target).metadata.row_group(0).column(0).statistics
    assert told.min == min(parquet.read_table(target)["id"].to_pylist())


def test_pandas_metadata_do_not_pass(tmp_path):
    import pandas as pd

    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="Canary"))
    frame.attrs["who"] = "Canary"
    frame.to_parquet(source)
    anonymize_file(source, target, Anonymizer(columns={"a": "keep", "Canary": "keep"}), KEY)
    assert parquet.ParquetFile(target).schema_arrow.metadata is None


@pytest.mark.parametrize("rows", [0, 1])
def test_short_tables(tmp_path, rows):
    given = table(4).slice(0, rows)
    file, written = kept(tmp_path, given)
    assert (written.rows, file.metadata.num_rows) == (rows, rows)
    assert file.schema_arrow.equals(given.schema)


def test_no_value_at_all(tmp_path):
    given = pa.table({"a": pa.nulls(5), "b": pa.nulls(5, pa.string())})
    file, _ = kept(tmp_path, given)
    assert file.read().equals(given)


def refused(tmp_path, source):
    target = tmp_path / "out.parquet"
    with pytest.raises(DataError) as error:
        anonymize_file(source, target, Anonymizer(columns={"n": "keep"}), KEY)
    assert [file.name for file in tmp_path.iterdir()] == [source.name]
    assert str(source) in str(error.value)
    return str(error.value)


def test_a_file_cut_in_half(tmp_path):
    source = tmp_path / "in.parquet"
    parquet.write_table(pa.table({"n": list(range(1000))}), source)
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) // 2])
    assert "its end is missing" in refused(tmp_path, source)
    source.write_bytes(b"")
    assert "its end is missing" in refused(tmp_path, source)
    source.write_bytes(b"PAR1 is not all")
    assert "its end is missing" in refused(tmp_path, source)


def test_a_page_that_is_damaged(tmp_path):
    source = tmp_path / "in.parquet"
    parquet.write_table(pa.table({"n": list(range(100_000))}), source, row_group_size=10_000)
    raw = bytearray(source.read_bytes())
    raw[200_000:200_400] = b"\xff" * 400
    source.write_bytes(raw)
    assert "damaged" in refused(tmp_path, source)


def test_an_encrypted_file(tmp_path):
    encryption = pytest.importorskip("pyarrow.parquet.encryption")

    class Client(encryption.KmsClient):
        def wrap_key(self, key_bytes, master_key_identifier):
            return key_bytes

        def unwrap_key(self, wrapped_key, master_key_identifier):
            return wrapped_key

    factory = encryption.CryptoFactory(lambda _: Client())
    for plain_footer in (False, True):
        config = encryption.EncryptionConfiguration(
            footer_key="f", column_keys={"c": ["n"]}, plaintext_footer=plain_footer
        )
        properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), config)
        source = tmp_path / "in.parquet"
        parquet.write_table(pa.table({"n": [1]}), source, encryption_properties=properties)
        assert "it is encrypted" in refused(tmp_path, source)


def test_rows_that_fill_the_memory_are_refused_as_soon_as_they_are_seen(tmp_path):
    """A dictionary of one text: a small file, and gigabytes when it is written out."""
    source = tmp_path / "in.parquet"
    text = pa.array(["x" * (1 << 16)])
    many = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), text)
    parquet.write_table(pa.table({"n": many}), source, store_schema=False)
    assert source.stat().st_size < 100_000
    assert "has 4,096 rows that take 0.3 GB" in refused(tmp_path, source)
