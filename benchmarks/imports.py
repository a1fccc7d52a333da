"""What it costs to start: ``import paribus`` and ``paribus --help``, each in a new process."""

from __future__ import annotations

import compileall
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from timing import Row, at_most, interleaved, shown

COMMANDS = {
    "nothing": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import paribus": ["-c", "import paribus"],
    "import typer, rich": ["-c", "import typer, rich"],
    # What the installed script does.
    "paribus --help": ["-c", "from paribus.cli import main; main()", "--help"],
}


def rows(*, quick: bool) -> list[Row]:
    """Measure everything about starting."""
    for package in ("paribus", "numpy", "typer", "rich"):
        _compile(package)
    median = interleaved(
        {name: lambda given=given: _start(given) for name, given in COMMANDS.items()},
        7 if quick else 25,
    )
    return [
        _compared("import paribus", "import numpy", 1.0, median),
        _compared("paribus --help", "import typer, rich", 1.3, median),
        Row("a bare interpreter, part of every time above", shown(median["nothing"])),
    ]


def _compared(ours: str, theirs: str, limit: float, median: dict[str, float]) -> Row:
    detail = f"{shown(median[ours])} against {shown(median[theirs])}"
    return at_most(f"`{ours}` over `{theirs}`", median[ours] / median[theirs], limit, detail)


def _start(given: list[str]) -> None:
    subprocess.run([sys.executable, *given], check=True, stdout=subprocess.DEVNULL, env=_env())


def _env() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def _compile(package: str) -> None:
    """Compile bytecode beforehand: where it is not written, every start would pay for it."""
    found = importlib.util.find_spec(package)
    if found is not None and found.origin is not None:
        compileall.compile_dir(str(Path(found.origin).parent), quiet=2)
