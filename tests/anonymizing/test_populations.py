"""A population is learned with what identifies told by detection, or by an anonymizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import paribus as pb
from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.replacements.base import REPLACEMENTS
from paribus.errors import DataError

N = 400
PEOPLE = pd.DataFrame(
    {
        "email": [f"ann.{i}@corp.com" for i in range(N)],
        "sex": ["f", "m"] * (N // 2),
        "age": np.random.default_rng(0).integers(18, 80, N),
    }
)
DIRECT = [
    kind
    for kind in REPLACEMENTS.kinds()
    if vars(REPLACEMENTS.load(kind)).get("direct", True)
    and kind not in ("bands", "truncate", "noise")
]


def test_detection_says_what_identifies(tmp_path: Path) -> None:
    learned = pb.learn(PEOPLE, "sex")
    assert learned.fields["email"].kind == "mimesis"
    assert list(learned.protect) == ["sex"]
    learned.save(tmp_path / "fields.toml")
    assert "corp.com" not in (tmp_path / "fields.toml").read_text()
    drawn = pb.learn(PEOPLE, "sex").draw(50)
    assert "corp.com" not in str(drawn)


def test_a_file_is_what_its_frame_is(tmp_path: Path) -> None:
    PEOPLE.to_parquet(tmp_path / "people.parquet", index=False)
    assert pb.learn(tmp_path / "people.parquet") == pb.learn(PEOPLE)


@pytest.mark.parametrize("kind", DIRECT)
def test_every_kind_that_identifies_is_told_otherwise(kind: str) -> None:
    frame = pd.DataFrame({"x": [f"secret {i}" for i in range(N)], "age": PEOPLE["age"]})
    declared = Anonymizer(columns={"x": kind, "age": "keep"})
    learned = pb.learn(frame, anonymizer=declared)
    assert "secret" not in learned.model_dump_json()
    assert learned.fields["age"].kind == "learned"


@pytest.mark.parametrize("use", [pb.learn, lambda *t, **k: pb.assess(*t, *t, quasi="sex", **k)])
@pytest.mark.parametrize(
    ("kinds", "column"),
    [
        ({"emial": "email", "sex": "keep", "age": "keep"}, "emial"),
        ({"sex": "keep", "age": "keep"}, "email"),
    ],
)
def test_a_column_that_the_anonymizer_does_not_name_is_refused(
    use: Any, kinds: dict[str, str], column: str
) -> None:
    """Else what identifies would be learned, or not be looked for."""
    with pytest.raises(DataError, match=f'column "{column}"') as raised:
        use(PEOPLE, anonymizer=Anonymizer(columns=kinds))
    assert raised.value.path == f"$.anonymizer.columns.{column}"


def test_a_column_that_is_named_beside_the_anonymizer_is_no_stranger() -> None:
    declared = Anonymizer(columns={"sex": "keep", "age": "keep"})
    learned = pb.learn(PEOPLE, anonymizer=declared, identifying={"email": "email"})
    assert learned.fields["email"].kind == "mimesis"


def test_single_columns_are_said_otherwise() -> None:
    learned = pb.learn(PEOPLE, identifying={"age": "drop"})
    assert "age" not in learned.fields
    assert learned.fields["email"].kind == "mimesis"


def test_a_protected_attribute_is_no_identifier() -> None:
    declared = Anonymizer(columns={"email": "email", "sex": "mask", "age": "keep"})
    learned = pb.learn(PEOPLE, "sex", anonymizer=declared)
    assert list(learned.protect["sex"].levels) == ["f", "m"]


def test_the_locale_is_that_of_what_identifies() -> None:
    frame = PEOPLE.assign(name=["Jürgen Müller", "Heike Schröder"] * (N // 2))
    learned = pb.learn(frame, locale="de")
    assert learned.fields["name"].model_dump()["locale"] == "de"


def test_with_privacy_no_value_says_what_identifies() -> None:
    """What `detect` sees in values has no noise: tables of one schema get fields of one kind."""
    pytest.importorskip("opendp")
    ages = list(range(20, 70)) * 8
    emails = ["ann@firm.com", "bob@firm.com"] * 200
    tables = [
        pa.table({"c17": emails, "code": ages}),
        pa.table({"c17": ["yes", "no"] * 200, "code": [10_000_000 + i for i in range(400)]}),
    ]
    learned = [pb.learn(table, epsilon=5.0) for table in tables]
    kinds = [{name: each.kind for name, each in one.fields.items()} for one in learned]
    assert kinds[0] == kinds[1]
    assert pb.learn(tables[0]).fields["c17"].kind != kinds[0]["c17"], "without, detection does"


@pytest.mark.parametrize(
    ("table", "options", "path"),
    [
        ("none.csv", {}, ""),
        (5, {}, ""),
        (PEOPLE, {"locale": "xx"}, "$.locale"),
        (PEOPLE, {"anonymizer": Anonymizer(columns={"agee": "mask"})}, "$.anonymizer.columns.agee"),
        (PEOPLE, {"anonymizer": "spec.toml"}, "$.anonymizer"),
        (pa.table({"a": pa.array([], pa.int64())}), {}, ""),
    ],
)
def test_mistakes_are_one_sentence(table: object, options: dict[str, object], path: str) -> None:
    with pytest.raises(pb.ParibusError) as raised:
        pb.learn(table, **options)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)
    assert raised.value.path == path or not path
