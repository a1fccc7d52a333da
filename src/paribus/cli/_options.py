"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Spec = Annotated[Path, typer.Argument(help="The audit, a TOML file.", metavar="SPEC")]
People = Annotated[
    str | None, typer.Option(help="How many people (or all), instead of the file's.", metavar="N")
]
Seed = Annotated[int | None, typer.Option(help="The seed, instead of the file's.")]

Columns = Annotated[str | None, typer.Option(help="Columns, separated by commas.", metavar="A,B")]
Table = Annotated[
    Path, typer.Argument(help="A .csv, .tsv, .parquet, .xlsx or .jsonl file.", metavar="FILE")
]
Html = Annotated[Path | None, typer.Option(help="Write the report as one HTML page.")]
Junit = Annotated[Path | None, typer.Option(help="Write JUnit XML for CI.")]
Output = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        help="A report by its suffix: .md, .csv, .xlsx, .sarif, .card.md ...; repeatable.",
    ),
]
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
