"""Every page without a mouse."""

from __future__ import annotations

from pathlib import Path

from . import checks
from .checks import PHONE
from .chrome import Chrome


def test_tab_reaches_everything_in_order_and_shows_where_it_is(chrome: Chrome, path: Path):
    chrome.open(path)
    checks.unfold(chrome)
    assert list(checks.unreached(chrome)) == []
    assert list(checks.unseen_focus(chrome)) == []


def test_what_scrolls_on_a_phone_scrolls_by_keys(chrome: Chrome, path: Path):
    chrome.open(path, PHONE)
    checks.unfold(chrome)
    assert list(checks.stuck_tables(chrome)) == []


def test_enter_unfolds_and_follows(chrome: Chrome, path: Path):
    chrome.open(path)
    folded = chrome.evaluate("document.querySelectorAll('details').length")
    for number in range(min(folded, 3)):
        details = f"document.querySelectorAll('details')[{number}]"
        chrome.evaluate(f"{details}.querySelector('summary').focus()")
        before = chrome.evaluate(f"{details}.open")
        chrome.press("Enter")
        assert chrome.evaluate(f"{details}.open") is not before
    links = chrome.evaluate("document.querySelectorAll('a[href]').length")
    for number in range(min(links, 3)):
        chrome.evaluate(f"document.querySelectorAll('a[href]')[{number}].focus()")
        chrome.press("Enter")
        target = f"document.querySelector(document.querySelectorAll('a[href]')[{number}].hash)"
        assert chrome.evaluate(f"{target}.matches(':target')")
        assert chrome.evaluate(
            f"(box => box.top < innerHeight && box.bottom > 0)({target}.getBoundingClientRect())"
        )
