"""Commands that ask a model: audit, plan, search, twins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import paribus as pb
from paribus.cli import starting
from paribus.cli._options import Html, Json, Junit, Lenient, Output, People, Seed, Spec, Trust
from paribus.cli._outcome import (
    apart,
    finish,
    number_of_people,
    progress,
    read_by,
    ready,
    show_text,
    writable,
)
from paribus.cli.starting import Favorable, Features, Gap, Model, Outcome, Protect, Sheet


def audit(
    spec: Annotated[
        Path | None,
        typer.Argument(help="The audit, a TOML file; or --model and --data.", metavar="SPEC"),
    ] = None,
    model: Model = None,
    data: Annotated[Path | None, typer.Option(help="Without SPEC: people, real rows.")] = None,
    protect: Protect = None,
    favorable: Favorable = None,
    outcome: Outcome = None,
    features: Features = None,
    tolerance: Gap = None,
    sheet: Sheet = None,
    json: Json = None,
    html: Html = None,
    junit: Junit = None,
    output: Output = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Write all pairs: a .csv, .parquet or .xlsx file.")
    ] = None,
    people: People = None,
    seed: Seed = None,
    workers: Annotated[int, typer.Option(help="Blocks asked about at a time.", min=1)] = 1,
    trust: Trust = False,
    early: Annotated[bool, typer.Option(help="Stop as soon as every verdict is proven.")] = False,
    inconclusive_ok: Lenient = False,
) -> None:
    """Audit a model, and say what was found.

    Without SPEC, the audit is drafted from the options, as by `paribus init`.

    Exit codes: 0 within tolerance, 1 biased, 2 the request is wrong, 3 inconclusive.

    Example: paribus audit audit.toml --html report.html --json record.json

    Example: paribus audit --model loan.skops --data people.csv --protect sex
    """
    stop = "early" if early else None
    given = {
        **{"model": model, "data": data, "protect": protect, "favorable": favorable},
        **{"outcome": outcome, "features": features, "tolerance": tolerance, "sheet": sheet},
        "trust": trust,
    }
    ready(json, html, junit, output=output, pairs=pairs)
    declared, read = starting.declared(
        spec, given, people=number_of_people(people), seed=seed, stop=stop
    )
    ready(json, html, junit, *read, output=output, pairs=pairs)
    with progress(workers) as executor:
        record = declared.run(executor, trust=trust)
    finish(record, json, html, junit, inconclusive_ok, output, spec, pairs)


def plan(
    spec: Spec,
    power: Annotated[float, typer.Option(help="The chance of proving what is true.")] = 0.8,
    sd: Annotated[
        float | None, typer.Option(help="For scores: standard deviation of single gaps.")
    ] = None,
    people: People = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    trust: Trust = False,
) -> None:
    """Say how many people an audit takes, before a single question is asked.

    Example: paribus plan audit.toml --power 0.9
    """
    planned = pb.plan(
        pb.load(spec, people=number_of_people(people)), power=power, sd=sd, trust=trust
    )
    show_text(planned.model_dump_json(indent=2) if json else str(planned))


def search(
    spec: Spec,
    pairs: Annotated[int, typer.Option(help="Pairs of twins to ask about.", min=1)] = 1_500,
    rows_only: Annotated[bool, typer.Option(help="Ask about real rows only.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write all pairs that were found.")] = None,
    seed: Seed = None,
    trust: Trust = False,
) -> None:
    """Look for the pairs of twins that a model treats most differently: worst cases, no rate.

    Example: paribus search audit.toml --pairs 1500
    """
    writable([json])
    declared = pb.load(spec, seed=seed)
    apart([json], read_by(declared, spec))
    found = pb.search(declared, pairs, rows_only=rows_only, trust=trust)
    if json is not None:
        found.save(json)
    show_text(str(found))


def twins(
    spec: Spec,
    output: Annotated[Path, typer.Option("--output", "-o", help="A .csv or .parquet file.")],
    people: People = None,
    seed: Seed = None,
) -> None:
    """Write the balanced data set: every person at every combination of levels.

    Example: paribus twins audit.toml -o twins.parquet
    """
    declared = pb.load(spec, people=number_of_people(people), seed=seed)
    apart([output], read_by(declared, spec))
    rows = declared.balanced().write(output)
    typer.echo(f"{output}: {rows:,} rows", err=True)
