"""What a contingency table costs: over one pass of bincount, over hashing, over DuckDB.

The large file is counted in processes of their own: ``python benchmarks/counting.py paribus FILE``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from memory import _peak
from timing import Row, at_most, interleaved, shown

from paribus.counting import Source

MILLION = 1_000_000
GROUPS = (2, 6, 50)
KEYS = ["group", "label", "hired"]


def rows(*, quick: bool) -> list[Row]:
    """Measure everything about counting."""
    found: list[Row] = []
    for groups in GROUPS:
        found += _coded(groups, quick=quick)
    found += _other_columns(quick=quick)
    found += _text(quick=quick)
    return found + _large_file(quick=quick)


def _columns(groups: int, rows: int, seed: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "group": rng.integers(0, groups, rows, dtype=np.int8),
        "label": rng.integers(0, 2, rows, dtype=np.uint8),
        "hired": rng.random(rows) < 0.3,
        "weight": rng.random(rows),
    }


def _names(groups: int) -> list[str]:
    return [f"group {place}" for place in range(groups)]


def _categorical(groups: int) -> Any:
    import pandas as pd

    columns = _columns(groups, MILLION)
    columns["group"] = pd.Categorical.from_codes(columns["group"], _names(groups))
    return pd.DataFrame(columns)


def _pass_over_bytes() -> Callable[[], object]:
    keys = np.random.default_rng(2).integers(0, 256, MILLION, dtype=np.uint8)
    return lambda: np.bincount(keys, minlength=256)


def _coded(groups: int, *, quick: bool) -> list[Row]:
    import pyarrow as pa

    frame = _categorical(groups)
    table = pa.Table.from_pandas(frame)
    known = Source.of(frame)
    median = interleaved(
        {
            "bincount": _pass_over_bytes(),
            "pandas": lambda: Source.of(frame).tally(KEYS),
            "pyarrow": lambda: Source.of(table).tally(KEYS),
            "again": lambda: known.tally(KEYS),
            "weighted": lambda: known.tally(KEYS, weight="weight"),
            "pandas own": lambda: frame.groupby(KEYS, observed=True).size(),
        },
        5 if quick else 25,
    )
    bare = median["bincount"]
    how = f"bincount of a million bytes: {shown(bare)}"
    name = f"{groups} groups × label × decision"
    return [
        at_most(f"{name}, a pandas Categorical", median["pandas"] / bare, 4, how),
        at_most(f"{name}, an Arrow dictionary", median["pyarrow"] / bare, 4, how),
        at_most(f"{name}, counted again", median["again"] / bare, None, "codes are kept"),
        at_most(f"{name}, weighted", median["weighted"] / bare, None, "and squares"),
        at_most(f"{name}, by pandas itself", median["pandas own"] / bare, None, "groupby.size"),
    ]


def _other_columns(*, quick: bool) -> list[Row]:
    import pandas as pd

    columns = _columns(6, MILLION)
    frame = pd.DataFrame({name: columns[name].astype(np.int64) for name in KEYS})
    real = frame.astype(np.float64)
    median = interleaved(
        {
            "bincount": _pass_over_bytes(),
            "whole": lambda: Source.of(frame).tally(KEYS),
            "real": lambda: Source.of(real).tally(KEYS),
        },
        5 if quick else 25,
    )
    return [
        at_most("three columns of int64", median["whole"] / median["bincount"], None),
        at_most("three columns of float64", median["real"] / median["bincount"], None),
    ]


def _text(*, quick: bool) -> list[Row]:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    table = pa.table({"group": np.array(_names(6))[_columns(6, MILLION)["group"]]})
    text = table["group"].combine_chunks()
    objects = pd.DataFrame({"group": np.array(text.to_pylist(), dtype=object)}, dtype=object)
    frames = {
        "a pandas column": table.to_pandas(),
        "Python objects": objects,
        "a polars column": pl.from_arrow(table),
        "an Arrow column": table,
    }
    tasks: dict[str, Callable[[], object]] = {"hashing": text.dictionary_encode}
    for name, frame in frames.items():
        tasks[name] = lambda frame=frame: Source.of(frame).tally(["group"])
    median = interleaved(tasks, 3 if quick else 11)
    how = f"Arrow's dictionary encoding: {shown(median['hashing'])}"
    return [
        at_most(f"six groups as text, {name}", median[name] / median["hashing"], 3, how)
        for name in frames
    ]


# --- a file larger than memory --------------------------------------------------------------------


def _large_file(*, quick: bool) -> list[Row]:
    size = (5 if quick else 100) * MILLION
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "people.parquet"
        _write(file, size)
        runs: dict[str, list[tuple[float, float]]] = {"paribus": [], "duckdb": []}
        for _ in range(2 if quick else 5):
            for name, done in runs.items():
                done.append(_run_apart(name, file))
    seconds = {name: sorted(s for s, _ in done)[len(done) // 2] for name, done in runs.items()}
    peak = max(p for _, p in runs["paribus"])
    what = f"{size / MILLION:g} million rows of Parquet"
    ratio = seconds["paribus"] / seconds["duckdb"]
    how = f"DuckDB's GROUP BY: {shown(seconds['duckdb'])}"
    return [
        # What a process does once weighs too much on few rows.
        at_most(f"{what}, over DuckDB", ratio, None if quick else 1.5, how),
        Row(f"{what}: peak memory", f"{peak / 1e9:.2f} GB", "< 1 GB", peak < 1e9),
    ]


def _write(file: Path, size: int) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    names, writer = pa.array(_names(6)), None
    for start in range(0, size, MILLION):
        columns = _columns(6, min(MILLION, size - start), seed=start)
        columns["group"] = pa.DictionaryArray.from_arrays(columns["group"], names).cast(pa.string())
        columns["weight"] = columns["weight"].astype(np.float32)
        table = pa.table(columns)
        writer = writer or parquet.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _run_apart(name: str, file: Path) -> tuple[float, float]:
    command = [sys.executable, str(Path(__file__).resolve()), name, str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, peak = json.loads(done.stdout)
    return seconds, peak


def _run_here(name: str, file: str) -> tuple[float, float]:
    """Count one file; gives the seconds, and the peak in bytes."""
    if name == "duckdb":
        import duckdb

        start = time.perf_counter()
        duckdb.sql(
            f"SELECT \"group\", label, hired, count(*) FROM '{file}' GROUP BY ALL"
        ).fetchall()
    else:
        start = time.perf_counter()
        Source.of(file).tally(KEYS)
    return time.perf_counter() - start, _peak()


if __name__ == "__main__":
    print(json.dumps(_run_here(sys.argv[1], sys.argv[2])))
