"""Rates of groups as a data frame: what a notebook asks for most often, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from paribus.counting import Source
from paribus.errors import SpecError, nearest
from paribus.evidence._tables import NAMES, Table
from paribus.observed import Observed
from paribus.roles import Roles
from paribus.stats.independent import wilson

if TYPE_CHECKING:
    import pandas as pd

_LONG = {long: short for short, long in NAMES.items()}


def group_rates(
    data: Any,
    *,
    by: str | Sequence[str],
    label: str | None = None,
    decision: str | None = None,
    weight: str | None = None,
    favorable: Any = None,
    metrics: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Rate every group, with intervals: a fast look, without verdicts.

    One pass over the rows makes the table of counts; every rate comes from that.

    Parameters
    ----------
    data : data frame or path
        As for `metrics`.
    by : str or sequence of str
        Attributes; several are crossed.
    label, decision, weight : str, optional
        Columns, as for `metrics`.
    favorable : label or sequence of labels, optional
        Which value is good for a person; 1 or true by itself.
    metrics : sequence of str, optional
        Such as ``"selection rate"`` or ``"true positive rate"``; all that the columns allow where
        left out.
    confidence : float
        Of the intervals (Wilson 1927), in (0, 1).

    Returns
    -------
    pandas.DataFrame
        A row for each group and metric: ``group, metric, estimate, low, high, rows, trials``.
        `rows` are those of the group, `trials` those that the rate is about. A rate without trials
        has no row.

    Raises
    ------
    ParibusError
        One sentence that says what is wrong with the request, and where.

    Examples
    --------
    >>> import pandas as pd, paribus as pb
    >>> loans = pd.DataFrame({"sex": ["M", "M", "F", "F"], "approved": [1, 1, 1, 0]})
    >>> pb.group_rates(loans, by="sex", decision="approved")[["group", "estimate"]].values.tolist()
    [['F', 0.5], ['M', 1.0]]
    """
    import pandas as pd

    names = (by,) if isinstance(by, str) else tuple(by)
    roles = Roles(
        by=names, label=label, decision=decision, weight=weight,
        favorable=tuple(favorable) if isinstance(favorable, list | tuple) else favorable, cross=(),
    )  # fmt: skip
    if decision is None and label is None:
        raise SpecError("name a decision or a label", path="$.data")
    observed = Observed.of(Source.of(data), roles)
    groups = observed.groups(names)
    table = Table.of(observed, groups)
    chosen = _chosen(metrics, table.names)
    count = len(groups.names)
    rated = [table.rated(name) for name in chosen]
    k, n = (np.concatenate([getattr(each, side) for each in rated]) for side in ("k", "n"))
    low, high = wilson(k, n, confidence)
    frame = pd.DataFrame(
        {
            "group": np.tile(np.array(groups.names, dtype=object), len(chosen)),
            "metric": np.repeat(np.array([NAMES[c] for c in chosen], dtype=object), count),
            "estimate": np.divide(k, n, out=np.zeros_like(k), where=n > 0),
            "low": low,
            "high": high,
            "rows": np.tile(groups.sizes, len(chosen)),
            "trials": np.concatenate([each.trials for each in rated]),
        }
    )
    return frame if n.all() else frame[n > 0].reset_index(drop=True)


def _chosen(metrics: Sequence[str] | None, known: Sequence[str]) -> list[str]:
    if metrics is None:
        return list(known)
    names = [NAMES[name] for name in known]
    chosen = []
    for i, metric in enumerate([metrics] if isinstance(metrics, str) else metrics):
        short = _LONG.get(metric, metric)
        if short not in known:
            raise SpecError(
                f'there is no metric "{metric}" of these columns{nearest(metric, names)}',
                path=f"$.metrics[{i}]",
            )
        chosen.append(short)
    return chosen
