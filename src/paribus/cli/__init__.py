"""The command line. Thin: every command is a few calls of the public API, imported when used."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Annotated

import typer

import paribus as pb
from paribus._text import logged, visible
from paribus.cli import anonymizing, auditing, comparing, mending, showing, starting, tables
from paribus.cli._outcome import EXIT_CODES, INTERRUPTED
from paribus.errors import ParibusError, reason

__all__ = ["BUG", "EXIT_CODES", "INTERRUPTED", "app", "main"]

BUG = 70
"""EX_SOFTWARE of sysexits.h; Python's own 1 would say biased."""

app = typer.Typer(
    name="paribus",
    help="Audit models for bias with perfectly balanced counterfactual twins.\n\n"
    "Example: paribus audit audit.toml --html report.html",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"paribus {pb.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


for _command in (
    *(starting.init, auditing.audit, auditing.plan, auditing.search, auditing.twins),
    *(tables.metrics, tables.data, mending.mitigate, tables.disclose),
    *(anonymizing.anonymize, anonymizing.assess, comparing.compare),
    *(showing.show, showing.kinds, showing.schema, showing.demo),
):
    app.command()(_command)
app.add_typer(anonymizing.people, name="people")


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """Leave as others do where the system ends a command: what is half written is taken away."""

    def end(number: int, _: object) -> None:
        sys.exit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def main() -> None:
    """Run the command line: mistakes are one sentence and exit code 2, our bugs are 70."""
    try:
        with _ending():
            code = app(standalone_mode=False)
        if code == INTERRUPTED:
            # Typer turns Ctrl-C into a silent exit code.
            raise KeyboardInterrupt
    except ParibusError as error:
        typer.echo(logged(f"paribus: {visible(error)}"), err=True)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("paribus: interrupted; nothing was left half written", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has gone; Python would complain once more while shutting down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        # Click's own mistakes (a wrong option) know how to show themselves.
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            error.show()
            code = error.exit_code
        else:
            traceback.print_exc()
            said = visible(reason(error))
            typer.echo(f"paribus: this is a bug in paribus, please report it: {said}", err=True)
            code = BUG
    sys.exit(code or 0)
