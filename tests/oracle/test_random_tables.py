"""Reweighing of random tables, with and without prior weights, against AIF360 row by row."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from paribus.stats.reweighing import reweighing


# AIF360 divides by the rows of each cell, so that none may be empty.
@given(
    counts=st.lists(st.integers(1, 60), min_size=4, max_size=4),
    weighed=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=60, deadline=None)
def test_every_weight_equals_that_of_aif360(
    aif360: Any, counts: list[int], weighed: bool, seed: int
) -> None:
    random = np.random.default_rng(seed)
    cells = random.permutation(np.repeat(np.arange(4), counts))
    group, label = cells // 2, cells % 2
    prior = random.lognormal(sigma=2.0, size=len(cells)) if weighed else None
    frame = pd.DataFrame({"group": group, "label": label, "weight": 1.0}, dtype=float)
    if prior is not None:
        frame["weight"] = prior
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = aif360.datasets.BinaryLabelDataset(
            df=frame,
            label_names=["label"],
            protected_attribute_names=["group"],
            instance_weights_name="weight",
        )
        groups = ([{"group": 0.0}], [{"group": 1.0}])
        reweighed = aif360.algorithms.preprocessing.Reweighing(*groups).fit_transform(drawn)
    weight = reweighing(group, label, weight=prior)
    np.testing.assert_allclose(weight, reweighed.instance_weights, rtol=1e-12)
