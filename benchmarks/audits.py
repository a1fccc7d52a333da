"""What an audit costs over the bare model, and against the way a tutorial would write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import hiring
import numpy as np
from timing import Row, at_least, at_most, blocks_of, interleaved, shown

import paribus as pb
from paribus.evidence.counterfactual import Counterfactual

PEOPLE = 100_000
TWINS = (Counterfactual(),)

MODELS = {
    "tree": ("depth-3 tree", 1.6),
    "forest": ("random forest, 100 trees", 1.15),
    "xgboost": ("XGBoost, 100 trees", 1.15),
    "lightgbm": ("LightGBM, 100 trees", 1.15),
}

Task = Callable[[], object]


def rows(*, quick: bool) -> list[Row]:
    """Measure everything about audits."""
    found: list[Row] = []
    for kind in MODELS:
        found += _matrix_model(kind, quick=quick)
    found += _logistic(quick=quick)
    found += _repeats(quick=quick)
    found += _tutorial(quick=quick)
    return found


def _matrix_model(kind: str, *, quick: bool) -> list[Row]:
    name, limit = MODELS[kind]
    model = hiring.fit(kind)
    both = hiring.twins_of(hiring.codes(PEOPLE, seed=1))
    bare = _bare(model, _forms(both, hiring.FEATURES))
    audits: dict[str, Task] = {
        "twins": lambda: hiring.audit(model, PEOPLE, tests=TWINS).run(),
        "regions": lambda: hiring.audit(model, PEOPLE).run(),
    }
    if kind == "tree":
        executor = pb.Threads(workers=2)
        audits["workers"] = lambda: hiring.audit(model, PEOPLE, tests=TWINS).run(executor)
        audits["million"] = lambda: hiring.audit(model, 10 * PEOPLE, tests=TWINS).run()
    median = interleaved(bare | audits, _rounds(kind, quick=quick))
    form, least = _fastest(median, bare)
    out = [
        at_most(f"{name}: twins and verdict", median["twins"] / least, limit, _how(form, least)),
        at_most(f"{name}: with regions", median["regions"] / least, None, "all default tests"),
    ]
    if kind == "tree":
        out += [
            at_most(f"{name}: twins, workers=2", median["workers"] / least, None),
            at_most(f"{name}: twins, a million people", median["million"] / least / 10, None),
        ]
    return out


def _logistic(*, quick: bool) -> list[Row]:
    model = hiring.fit("logistic")
    both = hiring.twins_of(hiring.codes(PEOPLE, seed=1))
    text, categorical = (hiring.frame(both, categorical=c) for c in (False, True))
    bare = _bare(
        model,
        {
            "text, one frame": [text],
            "text in blocks": blocks_of(text),
            "Categoricals, one frame": [categorical],
            "Categoricals in blocks": blocks_of(categorical),
        },
    )
    declared = hiring.fields(text=True)
    audits: dict[str, Task] = {
        name: hiring.audit(model, PEOPLE, declared=declared, features=None, tests=tests).run
        for name, tests in (("twins", TWINS), ("regions", None))
    }
    median = interleaved(bare | audits, _rounds("logistic", quick=quick))
    form, least = _fastest(median, bare)
    as_fitted = median["text, one frame"]
    name = "logistic pipeline on text columns"
    return [
        at_most(f"{name}: twins and verdict", median["twins"] / least, None, _how(form, least)),
        at_most(
            f"{name}: the same over one frame of text",
            median["twins"] / as_fitted,
            None,
            f"bare: text, one frame, {shown(as_fitted)}",
        ),
        at_most(f"{name}: with regions", median["regions"] / least, None, "all default tests"),
    ]


def _repeats(*, quick: bool) -> list[Row]:
    model = hiring.fit("forest", hiring.FEW)
    both = hiring.twins_of(hiring.codes(PEOPLE, seed=1))
    chosen = np.ascontiguousarray(both[:, [hiring.FEATURES.index(name) for name in hiring.FEW]])
    bare = _bare(model, _forms(chosen, hiring.FEW))
    declared = {k: v for k, v in hiring.fields().items() if k in hiring.FEW}
    audit = hiring.audit(model, PEOPLE, declared=declared, features=hiring.FEW, tests=TWINS)
    median = interleaved({**bare, "twins": audit.run}, _rounds("forest", quick=quick))
    form, least = _fastest(median, bare)
    ratio = median["twins"] / least
    return [
        Row(
            "random forest, four fields with 6,000 forms: twins and verdict",
            f"{ratio:.2f}",
            "< 1",
            ratio < 1,
            _how(form, least),
        )
    ]


# --- the tutorial ---------------------------------------------------------------------------------


def _tutorial(*, quick: bool) -> list[Row]:
    model = hiring.fit("tree")
    few = 2_000 if quick else 10_000
    names = {"F": "FEMALE", "M": "MALE"}
    declared = {
        **hiring.fields(),
        "full_name": pb.mimesis("person.full_name", follows={"sex": names}),
    }
    audit = hiring.audit(model, PEOPLE, declared=declared, tests=TWINS)
    median = interleaved(
        {"tutorial": lambda: tutorial(model, few), "audit": audit.run}, 3 if quick else 7
    )
    ratio = (median["tutorial"] / few) / (median["audit"] / PEOPLE)
    detail = (
        f"per person: {median['tutorial'] / few * 1e6:.0f} µs against "
        f"{median['audit'] / PEOPLE * 1e6:.2f} µs"
    )
    return [at_least("depth-3 tree: times faster than a tutorial's loop", ratio, 50, detail)]


def tutorial(model: Any, people: int) -> int:
    """Count flips the way a tutorial would: dictionaries in a loop, one frame, one pivot."""
    import pandas as pd
    from mimesis import Generic, Locale
    from mimesis.enums import Gender

    generic = Generic(Locale.EN, seed=1)
    records = []
    for person in range(people):
        base = {name: generic.random.randint(*ends) for name, ends in hiring.RANGES.items()}
        for sex, gender in (("F", Gender.FEMALE), ("M", Gender.MALE)):
            twin = {"person": person, "sex": sex, **base}
            twin["full_name"] = generic.person.full_name(gender=gender)
            records.append(twin)
    table = pd.DataFrame(records)
    table["sex_code"] = table["sex"].map({"F": 0, "M": 1})
    table["hired"] = model.predict(table[list(hiring.FEATURES)].to_numpy(np.float32))
    wide = table.pivot(index="person", columns="sex", values="hired")
    return int((wide["F"] != wide["M"]).sum())


# --- the bare model -------------------------------------------------------------------------------


def _forms(matrix: hiring.Matrix, names: Sequence[str]) -> dict[str, list[Any]]:
    """Prepare the same rows in the forms that a model may like best."""
    import pandas as pd

    return {
        "float32, one call": [matrix],
        "float32 in blocks": blocks_of(matrix),
        "float64, one call": [matrix.astype(np.float64)],
        "data frame, one call": [pd.DataFrame(matrix, columns=list(names))],
    }


def _bare(model: Any, forms: dict[str, list[Any]]) -> dict[str, Task]:
    def task(parts: list[Any]) -> Task:
        return lambda: [model.predict(part) for part in parts]

    return {name: task(parts) for name, parts in forms.items()}


def _fastest(median: dict[str, float], bare: dict[str, Task]) -> tuple[str, float]:
    form = min(bare, key=median.__getitem__)
    return form, median[form]


def _how(form: str, seconds: float) -> str:
    return f"bare: {form}, {shown(seconds)}"


def _rounds(kind: str, *, quick: bool) -> int:
    full = {"tree": 25, "xgboost": 11, "logistic": 9, "lightgbm": 9, "forest": 7}[kind]
    return 3 if quick else full
