"""What the section says is what happens, and what it cannot say is one sentence with a path."""

from __future__ import annotations

import inspect
import tomllib

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.anonymizing.detection import detect, together
from paribus.anonymizing.section import Limits, Section
from paribus.errors import DataError, SpecError
from paribus.studies.assess import assess

KEEP = '[anonymize.columns]\nage = "keep"\nsex = "keep"\n'


def section(text: str) -> Section:
    return Section.of(tomllib.loads(text))


def test_columns_of_one_table_are_those_of_every_file() -> None:
    read = section('[anonymize.columns]\nid = "id"\nwhen = { kind = "dates", person = "id" }\n')
    for name in ("", "customers", "eu/customers.csv"):
        columns = read.anonymizer(name).columns
        assert [each.kind for each in columns.values()] == ["id", "dates"]
    assert read.anonymizers == read.anonymizer("")
    assert read.wanted is None


@pytest.mark.parametrize(
    ("declared", "asked"),
    [
        ("customers", "customers"),
        ("customers", "customers.csv"),
        ("customers", "customers.csv.gz"),
        ("customers", "eu/customers.parquet"),
        ("eu/customers", "eu/customers.csv"),
        ("eu/customers.csv", "eu/customers.csv"),
        ("book/Sheet 1", "book/Sheet 1"),
    ],
)
def test_a_table_is_found_by_the_name_of_its_file(declared: str, asked: str) -> None:
    text = f'[anonymize.tables."{declared}".columns]\nid = "id"\n[anonymize.tables.z.columns]\n'
    assert list(section(text).anonymizer(asked).columns) == ["id"]


def test_a_table_that_is_not_there_is_told_with_the_nearest() -> None:
    read = section('[anonymize.tables.customers.columns]\nid = "id"\n')
    with pytest.raises(SpecError, match=r'table "custmers"; did you mean "customers"\?') as raised:
        read.anonymizer("custmers")
    assert raised.value.path == "$.tables"


def test_the_locale_is_that_of_columns_that_name_none() -> None:
    read = section(
        '[anonymize]\nlocale = "de"\n[anonymize.columns]\n'
        'a = "first_name"\nb = { kind = "last_name", locale = "fr" }\nc = "keep"\n'
    )
    dumped = {name: each.model_dump() for name, each in read.anonymizer("").columns.items()}
    assert (dumped["a"]["locale"], dumped["b"]["locale"]) == ("de", "fr")
    assert "locale" not in dumped["c"]


@pytest.mark.parametrize(
    ("text", "path", "sentence"),
    [
        ("x = 1", "$.anonymize", "is required and missing"),
        ("anonymize = 5", "$.anonymize", "must be a table of keys and values"),
        ("[anonymize]", "$.anonymize", "needs [anonymize.columns], or"),
        (KEEP + '[anonymize.tables.x.columns]\na = "keep"', "$.anonymize", "cannot have both"),
        ("[anonymize]\nfoo = 1\n" + KEEP, "$.anonymize", 'unknown key "foo"'),
        ("[anonymize]\ncolumns = 5", "$.anonymize.columns", "must be a table"),
        ("[anonymize.tables]", "$.anonymize.tables", "names no table"),
        ("[anonymize]\ntables = 5", "$.anonymize.tables", "must be a table"),
        ('[anonymize.tables]\nx = "keep"', "$.anonymize.tables.x", "must be a table"),
        ("[anonymize.tables.x]", "$.anonymize.tables.x.columns", "is required and missing"),
        ("[anonymize.tables.x]\ncolums = {}", "$.anonymize.tables.x", 'did you mean "columns"'),
        ("[anonymize.tables.x]\ncolumns = 1", "$.anonymize.tables.x.columns", "one line for each"),
        ('[anonymize]\nlocale = "xx"\n' + KEEP, "$.anonymize.locale", "nobody has names"),
        ('[anonymize.columns]\na = "kep"', "$.anonymize.columns.a.kind", 'did you mean "keep"'),
        ("[anonymize.columns]\na = 1", "$.anonymize.columns.a", "must be a table with a kind"),
        ("[anonymize.columns]\na = {}", "$.anonymize.columns.a.kind", "needs a kind"),
        (
            '[anonymize.tables.x.columns]\na = { kind = "truncate" }',
            "$.anonymize.tables.x.columns.a",
            "needs one of keep",
        ),
        (KEEP + "[anonymize.risk]\nfoo = 1", "$.anonymize.risk", 'unknown key "foo"'),
        (KEEP + "[anonymize.risk]\nk = 0", "$.anonymize.risk.k", "must be greater"),
        (KEEP + '[anonymize.risk]\nk = "5"', "$.anonymize.risk.k", "must be a whole number"),
        (KEEP + '[anonymize.risk]\nquasi = "age"', "$.anonymize.risk.quasi", "must be a list"),
        (KEEP + '[anonymize.risk]\nquasi = ["agee"]', "$.anonymize.risk.quasi", '"age"'),
        (KEEP + '[anonymize.risk]\nsensitive = ["x"]', "$.anonymize.risk.sensitive", '"x"'),
        (KEEP + '[anonymize.risk]\nreach = "drop"', "$.anonymize.risk.reach", "not one of"),
        (KEEP + '[anonymize.risk]\nreach = "suppress"', "$.anonymize.risk.quasi", "in combination"),
        ("[anonymize]\nrisk = 4\n" + KEEP, "$.anonymize.risk", "must be a table"),
        (
            KEEP + '[anonymize.risk]\nquasi = ["age", "sex"]\nsensitive = ["sex"]',
            "$.anonymize.risk.sensitive",
            '"sex" is named as a quasi-identifier already',
        ),
    ],
)
def test_mistakes_are_one_sentence_with_a_path(text: str, path: str, sentence: str) -> None:
    with pytest.raises(SpecError) as raised:
        section(text)
    assert raised.value.path == path
    assert sentence in raised.value.message
    assert "\n" not in str(raised.value)


