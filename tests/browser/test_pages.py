"""Every page in a real browser: from disk, wide and narrow, light and dark, on paper."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from . import checks
from .checks import DESKTOP, PAPER, PHONE, SHEET
from .chrome import Chrome
from .pages import PAGES

THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
A4 = (595.3, 841.9)
"""Width and height in points, which the browser rounds up."""
BLANK = 200
"""Bytes that a sheet of nothing takes, and more."""


def test_it_opens_in_silence(chrome: Chrome, path: Path):
    chrome.open(path)
    checks.unfold(chrome)
    chrome.evaluate("scrollTo(0, document.body.scrollHeight)")
    chrome.picture()
    assert list(checks.noise(chrome, path)) == []


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_nothing_is_wider_than_the_window(chrome: Chrome, path: Path, width: int):
    chrome.open(path, width)
    assert list(checks.overflow(chrome)) == []
    checks.unfold(chrome)
    assert list(checks.overflow(chrome)) == []
    assert checks.cut_words(chrome) == []
    assert list(checks.colliding_words(chrome)) == []


@THEMES
def test_every_chart_has_ink(chrome: Chrome, path: Path, dark: bool):
    chrome.open(path, PHONE if dark else DESKTOP, dark=dark)
    checks.unfold(chrome)
    assert list(checks.blank_charts(chrome)) == []


def test_it_is_dark_where_that_is_wanted(chrome: Chrome, path: Path):
    chrome.open(path, dark=True)
    assert checks.luminance(chrome.picture()).mean() < 0.1
    chrome.emulate(dark=False)
    assert checks.luminance(chrome.picture()).mean() > 0.7


@THEMES
def test_axe_finds_nothing_serious(chrome: Chrome, path: Path, dark: bool):
    chrome.open(path, PHONE if dark else DESKTOP, dark=dark)
    checks.unfold(chrome)
    assert list(checks.barriers(chrome)) == []


@pytest.mark.parametrize("path", [each for each in PAGES if each != "notebook"], indirect=True)
def test_paper_is_white_and_nothing_on_it_is_cut(chrome: Chrome, path: Path):
    chrome.open(path, PAPER, dark=True)
    chrome.emulate(dark=True, media="print")
    assert np.array_equal(checks.color(chrome, "document.body"), [255, 255, 255])
    assert list(checks.overflow(chrome)) == []
    assert checks.broken_figures(chrome) == []
    # A table that fits on paper is one there, even where it would not fit on a tablet.
    shown = (
        "[...document.querySelectorAll('table:not(.broad)')].map(t => getComputedStyle(t).display)"
    )
    assert set(chrome.evaluate(shown)) <= {"table"}
    tall = chrome.evaluate("document.documentElement.scrollHeight")
    pages = checks.sheets(chrome.pdf())
    assert all(size[:2] == pytest.approx(A4, abs=1) for size in pages)
    assert min(drawn for *_, drawn in pages) > BLANK
    # Breaks before what must not be broken leave gaps: no more than half a sheet each.
    assert math.ceil(0.8 * tall / SHEET) <= len(pages) <= math.ceil(1.5 * tall / SHEET) + 1
    assert list(checks.blank_charts(chrome)) == []
