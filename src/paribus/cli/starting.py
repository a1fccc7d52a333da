"""The first command, init: from data and a model to an audit, without typing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import paribus as pb
from paribus._text import logged
from paribus.cli._options import Label, Trust
from paribus.cli._outcome import apart, listed, read_by, show_text, writable
from paribus.errors import OutputError, ParibusError, SpecError

_OPTIONS = (
    *("model", "data", "protect", "favorable", "outcome", "features", "label", "tolerance"),
    *("sheet", "synthetic"),
)

Model = Annotated[Path | None, typer.Option(help="The model's file: .skops, .onnx, .json ...")]
Protect = Annotated[
    str | None, typer.Option(help="Protected columns, separated by commas.", metavar="A,B")
]
Favorable = Annotated[
    list[str] | None, typer.Option(help="The answer that is good for a person; repeatable.")
]
Outcome = Annotated[
    str | None, typer.Option(help="What an answer is: decision, score, number or label.")
]
Features = Annotated[
    str | None,
    typer.Option(help="Columns that the model sees, in its order, separated by commas."),
]
Gap = Annotated[float | None, typer.Option(help="The largest gap that counts as equal.")]
Sheet = Annotated[str | None, typer.Option(help="The sheet of a workbook; the first by itself.")]


def init(
    data: Annotated[
        Path, typer.Argument(help="People: CSV, Parquet, Excel or JSON lines.", metavar="DATA")
    ],
    model: Annotated[Path, typer.Option(help="The model's file: .skops, .onnx, .json ...")],
    protect: Protect = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path(
        "audit.toml"
    ),
    label: Label = None,
    favorable: Favorable = None,
    outcome: Outcome = None,
    features: Features = None,
    tolerance: Gap = None,
    sheet: Sheet = None,
    synthetic: Annotated[
        bool, typer.Option(help="Draw people from fields fitted to the data, instead of its rows.")
    ] = False,
    from_code: Annotated[
        bool, typer.Option(help="Print the call in Python instead of writing a file.")
    ] = False,
    force: Annotated[bool, typer.Option(help="Write over a file that is there.")] = False,
    trust: Trust = False,
) -> None:
    """Write the file of an audit, guessed from data and a model, with a reason beside each line.

    Example: paribus init people.csv --model loan.skops --protect sex
    """
    given = {
        **{"data": data, "model": model, "protect": protect, "favorable": favorable},
        **{"outcome": outcome, "features": features, "label": label, "tolerance": tolerance},
        **{"sheet": sheet, "synthetic": synthetic, "trust": trust},
    }
    if not from_code:
        writable([output])
        apart([output], [data, model])
        if output.exists() and not force:
            raise OutputError(f'"{output}" is there already; pass --force, or another name with -o')
    draft = _drafted(given)
    with _named():
        draft.check()
    _tell(draft)
    if from_code:
        show_text(draft.call())
        return
    pb.write_atomically(output, draft.toml(output).encode("utf-8"))
    trusted = " --trust" if trust else ""
    typer.echo(f"{output}: written; read it, and run: paribus audit {output}{trusted}", err=True)


def _drafted(given: dict[str, Any]) -> pb.Draft:
    """Draft an audit from options."""
    arguments = {name: value for name, value in given.items() if value is not None}
    for name in ("protect", "features"):
        if name in arguments:
            arguments[name] = listed(arguments[name])
    if len(arguments.get("favorable", ())) == 1:
        arguments["favorable"] = arguments["favorable"][0]
    with _named():
        draft = pb.draft(arguments.pop("data"), **arguments)
        draft.audit()
    return draft


@contextmanager
def _named() -> Iterator[None]:
    """Name the option in errors about what it gives."""
    try:
        yield
    except ParibusError as error:
        option = error.path.removeprefix("$.model.").removeprefix("$.audit.")
        if option not in _OPTIONS:
            raise
        where = "DATA" if option == "data" else f"--{option}"
        raise type(error)(error.message, path=where) from None


def _tell(draft: pb.Draft) -> None:
    """Say on stderr what was guessed."""
    for line in draft.told():
        typer.echo(logged(f"paribus: {line}"), err=True)


def declared(
    spec: Path | None, given: dict[str, Any], **overrides: Any
) -> tuple[Any, Iterator[Path]]:
    """Load an audit from its file, or draft one; gives the files that it reads, too."""
    used = [name for name in _OPTIONS if given.get(name) is not None]
    if spec is not None:
        if used:
            raise SpecError(
                f'is for audits without a file; write it into "{spec}"', path=f"--{used[0]}"
            )
        loaded = pb.load(spec, **overrides)
        return loaded, read_by(loaded, spec)
    for name in ("model", "data"):
        if given.get(name) is None:
            raise SpecError(
                "name the file of an audit, or --model and --data (and --protect)",
                path=f"--{name}" if used else "SPEC",
            )
    draft = _drafted(given)
    _tell(draft)
    audit = draft.audit(**overrides)
    return audit, read_by(audit, given["data"])
