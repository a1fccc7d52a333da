"""The command that mends a model: mitigate."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

import paribus as pb
from paribus.cli._options import (
    Html,
    Json,
    Junit,
    Label,
    Lenient,
    People,
    Seed,
    Spec,
    Trust,
    Weight,
)
from paribus.cli._outcome import (
    EXIT_CODES,
    INTERRUPTED,
    apart,
    leave,
    listed,
    number_of_people,
    progress,
    read_by,
    ready,
    writable,
    write_and_show,
)
from paribus.errors import ModelError, OutputError, SpecError


def mitigate(
    spec: Spec,
    train: Annotated[Path | None, typer.Option(help="Rows to learn from.", metavar="FILE")] = None,
    label: Label = None,
    tried: Annotated[
        str | None,
        typer.Option("--try", help="Kinds, by commas; see kinds mitigations.", metavar="A,B"),
    ] = None,
    scorer: Annotated[
        str | None, typer.Option(help="accuracy, or another scorer of scikit-learn.")
    ] = None,
    gap: Annotated[
        str | None, typer.Option(help="What shall close, such as 'demographic parity'.")
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Parts of the rows, from 2 to 20.")] = None,
    weight: Weight = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output", "-o", help="The model (.skops), or a report by its suffix; repeatable."
        ),
    ] = None,
    choose: Annotated[
        str | None, typer.Option(help="The candidate to write, instead of the recommended one.")
    ] = None,
    json: Json = None,
    html: Html = None,
    junit: Junit = None,
    people: People = None,
    seed: Seed = None,
    workers: Annotated[int | None, typer.Option(help="Candidates at a time.", min=1)] = None,
    trust: Trust = False,
    inconclusive_ok: Lenient = False,
) -> None:
    """Try ways to mend a model, and lay them side by side.

    Exit codes: 0 a candidate is recommended (or nothing needs mending), 1 biased and none is,
    2 the request is wrong, 3 inconclusive. Ctrl-C keeps the candidates that are finished.

    Example: paribus mitigate audit.toml --train loans.csv --label repaid -o best.skops
    """
    model, reports = _told_apart(output)
    ready(json, html, junit, output=reports)
    _check_model_output(model, choose)
    declared = pb.load(spec, people=number_of_people(people), seed=seed)
    given = {
        "train": None if train is None else str(train),
        "label": label,
        "candidates": listed(tried),
        "scorer": scorer,
        "gap": gap,
        "folds": folds,
        "weight": weight,
    }
    options: dict[str, Any] = pb.read_mitigation(spec, choose=choose, **given)
    read = [*read_by(declared, spec), *map(Path, filter(None, [options.get("train")]))]
    ready(json, html, junit, *read, output=reports)
    apart([model], read)
    with progress(workers, "Trying") as executor:
        result = pb.mitigate(declared, **options, executor=executor, trust=trust)
    write_and_show(result.record, json, html, junit, inconclusive_ok, reports, spec)
    _hand_over(result, model, choose)
    leave(_code_of(result), inconclusive_ok)


def _told_apart(output: list[Path] | None) -> tuple[Path | None, list[Path]]:
    """Tell the file of the model from reports."""
    models = [path for path in output or [] if path.suffix.lower() == ".skops"]
    reports = [path for path in output or [] if path not in models]
    if len(models) > 1:
        raise OutputError(f'"{models[1]}": one model is written, to one .skops file')
    for path in reports:
        try:
            pb.Record.format_of(path)
        except OutputError as error:
            said = f'"{path}": a model is written to a .skops file, and {error.message}'
            raise OutputError(said) from None
    return (models[0] if models else None), reports


def _check_model_output(output: Path | None, choose: str | None) -> None:
    """Refuse a model that could not be written, before the work that makes it."""
    if output is None:
        if choose is not None:
            raise SpecError("say where to write it, such as -o best.skops", path="choose")
        return
    writable([output])
    if find_spec("skops") is None:
        raise OutputError(f'"{output}" takes skops: pip install "paribus[skops]"')


def _hand_over(result: Any, output: Path | None, choose: str | None) -> None:
    """Write the recommended model, or the chosen one."""
    if output is None:
        return
    name = choose or result.recommended
    if not name:
        typer.echo(
            f"paribus: {output} was not written, since no candidate is recommended; --choose NAME "
            "writes one all the same",
            err=True,
        )
        return
    tried = {candidate.name: candidate.failed for candidate in result.comparison.candidates}
    failed = tried.get(name, "it does not suit this model, and was not tried")
    if failed and result.comparison.interrupted:
        typer.echo(f"paribus: {output} was not written: {name}: {failed}", err=True)
        return
    if failed:
        raise ModelError(f'"{output}" was not written: {name}: {failed}')
    result.save(output, name)
    typer.echo(f"{output}: {name}", err=True)


def _code_of(result: Any) -> int:
    if result.comparison.interrupted:
        return INTERRUPTED
    start = result.comparison.candidates[0].gap
    return 0 if result.recommended else EXIT_CODES[start.verdict]
