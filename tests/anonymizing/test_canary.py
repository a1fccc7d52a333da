"""10,000 planted identifiers: none may be found again in the bytes of what is written."""

import functools
import gzip
import html
import json
import random
import re
import struct
import unicodedata
import urllib.parse
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from pyarrow import csv, parquet

import paribus as pb
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.checksums import is_iban, is_luhn
from paribus.anonymizing.keys import Key

KEY = Key(b"the secret of the canaries")
ROWS = 620

# --- canaries -------------------------------------------------------------------------------------


class Planter:
    """Makes identifiers that nobody has, and remembers each of them."""

    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.planted = set()

    def remember(self, text):
        self.planted.add(text)
        return text

    def word(self, letters=10):
        """A word that can be spoken, of 4.2 bits a letter and more."""
        sounds = "bdfgklmnprstvz", "aeiou"
        return "".join(self.draw.choice(sounds[i % 2]) for i in range(letters))

    def name(self, script="latin"):
        letters = {
            "latin": None,
            "cyrillic": "бвгджзклмнпрстфхцчшщэюяаиоу",
            "greek": "αβγδεζηθικλμνξοπρστυφχψω",
            "han": "".join(map(chr, range(0x4E00, 0x8E00, 3))),
            "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
        }[script]
        if letters is None:
            return self.remember(self.word(12).title())
        length = 5 if script == "han" else 9
        return self.remember("".join(self.draw.choices(letters, k=length)).title())

    def digits(self, count):
        return "".join(self.draw.choices("0123456789", k=count))

    def email(self, *names):
        local = ".".join([*names, self.word(8)]).lower()
        domain = self.remember(self.word(14))
        return f"{self.remember(local)}@{domain}.{self.draw.choice(['com', 'de', 'co.uk', 'io'])}"

    def phone(self):
        shapes = (
            "+44 79## ######",
            "+49 (0)30 ########",
            "+33 6 ## ## ## ##",
            "+1-212-7##-####",
            "+81-3-5###-####",
            "+55 11 9####-####",
            "+7 (916) ###-##-##",
            "+39 347 ### ####",
        )
        return self.remember(self._filled(self.draw.choice(shapes)))

    def _filled(self, shape):
        return re.sub("#", lambda _: self.digits(1), shape)

    def iban(self):
        plain = "DE00" + self.digits(18)
        check = 98 - int(plain[4:] + "131400") % 97
        found = f"DE{check:02}{plain[4:]}"
        assert is_iban(found)
        self.remember(found)
        return " ".join(re.findall(".{1,4}", found)) if self.draw.random() < 0.5 else found

    def card(self):
        head = "4" + self.digits(14)
        found = next(head + c for c in "0123456789" if is_luhn(head + c))
        self.remember(found)
        return "-".join(re.findall("....", found)) if self.draw.random() < 0.5 else found

    def ip(self):
        six = ":".join(f"{self.draw.randrange(0x1000, 0x10000):x}" for _ in range(7))
        return self.remember(f"2a02:{six}")

    def url(self):
        return f"https://{self.remember(self.word(14))}.com/u/{self.remember(self.word(12))}?k=1"

    def handle(self):
        return self.remember(f"{self.word(10)}_{self.digits(3)}")

    def number(self):
        return self.remember(self.draw.choice("123456789") + self.digits(14))

    def street(self):
        shape = self.draw.choice(
            ["{} Street 12", "{}straße 7b", "12 rue {}", "Calle {}, 3", "ул. {} 5"]
        )
        return shape.format(self.name())


