"""Whatever is written as TOML reads back the same, and shows what it says."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from paribus._text import visible
from paribus._toml import as_toml, key, quoted, value

plain = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    plain | st.integers(-(2**60), 2**60) | st.booleans() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(plain, values, max_size=4))
def test_a_table_reads_back_the_same(table: dict[str, Any]) -> None:
    assert tomllib.loads(as_toml(table)) == table


@given(plain, values)
def test_one_line_reads_back_the_same(name: str, given: Any) -> None:
    line = f"{key(name)} = {value(given)}"
    assert "\n" not in line
    assert tomllib.loads(line) == {name: given}


@given(st.text())
def test_text_hides_nothing_and_reorders_nothing(text: str) -> None:
    written = quoted(text)
    assert visible(written) == written
    read = tomllib.loads(f"x = {written}")["x"]
    assert read == "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def test_what_has_no_value_is_left_out() -> None:
    given = {"a": None, "b": {"c": None, "d": [1, None, {"e": None}]}}
    assert tomllib.loads(as_toml(given)) == {"b": {"d": [1, {}]}}
