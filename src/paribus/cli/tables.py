"""Commands about tables: metrics, data, disclose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import paribus as pb
from paribus.cli._options import (
    Columns,
    Confidence,
    Crosses,
    Decision,
    Favorable,
    Html,
    Json,
    Junit,
    Label,
    Lenient,
    Output,
    References,
    Score,
    Table,
    Tolerance,
    Trust,
    Weight,
)
from paribus.cli._outcome import apart, finish, listed, pairs_of, ready, show_text, writable


def metrics(
    table: Table,
    by: Annotated[str, typer.Option(help="Protected attributes, by commas.", metavar="A,B")],
    label: Label = None,
    decision: Decision = None,
    score: Score = None,
    prediction: Annotated[str | None, typer.Option(help="A predicted number.")] = None,
    rank: Annotated[str | None, typer.Option(help="Places in a ranking, from 1.")] = None,
    weight: Weight = None,
    factors: Columns = None,
    cross: Crosses = None,
    favorable: Favorable = None,
    threshold: Annotated[float | None, typer.Option(help="Score of a good decision.")] = None,
    reference: References = None,
    outcome: Annotated[str, typer.Option(help="decision, or label for several classes.")] = (
        "decision"
    ),
    hold: Annotated[
        list[str] | None, typer.Option(help="Criterion to hold, such as 'equalized odds'.")
    ] = None,
    tolerance: Tolerance = 0.05,
    confidence: Confidence = 0.95,
    json: Json = None,
    html: Html = None,
    junit: Junit = None,
    output: Output = None,
    seed: Annotated[int, typer.Option(help="Of resamples.")] = 0,
    inconclusive_ok: Lenient = False,
) -> None:
    """Measure how the decisions, scores or rankings in a table treat groups.

    Exit codes: 0 within tolerance (or nothing to hold), 1 biased, 2 the request is wrong,
    3 inconclusive.

    Example: paribus metrics scored.parquet --label y --decision yhat --by sex,race
    """
    ready(json, html, junit, table, output=output)
    record = pb.metrics(
        table,
        by=listed(by) or [],
        label=label,
        decision=decision,
        score=score,
        prediction=prediction,
        rank=rank,
        weight=weight,
        factors=listed(factors),
        cross=None if cross is None else [listed(each) for each in cross],
        favorable=favorable,
        threshold=threshold,
        reference=pairs_of(reference, "--reference"),
        outcome=outcome,
        criteria=hold,
        tolerance=tolerance,
        confidence=confidence,
        seed=seed,
    )
    finish(record, json, html, junit, inconclusive_ok, output)


def data(
    table: Table,
    protect: Annotated[str, typer.Option(help="Protected attributes, by commas.", metavar="A,B")],
    label: Label = None,
    decision: Decision = None,
    score: Score = None,
    weight: Weight = None,
    factors: Columns = None,
    cross: Crosses = None,
    features: Columns = None,
    time: Annotated[str | None, typer.Option(help="When a row was decided.")] = None,
    every: Annotated[str, typer.Option(help="day, week, month, quarter or year.")] = "value",
    population: Annotated[
        Path | None, typer.Option(help="TOML: [sex] F = 0.51 ...: whom the data should represent.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="A model file, asked about the rows.")] = None,
    favorable: Favorable = None,
    reference: References = None,
    tolerance: Tolerance = 0.05,
    confidence: Confidence = 0.95,
    json: Json = None,
    html: Html = None,
    junit: Junit = None,
    output: Output = None,
    seed: Annotated[int, typer.Option(help="Of samples, splits and resamples.")] = 0,
    trust: Trust = False,
    inconclusive_ok: Lenient = False,
) -> None:
    """Audit a table at the five points where bias enters.

    Exit codes: 0 within tolerance (or nothing to hold), 1 biased, 2 the request is wrong,
    3 inconclusive.

    Example: paribus data loans.csv --protect sex,race --label repaid --html data.html
    """
    ready(json, html, junit, table, output=output)
    record = pb.audit_data(
        table,
        protect=listed(protect) or [],
        label=label,
        decision=decision,
        score=score,
        weight=weight,
        factors=listed(factors),
        cross=None if cross is None else [listed(each) for each in cross],
        features=listed(features),
        time=time,
        every=every,
        population=None if population is None else pb.read_population(population),
        model=model,
        favorable=favorable,
        reference=pairs_of(reference, "--reference"),
        tolerance=tolerance,
        confidence=confidence,
        seed=seed,
        trust=trust,
    )
    finish(record, json, html, junit, inconclusive_ok, output)


def disclose(
    table: Table,
    rule: Annotated[str, typer.Option(help="nyc-144 or eeoc-four-fifths.")],
    by: Annotated[str, typer.Option(help="Attributes, by commas: sex,race.", metavar="A,B")],
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="A .html, .csv or .json file; repeatable."),
    ] = None,
    decision: Annotated[str | None, typer.Option(help="Who was selected.")] = None,
    score: Annotated[str | None, typer.Option(help="A score, for scoring rates.")] = None,
    favorable: Annotated[str | None, typer.Option(help="The decision that selects.")] = None,
    exclude_small: Annotated[
        bool, typer.Option(help="Leave categories under 2 % out of the ratios.")
    ] = False,
    justification: Annotated[str, typer.Option(help="Why they are left out.")] = "",
    synthetic: Annotated[bool, typer.Option(help="The people are no historical data.")] = False,
    audited_on: Annotated[str, typer.Option(help="Date of the bias audit.")] = "",
    source_of_data: Annotated[str, typer.Option(help="Where the data come from.")] = "",
    tool: Annotated[str, typer.Option(help="What was audited.")] = "",
    distributed_on: Annotated[str, typer.Option(help="Since when it is in use.")] = "",
    name: Annotated[str, typer.Option(help="Title of the page.")] = "",
) -> None:
    """Write the table that a rule asks for: no verdict, and no legal advice.

    Example: paribus disclose hired.csv --rule nyc-144 --by sex,race --decision hired -o nyc.html
    """
    outputs = output or []
    writable(outputs)
    apart(outputs, [table])
    disclosure = pb.disclose(
        table,
        rule,  # type: ignore[arg-type]
        by=listed(by) or [],
        decision=decision,
        score=score,
        favorable=favorable,
        exclude_small=exclude_small,
        justification=justification,
        synthetic=synthetic,
        audited_on=audited_on,
        source_of_data=source_of_data,
        tool=tool,
        distributed_on=distributed_on,
        name=name,
    )
    for path in outputs:
        disclosure.save(path)
    show_text(disclosure.render("terminal").decode())
