"""The corpus in what is no audit of twins: metrics, data audits, mitigations, comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

import paribus as pb
from paribus.record import REPORTS

pytest.importorskip("cmarkgfm", reason="a tool of the test extra")

N = 120


def rows(text: str) -> pd.DataFrame:
    """One text as the name of the attribute, its level, the label and a value of a feature."""
    rng = np.random.default_rng(4)
    group = rng.integers(0, 2, N)
    income = rng.normal(50, 9, N) + 9 * group
    return pd.DataFrame(
        {
            f"{text}": np.array(["plain", f"level {text}"], object)[group],
            f"{text} code": group,
            "income": income.round(1),
            f"{text} label": np.where(income + rng.normal(0, 4, N) > 54, f"{text} yes", "no"),
            "approved": np.where(income > 55, f"{text} yes", "no"),
            "month": [f"2026-{1 + i % 4:02d}" for i in range(N)],
        }
    )


def read(shown: Any, readers: Any) -> dict[str, str]:
    """Render in every format that there is, and read each with its reader."""
    found = {}
    kinds = REPORTS.kinds() if isinstance(shown, pb.Record) else ("html", "terminal", "markdown")
    for kind in kinds:
        content = shown.render(kind)
        if kind in ("csv", "xlsx"):
            cells = {"csv": readers.cells_of_csv, "xlsx": readers.cells_of_workbook}[kind](content)
            found[kind] = "\n".join(cells)
        elif kind == "html":
            found[kind] = readers.page(content.decode()).text
        elif kind == "markdown":
            found[kind] = readers.markdown(content.decode()).text
        elif kind == "model_card":
            found[kind] = readers.markdown(readers.front_matter(content.decode())[1]).text
        elif kind in ("sarif", "junit"):
            found[kind] = "\n".join(getattr(readers, kind)(content.decode()))
        elif kind != "json":
            found[kind] = readers.terminal(content.decode())
    return found


def measured(text: str) -> list[Any]:
    frame = rows(text)
    said = {"favorable": f"{text} yes", "label": f"{text} label"}
    return [
        pb.metrics(frame, by=text, decision="approved", name=text, **said),
        pb.audit_data(
            frame, protect=text, decision="approved", time="month",
            features=["income", f"{text} code"], name=text, **said,
        ),
    ]  # fmt: skip


def mended(text: str) -> list[Any]:
    frame = rows(text)
    model = DecisionTreeClassifier(max_depth=2, random_state=0)
    features = [f"{text} code", "income"]
    model.fit(frame[features], frame[f"{text} label"])
    levels = ["plain", f"level {text}"]
    mitigation = pb.mitigate(
        model,
        train=frame[[text, *features, f"{text} label"]],
        label=f"{text} label",
        protect={text: levels},
        fields={f"{text} code": pb.map_of(text, dict(zip(levels, (0, 1), strict=True)))},
        favorable=f"{text} yes",
        candidates=["reweigh", "drop_attribute"],
        name=text,
    )
    return [mitigation.record]


def compared(text: str) -> list[Any]:
    frame = rows(text)

    def record(height: float) -> pb.Record:
        def model(people):
            tall = people["income"] > np.where(people[text] == "plain", height, 50)
            return np.where(tall, f"{text} yes", "no")

        return pb.audit(
            model,
            data=frame[[text, "income"]],
            protect={text: ["plain", f"level {text}"]},
            favorable=f"{text} yes",
            name=text,
        )

    return [pb.compare(record(60), record(51))]


@pytest.mark.parametrize("make", [measured, mended, compared])
@pytest.mark.parametrize("place", range(0, 72, 4))
def test_each_format(make, place, corpus, readers):
    texts = list(corpus.CORPUS.values())
    text = texts[place % len(texts)]
    for shown in make(text):
        for format, said in read(shown, readers).items():
            assert readers.shows(said, text), format
