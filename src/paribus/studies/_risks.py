"""How much risk is left: what the result tells by itself, and what attacks on it achieve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from paribus._seeds import generator
from paribus._text import count, name, number, percent
from paribus.anonymize.leaks import Leaks, leaks, leaks_in_file
from paribus.stats.anonymity import (
    distinct_diversity,
    equal_distance,
    equivalence_classes,
    ordered_distance,
    reidentification,
)
from paribus.stats.attacks import Attack, inference, linkability, singling_out
from paribus.stats.closeness import closeness, nearest
from paribus.stats.clusters import clustered_interval, clustered_mean
from paribus.studies._assessment import ClassSizes, Distances, Risk, RiskVerdict, Word
from paribus.studies._released import Floats, Released, coded, numbers, texts

ANONYMIZED: Word = "anonymized to the declared thresholds"

_SIZES = (1, 2, 5, 10, 20, 50, 100)
"""Smallest size of each bin of classes."""

_BINS = 24
_ASKED = 1_000
"""Rows of the result whose nearest real rows are searched."""

_MOST_IN_PLACE = 0.5
"""Share of the rows from which on values found anywhere are no coincidence."""


@dataclass(frozen=True)
class Thresholds:
    """What is held to be safe, declared before looking."""

    k: int
    l: int | None  # noqa: E741 - the name of the field
    t: float | None
    unique_share: float
    attack_risk: float
    closer: float


@dataclass
class Found:
    """What was measured."""

    risks: list[Risk] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)
    lacking: bool = False
    """Whether what was not measured stands in the way of the stronger word."""
    classes: ClassSizes | None = None
    distances: Distances | None = None
    notes: list[str] = field(default_factory=list)
    each: float = 0.95

    @property
    def word(self) -> Word:
        """Choose the strongest word that is earned."""
        left = any(r.measure == "exact leaks" and r.verdict == "exceeds threshold"
                   for r in self.risks)  # fmt: skip
        if left:
            return "identifying values are left"
        earned = not self.lacking and all(r.verdict == "within threshold" for r in self.risks)
        return ANONYMIZED if earned else "pseudonymized"

    @property
    def verdict(self) -> RiskVerdict:
        """Sum the verdicts up; what is lacking is not within its threshold."""
        verdicts = {risk.verdict for risk in self.risks}
        if "exceeds threshold" in verdicts:
            return "exceeds threshold"
        return "inconclusive" if "inconclusive" in verdicts or self.lacking else "within threshold"


def risks(
    released: Released, limits: Thresholds, confidence: float, seed: int, most: int, attacks: int
) -> Found:
    """Measure every risk that the columns and the rows allow."""
    found = Found()
    _classes(released, limits, found)
    _leaks(released, found)
    _against_holdout(released, limits, confidence, seed, most, attacks, found)
    return found


# --- what is counted ------------------------------------------------------------------------------


def _classes(released: Released, limits: Thresholds, found: Found) -> None:
    table = released.anonymized
    quasi = tuple(each for each in released.quasi if each in table.column_names)
    gone = [each for each in released.quasi if each not in quasi]
    if gone:
        found.notes.append(
            f"The result has no {', '.join(name(g) for g in gone)} any more: it tells nobody apart."
        )
    n = len(table)
    if not quasi:
        # Everybody is alike: one class.
        owner, sizes = np.zeros(n, np.intp), np.array([n], np.intp)
    else:
        owner, sizes = equivalence_classes([_codes(table[each]) for each in quasi])
    told = reidentification(sizes, limits.k)
    among = " x ".join(name(each) for each in quasi) or "no column"
    others = count(told.smallest - 1, "other")
    alone = f"Everybody shares {among} with {others} or more"
    if told.smallest == 1:
        alone = f"Somebody is alone with their {among}"
    found.risks.append(
        _counted(
            "k-anonymity", quasi, "number", told.smallest, limits.k, "higher", n,
            f"{alone}: k = {told.smallest:,}; {count(told.below, 'row')} "
            f"({percent(told.below_share)}) "
            f"{'stands' if told.below == 1 else 'stand'} in classes of fewer than {limits.k}.",
            "Make quasi-identifiers coarser (bands, shorter postcodes, years in place of dates), "
            f"or leave the rows out that stand in classes of fewer than {limits.k}.",
        )
    )  # fmt: skip
    found.risks.append(
        _counted(
            "unique rows", quasi, "share", told.unique_share, limits.unique_share, "lower", n,
            f"{count(told.unique, 'row')} ({percent(told.unique_share)}) "
            f"{'is' if told.unique == 1 else 'are'} alone with their {among}"
            f"{': whoever knows it finds them' if told.unique else ''}.",
            "Make the quasi-identifiers of these rows coarser, or leave the rows out.",
        )
    )  # fmt: skip
    people = [
        int(sizes[(sizes >= low) & (sizes < high)].sum())
        for low, high in zip(_SIZES, (*_SIZES[1:], n + 1), strict=True)
    ]
    people[-1] += int(sizes[sizes > n].sum())
    found.classes = ClassSizes(first=_SIZES, people=tuple(people))
    for secret in released.sensitive:
        if secret not in table.column_names:
            found.notes.append(f"The result has no {name(secret)} any more: it tells no secret.")
            continue
        _diversity(table, owner, quasi, secret, limits, found)


def _diversity(
    table: pa.Table,
    owner: npt.NDArray[np.intp],
    quasi: tuple[str, ...],
    secret: str,
    limits: Thresholds,
    found: Found,
) -> None:
    codes, ordered = _secret(table[secret])
    fewest = int(distinct_diversity(owner, codes).min())
    distance = ordered_distance if ordered else equal_distance
    apart = float(distance(owner, codes).max())
    about = (*quasi, secret)
    told = []
    if limits.l is None:
        told.append(f"l = {fewest}")
    else:
        found.risks.append(
            _counted(
                "l-diversity", about, "number", fewest, limits.l, "higher", len(table),
                f"People who look alike have at least {count(fewest, 'value')} of {name(secret)} "
                f"among them: l = {fewest}.",
                f"Make quasi-identifiers coarser until everybody's class has {limits.l} values of "
                f"{name(secret)}.",
            )
        )  # fmt: skip
    if limits.t is None:
        told.append(f"t = {number(apart)}")
    else:
        found.risks.append(
            _counted(
                "t-closeness", about, "share", apart, limits.t, "lower", len(table),
                f"Among people who look alike, {name(secret)} is distributed as in the whole table "
                f"up to a distance of {number(apart)}.",
                "Make quasi-identifiers coarser, so that classes are larger and more like all.",
            )
        )  # fmt: skip
    if told:
        found.notes.append(
            f"Of {name(secret)}, {' and '.join(told)}; no threshold was declared for "
            f"{'them' if len(told) > 1 else 'it'}."
        )


def _secret(column: Any) -> tuple[npt.NDArray[np.intp], bool]:
    """Give codes of a secret; those of numbers are in their order, the missing ones last."""
    values = numbers(column)
    if values is None:
        return _codes(column), False
    codes = np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.intp)
    return codes, len(np.unique(values)) > 2


def _codes(column: Any) -> npt.NDArray[np.intp]:
    return coded(texts(column))[0][0]


def _counted(
    measure: str,
    about: Sequence[str],
    scale: Literal["share", "number"],
    estimate: float,
    threshold: float,
    better: Literal["lower", "higher"],
    rows: int,
    sentence: str,
    advice: str,
) -> Risk:
    good = estimate <= threshold if better == "lower" else estimate >= threshold
    return Risk(
        measure=measure, about=tuple(about), scale=scale, estimate=float(estimate),
        threshold=float(threshold), better=better,
        verdict="within threshold" if good else "exceeds threshold",
        sentence=sentence, advice="" if good else advice, rows=rows,
    )  # fmt: skip


def _leaks(released: Released, found: Found) -> None:
    if not released.identifying:
        found.unmeasured.append("Exact leaks: no column was declared to identify people.")
        return
    told, hidden = _searched(released)
    places = sum(column.elsewhere for column in told.columns)
    leaked = told.leaked + hidden
    if not released.aligned:
        # Where most rows hold one, they are no coincidence.
        leaked += sum(
            column.elsewhere
            for column in told.columns
            if column.elsewhere > _MOST_IN_PLACE * max(1, min(column.rows, told.rows))
        )
    about = ", ".join(name(each) for each in released.identifying)
    risk = _counted(
        "exact leaks", released.identifying, "number", leaked, 0, "lower", told.rows,
        _leaks_said(told, leaked, places, about, released.aligned),
        "Replace or drop " + _leaky(told, released.aligned) + "; look into free text.",
    )  # fmt: skip
    if not released.aligned and leaked == 0 and places:
        risk = risk.model_copy(
            update={
                "verdict": "inconclusive",
                "advice": "Say which original row each row of the result belongs to (rows=), so "
                "that coincidences can be told from leaks.",
            }
        )
    found.risks.append(risk)


def _searched(released: Released) -> tuple[Leaks, int]:
    """Search the rows, and the file that they were read from; also, values hidden in the file."""
    original = released.original
    rows = np.arange(len(released.anonymized))
    if released.aligned:
        told = leaks(original, released.anonymized, released.identifying, rows=rows)
    else:
        # With one row more, which holds nothing, the two cannot be taken for the same people.
        nobody = pa.Table.from_pylist([{}], schema=original.schema)
        longer = pa.concat_tables([original, nobody])
        if len(longer) == len(rows):
            longer = pa.concat_tables([longer, nobody])
        told = leaks(longer, released.anonymized, released.identifying)
    if released.file is None:
        return told, 0
    return told, leaks_in_file(original, released.file, released.identifying, known=told).hidden


def _leaky(told: Leaks, aligned: bool) -> str:
    bad = [c.column for c in told.columns if c.leaked or (not aligned and c.elsewhere)]
    return ", ".join(name(each) for each in bad) or "what identifies"


def _leaks_said(told: Leaks, leaked: int, places: int, about: str, aligned: bool) -> str:
    if leaked:
        return (
            f"{count(leaked, 'place')} of the result still {'holds' if leaked == 1 else 'hold'} an "
            f"original value of {_leaky(told, aligned)}."
        )
    if aligned:
        chance = f"; {count(places, 'place')} of other people's rows hold one" if places else ""
        why = ", as chance has it where fakes come from lists of real names" if places else ""
        return f"No row holds its own original value of {about}{chance}{why}."
    if places:
        return (
            f"{count(places, 'place')} hold an original value of {about}; whether by chance cannot "
            "be told, since rows do not belong together."
        )
    return f"No original value of {about} stands anywhere in the result."


# --- what is estimated ----------------------------------------------------------------------------


def _against_holdout(
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
        found.lacking = True
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
        found.unmeasured.append("Linkability: it takes two quasi-identifiers, one for each source.")
    for secret in secrets:
        known = [i for i in quasi if i != place[secret]]
        if known:
            about = (*(names[i] for i in known), secret)
            attack = _inferred(table, known, place[secret], attacks, seed)
            planned.append(("inference", about, attack))
    if not secrets:
        found.unmeasured.append("Inference: no sensitive column is declared that the result has.")
    found.each = 1.0 - (1.0 - confidence) / (len(planned) + 1)
    found.notes += sides.notes
    _closeness(table, names, limits, found, seed)
    for measure, about, attack in planned:
        found.risks.append(_attacked(measure, about, attack(), limits.attack_risk, found.each))


@dataclass(frozen=True, eq=False)
class _Sides:
    """Rows of the result, those they were made from, and real rows they were not made from."""

    names: tuple[str, ...]
    fakes: list[npt.NDArray[Any]]
    training: list[npt.NDArray[Any]]
    holdout: list[npt.NDArray[Any]]
    notes: tuple[str, ...]


def _sides(released: Released, seed: int, most: int) -> _Sides | None:
    rng = generator(seed, "assess/sides", 0)
    original, anonymized, holdout = released.original, released.anonymized, released.holdout
    notes = []
    if holdout is None:
        if not released.aligned or len(original) < 4:
            return None
        order = rng.permutation(len(original))
        half = len(original) // 2
        rows = np.sort(order[:half])
        holdout = original.take(np.sort(order[half:]))
        original, anonymized = original.take(rows), anonymized.take(rows)
        notes.append(
            "Each row was replaced by itself, so the replaced rows of one random half know nothing "
            "of the other half: attacks are run on the one, and the originals of the other serve "
            "as people who are not in the table."
        )
    if released.aligned and len(original) > most:
        rows = np.sort(rng.choice(len(original), most, replace=False))
        original, anonymized = original.take(rows), anonymized.take(rows)
    chosen = [_at_most(part, most, rng) for part in (anonymized, original, holdout)]
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
    return _Sides(tuple(columns), parts[0], parts[1], parts[2], tuple(notes))


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
    table: _Tables, names: tuple[str, ...], limits: Thresholds, found: Found, seed: int
) -> None:
    """Ask whether rows are closer to those they were made from than to the holdout.

    The share is that of Platzer and Reutterer (2021), and rows that have the same nearest real row
    are one cluster. Rows as close to the one as to the other, which most are where columns are
    coarse, count half and vary in nothing; how many others there may be is what their number
    bounds (rule of three).
    """
    fakes, training, holdout = table
    copies = closeness(fakes, training, holdout, asked=0, seed=seed, confidence=found.each)
    rng = generator(seed, "assess/distances", 0)
    side = min(len(training[0]), len(holdout[0]))
    asked = _some(fakes, _ASKED, rng)
    (near1, to1), (near2, to2) = (
        nearest(asked, _some(part, side, rng), scaling="rank") for part in (training, holdout)
    )
    first, second = to1[:, 0], to2[:, 0]
    closer = ((first < second).astype(np.float64) + (first <= second)) / 2.0
    cluster = np.where(first <= second, near1[:, 0], side + near2[:, 0])
    told = clustered_mean(closer, cluster)
    low, high = clustered_interval(told, found.each, spread=0.0)
    least = 0.5 * -float(np.expm1(np.log(1.0 - found.each) / len(closer)))
    low = max(0.0, min(low, told.mean - least))
    high = min(1.0, max(high, told.mean + least))
    same = ""
    if copies.identical_training:
        same = (
            f"; {count(copies.identical_training, 'row')} of {copies.all_fakes:,} are the same as "
            f"one of the originals, and {copies.identical_holdout:,} as one of the holdout"
        )
    found.risks.append(
        _estimated(
            "closeness", names, told.mean, low, high, limits.closer, len(closer),
            f"{percent(told.mean)} of the rows are closer to a row they were made from than to "
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
    "inference": "Make the quasi-identifiers coarser, or add noise to the secret.",
}


def _attacked(
    measure: str, about: tuple[str, ...], attack: Attack, threshold: float, each: float
) -> Risk:
    tries = attack.main.tries
    if not tries:
        return _counted(
            measure, about, "share", 0.0, threshold, "lower", 0,
            f"Nothing was found that would {_DOES[measure]}.", "",
        )  # fmt: skip
    estimate, low, high = attack.risk(each)
    weaker = " No better than guessing without the table." if attack.weaker_than_naive else ""
    secret = f" ({name(about[-1])})" if measure == "inference" else ""
    return _estimated(
        measure, about, estimate, low, high, threshold, tries,
        f"Attacks that {_DOES[measure]}{secret} succeed for {percent(attack.main.rate)} of "
        f"{count(tries, 'try').replace('trys', 'tries')}, for {percent(attack.control.rate)} of "
        "people who are not in the table, and "
        f"for {percent(attack.naive.rate)} by guessing; the risk left is {percent(estimate)}."
        f"{weaker}",
        _MENDS[measure],
    )  # fmt: skip


def _estimated(
    measure: str,
    about: Sequence[str],
    estimate: float,
    low: float,
    high: float,
    threshold: float,
    rows: int,
    sentence: str,
    advice: str,
) -> Risk:
    verdict: RiskVerdict = "inconclusive"
    if high <= threshold:
        verdict, advice = "within threshold", ""
    elif low > threshold:
        verdict = "exceeds threshold"
    else:
        advice = f"Take more rows or attacks to settle it. {advice}"
    return Risk(
        measure=measure, about=tuple(about), scale="share", estimate=estimate, low=low, high=high,
        threshold=threshold, better="lower", verdict=verdict, sentence=sentence, advice=advice,
        rows=rows,
    )  # fmt: skip