def compact(text):
    """A text without case, marks, spaces and signs: one form for all ways to write it."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W_]+", "", plain).encode()


def forms(raw):
    text = raw.decode("utf-8", "replace")
    yield compact(text)
    for opened in (
        urllib.parse.unquote_plus(text),
        html.unescape(text),
        re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text),
        re.sub(r"_x([0-9a-fA-F]{4})_", lambda m: chr(int(m[1], 16)), text),
    ):
        if opened != text:
            yield compact(opened)


_SEEN = 8
"""Bytes by which a canary is recognized, before it is compared as a whole."""


def windows(data):
    """Every eight bytes of some data, as numbers, shape (len(data) - 7,)."""
    raw = np.frombuffer(data, np.uint8).astype(np.uint64)
    found = np.zeros(max(0, len(raw) - _SEEN + 1), np.uint64)
    for place in range(_SEEN):
        found |= raw[place : place + len(found)] << np.uint64(8 * place)
    return found


def caught(planted, raw):
    """Find which canaries are in some bytes: as text of any writing, and as numbers."""
    wanted: dict[int, list[tuple[bytes, str]]] = {}
    for canary in planted:
        plain = compact(canary)
        assert len(plain) >= _SEEN, canary
        wanted.setdefault(int.from_bytes(plain[:_SEEN], "little"), []).append((plain, canary))
    heads = np.array(list(wanted), np.uint64)
    found = set()
    for data in forms(raw):
        seen = windows(data)
        for place in np.flatnonzero(np.isin(seen, heads)).tolist():
            for plain, canary in wanted[int(seen[place])]:
                if data.startswith(plain, place):
                    found.add(canary)
    numbers = {int(c): c for c in planted if c.isascii() and c.isdigit() and len(c) < 19}
    seen = windows(raw)
    for kind in ("<q", ">q", "<d", ">d"):
        packed = {int.from_bytes(struct.pack(kind, n), "little"): c for n, c in numbers.items()}
        there = seen[np.isin(seen, np.array(list(packed), np.uint64))]
        found.update(packed[int(each)] for each in there)
    return found


def bytes_of(path):
    """All bytes of a file, as they are and opened: what is packed in it, and what is in that."""
    raw = path.read_bytes()
    parts = [raw]
    if path.suffix == ".gz":
        parts.append(gzip.decompress(raw))
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            parts += [name.encode() + b"\n" + archive.read(name) for name in archive.namelist()]
    if path.suffix == ".parquet":
        table = parquet.read_table(path)
        plain = path.with_suffix(".plain")
        parquet.write_table(
            table, plain, compression="none", use_dictionary=False, store_schema=True
        )
        parts += [plain.read_bytes(), repr(parquet.read_metadata(path).to_dict()).encode()]
        parts += [str(parquet.read_schema(path)).encode(), repr(table.to_pylist()).encode()]
        plain.unlink()
    return b"\n".join(parts)


def test_the_trap_catches_what_is_there():
    plant = Planter(1)
    name, email, phone = plant.name(), plant.email("ann"), plant.phone()
    iban, number, han = plant.iban(), plant.number(), plant.name("han")
    domain = email.split("@")[1].split(".")[0]
    for raw in (
        name.upper().encode(),
        f"x{name[:5]} {name[5:]}x".encode(),
        "".join(chr(ord(c) + 0xFEE0) for c in name).encode(),
        urllib.parse.quote_plus(f"{name}&").replace("a", "%61").encode(),
        html.escape(name).replace("e", "&#101;").encode(),
    ):
        assert caught(plant.planted, raw) == {name}
    assert caught(plant.planted, f"{domain.upper()}".encode()) == {domain}
    assert caught(plant.planted, re.sub(r"\D", "", phone).encode()) == {phone}
    assert len(caught(plant.planted, "-".join(iban).encode())) == 1
    assert caught(plant.planted, f"\\u{ord(han[0]):04x}{han[1:]}".encode()) == {han}
    for kind in ("<q", "<d"):
        assert caught(plant.planted, b"xyz" + struct.pack(kind, int(number)) + b"uv") == {number}
    assert caught(plant.planted, Planter(2).name().encode() * 100) == set()


# --- a table in every format ----------------------------------------------------------------------

SENTENCES = (
    "Please call {name} at {phone}, or write to {email}.",
    'She said: "{name} ({email})" [{phone}] {{{card}}}; account <{iban}>!',
    "ACCOUNT {upper}: {iban}, {card}. LOGIN @{handle} FROM {ip}.",
    '<p>Dear <b>{first}</b>,<br>see <a href="{url}">here</a> &amp; <i>{email}</i></p>',
    "{email},{other}|{phone};{ip}\t{url}",
    "Regards,\n{name}\n{phone}\n{email}\n{url}",
    "open https://portal.example.com/r?to={quoted}&n={quoted_name}&p={quoted_phone} today",
    "{last}, {first} <{email}> wrote:\n> {phone}\n> {last}'s card is {card}",
    "mailto:{email}?subject={first} tel:{phone} user={number}",
    "({first}) '{last}' *{email}* _{other}_ `{ip}` ~{number}~",
    '{{"who": "{name}", "mail": "{email}", "ids": [{number}, "{card}"]}}',
    "¿{first}? ¡{last}! «{name}» „{email}“ – {phone} – {iban}…",
)


def people():
    """A table of people who do not exist, and who planted all that identifies them."""
    table, planted = _people()
    plant = Planter(8)
    plant.planted = set(planted)
    return table, plant


@functools.cache
def _people(rows=ROWS):
    plant = Planter(7)
    scripts = ["latin"] * 6 + ["cyrillic", "greek", "han", "arabic"]
    lines = []
    for i in range(rows):
        script = scripts[i % len(scripts)]
        first, last = plant.name(script), plant.name(script)
        told = {
            "first_name": first,
            "last_name": last,
            "email": plant.email(*([first, last] if script == "latin" else [])),
            "phone": plant.phone(),
            "iban": plant.iban(),
            "credit_card": plant.card(),
            "ip_address": plant.ip(),
            "website": plant.url(),
            "username": plant.handle(),
            "customer_id": int(plant.number()),
            "street_address": plant.street(),
        }
        inner = {
            "first": first,
            "last": last,
            "name": f"{first} {last}",
            "upper": f"{first} {last}".upper(),
            "email": told["email"] if i % 2 else plant.email(),
            "other": plant.email(),
            "phone": plant.phone(),
            "iban": plant.iban(),
            "card": plant.card(),
            "ip": plant.ip(),
            "url": plant.url(),
            "handle": plant.handle(),
            "number": plant.number(),
        }
        quote = urllib.parse.quote_plus
        inner |= {
            "quoted": quote(inner["email"]),
            "quoted_name": quote(inner["name"]),
            "quoted_phone": quote(inner["phone"]),
        }
        told["comment"] = SENTENCES[i % len(SENTENCES)].format(**inner)
        told["amount"] = round(plant.draw.lognormvariate(3, 1), 2)
        told["sex"] = plant.draw.choice("fm")
        lines.append(told)
    table = pa.Table.from_pylist(lines)
    headers = {
        name: pa.array([plant.draw.randrange(9) for _ in range(rows)])
        for name in ("visits of " + plant.email(), plant.phone(), plant.iban())
    }
    for name, values in headers.items():
        table = table.append_column(name, values)
    return table, plant.planted


def written(table, plant, path):
    """Write a table, with canaries wherever the format has a place for them."""
    if path.name.endswith(".csv"):
        with pa.output_stream(path, compression="detect") as file:
            csv.write_csv(table, file)
    elif path.name.endswith(".csv.gz"):
        with pa.output_stream(path, compression="gzip") as file:
            csv.write_csv(table, file)
    elif path.name.endswith(".jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    elif path.suffix == ".parquet":
        fields = [
            each.with_metadata({"example": plant.email(), plant.word(12): plant.name()})
            for each in table.schema
        ]
        schema = pa.schema(fields, metadata={plant.name(): plant.email(), "pandas": plant.name()})
        parquet.write_table(table.cast(schema), path, write_statistics=True, compression="zstd")
    else:
        workbook(table, plant, path)


def workbook(table, plant, path):
    book = Workbook()
    sheet = book.active
    # As those of files, declared names of sheets must not be names of people that no list has.
    sheet.title = f"{plant.remember(plant.word(9))}@{plant.remember(plant.word(9))}.com"
    sheet.append(table.column_names)
    for row in table.to_pylist():
        sheet.append([*row.values()])
    sheet["A2"].comment = Comment(f"ask {plant.name()} {plant.email()}", plant.name())
    sheet["A3"].hyperlink = f"mailto:{plant.email()}"
    sheet.oddHeader.center.text = plant.name()
    hidden = book.create_sheet(f"tel {plant.phone()}")
    hidden.sheet_state = "veryHidden"
    hidden.append(["email"])
    for _ in range(50):
        hidden.append([plant.email()])
    name = plant.name()
    book.defined_names[name] = DefinedName(name, attr_text=f'"{plant.email()}"')
    for name in ("creator", "title", "subject", "keywords", "description", "lastModifiedBy"):
        setattr(book.properties, name, f"{plant.name()} {plant.email()}")
    book.save(path)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".jsonl", ".xlsx"])
def test_the_section_that_detection_writes_leaves_no_canary(tmp_path, suffix):
    table, plant = people()
    source = tmp_path / f"people{suffix}"
    written(table, plant, source)
    # Not every sentence has room for all that was made for it.
    assert len(caught(plant.planted, bytes_of(source))) > 10_000
    found = pb.detect_files(source)
    section = found.section()
    hidden = {"hidden": "include"} if suffix == ".xlsx" else {}
    target = tmp_path / f"safe{suffix}"
    done = pb.anonymize_files(source, target, section.anonymizers, KEY, **hidden)
    said = " ".join(" ".join(each.notes) for each in done)
    safe = bytes_of(target)
    assert sorted(caught(plant.planted, safe)) == []
    assert sorted(caught(plant.planted, said.encode())) == []


# --- every type of column -------------------------------------------------------------------------


def typed(plant, rows=200):
    """A table with identifiers in every type that Arrow has, and what becomes of each."""

    def emails():
        return [plant.email() for _ in range(rows)]

    def numbers():
        return [int(plant.number()) for _ in range(rows)]

    more = pa.array([plant.email() for _ in range(100)])
    unused = pa.DictionaryArray.from_arrays(
        pa.array([i % 100 for i in range(rows)], pa.int32()),
        pa.concat_arrays([more, more_of(plant)]),
    )
    ends = pa.array(np.arange(0, 2 * rows + 1, 2), pa.int32())
    person = pa.StructArray.from_arrays(
        [pa.array(emails()), pa.array([plant.phone() for _ in range(rows)])], ["mail", "tel"]
    )
    sliced = pa.array(emails() + emails()).slice(rows)
    columns = {
        "string": ("email", pa.array(emails())),
        "large_string": ("email", pa.array(emails(), pa.large_string())),
        "dictionary": ("email", unused),
        "kept_dictionary": (
            "keep",
            pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(rows, np.int32)), pa.concat_arrays([pa.array(["x"]), more])
            ),
        ),
        "binary": ("email", pa.array([e.encode() for e in emails()])),
        "large_binary": ("email", pa.array([e.encode() for e in emails()], pa.large_binary())),
        "int64": ("id", pa.array(numbers())),
        "uint64": ("id", pa.array(numbers(), pa.uint64())),
        "float64": ("id", pa.array([*map(float, numbers())])),
        "decimal": ("id", pa.array(numbers()).cast(pa.decimal128(19, 0))),
        "list": ("email", pa.ListArray.from_arrays(ends, pa.array(emails() + emails()))),
        "list_of_dictionary": (
            "email",
            pa.ListArray.from_arrays(
                ends,
                pa.DictionaryArray.from_arrays(
                    pa.array(np.zeros(2 * rows, np.int32)), pa.concat_arrays([more, more_of(plant)])
                ),
            ),
        ),
        "fixed_list": (
            "email",
            pa.FixedSizeListArray.from_arrays(pa.array(emails() + emails()), 2),
        ),
        "struct": ("text", person),
        "list_of_struct": (
            "text",
            pa.ListArray.from_arrays(ends, pa.concat_arrays([person, person])),
        ),
        "map": (
            "email",
            pa.MapArray.from_arrays(ends, pa.array(emails() + emails()), pa.array(emails() * 2)),
        ),
        "text": ("text", pa.array([f"mail {plant.email()}, ok" for _ in range(rows)])),
        "sliced": ("email", sliced),
        "masked": (
            "email",
            pa.Array.from_buffers(
                pa.string(),
                rows,
                [pa.array([i % 2 == 0 for i in range(rows)]).buffers()[1], *sliced.buffers()[1:]],
            ),
        ),
        "dropped": ("drop", pa.array(emails())),
        "masked_out": ("mask", pa.array(emails())),
        "removed": ({"kind": "text", "beyond": "remove"}, pa.array(emails())),
    }
    if int(pa.__version__.split(".")[0]) >= 19:  # older ones cannot write it to Parquet
        columns["string_view"] = ("email", pa.array(emails(), pa.string_view()))
    table = pa.table({name: values for name, (_, values) in columns.items()})
    return table, {name: kind for name, (kind, _) in columns.items()}


def more_of(plant, count=100):
    return pa.array([plant.email() for _ in range(count)])


def streamed(table):
    """All that Arrow would send of a table: whole buffers, what is under nulls included."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    return sink.getvalue().to_pybytes()


def test_no_type_of_column_hides_a_canary(tmp_path):
    plant = Planter(3)
    table, columns = typed(plant)
    there = caught(plant.planted, streamed(table))
    assert len(there) > 0.95 * len(plant.planted)
    anonymizer = Anonymizer(columns=columns)
    safe = anonymizer.apply(table, KEY)
    left = {name: caught(there, streamed(safe.select([name]))) for name in safe.column_names}
    assert {name: sorted(found) for name, found in left.items() if found} == {}
    source = tmp_path / "types.parquet"
    parquet.write_table(table, source)
    pb.anonymize_files(source, tmp_path / "safe.parquet", anonymizer, KEY)
    assert sorted(caught(plant.planted, bytes_of(tmp_path / "safe.parquet"))) == []
