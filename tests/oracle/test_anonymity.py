"""Adult (32,561 rows of adult.data) by its quasi-identifiers, against pyCANON 1.3.6.

The numbers were printed by pyCANON itself; where the folder of `make oracle` holds it, it is asked
again on a sample, since it takes minutes for a whole table of many classes.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from paribus.stats.anonymity import (
    distinct_diversity,
    entropy_diversity,
    equal_distance,
    equivalence_classes,
    ordered_distance,
    reidentification,
)

NAMES = {0: "age", 4: "years", 8: "race", 9: "sex", 14: "income"}

# pycanon.anonymity.{k_anonymity, l_diversity, t_closeness} with the secret income; the classes and
# the rows that are alone by DataFrame.groupby.
KNOWN = {
    ("sex", "race"): (109, 2, 0.18576368588639136, 10, 0),
    ("age", "sex", "race"): (1, 1, 0.7591904425539756, 546, 65),
    ("age10", "sex", "race"): (1, 1, 0.2591904425539756, 80, 7),
}


@pytest.fixture(scope="module")
def people(data_sets: Path) -> pd.DataFrame:
    frame = pd.read_csv(
        data_sets / "adult" / "adult.data",
        header=None,
        usecols=list(NAMES),
        skipinitialspace=True,
    ).rename(columns=NAMES)
    assert len(frame) == 32_561
    return frame.assign(age10=frame["age"] // 10 * 10)


def codes(frame: pd.DataFrame, names: tuple[str, ...]) -> list[np.ndarray]:
    return [pd.factorize(frame[name], sort=True)[0] for name in names]


@pytest.mark.parametrize("quasi", KNOWN)
def test_known_answers(people: pd.DataFrame, quasi: tuple[str, ...]) -> None:
    k, distinct, t, classes, unique = KNOWN[quasi]
    rows, sizes = equivalence_classes(codes(people, quasi))
    (secret,) = codes(people, ("income",))
    risk = reidentification(sizes)
    assert (risk.smallest, risk.classes, risk.unique) == (k, classes, unique)
    assert distinct_diversity(rows, secret).min() == distinct
    assert equal_distance(rows, secret).max() == pytest.approx(t, abs=1e-12)
    # Of two values, each is as far from the other in order as without.
    assert ordered_distance(rows, secret).max() == pytest.approx(t, abs=1e-12)


@pytest.fixture(scope="module")
def pycanon(data_sets: Path) -> Any:
    folder = os.environ["PARIBUS_ORACLE"]
    if not Path(folder, "pycanon").is_dir():
        pytest.fail(f"PARIBUS_ORACLE={folder} holds no pycanon; run `make oracle`")
    sys.path.append(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield importlib.import_module("pycanon.anonymity")
    finally:
        sys.path.remove(folder)


@pytest.mark.parametrize("quasi", [("sex", "race"), ("age10", "sex"), ("age10", "sex", "race")])
def test_asked_again(people: pd.DataFrame, pycanon: Any, quasi: tuple[str, ...]) -> None:
    some = people.sample(2_000, random_state=0).reset_index(drop=True)
    rows, sizes = equivalence_classes(codes(some, quasi))
    income, years = codes(some, ("income", "years"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert sizes.min() == pycanon.k_anonymity(some, list(quasi))
        for name, secret in (("income", income), ("years", years)):
            asked = some, list(quasi), [name]
            assert distinct_diversity(rows, secret).min() == pycanon.l_diversity(*asked)
            # pyCANON cuts what follows the point.
            entropy = int(entropy_diversity(rows, secret).min() + 1e-9)
            assert entropy == pycanon.entropy_l_diversity(*asked)
        t = pycanon.t_closeness(some, list(quasi), ["years"])
        assert ordered_distance(rows, years).max() == pytest.approx(t, abs=1e-12)
        t = pycanon.t_closeness(some, list(quasi), ["income"])
        assert equal_distance(rows, income).max() == pytest.approx(t, abs=1e-12)
