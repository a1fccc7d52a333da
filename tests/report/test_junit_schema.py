"""JUnit XML against the schema that Jenkins checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from paribus.report import junit

xmlschema = pytest.importorskip("xmlschema", reason="a tool of the test extra")


@pytest.fixture(scope="module")
def schema():
    return xmlschema.XMLSchema(str(Path(__file__).parent / "schemas" / "junit-10.xsd"))


@pytest.mark.parametrize("inconclusive_passes", [False, True])
def test_junit_is_valid(record, schema, inconclusive_passes):
    schema.validate(junit.render(record, inconclusive_passes=inconclusive_passes))


def test_the_schema_can_refuse(loan, schema):
    broken = junit.render(loan).replace("<system-out>", "<sentence>", 1)
    broken = broken.replace("</system-out>", "</sentence>", 1)
    assert not schema.is_valid(broken)
