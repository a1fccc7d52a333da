"""Free text: what identifies goes, with the fakes that columns of it get; the rest stays."""

from __future__ import annotations

import random
import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.keys import Key
from paribus.anonymizing.patterns import Marked, find
from paribus.anonymizing.replacements import _presidio
from paribus.anonymizing.replacements.base import REPLACEMENTS
from paribus.anonymizing.replacements.text import Text, disarmed
from paribus.errors import DataError, SpecError

KEY = Key(b"a secret of some length")
SLOW = [HealthCheck.too_slow]


def made(
    *texts: str | None, row: dict[str, list] | None = None, **said: object
) -> list[str | None]:
    given = {name: pa.array(values, pa.string()) for name, values in (row or {}).items()}
    kind = Text(names=tuple(given), **said)
    found: list[str | None] = kind.replace(pa.array(texts, pa.string()), KEY, given).to_pylist()
    return found


def fake(kind: str, text: str) -> str:
    replaced: str = REPLACEMENTS.parse({"kind": kind}).replace(pa.array([text]), KEY, {})[0].as_py()
    return replaced


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "john.smith@corp.com"),
        ("phone", "+44 20 7946 0958"),
        ("url", "https://corp.com/users/17"),
        ("ip", "192.168.0.17"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("card", "4111 1111 1111 1111"),
        ("id", "078-05-1120"),
        ("id", "1234567890"),
        ("username", "john_smith"),
        ("full_name", "John Smith"),
    ],
)
def test_what_is_found_gets_the_fake_of_a_column_of_it(kind: str, text: str) -> None:
    before = f"Please note: {'@' if kind == 'username' else ''}{text}, thanks"
    assert made(before) == [before.replace(text, fake(kind, text))]


@pytest.mark.parametrize(
    ("text", "gone", "stays"),
    [
        ("Dear John, thanks for your call", ["John"], ["Dear", "thanks for your call"]),
        ("Mr. Smith called Dr Jones", ["Smith", "Jones"], ["Mr.", "called Dr"]),
        ("met John F. Kennedy's aide", ["John", "Kennedy"], ["'s aide"]),
        ("Ludwig van Beethoven wrote", ["Ludwig", "Beethoven"], [" van ", "wrote"]),
        ("by Smith, John today", ["Smith", "John"], [", ", "today"]),
        ("Frau Müller und Señora García", ["Müller", "García"], ["Frau", "und Señora"]),
        ("señor García", ["García"], ["señor"]),
        ("signed JOHN SMITH", ["JOHN", "SMITH"], ["signed"]),
        ("Mary-Ann O'Brien left", ["Mary", "Brien"], ["left"]),
        ("Prof. Dr. Hans Müller", ["Hans", "Müller"], ["Prof. Dr."]),
        ("Иван Петров пришёл", ["Иван", "Петров"], ["пришёл"]),
    ],
)
def test_names(text: str, gone: list[str], stays: list[str]) -> None:
    (after,) = made(text)
    assert after is not None
    assert not [each for each in gone if each in after]
    assert not [each for each in stays if each not in after]


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown Fox. Hello World, Dear Customer, Hi Team",
        "May I ask Your Account? The United States",
        "we paid 1,000,000.00 on 2024-01-15 at 10:22",
        "nothing here; a < b and c = d",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert made(text) == [text]


def test_words_of_the_row_go_whatever_their_case_and_accents() -> None:
    row = {
        "who": ["José Núñez", "王小明", None, "Ann"],
        "mail": ["pepe99@corp.com", None, None, None],
        "id": ["C-17", "K 42/7", "A-1", None],
    }
    texts = (
        "jose, NUNEZ's and Pepe of corp: c-17, not C-175",
        "王小明先生 (k 42/7)",
        "Ann is another",
        "ann and Anne",
    )
    first, second, third, fourth = made(*texts, row=row, people=False)
    assert first is not None
    assert second is not None
    assert fourth is not None
    assert not re.search(r"\bjose\b|nunez|pepe|\bc-17\b", first, re.IGNORECASE)
    assert "'s and" in first
    assert "of corp:" in first
    assert first.endswith("not C-175")
    assert "王小明" not in second
    assert "先生" in second
    assert "42/7" not in second
    assert third == "Ann is another"
    assert fourth.endswith(" and Anne")
    assert not fourth.startswith("ann")
    # What the columns themselves get.
    assert fake("id", "c-17") in first
    assert fake("first_name", "ann") in fourth


def test_a_name_of_which_the_row_has_one_word_goes_whole() -> None:
    assert made("ask John Smith", row={"first": ["John"]}) == [
        f"ask {fake('full_name', 'John Smith')}"
    ]


def test_removed() -> None:
    assert made("a", None, "", " ", beyond="remove") == ["[removed]", None, "", " "]


