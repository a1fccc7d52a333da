"""One call: what identifies in a data frame is found and replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus.anonymizing.anonymizer import Anonymizer
from paribus.anonymizing.detection import detect
from paribus.anonymizing.frames import Frame
from paribus.anonymizing.k_anonymity import KAnonymity
from paribus.anonymizing.keys import Key
from paribus.errors import DataError, SpecError, nearest

_ARROW = (pa.Table, pa.RecordBatch)


def anonymize(
    data: Any,
    anonymizer: Anonymizer | None = None,
    *,
    key: Key | None = None,
    columns: Mapping[str, Any] | None = None,
    locale: str | None = None,
    quasi: str | Sequence[str] = (),
    k: int | None = None,
    reach: Literal["generalize", "suppress"] = "generalize",
) -> Any:
    """Replace what identifies in a data frame by realistic fakes.

    Parameters
    ----------
    data : DataFrame
        Of pandas, polars or pyarrow, or what narwhals reads. It is not changed.
    anonymizer : Anonymizer, optional
        What becomes of every column. Where left out, `detect` says it.
    key : Key, optional
        The same key gives the same fakes. Where left out, a fresh one is drawn and thrown away:
        then nobody can give the same fakes again, or find out whose they are.
    columns : mapping of str to str or mapping, optional
        Column -> kind of replacement, or a table with its options: for single columns, in place of
        what was detected or what the anonymizer says.
    locale : str, optional
        Mimesis locale of the fakes; guessed where left out.
    quasi : str or sequence of str
        Columns that identify in combination, for `k`; those that were detected where left out.
    k : int, optional
        People who share a combination of `quasi`, at least, in what is given back.
    reach : {"generalize", "suppress"}
        How `k` is reached: values made coarser (and at most 5 % of the rows left out), or rows
        left out.

    Returns
    -------
    DataFrame
        Of the same sort, with a fresh index in pandas. It is pseudonymized, not anonymous, until
        `assess` has measured what risk is left.

    Raises
    ------
    ParibusError
        One sentence that says what is wrong, and where.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({
    ...     "email": ["ann@firm.com", "bob@firm.com", "ann@firm.com"], "paid": [10.5, 20.0, 30.25],
    ... })
    >>> safe = anonymize(people)
    >>> safe["paid"].tolist(), safe["email"].nunique(), "ann" in "".join(safe["email"])
    ([10.5, 20.0, 30.25], 2, False)
    """
    names = [quasi] if isinstance(quasi, str) else list(quasi)
    if names and k is None:
        raise SpecError("say how many people shall share a combination: k = 5", path="$.k")
    if anonymizer is None:
        found = detect(data, locale=locale)
        anonymizer = found.anonymizer()
        names = names or [name for name in found.quasi if k is not None]
    elif locale is not None:
        raise SpecError("leave it out: the anonymizer says it of every column", path="$.locale")
    if columns:
        anonymizer = Anonymizer(columns=_with(anonymizer.columns, columns))
    if k is not None and not names:
        raise SpecError("name the columns that identify in combination", path="$.quasi")
    wanted = None if k is None else KAnonymity(quasi=tuple(names), k=k, by=reach)
    if wanted is not None:
        wanted.check(anonymizer.columns)
    fresh = Key.fresh() if key is None else key
    if wanted is None:
        return anonymizer.frame(data, fresh)
    return _reached(Frame.of(data, anonymizer.columns), anonymizer, fresh, wanted)


def _with(given: Mapping[str, Any], columns: Mapping[str, Any]) -> dict[str, Any]:
    for name in columns:
        if name not in given:
            raise DataError(
                f'the table has no column "{name}"{nearest(name, given)}', path=f"$.columns.{name}"
            )
    return {**given, **columns}


def _reached(frame: Frame, anonymizer: Anonymizer, key: Key, wanted: KAnonymity) -> Any:
    given = anonymizer.apply(frame.table, key)
    names = [name for name in frame.table.column_names if anonymizer.columns[name].leaves]
    same = {name for name in names if anonymizer.columns[name].kind == "keep"}
    # Headers that identify are called otherwise by now.
    places = [place for place, name in enumerate(names) if name in wanted.quasi]
    planned = wanted.planned(given.select(places).rename_columns([names[i] for i in places]))
    made = given.take(pa.array(planned.kept))
    for place in places:
        column = planned.columns[names[place]]
        if not column.equals(made.column(place)):
            made = made.set_column(place, given.column_names[place], column)
            same.discard(names[place])
    short = Frame(_rows(frame.native, planned.kept), frame.table, frame.index)
    return short.back(made, names, same)


def _rows(native: Any, kept: npt.NDArray[np.intp]) -> Any:
    if hasattr(native, "iloc"):
        return native.iloc[kept]
    return native.take(pa.array(kept)) if isinstance(native, _ARROW) else native[kept]
