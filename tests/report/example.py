"""Records built by hand: one that reads like a real audit, one that tries to break the reports."""

from __future__ import annotations

import sys
from typing import Any

from paribus.evidence.base import Condition, Row, Step
from paribus.findings import judge
from paribus.record import Counts, ModelFacts, Record, Stopped, Witness

PEOPLE = 10_000
FLIPS = 5_569


def row(**parts: Any) -> Row:
    shared = {
        "test": "counterfactual",
        "contrast": "level",
        "attribute": "gender",
        "reference": "Male",
        "group": "Female",
        "people": PEOPLE,
        "answered": PEOPLE,
    }
    return Row(**{**shared, **parts})


def loan() -> Record:
    """Men are always approved, women only above 80,000."""
    evidence = (
        row(
            unit="flip rate",
            estimate=0.5569,
            low=0.5471,
            high=0.5667,
            p=1e-300,
            p_outside=1e-300,
            p_within=1.0,
            held=True,
            flips_against=FLIPS,
            flips_for=0,
        ),
        row(
            unit="net gap",
            estimate=-0.5569,
            low=-0.5666,
            high=-0.5471,
            p=1e-300,
            p_outside=1e-300,
            p_within=1.0,
            held=True,
            flips_against=FLIPS,
            flips_for=0,
        ),
        row(unit="favorable rate", reference="", group="Male", estimate=1.0, low=0.9996, high=1.0),
        row(
            unit="favorable rate",
            reference="",
            group="Female",
            estimate=0.4431,
            low=0.4333,
            high=0.4529,
        ),
        row(
            unit="flip rate",
            contrast="placebo",
            reference="Male",
            group="Male",
            estimate=0.0,
            low=0.0,
            high=0.0004,
            p=1.0,
            flips_against=0,
            flips_for=0,
        ),
        row(
            unit="net gap",
            contrast="placebo",
            reference="Male",
            group="Male",
            estimate=0.0,
            low=-0.0004,
            high=0.0004,
            p=1.0,
        ),
    )
    at_most, above = (
        Condition(
            field="income", relation=relation, value=79_997.0, text=f"income {relation} 79,997"
        )
        for relation in ("<=", ">")
    )
    regions = (
        row(
            test="regions", unit="net gap", estimate=-1.0, low=-1.0, high=-0.9987,
            people=2_790, answered=2_790, rule=(at_most,), share=0.5569,
        ),
        row(
            test="regions", unit="net gap", estimate=0.0, low=-0.0017, high=0.0017,
            people=2_210, answered=2_210, rule=(above,), share=0.4431,
        ),
    )  # fmt: skip
    names = (
        ("Thomas Berry", "Martha Berry"),
        ("Earl Calhoun", "Elaine Calhoun"),
        ("Al Roy", "Ada Roy"),
    )
    witnesses = tuple(
        Witness(
            person=person,
            attribute="gender",
            reference="Male",
            group="Female",
            reference_answer=1,
            group_answer=0,
            same={"applicant_id": f"7fd4fd8c-a51b-4eba-9c43-3f26727{person:05d}", "income": income},
            reference_values={"gender": "Male", "full_name": his, "gender_code": 1},
            group_values={"gender": "Female", "full_name": hers, "gender_code": 0},
        )
        for person, income, (his, hers) in zip(
            (3, 17, 4_711), (45_301, 52_817, 61_440), names, strict=True
        )
    )
    return Record.sum_up(
        name="Loan approval",
        tolerance=0.01,
        confidence=0.95,
        seed=42,
        people=PEOPLE,
        spec={
            "audit": {"name": "Loan approval", "seed": 42, "people": PEOPLE, "tolerance": 0.01},
            "model": {"kind": "file", "path": "loan.skops", "outcome": "decision", "favorable": 1},
            "protect": {"gender": {"levels": ["Male", "Female"], "reference": "Male"}},
            "fields": {
                "applicant_id": {"kind": "mimesis", "method": "cryptographic.uuid"},
                "full_name": {
                    "kind": "mimesis",
                    "method": "person.full_name",
                    "follows": {"gender": {"Male": "MALE", "Female": "FEMALE"}},
                },
                "income": {"kind": "integers", "low": 30_000, "high": 119_999},
                "gender_code": {"kind": "map", "of": "gender", "map": {"Male": 1, "Female": 0}},
            },
        },
        model=ModelFacts(
            kind="file",
            name="DecisionTreeClassifier",
            fingerprint="9f2c1b7a5d0e4c6f8a3b1d9e7c5f2a4b6d8e0f1a3c5b7d9e1f2a4c6b8d0e3f5a",
            features=("gender_code", "income"),
            outcome="decision",
            favorable=(1,),
            repeatable=True,
        ),
        answers=Counts(versions=30_000, answered=30_000, refused=0, failed=0),
        evidence=evidence,
        findings=judge(evidence, tolerance=0.01),
        regions=regions,
        witnesses=witnesses,
        run={
            "started": "2026-11-22T01:14:32+00:00",
            "seconds": {"people": 0.021, "answers": 0.118, "evidence": 0.034},
            "versions": {"paribus": "0.1.0", "python": "3.11.7", "numpy": "2.4.1"},
            "host": "Linux x86_64, 2 cores",
        },
    )  # fmt: skip


SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://x")'
LONG = "Ō" * 9_990 + "the end"
NASTY = (
    SCRIPT,
    FORMULA,
    "</svg><SCRIPT SRC=//x>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[31mred\x1b]8;;http://x\x07link\x00\x9b2J",
    "\u202egnp.exe\u2066 turned \u200f\u061c",
    "[bold red]markup[/bold red] [link=http://x]:smile:",
    "👩🏽‍🦽🏳️‍🌈 zaë́lgo",
    "שלום עולם",
    "a\nb\r\nc\td\u2028e\ufeff\ufffe",
    "{{ 7*7 }} {% raw %} ${x} javascript:alert(1)",
    "",
    "]]> --> &amp; &#x202e; <!--",
    LONG,
)


def hostile(contrasts: int = 60) -> Record:
    """Everything that somebody else chooses is chosen to break a report; outcomes are numbers."""
    levels = [f"{NASTY[i % len(NASTY)]}{i if i >= len(NASTY) else ''}" for i in range(contrasts)]
    attribute, extremes = f"group {SCRIPT}", (-1e300, 1e300, 0.0, 1e-300, -3.25, 12_345.678)
    evidence = [
        row(
            unit="score gap",
            attribute=attribute,
            reference=FORMULA,
            group=level,
            people=500,
            answered=480,
            estimate=extremes[i % len(extremes)] if i < 6 else (i - 30) * 1.5,
            low=-1e308 if i < 2 else (i - 32) * 1.5,
            high=1e308 if i < 2 else (i - 28) * 1.5,
            p=0.0003 if i % 3 == 0 else 0.4,
            p_outside=1e-9 if i % 3 == 0 else 0.9,
            p_within=1e-9 if i % 3 == 1 else 0.9,
            held=True,
            largest=-1e300,
        )
        for i, level in enumerate(levels)
    ]
    evidence += [
        row(
            unit="mean answer", attribute=attribute, reference="", group=level,
            people=500, answered=480, estimate=100.0 + i, low=90.0 + i, high=110.0 + i,
        )
        for i, level in enumerate(levels)
    ]  # fmt: skip
    evidence.append(
        row(
            unit="score gap", contrast="placebo", attribute=attribute, reference=FORMULA,
            group=FORMULA, estimate=0.2, low=-0.1, high=0.5,
        )
    )  # fmt: skip
    regions = tuple(
        row(
            test="regions", unit="score gap", attribute=attribute, reference=FORMULA, group=text,
            estimate=-4.0, low=-5.0, high=-3.0, share=0.2,
            rule=(Condition(field=text or "x", relation="is", value=text, text=f"it is {text}"),),
        )
        for text in NASTY
    )  # fmt: skip
    witnesses = tuple(
        Witness(
            person=i,
            attribute=attribute,
            reference=FORMULA,
            group=level,
            reference_answer=SCRIPT,
            group_answer=None,
            same={f"{SCRIPT} field": LONG, "list": [NASTY[4]], "": None},
            reference_values={attribute: FORMULA, NASTY[3]: NASTY[5]},
            group_values={attribute: level, NASTY[3]: NASTY[4]},
        )
        for i, level in enumerate(levels)
    )
    return Record.sum_up(
        name=f"{SCRIPT}\x1b[2J {LONG}",
        tolerance=2.5,
        confidence=0.9,
        seed=0,
        people=500,
        spec={
            "audit": {"name": f"{SCRIPT}\x1b[2J\u202e", "people": 500, "nothing": None},
            "fields": {
                text or "empty": {
                    "kind": "constant",
                    "value": text,
                    "follows": {attribute: {text: 1}},
                }
                for text in NASTY
            },
        },
        model=ModelFacts(
            kind="callable",
            name=NASTY[4],
            fingerprint="",
            features=NASTY,
            outcome="number",
        ),
        answers=Counts(
            versions=30_500,
            answered=29_000,
            refused=500,
            failed=1_000,
            reasons={text or "?": 10 for text in NASTY},
        ),
        evidence=tuple(evidence),
        findings=judge(evidence, tolerance=2.5, confidence=0.9),
        regions=regions,
        profiles=hostile_profiles(attribute),
        witnesses=witnesses,
        notes=NASTY,
        run={"host": NASTY[4], "versions": {SCRIPT: NASTY[5]}, "seconds": 1e-300},
    )


