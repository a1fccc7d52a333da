"""Commands that show what there is: show, kinds, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import paribus as pb
from paribus.cli._options import Html, Junit
from paribus.cli._outcome import apart, colored, rendered, show_text, writable
from paribus.errors import DataError


def show(
    record: Annotated[
        Path, typer.Argument(help="A record, the JSON file of an audit (or an assessment).")
    ],
    html: Html = None,
    junit: Junit = None,
) -> None:
    """Show the record of a finished audit; needs neither the model nor its libraries.

    Example: paribus show record.json --html report.html
    """
    opened = _opened(record)
    writable([html, junit])
    apart([html, junit], [record])
    for path, format in ((html, "html"), (junit, "junit")):
        if path is not None:
            pb.write_atomically(path, opened.render(format))
    show_text(rendered(opened))


def kinds(
    family: Annotated[str | None, typer.Argument(help="One family only, such as fields.")] = None,
) -> None:
    """List the kinds of fields, models, tests and report formats.

    Example: paribus kinds fields
    """
    for name, members in pb.kinds(family).items():
        typer.echo(f"{name}:")
        width = max(map(len, members))
        for kind, sentence in members.items():
            typer.echo(f"  {kind:{width}}  {sentence}")


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
    """Open the record of an audit, or an assessment."""
    try:
        return pb.open_record(path)
    except DataError:
        try:
            return pb.open_assessment(path)
        except DataError:
            pass
        raise
