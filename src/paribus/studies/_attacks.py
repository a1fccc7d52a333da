"""Attacks on the result, held against people who are not in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus._seeds import generator
from paribus._text import count, name, percent
from paribus.stats.attacks import Attack, inference, linkability, singling_out
from paribus.stats.closeness import closeness, nearest
from paribus.stats.clusters import clustered_interval, clustered_mean
from paribus.studies._assessment import Distances, Risk
from paribus.studies._released import Floats, Released, coded, numbers, texts
from paribus.studies._risks import Found, Thresholds, doubted, estimated

_BINS = 24
_ASKED = 1_000
"""Rows of the result whose nearest real rows are searched."""


def against_holdout(
    released: Released,
    limits: Thresholds,
    confidence: float,
    seed: int,
    most: int,
    attacks: int,
    found: Found,
) -> None:
    sides = _sides(released, seed, most)
    if sides is None:
        found.unmeasured.append(
            "Distance to the closest record, singling out, linkability and inference: they need "
            "real rows that the result was not made from (holdout=); for a synthetic table, hold "
            "them back before anything is learned."
        )
        return
    names = sides.names
    place = {each: i for i, each in enumerate(names)}
    quasi = [place[each] for each in released.quasi if each in place]
    secrets = [each for each in released.sensitive if each in place]
    planned: list[tuple[str, tuple[str, ...], Callable[[], Attack]]] = []
    table = (sides.fakes, sides.training, sides.holdout)
    for width, how in ((1, "(one column)"), (min(3, len(names)), "(several columns)")):
        if width == 1 or width <= len(names) >= 2:
            planned.append(
                (f"singling out {how}", names, _singled(table, width, attacks, seed))
            )  # fmt: skip
    if len(quasi) >= 2:
        first, second = quasi[::2], quasi[1::2]
        about = tuple(names[i] for i in (*first, *second))
        planned.append(("linkability", about, _linked(table, first, second, attacks, seed)))
    else:
        _not_linked(released, sides, found)
    for secret in secrets:
        known = [i for i in quasi if i != place[secret]]
        if known:
            about = (*(names[i] for i in known), secret)
            attack = _inferred(table, known, place[secret], attacks, seed)
            planned.append(("inference", about, attack))
    _not_inferred(released, sides, bool(quasi), found)
    found.each = 1.0 - (1.0 - confidence) / (len(planned) + 1)
    found.notes += sides.notes
    _closeness(table, names, limits, found, seed, sides.searched)
    start = len(found.risks) - 1
    for measure, about, attack in planned:
        seen = sides.searched if measure.startswith("singling out") else sides.released
        found.risks.append(
            _attacked(measure, about, attack(), limits.attack_risk, found.each, seen)
        )
    for at in range(start, len(found.risks)):
        risk = found.risks[at]
        if sides.small and risk.measure.startswith(("closeness", "singling out")):
            risk = doubted(risk, _SMALL, "Hold half of the real rows back.")
        if sides.met:
            risk = doubted(risk, "", "Hold people back, and not rows.")
        found.risks[at] = risk


_SMALL = (
    "The holdout is smaller than the original, which hides copies of rows that it is too small to "
    "be compared with: hold half of the real rows back."
)


def _not_linked(released: Released, sides: _Sides, found: Found) -> None:
    told = [each for each in released.quasi if each in released.anonymized.column_names]
    if len(released.quasi) >= 2 > len(told):
        found.notes.append(
            "The result has fewer than two quasi-identifiers left: two sources have nothing to "
            "link by."
        )
        return
    found.unmeasured.append(
        "Linkability: it takes two quasi-identifiers, one for each source, that can be compared."
    )


def _not_inferred(released: Released, sides: _Sides, known: bool, found: Found) -> None:
    """Say which secrets were not attacked; what the result does not have cannot be inferred."""
    held = [each for each in released.sensitive if each in released.anonymized.column_names]
    if not released.sensitive:
        found.unmeasured.append("Inference: no sensitive column is declared.")
    for each in held:
        if each not in sides.names:
            found.unmeasured.append(
                f"Inference of {name(each)}: its values are of another sort than they were."
            )
    if held and not known:
        if any(each in released.anonymized.column_names for each in released.quasi):
            found.unmeasured.append(
                "Inference: no quasi-identifier can be compared with what it was."
            )
        else:
            found.notes.append(
                "The result has no quasi-identifier left: nothing known of a person leads to a "
                "secret."
            )


@dataclass(frozen=True, eq=False)
class _Sides:
    """Rows of the result, those they were made from, and real rows they were not made from."""

    names: tuple[str, ...]
    fakes: list[npt.NDArray[Any]]
    training: list[npt.NDArray[Any]]
    holdout: list[npt.NDArray[Any]]
    notes: tuple[str, ...]
    searched: float = 1.0
    """Share of the originals that rows of the result are held against."""
    released: float = 1.0
    """Share of the result that people are looked for in."""
    small: bool = False
    """Whether the holdout is too small for the originals that the result was made from."""
    met: bool = False
    """Whether people in the holdout are in the original too."""


def _sides(released: Released, seed: int, most: int) -> _Sides | None:
    rng = generator(seed, "assess/sides", 0)
    original, anonymized, holdout = released.original, released.anonymized, released.holdout
    notes = []
    if holdout is None:
        if not released.aligned or len(original) < 4:
            return None
        inside = _half_of_people(released, rng)
        rows = np.flatnonzero(inside)
        holdout = original.take(np.flatnonzero(~inside))
        if not len(rows) or not len(holdout):
            return None
        original, anonymized = original.take(rows), anonymized.take(rows)
        notes.append(
            "Each row was replaced by itself, so the replaced rows of one random half know nothing "
            "of the other half: attacks are run on the one, and the originals of the other serve "
            "as people who are not in the table."
        )
    if released.met_again:
        notes.append(
            f"Warning: {count(released.met_again, 'row')} of the holdout "
            f"{'is' if released.met_again == 1 else 'are'} of people who are in the original too, "
            "so what is said against people who are not in the table understates the risk."
        )
    # Where rows belong together, those searched are those that the rows asked about were.
    side = min(most, len(holdout)) if released.aligned else most
    if released.aligned and len(original) > side:
        rows = np.sort(rng.choice(len(original), side, replace=False))
        original, anonymized = original.take(rows), anonymized.take(rows)
    chosen = [_at_most(part, most, rng) for part in (anonymized, original, holdout)]
    searched = released_share = 1.0
    if not released.aligned:
        searched = min(1.0, min(len(chosen[1]), len(chosen[2])) / len(original))
        released_share = len(chosen[0]) / len(anonymized)
    left_out, columns = [], {}
    for each in released.shared:
        made = _comparable(released, each, chosen)
        if made is None:
            left_out.append(each)
        else:
            columns[each] = made
    if not columns:
        return None
    if left_out:
        notes.append(
            f"Attacks do not see {', '.join(name(each) for each in left_out)}: the values there "
            "are of another sort than they were."
        )
    parts = [[made[i] for made in columns.values()] for i in range(3)]
    return _Sides(
        tuple(columns), parts[0], parts[1], parts[2], tuple(notes), searched, released_share,
        not released.aligned and len(holdout) < len(original), released.met_again > 0,
    )  # fmt: skip


def _half_of_people(released: Released, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Draw people until they have half of the rows: all rows of a person are on one side."""
    n = len(released.original)
    whose = np.arange(n) if released.persons is None else released.persons.of_row
    counts = np.bincount(whose)
    order = rng.permutation(len(counts))
    before = np.cumsum(counts[order]) - counts[order]
    chosen = np.zeros(len(counts), np.bool_)
    chosen[order[before + counts[order] / 2 <= n / 2]] = True
    return np.asarray(chosen[whose])


