"""The page as one self-contained HTML file: no script, no network, charts inline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import count

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from paribus.record import Record
from paribus.report._charts import draw
from paribus.report._parts import Drawing, Page
from paribus.report.base import page


def render(record: Record) -> str:
    """Write the page as HTML.

    Parameters
    ----------
    record : Record
        A finished audit.

    Returns
    -------
    str
        One document that needs nothing else. Its Content-Security-Policy forbids every script and
        every request, and whatever the record holds is escaped.
    """
    return write(page(record))


def write(content: Page) -> str:
    """Write any page as HTML, as `render` does that of a record."""
    return _template().render(page=content, drawings=dict(_drawings(content)))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("paribus", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tied"] = _tied
    return environment.get_template("_page.html.jinja")


def _tied(text: str) -> str:
    """Keep a number and its unit on one line."""
    return re.sub(r"(?<=\d) (?=%|points)", "\N{NO-BREAK SPACE}", text)


def _drawings(content: Page) -> Iterator[tuple[Drawing, Markup]]:
    numbers = count(1)
    for section in content.sections:
        for part in section.parts:
            if isinstance(part, Drawing):
                # Drawn by _charts, which lets shapes and escaped text through and nothing else.
                yield part, Markup(draw(part, f"chart-{next(numbers)}"))  # noqa: S704
