"""A population learned from a table, with what identifies told by detection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.detection import detect
from paribus.anonymizing.frames import check_declared
from paribus.errors import SpecError
from paribus.people import learning
from paribus.people.learned import Learned
from paribus.table import Table


def learn(
    table: Any,
    protect: str | Sequence[str] | Mapping[str, Any] | None = None,
    *,
    anonymizer: Anonymizer | None = None,
    identifying: Mapping[str, Any] | None = None,
    least: int = 10,
    epsilon: float | None = None,
    delta: float | None = None,
    bounds: Mapping[str, tuple[Any, Any]] | None = None,
    locale: str | None = None,
) -> Learned:
    """Learn a population from a table, so that an audit can draw people like the real ones.

    Parameters
    ----------
    table : data frame, or path of a CSV or Parquet file
    protect : str, sequence of str, or mapping, optional
        Protected attributes; in a mapping, each with its levels (the first is the reference).
    anonymizer : Anonymizer, optional
        Says which columns identify: none of their values is told. Where left out, `detect` does;
        with `epsilon` names and types of columns alone do, since `detect` looks at the values and
        no noise would hide what it saw.
    identifying : mapping of str to str, optional
        Further such columns, each with what stands there instead: a kind of replacement
        (``"full_name"``, ``"email"``, ``"id"`` ...), a method of Mimesis, a field, or ``"drop"``.
    least : int
        Rows behind whatever is told, at least.
    epsilon, delta : float, optional
        Learn with differential privacy; needs OpenDP (``pip install "paribus[privacy]"``).
    bounds : mapping of str to (low, high), optional
        With `epsilon`: bounds of numbers or dates that are known without the table.
    locale : str, optional
        Mimesis locale of what identifies; guessed where left out.

    Returns
    -------
    Learned
        ``learned.save("fields.toml")``, ``learned.draw(1_000)``, ``learned.people(1_000)``.

    Raises
    ------
    ParibusError
        One sentence that says what is wrong, and where.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "email": [f"person{i}@firm.com" for i in range(500)],
    ...     "age": [20 + i % 50 for i in range(500)],
    ... })
    >>> learned = learn(frame)
    >>> learned.fields["email"].kind, learned.fields["age"].kind
    ('mimesis', 'learned')
    """
    rows = Table.read(table, path="$.table") if isinstance(table, str | Path) else Table.of(table)
    native = rows.frame.to_native()
    if anonymizer is not None and not isinstance(anonymizer, Anonymizer):
        raise SpecError(
            f"expected an Anonymizer, not {type(anonymizer).__name__}", path="$.anonymizer"
        )
    told: dict[str, Any] = {}
    if anonymizer is not None:
        check_declared(rows.names, {**anonymizer.columns, **(identifying or {})})
        told = {name: each.kind for name, each in anonymizer.columns.items() if each.direct}
    elif epsilon is None:
        found = detect(native, locale=locale)
        told = {
            each.column: each.replacement["kind"] for each in found.columns if each.role == "direct"
        }
        locale = locale or found.locale
    named = anonymizer is not None or epsilon is None or identifying is not None
    protected = [protect] if isinstance(protect, str) else list(protect or ())
    replaced = {name: kind for name, kind in told.items() if name not in protected}
    return learning.learn(
        native,
        protect,
        identifying={**replaced, **(identifying or {})} if named else None,
        least=least,
        epsilon=epsilon,
        delta=delta,
        bounds=bounds,
        locale=locale or "en",
    )