def _at_most(table: pa.Table, most: int, rng: np.random.Generator) -> pa.Table:
    if len(table) <= most:
        return table
    return table.take(np.sort(rng.choice(len(table), most, replace=False)))


def _comparable(
    released: Released, each: str, parts: Sequence[pa.Table]
) -> tuple[npt.NDArray[Any], ...] | None:
    """Give a column of the result, the original and the holdout in the same terms."""
    columns = [part[each] for part in parts]
    if released.recoded(each):
        if not released.aligned:
            return None
        return _translated(released, each, columns)
    values = [numbers(column) for column in columns]
    if all(value is not None for value in values):
        return tuple(value for value in values if value is not None)
    return coded(*(texts(column) for column in columns))[0]


def _translated(
    released: Released, each: str, columns: Sequence[Any]
) -> tuple[npt.NDArray[Any], ...]:
    """Write the original as the result does, as an attacker would who knows the scheme.

    Every original value stands for what it most often became; a number that nobody had, for what
    the nearest one became.
    """
    (before,), pool = coded(texts(released.original[each]))
    (after, fakes), words = coded(texts(released.anonymized[each]), texts(columns[0]))
    became = np.full(len(pool) + 1, -1, np.intp)
    pairs, counts = np.unique(np.stack([before, after]), axis=1, return_counts=True)
    for place in np.argsort(counts, kind="stable"):
        became[pairs[0, place]] = pairs[1, place]
    value = {text: int(became[i]) for i, text in enumerate(pool)}
    real = numbers(released.original[each])
    out: list[npt.NDArray[Any]] = [fakes]
    for column in columns[1:]:
        mine = numbers(column)
        if real is not None and mine is not None:
            out.append(_as_nearest(mine, real, became[before]))
        else:
            unknown = len(words) + 1
            listed = texts(column).to_pylist()
            out.append(
                np.array(
                    [int(became[-1]) if v is None else value.get(v, unknown) for v in listed],
                    np.intp,
                )
            )
    return tuple(out)


