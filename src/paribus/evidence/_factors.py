"""Decisions or labels of people who are alike in the factors by which they may rightly differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from paribus._text import count, name, points
from paribus.evidence._rated import About
from paribus.evidence._tables import Table, of_classes
from paribus.evidence.base import Row
from paribus.observed import Observed
from paribus.stats.strata import mantel_haenszel, reversal, standardized_difference

STRATA = 200
"""Combinations of the legitimate factors, at most."""

TOLD = 5
"""Groups of an attribute that are named for changing among people who are alike, at most."""


def conditional(
    about: About, observed: Observed, attributes: Sequence[str]
) -> tuple[list[Row], list[str]]:
    """Compare people who are alike in the declared factors."""
    factors = observed.roles.factors
    if not factors or of_classes(observed):
        return [], []
    tally = observed.table
    places = [tally.keys.index(factor) for factor in factors]
    strata = np.unique(tally.codes[:, places], axis=0).tolist()
    named = ", ".join(name(factor) for factor in factors)
    if len(strata) > STRATA:
        return [], [f"{named}: {len(strata):,} combinations are too many to compare people within."]
    groups = about.groups
    parts = [
        Table.of(observed, observed.groups(attributes, dict(zip(factors, cell, strict=True)))).part
        for cell in strata
    ]
    weight, square, people = (
        np.stack([part[what] for part in parts]) for what in ("weight", "square", "count")
    )
    # Each group as large as its effective number of people: rates and their mix stay as they are.
    total, squares = weight.sum(axis=(0, 2)), square.sum(axis=(0, 2))
    scale = np.divide(total, squares, out=np.zeros_like(total), where=squares > 0)
    whole = weight * scale[:, None]
    rows, notes = [], []
    ref = groups.reference
    for g in range(len(groups.names)):
        if g == ref or groups.unknown[g]:
            continue
        tables = whole[:, [ref, g], :]
        standard = standardized_difference(tables, about.confidence)
        combined = mantel_haenszel(tables, about.confidence)
        shared = {
            "reference": groups.names[ref],
            "people": int(groups.sizes[g] + groups.sizes[ref]),
            "answered": int(people[:, [ref, g]].sum()),
            "field": named,
        }
        rows.append(
            about.row(
                "conditional demographic parity",
                g,
                relation="difference",
                estimate=standard.estimate,
                low=standard.low,
                high=standard.high,
                method=f"standardized to the {named} of everybody",
                **shared,
            )
        )
        rows.append(
            about.row(
                "Mantel-Haenszel odds ratio",
                g,
                relation="ratio",
                scale="ratio",
                estimate=combined.odds_ratio,
                low=combined.low,
                high=combined.high,
                p=combined.p_corrected,
                method="Cochran-Mantel-Haenszel test with continuity correction",
                **shared,
            )
        )
        turned = reversal(tables, about.confidence)
        if turned.kind in {"reversed", "vanishes"}:
            what, head = _TURNED[turned.kind]
            notes.append(
                f"{head}{name(groups.names[g])} against {name(groups.names[ref])} is "
                f"{points(turned.raw)} overall; among people alike in {named} the difference "
                f"{what} ({points(turned.adjusted)})."
            )
    if len(notes) > TOLD:
        more = len(notes) - TOLD
        notes[TOLD:] = [
            f"Alike in {named}, {count(more, 'more group')} of {groups.attribute} change so."
        ]
    return rows, notes


_TURNED = {
    "reversed": ("turns around", "Simpson's paradox: "),
    "vanishes": (
        "is not to be seen: they explain it, or leave too few people to tell",
        "",
    ),
}
