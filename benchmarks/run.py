"""Measure what the README promises: ``make bench``, or ``make bench ARGS=--write``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import anonymizing
import audits
import counting
import evidence
import imports
import memory
import metrics
import mitigation
import people
import relabeling
import search
from timing import Row, machine, markdown

README = Path(__file__).with_name("README.md")
START, END = "<!-- measured -->", "<!-- /measured -->"

TOPICS: dict[str, tuple[str, Callable[..., Sequence[Row]]]] = {
    "audits": ("Audit of 100,000 people × 2 twins, over bare `predict`", audits.rows),
    "evidence": ("Weighing a million pairs, over asking a fast model about them", evidence.rows),
    "relabeling": ("Ranks and relabeling", relabeling.rows),
    "counting": ("Contingency tables", counting.rows),
    "metrics": ("Group metrics of 1,000,000 rows", metrics.rows),
    "mitigation": ("Ways to mend a model, side by side", mitigation.rows),
    "anonymizing": ("Anonymizing files, over a plain copy", anonymizing.rows),
    "search": ("Guided search for discriminating pairs, 1,500 of them", search.rows),
    "people": ("People with ten personal fields", people.rows),
    "memory": ("Many people through a depth-3 tree, all default tests", memory.rows),
    "imports": ("Start, each in a new process", imports.rows),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print one table, and write it into the README where asked."""
    asked = _arguments(argv)
    told = machine()
    sections: dict[str, Sequence[Row]] = {}
    for topic in asked.topics or TOPICS:
        title, measure = TOPICS[topic]
        print(f"measuring {topic} ...", file=sys.stderr, flush=True)
        sections[title] = measure(quick=asked.quick)
    text = f"{told}\n\n{markdown(sections)}"
    print(text)
    if asked.write:
        _write(text)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("topics", nargs="*", metavar="topic", help=f"of {', '.join(TOPICS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes")
    parser.add_argument("--write", action="store_true", help="replace the table in README.md")
    asked = parser.parse_args(argv)
    for topic in asked.topics:
        if topic not in TOPICS:
            parser.error(f'there is no topic "{topic}"; choose from {", ".join(TOPICS)}')
    if asked.write and (asked.quick or asked.topics):
        parser.error("--write takes a whole, slow run: leave --quick and the topics out")
    return asked


def _write(text: str) -> None:
    before, _, rest = README.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