def _as_nearest(values: Floats, known: Floats, codes: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    some = ~np.isnan(known)
    order = np.argsort(known[some], kind="stable")
    steps, became = known[some][order], codes[some][order]
    missing = int(codes[~some][0]) if (~some).any() else -1
    if not len(steps):
        return np.full(len(values), missing, np.intp)
    right = np.clip(np.searchsorted(steps, values), 0, len(steps) - 1)
    left = np.maximum(right - 1, 0)
    filled = np.where(np.isnan(values), steps[0], values)
    nearer = np.where(filled / 2 - steps[left] / 2 < steps[right] / 2 - filled / 2, left, right)
    return np.where(np.isnan(values), missing, became[nearer]).astype(np.intp)


_Tables = tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]], list[npt.NDArray[Any]]]


def _singled(table: _Tables, width: int, attacks: int, seed: int) -> Callable[[], Attack]:
    return lambda: singling_out(*table, width=width, attacks=attacks, seed=seed)


def _linked(
    table: _Tables, first: list[int], second: list[int], attacks: int, seed: int
) -> Callable[[], Attack]:
    return lambda: linkability(*table, first, second, attacks=attacks, seed=seed)


def _inferred(
    table: _Tables, known: list[int], secret: int, attacks: int, seed: int
) -> Callable[[], Attack]:
    return lambda: inference(*table, known, secret, attacks=attacks, seed=seed)


def _closeness(
    table: _Tables,
    names: tuple[str, ...],
    limits: Thresholds,
    found: Found,
    seed: int,
    searched: float = 1.0,
) -> None:
    """Ask whether rows are closer to those they were made from than to the holdout.

    The share is that of Platzer and Reutterer (2021), and rows that have the same nearest real row
    are one cluster. Rows as close to the one as to the other, which most are where columns are
    coarse, count half and vary in nothing; how many others there may be is what their number
    bounds (rule of three).

    Where only some of the originals are searched, copies of the others are as near to either side:
    the distance from 0.5 is divided by the share that is searched.
    """
    fakes, training, holdout = table
    copies = closeness(fakes, training, holdout, asked=0, seed=seed, confidence=found.each)
    rng = generator(seed, "assess/distances", 0)
    side = min(len(training[0]), len(holdout[0]))
    parts = [_some(fakes, _ASKED, rng), _some(training, side, rng), _some(holdout, side, rng)]
    asked, *sides = _in_ranks(parts)
    # Two rows at the ends, which are not asked for, give both sides the same scale.
    ended = [np.concatenate([column, _ends(column)]) for column in asked]
    (near1, to1), (near2, to2) = (nearest(ended, part, scaling="range") for part in sides)
    first, second = to1[:-2, 0], to2[:-2, 0]
    closer = ((first < second).astype(np.float64) + (first <= second)) / 2.0
    cluster = np.where(first <= second, near1[:-2, 0], side + near2[:-2, 0])
    told = clustered_mean(closer, cluster)
    low = high = told.mean
    if not (closer == 0.5).all():
        low, high = clustered_interval(told, found.each, spread=1.0)
    least = 0.5 * -float(np.expm1(np.log(1.0 - found.each) / len(closer)))
    low = max(0.0, min(low, told.mean - least))
    high = min(1.0, max(high, told.mean + least))
    closest, low, high = (
        float(np.clip(0.5 + (value - 0.5) / searched, 0.0, 1.0)) for value in (told.mean, low, high)
    )
    same = _extrapolated(searched, "originals")
    if copies.identical_training:
        same += (
            f"; {count(copies.identical_training, 'row')} of {copies.all_fakes:,} are the same as "
            f"one of the originals, and {copies.identical_holdout:,} as one of the holdout"
        )
    found.risks.append(
        estimated(
            "closeness", names, closest, low, high, limits.closer, len(closer),
            f"{percent(closest)} of the rows are closer to a row they were made from than to "
            f"any of the holdout, where 50.0 % is what chance gives{same}.",
            "Make columns coarser or add noise; a row that stays as it was in what is not replaced "
            "can always be found by those who know it.",
        )
    )  # fmt: skip
    most = max(float(part.max()) for part in (first, second))
    edges = np.linspace(0.0, most if most > 0 else 1.0, _BINS + 1)
    heights = [np.histogram(part, edges)[0] / len(part) for part in (first, second)]
    found.distances = Distances(
        edges=tuple(edges.tolist()),
        training=tuple(heights[0].tolist()),
        holdout=tuple(heights[1].tolist()),
    )


