"""Commands that show what there is: show, kinds, demo."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

import paribus as pb
from paribus.cli import _completion
from paribus.cli._options import Html, Junit, Output
from paribus.cli._outcome import (
    apart,
    colored,
    rendered,
    show_bytes,
    show_text,
    writable,
)
from paribus.errors import DataError, SpecError


def show(
    record: Annotated[
        list[Path],
        typer.Argument(
            help="A record, the JSON file of an audit (or an assessment, or a comparison); of "
            "several, --html makes one page."
        ),
    ],
    html: Html = None,
    junit: Junit = None,
    output: Output = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="Show it in this format, such as markdown.",
            metavar="NAME",
            autocompletion=_completion.formats,
        ),
    ] = None,
) -> None:
    """Show the record of a finished audit; needs neither the model nor its libraries.

    Example: paribus show record.json --html report.html
    """
    if len(record) > 1:
        _show_all(record, html, [junit, format, *(output or [])])
        return
    opened = _opened(record[0])
    if isinstance(opened, pb.Record | pb.Compared):
        for each in output or []:
            opened.format_of(each)
    writable([html, junit, *(output or [])])
    apart([html, junit, *(output or [])], record)
    shown = rendered(opened).encode() if format is None else opened.render(format)
    for path, kind in ((html, "html"), (junit, "junit")):
        if path is not None:
            pb.write_atomically(path, opened.render(kind))
    for path in output or []:
        opened.save(path)
    show_bytes(shown, format or "terminal")


def _show_all(records: list[Path], html: Path | None, others: list[Any]) -> None:
    """Show several records, one after the other, and write them as one page."""
    if any(others):
        raise SpecError("several records go into one page with --html, and into nothing else")
    writable([html])
    apart([html], records)
    opened = [_opened(path) for path in records]
    if html is not None:
        pb.write_report(opened, html)
    for each in opened:
        show_text(rendered(each))


def kinds(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A family, such as fields; or a kind, such as integers or fields.integers.",
            autocompletion=_completion.kinds,
        ),
    ] = None,
) -> None:
    """List the kinds of fields, models, tests and more, or explain one.

    Example: paribus kinds integers
    """
    typer.echo(pb.explain(name))


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it; else to stdout.")
    ] = None,
) -> None:
    """Write the JSON schema of the audit's file, with which editors complete and check it.

    Example: paribus schema -o audit.schema.json
    """
    text = json.dumps(pb.spec_schema(), indent=1, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
    else:
        pb.write_atomically(output, text.encode("utf-8"))


def demo(
    folder: Annotated[
        Path, typer.Option(help="Where to write the record and the report.")
    ] = Path(),
) -> None:
    """Train a deliberately biased loan model, audit it, and write the report.

    Example: paribus demo --folder /tmp/loan
    """
    writable([folder / "loan.json", folder / "loan.html"])
    for text in pb.demo(folder, color=colored()):
        show_text(text)


def _opened(path: Path) -> Any:
    """Open the record of an audit, an assessment, or a comparison."""
    try:
        return pb.open_record(path)
    except DataError:
        for opened in (pb.open_assessment, pb.open_compared):
            with suppress(DataError):
                return opened(path)
        raise
