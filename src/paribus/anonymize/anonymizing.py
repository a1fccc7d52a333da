"""One call: what identifies in a data frame is found and replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from paribus.anonymize.anonymizer import Anonymizer
from paribus.anonymize.detection import detect
from paribus.anonymize.frames import Frame
from paribus.anonymize.keys import Key
from paribus.anonymize.reach import reach as reached
from paribus.errors import SpecError


def anonymize(
    data: Any,
    anonymizer: Anonymizer | None = None,
    *,
    key: Key | None = None,
    columns: Mapping[str, Any] | None = None,
    locale: str | None = None,
    quasi: tuple[str, ...] | list[str] = (),
    k: int | None = None,
    reach: Literal["suppress", "generalize"] = "generalize",
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
        what was detected.
    locale : str, optional
        Mimesis locale of the fakes; guessed where left out.
    quasi : sequence of str
        Columns that identify in combination, for `k`.
    k : int, optional
        People who share a combination of `quasi`, at least, in what is given back.
    reach : {"generalize", "suppress"}
        How `k` is reached: values made coarser (and at most a few rows left out), or rows left out.

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
    if anonymizer is None:
        anonymizer = detect(data, locale=locale).anonymizer()
    elif locale is not None:
        raise SpecError("leave it out: the anonymizer says it of every column", path="$.locale")
    if columns:
        anonymizer = Anonymizer(columns={**anonymizer.columns, **columns})
    safe = anonymizer.frame(data, Key.fresh() if key is None else key)
    if k is None:
        return safe
    if not quasi:
        raise SpecError("name the columns that identify in combination", path="$.quasi")
    frame = Frame.of(safe, ())
    made = reached(frame.table, list(quasi), k, by=reach).table
    return frame.back(made, made.column_names, set())