def _in_ranks(parts: Sequence[list[npt.NDArray[Any]]]) -> list[list[npt.NDArray[Any]]]:
    """Give numbers as their place among those of all real rows, from 0 to 1."""
    made: list[list[npt.NDArray[Any]]] = [[] for _ in parts]
    for columns in zip(*parts, strict=True):
        ranked = list(columns)
        if np.issubdtype(columns[0].dtype, np.floating):
            real = np.sort(np.concatenate(columns[1:]))
            real = real[~np.isnan(real)]
            ranked = [_placed(column, real) for column in columns]
        for part, column in zip(made, ranked, strict=True):
            part.append(column)
    return made


def _placed(values: Floats, among: Floats) -> Floats:
    places = np.searchsorted(among, values) + np.searchsorted(among, values, side="right")
    return np.where(np.isnan(values), np.nan, places / (2.0 * max(1, len(among))))


def _ends(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if np.issubdtype(column.dtype, np.floating):
        return np.array([0.0, 1.0])
    return column[[0, 0]]


def _some(
    table: list[npt.NDArray[Any]], most: int, rng: np.random.Generator
) -> list[npt.NDArray[Any]]:
    n = len(table[0])
    if n <= most:
        return table
    rows = np.sort(rng.choice(n, most, replace=False))
    return [column[rows] for column in table]


_DOES = {
    "singling out (one column)": "guess a value that exactly one real person has",
    "singling out (several columns)": "guess a combination of values that exactly one real "
    "person has",
    "linkability": "link what two sources know of one person",
    "inference": "guess the secret of a person from what is known of them",
}

_MENDS = {
    "singling out (one column)": "Cut rare and extreme values, or put them into open bands.",
    "singling out (several columns)": "Make columns coarser, or leave rare combinations out.",
    "linkability": "Make the quasi-identifiers coarser, or share them between fewer columns.",
    "inference": "Make the quasi-identifiers coarser, or add noise to {secret}.",
}


def _extrapolated(share: float, of: str) -> str:
    return "" if share >= 1.0 else f", extrapolated from {percent(share)} of the {of}"


def _attacked(
    measure: str,
    about: tuple[str, ...],
    attack: Attack,
    threshold: float,
    each: float,
    seen: float = 1.0,
) -> Risk:
    tries = attack.main.tries
    if not tries and measure.startswith("singling out"):
        return estimated(
            measure, about, 0.0, 0.0, 0.0, threshold, 0,
            "No row of the result is alone with its values (or with few of them), so there was "
            "nothing to try.", "",
        )  # fmt: skip
    if not tries:
        untried = estimated(
            measure, about, 0.0, 0.0, 1.0, threshold, 0,
            f"Nothing was found that would {_DOES[measure]}: without a try, nothing is known of "
            "the risk.", "",
        )  # fmt: skip
        return untried.model_copy(update={"advice": _UNTRIED})
    estimate, low, high = (min(1.0, value / seen) for value in attack.risk(each))
    of = "originals" if measure.startswith("singling out") else "result"
    secret = f" ({name(about[-1])})" if measure == "inference" else ""
    risk = estimated(
        measure, about, estimate, low, high, threshold, tries,
        f"Attacks that {_DOES[measure]}{secret} succeed for {percent(attack.main.rate)} of "
        f"{count(tries, 'try').replace('trys', 'tries')}, for {percent(attack.control.rate)} of "
        "people who are not in the table, and "
        f"for {percent(attack.naive.rate)} by guessing; the risk left is {percent(estimate)}"
        f"{_extrapolated(seen, of)}.",
        _MENDS[measure].format(secret=name(about[-1])),
    )  # fmt: skip
    if attack.main.interval(each)[1] < attack.naive.interval(each)[0]:
        why = "It is worse than guessing without the table, and says nothing of a better attack."
        return doubted(risk, why, _UNTRIED)
    if attack.weaker_than_naive:
        return risk.model_copy(
            update={"sentence": f"{risk.sentence} No better than guessing without the table."}
        )
    return risk


_UNTRIED = "Have somebody else attack the table: this attack is too weak to tell."
