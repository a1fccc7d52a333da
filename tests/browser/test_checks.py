"""The checks themselves: a page with everything wrong is found wrong."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from . import checks
from .checks import DESKTOP, PHONE
from .chrome import REQUIRED, Chrome, demand

WRONG = """<!doctype html>
<html>
<head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Everything wrong</title>
<style>:focus { outline: none } .low { color: #ddd } .wide { width: 1500px }
.over { overflow-x: auto; width: 100px } figure { height: 1200px; break-inside: avoid }
body { background: #fff }</style>
</head>
<body>
<script>alert(1)</script>
<img src="https://paribus.invalid/pixel.png">
<p class="low">Hardly to be read.</p>
<p class="wide"><a href="#here">A link</a></p>
<div class="over" tabindex="0" onkeydown="return false"><p class="wide">moves</p></div>
<details><summary>more</summary>words</details>
<svg width="100" height="50"><title>empty</title></svg>
<svg width="100" height="50"><title>pale</title><rect width="100" height="50" fill="#eee"/></svg>
<figure><svg width="100" height="50"><title>words</title><text x="-20" y="20">cut off</text>
<text x="20" y="22" transform="rotate(5)">over it</text></svg></figure>
</body>
</html>
"""


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.html"
    path.write_text(WRONG, encoding="utf-8")
    return path


def test_requests_and_messages_are_heard(chrome: Chrome, wrong: Path):
    chrome.open(wrong)
    complaints = list(checks.noise(chrome, wrong))
    assert [each for each in complaints if "script" in each.lower()]
    assert [each for each in complaints if "pixel.png" in each]
    unguarded = wrong.with_name("unguarded.html")
    unguarded.write_text(re.sub("<meta http-equiv.*", "", WRONG).replace("alert(1)", "x()"))
    chrome.open(unguarded)
    complaints = list(checks.noise(chrome, unguarded))
    assert "asks for https://paribus.invalid/pixel.png" in complaints
    assert [each for each in complaints if "x is not defined" in each]


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_what_does_not_fit_is_seen(chrome: Chrome, wrong: Path, width: int):
    chrome.open(wrong, width)
    assert [each for each in checks.overflow(chrome) if "P .wide" in each]
    chrome.evaluate("document.body.style.overflowX = 'hidden'")
    assert [each for each in checks.overflow(chrome) if "body has overflow hidden" in each]
    chrome.evaluate("document.body.style.overflowX = ''")
    assert checks.cut_words(chrome) == ['"cut off" is cut in words']
    assert list(checks.colliding_words(chrome)) == [
        '"cut off" and "over it" are written over each other'
    ]


def test_charts_without_ink_are_seen(chrome: Chrome, wrong: Path):
    chrome.open(wrong)
    assert [each.split("% of ")[1] for each in checks.blank_charts(chrome)] == [
        "chart 1 stands out",
        "chart 2 stands out",
    ]
    chrome.evaluate("document.querySelector('svg').setAttribute('width', 0)")
    assert "takes no room" in next(checks.blank_charts(chrome))


def test_barriers_are_found(chrome: Chrome, wrong: Path):
    chrome.open(wrong)
    found = " ".join(checks.barriers(chrome))
    for rule in ("image-alt", "html-has-lang", "color-contrast"):
        assert f"({rule})" in found


def test_an_outline_that_is_missing_is_missed(chrome: Chrome, wrong: Path):
    chrome.open(wrong)
    assert list(checks.unreached(chrome)) == [
        f"{name} has no outline when reached" for name in ("A A link", "DIV moves", "SUMMARY more")
    ]
    assert {each.split()[0] for each in checks.unseen_focus(chrome)} == {"A", "DIV", "SUMMARY"}
    chrome.open(wrong)
    chrome.evaluate("document.querySelector('.over').tabIndex = 1")
    assert next(checks.unreached(chrome)).startswith("Tab number 1 reaches stop ")


def test_what_keys_do_not_move_is_found(chrome: Chrome, wrong: Path):
    chrome.open(wrong, PHONE)
    chrome.evaluate("document.querySelector('.over').onkeydown = () => false")
    assert list(checks.stuck_tables(chrome)) == ["the arrow key does not move 0"]
    chrome.evaluate("document.querySelector('.over').removeAttribute('tabindex')")
    assert list(checks.stuck_tables(chrome)) == ["what scrolls cannot be reached: 0"]


def test_figures_that_a_page_break_cuts_are_found(chrome: Chrome, wrong: Path):
    chrome.open(wrong)
    assert checks.broken_figures(chrome) == [
        "empty may be broken",
        "pale may be broken",
        "words is 1200 pixels high",
    ]


def test_contrast_is_that_of_the_guidelines():
    # WCAG 2.2: black on white is 21 to 1. Gray #767676 is the lightest that gives 4.5 on white.
    white = np.array([255, 255, 255])
    assert checks.contrast(np.array([0, 0, 0]), white) == pytest.approx(21)
    assert checks.contrast(np.array([0x76] * 3), white) == pytest.approx(4.54, abs=0.01)
    assert checks.contrast(np.array([0x77] * 3), white) < 4.5


def test_axe_is_the_version_that_its_readme_names():
    folder = checks.AXE.parent
    head = re.match(r"/\*! axe v([\d.]+)", checks.AXE.read_text(encoding="utf-8"))
    assert head is not None
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert f"axe-core {head[1]}\n" in readme
    assert f"version {head[1]}," in readme
    assert "Mozilla Public License, version 2.0" in (folder / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("required", ["", "CI", "PARIBUS_BROWSER"])
def test_a_machine_without_a_browser_skips_and_ci_fails(
    required: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in REQUIRED:
        monkeypatch.delenv(name, raising=False)
    if required:
        monkeypatch.setenv(required, "true")
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(outcome, match="no chromium and chromedriver here"):
        demand()
