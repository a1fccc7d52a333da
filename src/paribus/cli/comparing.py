"""The command that compares two finished audits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import paribus as pb
from paribus.cli._options import Html
from paribus.cli._outcome import apart, leave, rendered, show_text, writable


def compare(
    before: Annotated[Path, typer.Argument(help="The record of an audit, a JSON file.")],
    after: Annotated[Path, typer.Argument(help="That of the same audit of the new model.")],
    margin: Annotated[
        float | None, typer.Option(help="The largest change that counts as none.")
    ] = None,
    confidence: Annotated[float | None, typer.Option(help="Of intervals and verdicts.")] = None,
    json: Annotated[str | None, typer.Option(help="Write the comparison; - for stdout.")] = None,
    html: Html = None,
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="A .html, .json, .md or .txt file; repeatable."),
    ] = None,
    inconclusive_ok: Annotated[bool, typer.Option(help="Exit 0 where undecided.")] = False,
) -> None:
    """Compare the records of two model versions: what got better, and what got worse.

    Exit codes: 0 no worse, 1 worse, 2 the request is wrong, 3 undecided.

    Example: paribus compare before.json after.json --html compared.html
    """
    named = [Path(json)] if json not in (None, "-") else []
    outputs = [*named, *([html] if html else []), *(output or [])]
    for path in output or []:
        pb.Compared.format_of(path)
    writable(outputs)
    apart(outputs, [before, after])
    compared = pb.compare(before, after, margin=margin, confidence=confidence)
    for target, format in ((json, "json"), (html, "html")):
        if target is not None and target != "-":
            pb.write_atomically(target, compared.render(format))
    for path in output or []:
        compared.save(path)
    show_text(compared.json_text() if json == "-" else rendered(compared))
    leave(compared.exit_code, inconclusive_ok)
