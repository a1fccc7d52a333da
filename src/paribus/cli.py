"""The command line. Thin: every command is a few calls of the public API, imported when used."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

import paribus as pb
from paribus._text import visible
from paribus.errors import ModelError, OutputError, ParibusError, SpecError, reason

EXIT_CODES = {"within tolerance": 0, "biased": 1, "inconclusive": 3}
INTERRUPTED = 130
_MOST_WORKERS = 4
"""Candidates that are tried at a time where nobody says how many: learners use threads of their
own."""

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

Spec = Annotated[Path, typer.Argument(help="The audit, a TOML file.", metavar="SPEC")]
People = Annotated[
    str | None, typer.Option(help="How many people (or all), instead of the file's.", metavar="N")
]
Seed = Annotated[int | None, typer.Option(help="The seed, instead of the file's.")]

Columns = Annotated[str | None, typer.Option(help="Columns, separated by commas.", metavar="A,B")]
Table = Annotated[Path, typer.Argument(help="A .csv or .parquet file.", metavar="FILE")]
Html = Annotated[Path | None, typer.Option(help="Write the report as one HTML page.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML for CI.")]
Json = Annotated[str | None, typer.Option(help="Write the record; - for stdout.")]
Trust = Annotated[bool, typer.Option(help="Load formats that can run code.")]
Lenient = Annotated[bool, typer.Option(help="Exit 0 where inconclusive.")]
Tolerance = Annotated[float, typer.Option(help="The largest difference that is equal.")]
Confidence = Annotated[float, typer.Option(help="Of intervals and verdicts.")]
Label = Annotated[str | None, typer.Option(help="What really happened.")]
Decision = Annotated[str | None, typer.Option(help="What was decided.")]
Score = Annotated[str | None, typer.Option(help="A score, higher being better.")]
Weight = Annotated[str | None, typer.Option(help="How many people a row is.")]
Favorable = Annotated[str | None, typer.Option(help="The value that is good.")]
References = Annotated[
    list[str] | None, typer.Option(help="Such as sex=Male; repeatable.", metavar="A=LEVEL")
]
Crosses = Annotated[
    list[str] | None, typer.Option(help="Attributes to cross, such as sex,race; repeatable.")
]


class _Interrupted(ParibusError):
    """Somebody pressed Ctrl-C, and something was finished by then."""

    exit_code = INTERRUPTED


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


@app.command()
def audit(
    spec: Spec,
    json: Json = None,
    html: Html = None,
    junit: Junit = None,
    people: People = None,
    seed: Seed = None,
    workers: Annotated[int, typer.Option(help="Blocks asked about at a time.", min=1)] = 1,
    trust: Trust = False,
    early: Annotated[bool, typer.Option(help="Stop as soon as every verdict is proven.")] = False,
    inconclusive_ok: Lenient = False,
) -> None:
    """Audit a model, and say what was found.

    Exit codes: 0 within tolerance, 1 biased, 2 the request is wrong, 3 inconclusive.

    Example: paribus audit audit.toml --html report.html --json record.json
    """
    stop = "early" if early else None
    _ready(json, html, junit)
    declared = pb.load(spec, people=_people(people), seed=seed, stop=stop)
    _ready(json, html, junit, *_read_by(declared, spec))
    with _progress(workers) as executor:
        record = declared.run(executor, trust=trust)
    _finish(record, json, html, junit, inconclusive_ok)


@app.command()
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
    planned = pb.plan(pb.load(spec, people=_people(people)), power=power, sd=sd, trust=trust)
    _print(planned.model_dump_json(indent=2) if json else str(planned))


@app.command()
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
    _writable([json])
    declared = pb.load(spec, seed=seed)
    _apart([json], _read_by(declared, spec))
    found = pb.search(declared, pairs, rows_only=rows_only, trust=trust)
    if json is not None:
        found.save(json)
    _print(str(found))


@app.command()
def twins(
    spec: Spec,
    output: Annotated[Path, typer.Option("--output", "-o", help="A .csv or .parquet file.")],
    people: People = None,
    seed: Seed = None,
) -> None:
    """Write the balanced data set: every person at every combination of levels.

    Example: paribus twins audit.toml -o twins.parquet
    """
    declared = pb.load(spec, people=_people(people), seed=seed)
    _apart([output], _read_by(declared, spec))
    rows = declared.balanced().write(output)
    typer.echo(f"{output}: {rows:,} rows", err=True)


@app.command()
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
    seed: Annotated[int, typer.Option(help="Of resamples.")] = 0,
    inconclusive_ok: Lenient = False,
) -> None:
    """Measure how the decisions, scores or rankings in a table treat groups.

    Exit codes: 0 within tolerance (or nothing to hold), 1 biased, 2 the request is wrong,
    3 inconclusive.

    Example: paribus metrics scored.parquet --label y --decision yhat --by sex,race
    """
    _ready(json, html, junit, table)
    record = pb.metrics(
        table,
        by=_listed(by) or [],
        label=label,
        decision=decision,
        score=score,
        prediction=prediction,
        rank=rank,
        weight=weight,
        factors=_listed(factors),
        cross=None if cross is None else [_listed(each) for each in cross],
        favorable=favorable,
        threshold=threshold,
        reference=_pairs(reference, "--reference"),
        outcome=outcome,
        criteria=hold,
        tolerance=tolerance,
        confidence=confidence,
        seed=seed,
    )
    _finish(record, json, html, junit, inconclusive_ok)


@app.command()
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
    seed: Annotated[int, typer.Option(help="Of samples, splits and resamples.")] = 0,
    trust: Trust = False,
    inconclusive_ok: Lenient = False,
) -> None:
    """Audit a table at the five points where bias enters.

    Exit codes: 0 within tolerance (or nothing to hold), 1 biased, 2 the request is wrong,
    3 inconclusive.

    Example: paribus data loans.csv --protect sex,race --label repaid --html data.html
    """
    _ready(json, html, junit, table)
    record = pb.audit_data(
        table,
        protect=_listed(protect) or [],
        label=label,
        decision=decision,
        score=score,
        weight=weight,
        factors=_listed(factors),
        cross=None if cross is None else [_listed(each) for each in cross],
        features=_listed(features),
        time=time,
        every=every,
        population=None if population is None else pb.read_population(population),
        model=model,
        favorable=favorable,
        reference=_pairs(reference, "--reference"),
        tolerance=tolerance,
        confidence=confidence,
        seed=seed,
        trust=trust,
    )
    _finish(record, json, html, junit, inconclusive_ok)


@app.command()
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
        Path | None, typer.Option("--output", "-o", help="Write the model, a .skops file.")
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
    _ready(json, html, junit)
    _check_model_output(output, choose)
    declared = pb.load(spec, people=_people(people), seed=seed)
    given = {
        "train": None if train is None else str(train),
        "label": label,
        "candidates": _listed(tried),
        "scorer": scorer,
        "gap": gap,
        "folds": folds,
        "weight": weight,
    }
    options: dict[str, Any] = pb.read_mitigation(spec, choose=choose, **given)
    read = [*_read_by(declared, spec), *map(Path, filter(None, [options.get("train")]))]
    _ready(json, html, junit, *read)
    _apart([output], read)
    with _progress(workers, "Trying") as executor:
        result = pb.mitigate(declared, **options, executor=executor, trust=trust)
    _show(result.record, json, html, junit)
    _hand_over(result, output, choose)
    _leave(_code_of(result), inconclusive_ok)


@app.command()
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
    _writable(outputs)
    _apart(outputs, [table])
    disclosure = pb.disclose(
        table,
        rule,  # type: ignore[arg-type]
        by=_listed(by) or [],
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
    _print(disclosure.render("terminal").decode())


@app.command()
def show(
    record: Annotated[Path, typer.Argument(help="A record, the JSON file of an audit.")],
    html: Html = None,
    junit: Junit = None,
) -> None:
    """Show the record of a finished audit; needs neither the model nor its libraries.

    Example: paribus show record.json --html report.html
    """
    opened = pb.open_record(record)
    _writable([html, junit])
    _apart([html, junit], [record])
    for path, format in ((html, "html"), (junit, "junit")):
        if path is not None:
            pb.write_atomically(path, opened.render(format))
    _print(_rendered(opened))


@app.command()
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


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Option(help="Where to write the record and the report.")
    ] = Path(),
) -> None:
    """Train a deliberately biased loan model, audit it, and write the report.

    Example: paribus demo --folder /tmp/loan
    """
    _writable([folder / "loan.json", folder / "loan.html"])
    for text in pb.demo(folder, color=_colored()):
        _print(text)


# --- what the commands share ----------------------------------------------------------------------


def _ready(json: str | None, html: Path | None, junit: Path | None, *read: Path) -> None:
    """Refuse outputs that cannot be written, or that are what is read, before any work."""
    outputs = [Path(json) if json not in (None, "-") else None, html, junit]
    _writable(outputs)
    _apart(outputs, read)


def _check_model_output(output: Path | None, choose: str | None) -> None:
    """Refuse a model that could not be written, before the work that makes it."""
    if output is None:
        if choose is not None:
            raise SpecError("say where to write it, such as -o best.skops", path="choose")
        return
    if output.suffix.lower() != ".skops":
        raise OutputError(f'"{output}": a model is written to a .skops file')
    _writable([output])
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


def _finish(
    record: Any, json: str | None, html: Path | None, junit: Path | None, inconclusive_ok: bool
) -> None:
    """Write what was asked for, show the record, and exit with its verdict."""
    _show(record, json, html, junit)
    held = record.findings or record.data is None
    _leave(EXIT_CODES[record.verdict] if held else 0, inconclusive_ok)


def _show(record: Any, json: str | None, html: Path | None, junit: Path | None) -> None:
    """Write what was asked for, and show the record."""
    for path, format in ((json, "json"), (html, "html"), (junit, "junit")):
        if path is not None and path != "-":
            pb.write_atomically(path, record.render(str(format)))
    _print(record.json_text() if json == "-" else _rendered(record))


def _leave(code: int, inconclusive_ok: bool) -> None:
    if code == INTERRUPTED:
        raise _Interrupted("interrupted; what was finished by then is kept")
    raise typer.Exit(0 if code == 3 and inconclusive_ok else code)


def _listed(given: str | None) -> list[str] | None:
    """Read names that are separated by commas."""
    return None if given is None else [part.strip() for part in given.split(",") if part.strip()]


def _pairs(given: list[str] | None, option: str) -> dict[str, str] | None:
    """Read pairs such as sex=Male."""
    if given is None:
        return None
    split = [each.partition("=") for each in given]
    for whole, (name, sign, value) in zip(given, split, strict=True):
        if not (name and sign and value):
            raise SpecError(f'must be such as sex=Male, not "{whole}"', path=option)
    names = [name for name, _, _ in split]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f'"{name}" is named twice', path=option)
    return {name: value for name, _, value in split}


def _people(given: str | None) -> int | str | None:
    """Read a number of people as it is typed: 10000, 10_000 or all."""
    if given is None or given == "all":
        return given
    try:
        return int(given)
    except ValueError:
        raise SpecError(
            f'must be a whole number or "all", not "{given}"', path="--people"
        ) from None


def _rendered(record: Any) -> str:
    width = None if sys.stdout.isatty() else 100
    return str(record.render("terminal", color=_colored(), width=width).decode())


def _colored() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _print(text: str) -> None:
    # A terminal that cannot show a letter gets a question mark, never a traceback.
    encoding = sys.stdout.encoding or "utf-8"
    typer.echo(text.encode(encoding, "replace").decode(encoding).removesuffix("\n"))


def _writable(paths: Iterable[Path | None]) -> None:
    """Refuse a path that cannot be written before a single question is asked."""
    for path in paths:
        if path is not None:
            pb.check_writable(path)


def _read_by(declared: Any, spec: Path) -> Iterator[Path]:
    """List the files that an audit reads."""
    yield spec
    for part in (declared.data, declared.probe):
        path = getattr(part, "path", None)
        if path is not None:
            yield Path(path)


def _apart(outputs: Iterable[Path | None], read: Iterable[Path]) -> None:
    """Refuse to write over a file that is read."""
    files = [path for path in read if path.is_file()]
    for output in outputs:
        if output is None or not output.is_file():
            continue
        if any(output.samefile(file) for file in files):
            raise OutputError(f'"{output}" is what this command reads; choose another name')


class _Watched:
    """An executor that tells how many runs of people are done."""

    def __init__(self, executor: Any, bar: Any) -> None:
        self.executor = executor
        self.bar = bar
        self.workers = getattr(executor, "workers", 1)

    def map(self, task: Callable[[int], Any], blocks: Iterable[int]) -> Iterator[Any]:
        """Run the task on every run, and tell after each; a model may be asked anew."""
        runs = list(blocks)
        self.bar.length, self.bar.pos = len(runs), 0
        for result in self.executor.map(task, runs):
            self.bar.update(1)
            yield result


@contextlib.contextmanager
def _progress(workers: int | None, doing: str = "Asking") -> Iterator[Any]:
    number = workers or min(os.cpu_count() or 1, _MOST_WORKERS)
    executor = pb.Threads(workers=number) if number > 1 else pb.Serial()
    if not sys.stderr.isatty():
        yield executor
        return
    with typer.progressbar(length=1, label=doing, file=sys.stderr) as bar:
        yield _Watched(executor, bar)


def main() -> None:
    """Run the command line: mistakes are one sentence and exit code 2, our bugs are 70."""
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:
            # Typer turns Ctrl-C into a silent exit code.
            raise KeyboardInterrupt
    except ParibusError as error:
        typer.echo(f"paribus: {visible(error)}", err=True)
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