def test_an_empty_table_of_columns_refuses_any_column() -> None:
    with pytest.raises(Exception, match='what becomes of the column "a"'):
        section("[anonymize.columns]").anonymizer("").check(pa.schema([("a", pa.string())]))


ONE = '[anonymize.columns]\nid = "id"\n"columns.id" = "keep"\n'
TWO = (
    '[anonymize.tables.people.columns]\nid = "id"\nemial = "email"\n'
    '[anonymize.tables."eu/orders".columns]\nid = "id"\n'
)


@pytest.mark.parametrize(
    ("text", "table", "path", "place"),
    [
        (ONE, None, "$.columns.id", "$.anonymize.columns.id"),
        (ONE, None, "$.anonymizer.columns.id", "$.anonymize.columns.id"),
        (ONE, "people.csv", "$.columns.columns.id", "$.anonymize.columns.columns.id"),
        (ONE, None, "$.quasi", "$.anonymize.risk.quasi"),
        (ONE, None, "$.sensitive", "$.anonymize.risk.sensitive"),
        (ONE, None, "$.label", "$.label"),
        (ONE, None, "", ""),
        (TWO, None, "$.columns.emial", "$.anonymize.tables.people.columns.emial"),
        (TWO, None, "$.columns.id", "$.anonymize.tables"),
        (TWO, None, "$.columns.nobody", "$.anonymize.tables"),
        (TWO, "eu/orders.csv", "$.columns.id", "$.anonymize.tables.eu/orders.columns.id"),
        (TWO, None, "$.people", "$.anonymize.tables.people"),
        (TWO, "people", "$.people", "$.people"),
    ],
)
def test_a_mistake_has_the_path_that_stands_in_the_file(
    text: str, table: str | None, path: str, place: str
) -> None:
    with (
        pytest.raises(DataError, match="Said") as raised,
        section(text).placing(table),
    ):
        raise DataError("Said.", path=path)
    assert raised.value.path == place


def test_what_was_said_beside_the_section_is_not_in_it() -> None:
    with pytest.raises(SpecError) as raised, section(ONE).placing(beside=["quasi"]):
        raise SpecError("Said.", path="$.quasi")
    assert raised.value.path == "$.quasi"


def test_what_is_judged_is_what_was_declared() -> None:
    read = section(
        '[anonymize.tables.a.columns]\nid = "id"\nage = "keep"\npay = "keep"\n'
        '[anonymize.tables.b.columns]\nid = "id"\nage = "keep"\n'
        '[anonymize.risk]\nquasi = ["age"]\nsensitive = ["pay"]\nk = 7\nl = 2\n'
        'reach = "suppress"\n'
    )
    told = read.judged("a.csv")
    assert told["anonymizer"] == read.anonymizer("a")
    assert (told["quasi"], told["sensitive"], told["k"], told["l"]) == (["age"], ["pay"], 7, 2)
    assert read.judged("b")["sensitive"] == []
    assert "reach" not in told
    assert read.wanted is not None
    assert (read.wanted.quasi, read.wanted.k, read.wanted.by) == (("age",), 7, "suppress")


def test_limits_go_by_their_names_in_the_assessment() -> None:
    known = inspect.signature(assess).parameters
    for name in set(Limits.model_fields) - {"reach"}:
        assert name in known, name
        assert Limits().model_dump()[name] == known[name].default, name


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
COLUMNS = st.sampled_from(
    [
        ["ann@corp.com", "bob@corp.com", None],
        ["Ann", "Bob", "Eve"],
        ["1980-02-03", "1991-12-24", "2001-01-01"],
        [52.5, 13.4, 48.1],
        [1, 2, 3],
        ["+49 30 901820", "+49 30 901821", "+49 30 901822"],
        [None, None, None],
    ]
)


@settings(deadline=None, max_examples=15)
@given(
    st.dictionaries(NAMES, st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=4), min_size=1,
                    max_size=3)
)  # fmt: skip
def test_what_detection_writes_is_read_as_it_was_meant(
    tables: dict[str, dict[str, list[object]]],
) -> None:
    found = {name: detect(pa.table(columns)) for name, columns in tables.items()}
    read = section(together(found))
    for name, each in found.items():
        assert read._anonymizer(read.tables[name]["columns"], "$") == each.anonymizer()
    one = next(iter(found.values()))
    assert section(one.toml()).anonymizer("any") == one.anonymizer()
