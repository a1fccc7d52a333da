"""Several results as one page with a table of contents, each a chapter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from paribus._files import write_atomically
from paribus._text import count, name, shortened, visible
from paribus.errors import DataError, OutputError
from paribus.findings import Verdict
from paribus.record import Record
from paribus.report import html
from paribus.report._parts import Book, Page
from paribus.report.base import page
from paribus.studies import _assessment_page, _compared_page, _disclosure_page
from paribus.studies._assessment import Assessment
from paribus.studies._compared import Compared
from paribus.studies._tables import Disclosure

if TYPE_CHECKING:
    from paribus.studies.mitigate import Mitigated

    Result = Record | Mitigated | Compared | Assessment | Disclosure

_WORST_FIRST: tuple[Verdict, ...] = ("biased", "inconclusive", "within tolerance")

_NAMED = 4
"""Chapters that a sentence names."""


def write_report(
    results: Result | Sequence[Result], path: str | Path, *, title: str | None = None
) -> Path:
    """Write several results as one HTML page, each as a chapter.

    Parameters
    ----------
    results : sequence of Record, Mitigated, Compared, Assessment or Disclosure
        What to show, in the order of the chapters. One alone gives the page that it has by itself.
    path : str or Path
        A file that ends in ``.html``.
    title : str, optional
        What stands above all chapters; by default their names. Of one alone, in place of its own.

    Returns
    -------
    Path
        The file. It needs no other file and no network, and it holds no script. Its verdict is the
        worst of those of the chapters; what holds nothing against a tolerance has none.

    Raises
    ------
    OutputError
        Where the suffix is another, or the file cannot be written.
    DataError
        Where there is nothing to show, or something that is no result.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> import paribus as pb
    >>> parts = {"protect": {"sex": ["m", "f"]}, "fields": {"x": pb.integers(0, 9)}, "people": 50}
    >>> records = [
    ...     pb.audit(lambda d: d["x"] > cut, favorable=True, name=f"above {cut}", **parts)
    ...     for cut in (3, 5)
    ... ]
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "both.html"
    >>> pb.write_report(records, file, title="Two models").name
    'both.html'
    """
    target = Path(path)
    if target.suffix.lower() not in {".html", ".htm"}:
        raise OutputError(f'"{target}" must end in .html: several results are one HTML page')
    given = list(results) if isinstance(results, Sequence) else [results]
    if not given:
        raise DataError("there is nothing to show: hand over at least one result")
    pages = [_page(each) for each in given]
    content = bound(pages, title) if len(pages) > 1 else _titled(pages[0], title)
    write_atomically(target, html.write(content).encode())
    return target


def bound(pages: Sequence[Page], title: str | None = None) -> Book:
    """Bind pages into one.

    Parameters
    ----------
    pages : sequence of Page
        One or more.
    title : str, optional

    Returns
    -------
    Book
    """
    verdicts = {each.verdict for each in pages}
    return Book(
        title=_line(title) or _line(_listed([each.title for each in pages])),
        verdict=next((verdict for verdict in _WORST_FIRST if verdict in verdicts), None),
        sentence=" ".join(_said(pages)),
        chapters=tuple(pages),
    )


def _titled(alone: Page, title: str | None) -> Page:
    return replace(alone, title=_line(title) or alone.title)


def _line(title: str | None) -> str:
    return shortened(visible(title or "").strip(), 120)


def _page(result: Result) -> Page:
    whole = getattr(result, "record", result)
    match whole:
        case Record():
            return page(whole)
        case Compared():
            return _compared_page.page(whole)
        case Assessment():
            return _assessment_page.page(whole)
        case Disclosure():
            return _disclosure_page.page(whole)
    raise DataError(
        "a chapter is a record, a mitigation, a comparison, an assessment or a disclosure, not "
        f"{name(type(result).__name__)}"
    )


def _said(pages: Sequence[Page]) -> Iterator[str]:
    judged = [each for each in pages if each.verdict is not None]
    beyond = [each.title for each in judged if each.verdict == "biased"]
    open_ = [each.title for each in judged if each.verdict == "inconclusive"]
    if beyond:
        yield (
            f"Bias beyond what was declared acceptable is found in {len(beyond):,} of "
            f"{count(len(judged), 'audit')}: {_listed(beyond)}."
        )
    if open_:
        start = "Also not" if beyond else "Not"
        yield (
            f"{start} settled: {_listed(open_)}; neither a gap beyond the tolerance nor its "
            "absence is proven."
        )
    if judged and not beyond and not open_:
        who = "The audit is" if len(judged) == 1 else f"All {len(judged):,} audits are"
        yield f"{who} within the declared tolerance, and this is proven, not assumed."
    silent = [each.title for each in pages if each.verdict is None]
    if silent:
        yield f"Held against no tolerance of gaps: {_listed(silent)}."


def _listed(titles: Sequence[str]) -> str:
    named = [shortened(title, 80) for title in dict.fromkeys(titles)]
    more = [f"{len(named) - _NAMED:,} more"] if len(named) > _NAMED else []
    return ", ".join([*named[:_NAMED], *more])