def test_a_text_that_is_too_long_is_refused_in_one_sentence() -> None:
    with pytest.raises(DataError, match="a text of 101 bytes, and texts of up to 100"):
        made("x" * 101, longest=100)
    assert made("x" * 100, longest=100) == ["x" * 100]
    with pytest.raises(DataError, match=r'^\$\.columns\.t: the column "t" holds a text of'):
        Anonymizer(columns={"t": {"kind": "text", "longest": 10}}).apply(
            pa.table({"t": ["x" * 11]}), KEY
        )


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(1)",
        "+1",
        "-cmd|' /C calc'!A0",
        "@SUM(1)",
        " =1+1",
        "\t=1",
        "\r=1",
        "＝1+1",
        "<script>alert(1)</script>",
        "a<img src=x onerror=y>",
        "</b><!--",
        "<?php",
    ],
)
def test_neither_formula_nor_tag_survives(text: str) -> None:
    (after,) = made(text)
    assert after is not None
    assert after.lstrip()[0] not in "=+-@＝＋－＠\t\r"
    assert not re.search(r"<[A-Za-z/!?]", after)
    assert disarmed(pa.array([after]))[0].as_py() == after


def test_a_fake_in_front_starts_no_formula() -> None:
    assert (made("+44 20 7946 0958 is busy")[0] or "").startswith("'+44 ")
    assert (made("@john_smith said")[0] or "").startswith("'@")


# --- laws -----------------------------------------------------------------------------------------

words = st.sampled_from(
    [
        "John",
        "Smith",
        "mail",
        "a.b@corp.com",
        "+44 20 7946 0958",
        "the",
        "Mr.",
        "is",
        "C-17",
        "=",
        "<b>",
    ]
)
texts = st.none() | st.lists(words, max_size=6).map(" ".join)


@settings(deadline=None, max_examples=20, suppress_health_check=SLOW)
@given(st.lists(st.tuples(texts, st.none() | st.just("John Smith")), min_size=1, max_size=10))
def test_rows_do_not_see_each_other(rows: list[tuple[str | None, str | None]]) -> None:
    notes, who = [a for a, _ in rows], [b for _, b in rows]
    together = made(*notes, row={"who": who})
    apart = [made(a, row={"who": [b]})[0] for a, b in rows]
    assert together == apart
    for before, after in zip(notes, together, strict=True):
        assert (before is None) == (after is None)
        if before is not None and not before.strip():
            assert after == before
        if after:
            assert "corp.com" not in after
            assert "7946" not in after


@settings(deadline=None, max_examples=100, suppress_health_check=SLOW)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    assert len(made(text, row={"who": [text]})) == 1


def test_a_thousand_canaries_leave_no_trace() -> None:
    draw = random.Random(6)
    letters = "bcdfghjklmnpqrstvwxz"

    def word(size: int) -> str:
        return "".join(draw.choice(letters) for _ in range(size))

    canaries, notes, who = [], [], []
    frames = ("Please call %s today.", "(%s)", "%s", "see: %s, and so on", "a\n%s\nb", '"%s"')
    for i in range(1000):
        phone = f"+49 30 {draw.randrange(10**6, 10**7)}"
        planted = (
            f"{word(6)}.{word(7)}@{word(5)}.com",
            phone,
            f"https://{word(8)}.org/{word(9)}?q={word(6)}",
            f"{draw.randrange(11, 200)}.{draw.randrange(256)}.{draw.randrange(256)}.77",
            f"{draw.randrange(100, 600)}-{draw.randrange(10, 99)}-{draw.randrange(1000, 9999)}",
            f"{draw.randrange(10**8, 10**9)}",
            f"{word(5).title()} {word(8).title()}",
        )[i % 7]
        canaries.append(planted)
        notes.append(draw.choice(frames) % planted)
        who.append(planted if i % 7 == 6 else None)
    after = "\n".join(text or "" for text in made(*notes, row={"who": who}))
    assert [each for each in canaries if each in after] == []
    parts = [p for each in canaries for p in re.findall(r"[a-z]{7,}", each.lower())]
    assert [p for p in parts if p in after.lower()] == []


def test_fakes_of_what_is_found_are_found_again() -> None:
    before = pa.array(["a.b@corp.com, +44 20 7946 0958, 192.168.0.1, DE89370400440532013000"])
    (after,) = Text().replace(before, KEY, {}).to_pylist()
    kinds = Marked.of(pa.array([after]))
    assert set(find(kinds).hits) == {"email", "phone", "ip", "iban"}


# --- Presidio -------------------------------------------------------------------------------------


def test_presidio_that_is_not_there_is_one_sentence() -> None:
    try:
        import presidio_analyzer  # noqa: F401
    except ImportError:
        wanted = r'pip install "paribus\[presidio\]"'
    else:
        wanted = "spaCy model"
    kind = Text(finder="presidio", model="no_such_model")
    with pytest.raises(DataError, match=wanted):
        kind.check(pa.string())
    with pytest.raises(SpecError, match="finder"):
        Text(model="en_core_web_sm")


