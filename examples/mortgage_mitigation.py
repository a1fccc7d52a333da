"""What mends a real model: every usual way, side by side, on 1,989 mortgage applications.

    python examples/mortgage_mitigation.py [FOLDER [MODEL]]

The applications, the protected attributes and the two pipelines (`logistic`, which is what is
mended where nothing is said, and `boosting`) are those of `mortgage.py`. They learn to approve as
the lenders did; each candidate is fitted on two thirds of the applicants, asked about the last
third, and audited with their twins: the same applicant with another race, or another sex. The
folder gets a JSON record, an HTML page, its first picture, and the recommended model, if any.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mortgage
import pandas as pd
from sklearn.pipeline import Pipeline

import paribus as pb


def compare(model: Pipeline, data: pd.DataFrame, **options: Any) -> pb.Mitigated:
    """Try all usual ways to mend a model, with the applicants themselves as base people."""
    told: dict[str, Any] = {
        "train": data[["race", *mortgage.FEATURES, "approve"]],
        "label": "approve",
        "protect": mortgage.PROTECT,
        "cross": [("race", "sex")],
        "fields": mortgage.FOLLOWING,
        "favorable": 1,
        "tolerance": 0.01,
        "seed": 1990,
        "name": "Mortgages: what mends the model",
    }
    return pb.mitigate(model, **told | options)


def summary(comparison: Any) -> Iterator[str]:
    """Give one line for each candidate: accuracy, the share of it that is kept, flips, verdict."""
    yield f"  {'candidate':16}{'accuracy':>9}{'kept':>8}{comparison.gap:>11}  verdict"
    for each in comparison.candidates:
        if each.failed:
            yield f"  {each.name:16} {each.failed}"
            continue
        kept = "" if each.kept is None else f"{100 * each.kept.estimate:.1f} %"
        gap = f"{100 * abs(each.gap.estimate):.1f} %"
        score = f"{100 * each.score.estimate:.1f} %"
        yield f"  {each.name:16}{score:>9}{kept:>8}{gap:>11}  {each.gap.verdict}"


def picture(page: str) -> str:
    """Take the first chart out of a page, with a paper and an ink of its own."""
    drawn = re.search(r"<svg.*?</svg>", page, re.DOTALL)
    assert drawn is not None
    head, _, body = drawn[0].partition(">")
    head = head.replace('font-family="inherit"', 'font-family="sans-serif" color="#1b1f24"')
    return f'{head}><rect width="100%" height="100%" fill="#ffffff"/>{body}\n'


def main(folder: Path = Path(), name: str = "logistic") -> None:
    """Print a comparison; write its record, page, picture and recommended model into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    data = mortgage.applications()
    model = mortgage.train(data)[name]
    result = compare(model, data, name=f"Mortgages: {name}, what mends it")
    print(name)
    print("\n".join(summary(result.comparison)))
    print(f"  {result.comparison.sentence}")
    for suffix in (".json", ".html"):
        result.save(folder / f"{name}-mitigation{suffix}")
    page = (folder / f"{name}-mitigation.html").read_text(encoding="utf-8")
    (folder / f"{name}-mitigation.svg").write_text(picture(page), encoding="utf-8")
    if result.recommended:
        result.save(folder / f"{name}-mended.skops")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]), *sys.argv[2:3])