def hostile_profiles(attribute: str) -> tuple[Row, ...]:
    """Fields and categories with every bad name, alone and crossed, and numbers at their ends."""
    about = {"attribute": attribute, "reference": FORMULA, "group": NASTY[3]}
    rules = [
        (Condition(field=field or "x", relation="is", value=text, text=text),)
        for field in (SCRIPT, LONG)
        for text in NASTY
    ]
    rules += [(*one, *other) for one in rules[:4] for other in rules[len(NASTY) :]]
    rules += [(at_most(NASTY[4], -1e300),), (above(NASTY[4], 1e300),)]
    return tuple(
        row(
            test="profiles", unit="score gap", estimate=(-1e300, 1e300, 0.0)[i % 3], low=-1e308,
            high=1e308, rule=rule, method=NASTY[5], **{**about, "people": 30, "answered": 30},
        )
        for i, rule in enumerate(rules)
    )  # fmt: skip


def everything() -> Record:
    """One row of every kind of evidence, about decisions by race, sex and both."""
    placebo = {"contrast": "placebo", "attribute": "sex", "reference": "m", "group": "m"}
    sex = {"attribute": "sex", "reference": "m", "group": "f", "people": 2_000, "answered": 2_000}
    race = {"attribute": "race", "reference": "White", "people": 2_000, "answered": 2_000}
    held = {"held": True, "p": 1e-6, "p_outside": 1e-6, "p_within": 1.0}
    evidence = [
        row(unit="net gap", estimate=-0.008, low=-0.014, high=-0.002, **sex, **held, names=312,
            method="over 312 names a level", flips_against=157, flips_for=141),
        row(unit="flip rate", estimate=0.149, low=0.134, high=0.165, flips_against=157,
            flips_for=141, **sex),
        row(unit="excess flip rate", estimate=0.008, low=-0.001, high=0.017, **sex, held=True,
            p=0.1, p_outside=1.0, p_within=0.3, names=312, method="over 312 names a level"),
        row(unit="flip rate", estimate=0.141, low=0.126, high=0.157, **placebo,
            flips_against=140, flips_for=142),
    ]  # fmt: skip
    for group, gap in (("Black", -0.2), ("Asian", 0.004)):
        mine = {**race, "group": group}
        trail = tuple(
            Step(pairs=n, low=max(-1.0, gap - 3 / n**0.5), high=min(1.0, gap + 3 / n**0.5))
            for n in (1, 10, 100, 1_000, 2_000)
        )
        wide = gap < -0.1
        proven = held if wide else {**held, "p": 0.6, "p_outside": 1.0, "p_within": 1e-4}
        evidence += [
            row(unit="net gap", estimate=gap, low=gap - 0.02, high=gap + 0.002, **mine, **proven,
                trail=trail, settled=331 if wide else 1_500, method="e-values, valid at any time"),
            row(unit="flip rate", estimate=0.404, low=0.382, high=0.426, **mine),
            row(unit="squared effect", estimate=0.0225, low=0.01 if wide else -0.01, high=0.04,
                alarm=True, **mine, **proven),
            row(unit="repeat change rate", estimate=0.368, low=0.347, high=0.39,
                **{**mine, "reference": "", "group": "White"}),
        ]  # fmt: skip
        evidence += paired(mine, gap)
    for group, gap in (("White x f", -0.01), ("Black x m", -0.2), ("Black x f", -0.23)):
        cell = {"contrast": "cell", "attribute": "race x sex", "reference": "White x m"}
        evidence.append(
            row(unit="net gap", estimate=gap, low=gap - 0.01, high=gap + 0.01, group=group, **cell)
        )
    together = {"test": "levels", "group": "all", "estimate": 41.2, "low": 41.2, "high": 41.2}
    shared = {"test": "levels", "contrast": "cell", "attribute": "race x sex"}
    evidence += [
        row(unit="Cochran Q", p=1e-9, **{**race, **together}),
        row(unit="Cochran Q", p=1e-9, **{**shared, **together, "reference": "White x m"}),
        *(
            row(unit="share of the gap", group=group, estimate=part, low=part - 0.02,
                high=part + 0.02, **shared, reference="White x m")
            for group, part in (("race", 0.92), ("sex", 0.05), ("race x sex", 0.03))
        ),
    ]  # fmt: skip
    findings = judge(evidence, 0.01)
    return Record.sum_up(
        name="Everything",
        tolerance=0.01,
        confidence=0.95,
        seed=1,
        people=2_000,
        spec={
            "audit": {"seed": 1, "people": 10_000},
            "model": {"kind": "callable", "function": "loan", "favorable": True},
            "protect": {
                "race": {"levels": ["White", "Black"]},
                "sex": {"levels": ["m", "f"]},
            },
            "fields": {"first_name": {"kind": "mimesis", "follows": {"sex": {"m": 1}}}},
        },
        model=ModelFacts(
            kind="callable", name="loan", fingerprint="", features=("income",),
            outcome="decision", favorable=(True,), repeatable=False,
        ),
        answers=Counts(versions=4_000, answered=4_000, refused=0, failed=0),
        evidence=tuple(evidence),
        findings=findings,
        regions=tuple(
            row(test="regions", unit="net gap", estimate=gap, low=gap - 0.1, high=gap + 0.1,
                rule=(above("income", 20_000.0), at_most("income", 30_000.0)), share=0.2,
                explained=0.71, stability=0.9, method="Tango interval at 99 % for 3 rules",
                **{**race, "group": group})
            for group, gap in (("Black", -0.6), ("Black", -0.4), ("Asian", 0.3))
        ),
        profiles=profiles({**race, "group": "Black"}),
        witnesses=(),
        stopped=Stopped(cap=10_000, pairs=2_000),
        run={},
    )  # fmt: skip


