"""Take the pictures of the README and of docs/mortgage.md: the first screens of two reports.

    python -m tools.pictures [FOLDER]

Each report on a desktop (1280 pixels) and on a phone (390), light and dark, as PNG of at most
200 kB: docs/pictures/loan-desktop-light.png and so on. It needs Chromium and its driver.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

import paribus as pb
from examples import mortgage
from tests.browser.chrome import Chrome, started

FOLDER = Path("docs/pictures")
SCREENS = {"desktop": (1280, 1250), "phone": (390, 1500)}
"""Name of a screen -> its width, and the largest height of its picture, in CSS pixels."""
COLORS = 128
LARGEST = 200_000
"""Bytes of a picture."""
MARGIN = 24


def reports(folder: Path) -> Iterator[tuple[str, Path]]:
    """Write both reports: that of the loan demo, and one of the mortgage example."""
    for _ in pb.demo(folder):
        pass
    yield "loan", folder / "loan.html"
    data = mortgage.applications()
    model = mortgage.train(data)["logistic"]
    title = "Mortgages: logistic, real applicants, decisions"
    record = mortgage.audit_real(model, data, "decision", title)
    yield "mortgage", record.save(folder / "mortgage.html")


def first_screens(chrome: Chrome, tallest: int) -> np.ndarray:
    """Look at the page from its top to the last part that is whole."""
    ends = [bottom for _, bottom in _spans(chrome, "header, section, figure, table, li")]
    parts = _spans(chrome, "h2, h3, p, li, figcaption, figure, table, summary")
    last = max(
        end
        for end in ends
        # A part beside this one must not go on below it.
        if end <= tallest and not any(top < end - 1 < bottom - 1 for top, bottom in parts)
    )
    following = min((top for top, _ in parts if top >= last - 1), default=last + MARGIN)
    return chrome.picture((0, 0, chrome.width, min(last + MARGIN, following - 2)))


def _spans(chrome: Chrome, selector: str) -> list[tuple[float, float]]:
    """Measure parts of the page: where each begins and ends, in pixels from its top."""
    return chrome.evaluate(
        f"[...document.querySelectorAll('{selector}')].filter(e => e.checkVisibility())"
        ".map(e => e.getBoundingClientRect()).map(box => [box.top + scrollY, box.bottom + scrollY])"
    )


def main(folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, started() as chrome:
        for name, path in reports(Path(made)):
            for screen, (width, tallest) in SCREENS.items():
                for theme in ("light", "dark"):
                    chrome.open(path, width, dark=theme == "dark")
                    image = Image.fromarray(first_screens(chrome, tallest))
                    flat = image.quantize(COLORS, dither=Image.Dither.NONE)
                    target = folder / f"{name}-{screen}-{theme}.png"
                    flat.save(target, optimize=True)
                    size = target.stat().st_size
                    print(f"{target}: {image.width} x {image.height}, {size / 1000:.0f} kB")
                    if size > LARGEST:
                        sys.exit(f"{target} is larger than {LARGEST / 1000:.0f} kB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
