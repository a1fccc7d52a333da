"""Commands that keep people out of tables: anonymize, assess, people learn."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Annotated, Any, cast

import typer

import paribus as pb
from paribus._text import count
from paribus._text import name as shown_name
from paribus.cli._options import Columns, Confidence, Favorable, Label, Lenient, Table
from paribus.cli._outcome import apart, leave, listed, rendered, show_text, writable
from paribus.errors import OutputError, SpecError, nearest

_REPORTS = (".html", ".json", ".txt", ".csv")
_CLEAR = "\r\x1b[K"

Section = Annotated[
    Path | None, typer.Option("--spec", help="TOML: the [anonymize] section.", metavar="FILE")
]
KeyFile = Annotated[Path | None, typer.Option(help="The key, a file of 16 bytes or more.")]
KeyEnv = Annotated[
    str | None, typer.Option(help="Environment variable with the key.", metavar="NAME")
]
NewKey = Annotated[Path | None, typer.Option(help="Draw a key and keep it in this new file.")]
Locale = Annotated[str | None, typer.Option(help="Mimesis locale of the fakes, such as de.")]
Holdout = Annotated[
    Path | None, typer.Option(help="Real rows from which nothing was made.", metavar="FILE")
]
Quasi = Annotated[
    str | None, typer.Option(help="Columns that identify in combination.", metavar="A,B")
]
Sensitive = Annotated[
    str | None, typer.Option(help="Columns nobody must learn of a person.", metavar="A,B")
]
Protect = Annotated[
    str | None, typer.Option(help="Protected attributes, by commas.", metavar="A,B")
]
Report = Annotated[
    Path | None, typer.Option(help="Measure what risk is left: .html, .json, .txt or .csv.")
]


def anonymize(
    sources: Annotated[list[Path], typer.Argument(help="Files, or one folder.", metavar="FILE...")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file; a folder for several.")
    ] = None,
    spec: Section = None,
    detect: Annotated[bool, typer.Option(help="Write the section only, to correct it.")] = False,
    key_file: KeyFile = None,
    key_env: KeyEnv = None,
    new_key: NewKey = None,
    locale: Locale = None,
    report: Report = None,
    holdout: Holdout = None,
    label: Label = None,
    favorable: Favorable = None,
    protect: Protect = None,
    encoding: Annotated[str, typer.Option(help="Of text files.")] = "utf-8",
    hidden: Annotated[str, typer.Option(help="Hidden sheets: refuse, include, drop.")] = "refuse",
    skip_others: Annotated[bool, typer.Option(help="Leave out files that are no tables.")] = False,
    inconclusive_ok: Lenient = False,
) -> None:
    """Replace what identifies by realistic fakes, and measure what risk is left.

    Without a key a fresh one is drawn and thrown away. With --report the exit codes are 0 within
    the thresholds, 1 not, 3 inconclusive; 2 the request is wrong.

    Example: paribus anonymize customers.parquet -o safe.parquet --key-file key
    """
    given: Any = sources if len(sources) > 1 else sources[0]
    shown: Any = "include" if detect and hidden == "refuse" else hidden
    if detect:
        _leave_out(
            "--detect writes a section, and nothing else",
            {"--spec": spec, "--report": report, "--new-key": new_key},
        )
        _check_section_file(output, sources)
        found = pb.detect_files(
            given, locale=locale, encoding=encoding, hidden=shown, skip=skip_others
        )
        _write_section(found.toml(), output)
        return
    target = _checked(sources, output, report, new_key, [spec, key_file, holdout])
    protected = listed(protect)
    judging: dict[str, Any] = {
        "holdout": holdout, "label": label, "favorable": favorable, "protect": protected
    }  # fmt: skip
    if report is None:
        _leave_out(
            "it is for the report (--report FILE)", {f"--{k}": v for k, v in judging.items()}
        )
    if spec is None:
        section = _detected(given, locale, encoding, shown, skip_others)
    else:
        _leave_out("the file says it", {"--locale": locale})
        section = pb.read_anonymization(spec)
    placing = contextlib.nullcontext() if spec is None else section.placing()
    told = {} if report is None else _told(section, sources[0].name, label, protected)
    _own_the_process()
    with _key(key_file, key_env, new_key) as key, _counting() as progress, placing:
        written = pb.anonymize_files(
            given, target, section.anonymizers, key, reach=section.wanted, encoding=encoding,
            hidden=shown, others="skip" if skip_others else "refuse", progress=progress,
        )  # fmt: skip
    _tell(written)
    if report is not None:
        rows: Any = written[0].kept
        made = pb.assess(sources[0], written[0].target, **told, **judging, rows=rows)
        _judge(made, [report], inconclusive_ok)


def assess(
    original: Annotated[Path, typer.Argument(help="The real table.", metavar="ORIGINAL")],
    anonymized: Annotated[Path, typer.Argument(help="What is given away.", metavar="ANONYMIZED")],
    spec: Section = None,
    identifying: Columns = None,
    quasi: Quasi = None,
    sensitive: Sensitive = None,
    holdout: Holdout = None,
    rows: Annotated[
        str | None, typer.Option(help="aligned: row by row the same people; or unordered.")
    ] = None,
    label: Label = None,
    favorable: Favorable = None,
    protect: Protect = None,
    k: Annotated[int | None, typer.Option("-k", "--k", help="People who look alike.")] = None,
    tolerance: Annotated[
        float, typer.Option(help="The largest change that counts as none.")
    ] = 0.05,
    confidence: Confidence = 0.95,
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="A .html, .json, .txt or .csv file; repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of samples and attacks.")] = 0,
    inconclusive_ok: Lenient = False,
) -> None:
    """Measure what risk is left in a table, and what it is still good for.

    Exit codes: 0 within the thresholds, 1 not, 2 the request is wrong, 3 inconclusive.

    Example: paribus assess customers.csv safe.csv --quasi sex,age,postcode -o risk.html
    """
    outputs = output or []
    writable(outputs)
    apart(outputs, [original, anonymized, *filter(None, [spec, holdout])])
    given = {
        "identifying": listed(identifying), "quasi": listed(quasi), "sensitive": listed(sensitive),
        "k": k,
    }  # fmt: skip
    named = {name: value for name, value in given.items() if value is not None}
    section, placing = _read(spec, original, named)
    told = {} if section is None else section.judged(original.name)
    with placing:
        made = pb.assess(
            original, anonymized, **told | named, holdout=holdout, rows=cast("Any", rows),
            label=label, favorable=favorable, protect=listed(protect), tolerance=tolerance,
            confidence=confidence, seed=seed,
        )  # fmt: skip
    _judge(made, outputs, inconclusive_ok)


people = typer.Typer(help="Populations: learn one from a table.", no_args_is_help=True)


@people.command()
def learn(
    table: Table,
    output: Annotated[Path, typer.Option("--output", "-o", help="A .toml file with the fields.")],
    protect: Protect = None,
    spec: Section = None,
    least: Annotated[int, typer.Option(help="Rows behind whatever is told, at least.")] = 10,
    epsilon: Annotated[float | None, typer.Option(help="Learn with differential privacy.")] = None,
    delta: Annotated[float | None, typer.Option(help="With it: 1e-6 where left out.")] = None,
    locale: Locale = None,
) -> None:
    """Learn a population from a table, so that an audit can draw people like the real ones.

    Example: paribus people learn customers.csv --protect gender -o fields.toml
    """
    writable([output])
    apart([output], [table, *filter(None, [spec])])
    section, placing = _read(spec, table)
    with placing:
        learned = pb.learn(
            table, listed(protect), least=least, epsilon=epsilon, delta=delta, locale=locale,
            anonymizer=None if section is None else section.anonymizer(table.name),
        )  # fmt: skip
    learned.save(output)
    typer.echo(f"{output}: {count(len(learned.fields), 'field')}", err=True)


# --- what these commands share --------------------------------------------------------------------


def _read(
    spec: Path | None, table: Path, beside: Collection[str] = ()
) -> tuple[Any, contextlib.AbstractContextManager[None]]:
    """Read the section, and say what gives mistakes in it the path that they have there."""
    if spec is None:
        return None, contextlib.nullcontext()
    section = pb.read_anonymization(spec)
    return section, section.placing(table.name, beside)


def _own_the_process() -> None:
    """Settle what one process has one of, which a library leaves to its caller.

    Arrow's own allocator gives memory back and asks for it again with every batch; and threads that
    hash let those wait that have only to call Arrow (design/anonymizing.md has the measurement).
    """
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    sys.setswitchinterval(0.0005)


def _leave_out(why: str, given: dict[str, Any]) -> None:
    for option, value in given.items():
        if value is not None:
            raise SpecError(f"leave it out: {why}", path=option)


def _detected(sources: Any, locale: str | None, encoding: str, hidden: Any, skip: bool) -> Any:
    """Make the section from what is detected, and say so."""
    found = pb.detect_files(sources, locale=locale, encoding=encoding, hidden=hidden, skip=skip)
    for name, table in found.tables.items():
        typer.echo(f"{shown_name(name)}: {_seen(table)}", err=True)
    typer.echo("this is a guess: --detect writes it down, to correct it", err=True)
    return found.section()


def _seen(table: Any) -> str:
    """Say in a line what was detected; what was overlooked is for somebody who knows the table."""
    replaced = [each.column for each in table.columns if each.replacement["kind"] != "keep"]
    changed, quasi = (", ".join(map(shown_name, names)) for names in (replaced, table.quasi))
    return f"replaced: {changed or 'nothing'}; identify in combination: {quasi or 'nothing'}"


def _check_section_file(output: Path | None, read: list[Path]) -> None:
    writable([output])
    apart([output], read)


def _write_section(text: str, output: Path | None) -> None:
    if output is None:
        show_text(text)
        return
    pb.write_atomically(output, text.encode())
    typer.echo(f"{output}: read it, and correct it", err=True)


def _checked(
    sources: list[Path], output: Path | None, report: Path | None, new_key: Path | None,
    read: list[Path | None],
) -> Path:  # fmt: skip
    """Refuse what could not be written, before any work."""
    if output is None:
        raise SpecError("say where to write: -o FILE", path="--output")
    writable([report])
    apart([output, report, new_key], [*sources, *filter(None, read)])
    if report is not None:
        _check_report(sources, report)
    return output


def _check_report(sources: list[Path], report: Path) -> None:
    if len(sources) > 1 or sources[0].is_dir():
        raise SpecError("judges one table; `paribus assess` does each of several", path="--report")
    if sources[0].suffix.lower() not in (".csv", ".parquet"):
        raise SpecError(f'judges a .csv or .parquet file, not "{sources[0]}"', path="--report")
    if report.suffix.lower() not in _REPORTS:
        raise OutputError(f'"{report}" names no report format ({", ".join(_REPORTS)})')


def _told(section: Any, table: str, label: str | None, protect: list[str] | None) -> dict[str, Any]:
    """Give what is to be judged, and refuse what could not be: once a table is written, it is."""
    told: dict[str, Any] = section.judged(table)
    if not told["quasi"]:
        raise SpecError(
            "nothing is known to identify in combination; declare [anonymize.risk] with quasi = "
            '["sex", "age"] (--detect writes a section)',
            path="--report",
        )
    known = told["anonymizer"].columns
    for option, names in (("--label", [label]), ("--protect", protect or [])):
        for name in filter(None, names):
            if name not in known:
                raise SpecError(
                    f'the table has no column "{name}"{nearest(name, known)}', path=option
                )
    return told


@contextlib.contextmanager
def _key(file: Path | None, variable: str | None, new: Path | None) -> Iterator[Any]:
    """Read the key, draw one that is kept, or draw one that is not."""
    if sum(each is not None for each in (file, variable, new)) > 1:
        raise SpecError("give one of --key-file, --key-env and --new-key", path="--key-file")
    if file is not None:
        yield pb.Key.read(file)
    elif variable is not None:
        yield pb.Key.of_environment(variable)
    elif new is not None:
        _keep(secrets.token_bytes(32), new)
        try:
            yield pb.Key.read(new)
        except BaseException:
            # Of no use to anybody, and in the way of the next try.
            new.unlink(missing_ok=True)
            raise
    else:
        typer.echo(
            "the key is thrown away: nobody can give the same fakes again (--new-key FILE keeps "
            "it)",
            err=True,
        )
        yield pb.Key.fresh()


def _keep(secret: bytes, file: Path) -> None:
    """Write a key that its owner alone can read; never over another."""
    try:
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise OutputError(f'"{file}" is there already; --key-file reads it') from None
    except OSError as error:
        raise OutputError(f'"{file}" cannot be written: {error.strerror}') from None
    with os.fdopen(opened, "w") as out:
        # Text: line breaks at the end do not count, and other tools may add some.
        out.write(secret.hex() + "\n")


def _tell(written: tuple[Any, ...]) -> None:
    for each in written:
        typer.echo(f"{each.target}: {count(each.rows, 'row')} written", err=True)
        for note in each.notes:
            typer.echo(f"  {note}", err=True)


def _judge(made: Any, outputs: list[Path], inconclusive_ok: bool) -> None:
    """Write an assessment, show it, and leave with its verdict."""
    for path in outputs:
        made.save(path)
    show_text(rendered(made))
    leave(made.exit_code, inconclusive_ok)


@contextlib.contextmanager
def _counting() -> Iterator[Callable[[Path, int], None] | None]:
    """Show how many rows are done, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return

    def told(file: Path, rows: int) -> None:
        typer.echo(f"{_CLEAR}{shown_name(file.name)}: {rows:,} rows", err=True, nl=False)

    try:
        yield told
    finally:
        typer.echo(_CLEAR, err=True, nl=False)
