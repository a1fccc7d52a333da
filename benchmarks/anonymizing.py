"""What anonymizing a Parquet file costs: over a plain copy, and against a fake a row.

Each run is a process of its own: ``python benchmarks/anonymizing.py paribus FILE``.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from memory import _peak
from timing import Row, at_least, at_most, shown

MILLION = 1_000_000
GROUP = 1 << 17
TEXT = ("full_name", "email", "phone", "address", "city", "postcode")


def rows(*, quick: bool) -> list[Row]:
    """Measure everything about anonymizing files."""
    size, few = (200_000, 20_000) if quick else (MILLION, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        file, short = Path(folder) / "people.parquet", Path(folder) / "few.parquet"
        make(file, size)
        make(short, few)
        runs: dict[str, list[tuple[float, float]]] = {"copy": [], "paribus": []}
        for _ in range(3 if quick else 7):
            for method, done in runs.items():
                done.append(_run_apart(method, file))
        seconds = {name: statistics.median(s for s, _ in done) for name, done in runs.items()}
        peak = max(peak for _, peak in runs["paribus"])
        mimesis = _run_apart("mimesis", file)[0]
        faker = _run_apart("faker", short)[0] * size / few
        found = _told(size, seconds, peak, mimesis, faker, f"{few:,} rows")
        if not quick:
            found += _many(Path(folder), seconds["paribus"])
    return found


def _told(
    size: int, seconds: dict[str, float], peak: float, mimesis: float, faker: float, few: str
) -> list[Row]:
    ours, copy = seconds["paribus"], seconds["copy"]
    what = f"{size:,} rows × 12 columns of Parquet"
    how = f"pyarrow reads and writes the file in {shown(copy)}, we in {shown(ours)}"
    return [
        at_most(f"{what}, over a plain copy", ours / copy, 3, how),
        at_least(
            "times as fast as Mimesis row by row with a dict", mimesis / ours, 4, shown(mimesis)
        ),
        at_least(
            "times as fast as Faker row by row with a dict",
            faker / ours,
            20,
            f"{shown(faker)} for as many rows, measured on {few}",
        ),
        Row("peak memory of it", f"{peak / 1e9:.2f} GB"),
    ]


def _many(folder: Path, million: float) -> list[Row]:
    file = folder / "many.parquet"
    make(file, 10 * MILLION)
    taken, peak = _run_apart("paribus", file)
    growth = taken / 10 / million
    return [
        Row("10,000,000 rows: peak memory", f"{peak / 1e9:.2f} GB", "< 1 GB", peak < 1e9),
        Row(
            "10,000,000 rows: cost a row, over that of 1,000,000",
            f"{growth:.2f}",
            "≤ 1.1 (linear)",
            growth <= 1.1,
            shown(taken),
        ),
    ]


# --- the table ------------------------------------------------------------------------------------


def make(file: Path, size: int) -> None:
    """Write customers, each about twice: so about half of the values of a column are distinct."""
    import pyarrow as pa
    from pyarrow import parquet

    import paribus as pb

    fields = {
        "full_name": pb.mimesis("person.full_name"),
        "email": pb.mimesis("person.email"),
        "phone": pb.mimesis("person.phone_number"),
        "address": pb.mimesis("address.address"),
        "city": pb.mimesis("address.city"),
        "postcode": pb.mimesis("address.postal_code"),
        "birthdate": pb.dates("1950-01-01", "2005-12-31"),
    }
    level = {"group": pb.Protected(levels=("a", "b"))}
    people = pb.People(protect=level, fields=fields, size=size)
    rng = np.random.default_rng(7)
    writer, start, index = None, 0, 0
    while start < size:
        block = people.block(index)
        columns = {name: block.column(name).arrow() for name in fields}
        have = len(columns["city"])
        length = min(2 * have, size - start)
        customers = min(have, max(1, length // 2))
        again = rng.integers(0, customers, length - customers)
        picked = rng.permutation(np.concatenate([np.arange(customers), again]))
        table = {"customer_id": pa.array(10_000_000 + start + picked)}
        for name, column in columns.items():
            taken = column.take(pa.array(picked))
            text = name in TEXT
            table[name] = taken.cast(pa.string()) if text else _day(taken)
        table |= {
            "balance": pa.array(np.round(rng.gamma(2, 900, length), 2)),
            "orders": pa.array(rng.poisson(3, length).astype(np.int32)),
            "score": pa.array(rng.random(length, dtype=np.float32)),
            "visits": pa.array(rng.poisson(20, length)),
        }
        rows = pa.table(table)
        writer = writer or parquet.ParquetWriter(file, rows.schema, compression="zstd")
        writer.write_table(rows, row_group_size=GROUP)
        start, index = start + length, index + 1
    if writer is not None:
        writer.close()


def _day(column: Any) -> Any:
    import pyarrow as pa

    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return plain.cast(pa.date32())


# --- what is measured, each in a process of its own -----------------------------------------------


def copy(source: Path, target: Path) -> None:
    """Read and write, by pyarrow alone."""
    from pyarrow import parquet

    file = parquet.ParquetFile(source)
    with parquet.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer:
        for batch in file.iter_batches(GROUP):
            writer.write_batch(batch, row_group_size=GROUP)


SECTION = """
[anonymize.columns]
customer_id = "id"
full_name = "full_name"
email = "email"
phone = "phone"
address = "address"
city = "city"
postcode = "postcode"
birthdate = { kind = "dates", person = "customer_id" }
balance = "keep"
orders = "keep"
score = "keep"
visits = "keep"
"""


def paribus(source: Path, target: Path) -> None:
    """Anonymize the file, by the command."""
    from paribus.cli import app

    spec, key = target.with_suffix(".toml"), target.with_suffix(".key")
    spec.write_text(SECTION)
    key.write_bytes(b"a secret of some length")
    command = ["anonymize", str(source), "-o", str(target), "--spec", str(spec)]
    app([*command, "--key-file", str(key)], standalone_mode=False)


def mimesis(source: Path, target: Path) -> None:
    """Replace value by value, as tutorials do, and remember what became of each."""
    from mimesis import Generic, Locale

    made = Generic(Locale.EN, seed=1)
    person, address = made.person, made.address
    _each(
        source,
        target,
        {
            "full_name": person.full_name,
            "email": lambda: person.email(domains=["example.com"]),
            "phone": person.phone_number,
            "address": address.address,
            "city": address.city,
            "postcode": address.postal_code,
            "birthdate": person.birthdate,
            "customer_id": lambda: made.random.getrandbits(62),
        },
    )


def faker(source: Path, target: Path) -> None:
    """Do the same with Faker."""
    from faker import Faker

    made = Faker("en_US")
    made.seed_instance(1)
    _each(
        source,
        target,
        {
            "full_name": made.name,
            "email": made.safe_email,
            "phone": made.phone_number,
            "address": made.street_address,
            "city": made.city,
            "postcode": made.postcode,
            "birthdate": made.date_of_birth,
            "customer_id": lambda: made.random.getrandbits(62),
        },
    )


def _each(source: Path, target: Path, makers: dict[str, Callable[[], object]]) -> None:
    import pandas as pd

    frame = pd.read_parquet(source)
    for name, make_one in makers.items():
        known: dict[object, object] = {}
        fakes = []
        for value in frame[name]:
            fake = known.get(value)
            if fake is None:
                fake = known[value] = make_one()
            fakes.append(fake)
        frame[name] = fakes
    frame.to_parquet(target, compression="zstd")


METHODS: dict[str, Callable[[Path, Path], None]] = {
    "copy": copy,
    "paribus": paribus,
    "mimesis": mimesis,
    "faker": faker,
}


def _run_apart(method: str, file: Path) -> tuple[float, float]:
    command = [sys.executable, str(Path(__file__).resolve()), method, str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    # The command says what it has written.
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def _run_here(method: str, file: Path) -> tuple[float, float]:
    """Run one method; gives its seconds, and the peak in bytes."""
    from pyarrow import parquet

    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        # Imports and lists of names, once a process, are not what is measured.
        first, target = Path(folder) / "first.parquet", Path(folder) / "out.parquet"
        some = next(parquet.ParquetFile(file).iter_batches(1_000))
        with parquet.ParquetWriter(first, some.schema) as writer:
            writer.write_batch(some)
        METHODS[method](first, target)
        start = time.perf_counter()
        METHODS[method](file, target)
        return time.perf_counter() - start, _peak()


if __name__ == "__main__":
    print(json.dumps(_run_here(sys.argv[1], Path(sys.argv[2]))))
