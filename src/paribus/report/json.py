"""The record itself: one JSON document, the same for the same request."""

from __future__ import annotations

from paribus.record import Record


def render(record: Record) -> str:
    """Write the record as JSON, which :func:`paribus.open_record` reads back."""
    return record.json_text()
