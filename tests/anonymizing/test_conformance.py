"""Every kind of replacement keeps what all of them promise."""

from __future__ import annotations

import pyarrow as pa
import pytest

from paribus.anonymizing.replacements.base import REPLACEMENTS
from paribus.testing import check_replacement

OPTIONS = {
    "bands": {"width": 10},
    "truncate": {"keep": 3},
    "noise": {"scale": 0.1},
    "dates": {"person": "who"},
}


@pytest.mark.parametrize("kind", REPLACEMENTS.kinds())
def test_each_kind_conforms(kind):
    check_replacement(REPLACEMENTS.parse({"kind": kind, **OPTIONS.get(kind, {})}))


class Broken(REPLACEMENTS.load("keep")):
    """Gives each value its place."""

    def replace(self, values, key, row):
        return pa.array([str(i) for i in range(len(values))], values.type)


def test_a_kind_that_looks_at_places_does_not_conform(monkeypatch):
    with pytest.raises(AssertionError):
        check_replacement(Broken(), pa.array(["a", "b", "a", "c"] * 10))