def above(field: str, cut: float) -> Condition:
    return Condition(field=field, relation=">", value=cut, text=f"{field} > {cut:,.0f}")


def at_most(field: str, cut: float) -> Condition:
    return Condition(field=field, relation="<=", value=cut, text=f"{field} <= {cut:,.0f}")


def category(field: str, value: str, relation: str = "is") -> Condition:
    return Condition(field=field, relation=relation, value=value, text=f"{field} {relation} x")


def paired(about: dict[str, Any], gap: float) -> list[Row]:
    rows = (
        ("net gap", gap, gap - 0.02, gap + 0.02, 0.001, "Newcombe interval, mid-p McNemar p"),
        ("odds ratio", 1.4, 1.1, sys.float_info.max, 0.03, "conditional, exact interval"),
        ("impact ratio", 1 + gap, 0.7 + gap, 1.1 + gap, None, "hybrid Wilson interval"),
        ("Cohen's h", gap, gap - 0.1, gap + 0.1, None, "square-and-add interval"),
        ("gap quantile", gap, gap - 0.1, gap + 0.1, None, "5 % quantile, order statistics"),
        ("share raised", 0.2, 0.1, 0.3, 0.01, "Clopper-Pearson interval, sign test p"),
        ("rank shift", gap / 2, gap / 2 - 0.1, gap / 2 + 0.1, 0.2, "each person moved alone"),
        ("Bowker", 12.25, 12.25, 12.25, 0.007, "chi-square with 3 degrees of freedom"),
    )
    return [
        row(**{**about, "test": "paired"}, unit=unit, estimate=estimate, low=low, high=high, p=p,
            method=method)
        for unit, estimate, low, high, p, method in rows
    ]  # fmt: skip


def profiles(about: dict[str, Any]) -> tuple[Row, ...]:
    """One field of numbers with missing values, one of categories, and both together."""
    income = [
        (at_most("income", 30_000.0),),
        (above("income", 30_000.0), at_most("income", 60_000.0)),
        (above("income", 60_000.0),),
    ]
    city = [
        (category("city", "Bonn"),),
        (category("city", "Rome"),),
        (category("city", "Bonn", "is not"), category("city", "Rome", "is not")),
    ]
    rules = [
        *income,
        (category("income", "missing"),),
        *city,
        *(one + other for one in income for other in city),
    ]
    return tuple(
        row(
            test="profiles", unit="net gap", estimate=-0.06 * i / 2, low=-0.06 * i / 2 - 0.1,
            high=-0.06 * i / 2 + 0.1, rule=rule, share=1 / 3,
            **{**about, "people": 600 - 39 * i, "answered": 600 - 39 * i},
        )
        for i, rule in enumerate(rules)
    )  # fmt: skip
