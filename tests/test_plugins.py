"""Kinds of other distributions: they add to ours, never replace them, and may be broken."""

import pytest

import paribus as pb
from paribus import _plugins
from paribus.people.fields.base import FIELDS
from paribus.people.fields.integers import Integers

CODE = """
from typing import Literal
from paribus.people.fields.constant import Constant

class Seven(Constant):
    '''Always seven.'''
    kind: Literal["seven"] = "seven"

text = "no declaration"
"""
ENTRIES = """
[paribus.fields]
seven = plugin_of_others:Seven
integers = plugin_of_others:Seven
broken = plugin_that_is_not_there:Field
text = plugin_of_others:text
"""


@pytest.fixture(autouse=True)
def distribution(tmp_path, monkeypatch):
    (tmp_path / "plugin_of_others.py").write_text(CODE)
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(tmp_path)
    _plugins._entry_points.cache_clear()
    yield
    _plugins._entry_points.cache_clear()


def test_they_add_kinds():
    field = FIELDS.parse({"kind": "seven", "value": 7})
    assert (type(field).__name__, field.kind) == ("Seven", "seven")
    assert pb.kinds("fields")["fields"]["seven"] == "Always seven."


def test_they_never_replace_ours():
    assert FIELDS.load("integers") is Integers
    assert FIELDS.kinds().count("integers") == 1
    assert pb.kinds("fields")["fields"]["integers"] != "Always seven."


def test_a_broken_one_is_named():
    assert pb.kinds("fields")["fields"]["broken"] == (
        "(cannot be loaded: ModuleNotFoundError: No module named 'plugin_that_is_not_there')"
    )
    with pytest.raises(pb.SpecError) as raised:
        FIELDS.parse({"kind": "broken"}, "$.fields.x")
    assert raised.value.path == "$.fields.x.kind"
    assert raised.value.message.startswith('the field "broken" cannot be loaded: ModuleNotFound')
    with pytest.raises(pb.SpecError, match='the field "text" is not a declaration'):
        FIELDS.parse({"kind": "text"})