def test_what_presidio_finds_is_cut_out() -> None:
    pieces = _presidio._cut(
        "ask John Smith in Berlin now", [(4, -14, "PERSON"), (18, -24, "LOCATION")]
    )
    assert pieces == [
        *((None, "ask "), ("name", "John Smith"), (None, " in "), ("place", "Berlin")),
        (None, " now"),
    ]
    assert _presidio._cut("ask Ann \ufdd1 x", [(4, -11, "PERSON")]) == [(None, "ask Ann \ufdd1 x")]


def test_presidio_with_rules_of_spacy() -> None:
    presidio = pytest.importorskip("presidio_analyzer")
    spacy = pytest.importorskip("spacy")
    assert presidio
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(
        [{"label": "PERSON", "pattern": "quxly"}, {"label": "GPE", "pattern": "zed"}]
    )
    marked = _presidio.mark(Marked.of(pa.array(["ask quxly in zed", None])), _presidio.engine(nlp))
    assert {sort: hits.to_pylist() for sort, hits in marked.hits.items()} == {
        "name": ["quxly"],
        "place": ["zed"],
    }


def test_slots_of_one_column_do_not_reach_another() -> None:
    table = pa.table({"a": ["x@y.com"] * 3, "b": ["+44 20 7946 0958", "z", None]})
    both = Anonymizer(columns={"a": "text", "b": "text"}).apply(table, KEY)
    assert len(pc.unique(both["a"])) == 1
    assert both["b"].to_pylist()[1:] == ["z", None]


# --- the row's own names --------------------------------------------------------------------------


@pytest.mark.parametrize("becomes", ["full_name", "drop"])
@pytest.mark.parametrize(
    "name",
    ["So Young", "Al Smith", "Jean Le", "Del Moreno", "January Jones", "May Chen", "Pan Don"],
)
def test_names_of_the_row_go_although_they_are_words(name: str, becomes: str) -> None:
    first, last = name.split()
    note = f"{name} called. {first} is out, write to {last.upper()}, so he may de del al so"
    kinds = {"name": becomes, "note": {"kind": "text", "names": ["name"], "people": False}}
    safe = Anonymizer(columns=kinds).apply(pa.table({"name": [name], "note": [note]}), KEY)
    one, two = fake("full_name", name).split()
    assert safe["note"][0].as_py() == (
        f"{one} {two} called. {one} is out, write to {two.upper()}, so he may de del al so"
    )


def test_names_in_small_letters_go_where_they_are_written_so() -> None:
    assert made("may chen may call", row={"name": ["may chen"]}, people=False) == [
        f"{fake('full_name', 'may chen')} {fake('first_name', 'may')} call"
    ]


def test_particles_and_titles_stay_as_in_the_column() -> None:
    name = "Dr. Maria de la Cruz"
    (after,) = made(f"De facto {name}, La Paz", row={"name": [name]}, people=False)
    assert after == f"De facto {fake('full_name', name)}, La Paz"


@pytest.mark.parametrize(
    ("row", "kinds", "note"),
    [
        # Names that no list knows, by column.
        (("Zoru", "Vamudo"), ("first_name", "last_name"), "call {0} {1}, or {1} alone"),
        (("Vamudo", "Zoru"), ("last_name", "first_name"), "call {1} {0}"),
        (("Zoru Vamudo",), ("full_name",), "call {0}"),
        (("Vamudo, Zoru",), ("full_name",), "call {0}"),
        (("Zoru Vamudo",), ({"kind": "full_name", "order": "last first"},), "call {0}"),
        (("Zoru Tavi Vamudo",), ("last_name",), "call {0}"),
        # Two first names by the lists, the second of which is the surname here.
        (("James Mary",), ("full_name",), "call {0}"),
        (("王小明",), ("full_name",), "call {0}"),
        (("Anna-Maria O'Neill",), ("full_name",), "call {0}"),
    ],
)
def test_names_get_the_fakes_of_their_columns(row: tuple, kinds: tuple, note: str) -> None:
    names = [f"c{i}" for i in range(len(row))]
    table = pa.table(
        {**{n: [v] for n, v in zip(names, row, strict=True)}, "note": [note.format(*row)]}
    )
    text = {"kind": "text", "names": names, "people": False}
    columns = {**dict(zip(names, kinds, strict=True)), "note": text}
    (safe,) = Anonymizer(columns=columns).apply(table, KEY).to_pylist()
    assert safe["note"] == note.format(*(safe[n] for n in names))


def test_emails_of_the_row_name_their_owners() -> None:
    kinds = {"email": "email", "note": {"kind": "text", "names": ["email"], "people": False}}
    table = pa.table(
        {
            "email": ["may.chen@corp.com", "support.team@corp.com"],
            "note": ["May Chen", "the Support Team"],
        }
    )
    safe = Anonymizer(columns=kinds).apply(table, KEY)["note"].to_pylist()
    assert safe == [fake("full_name", "May Chen"), "the Support Team"]
