"""One headless Chromium, steered from outside: nothing is added to the page that it shows."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

BROWSERS = ("chromium", "google-chrome", "chrome")
DRIVER = "chromedriver"
REQUIRED = {"CI", "PARIBUS_BROWSER"}
"""Where one of these is set, a machine without a browser is a failure."""
HIGH = 900

Box = tuple[float, float, float, float]
"""Left, top, width and height in CSS pixels, from the corner of the document."""


def demand() -> None:
    """Skip where there is no browser, and fail where there must be one."""
    lacks = [] if any(map(shutil.which, BROWSERS)) else ["chromium"]
    lacks += [] if shutil.which(DRIVER) else [DRIVER]
    if lacks:
        complain = pytest.fail if REQUIRED & os.environ.keys() else pytest.skip
        complain(
            f"no {' and '.join(lacks)} here (Debian: apt-get install chromium chromium-driver)"
        )


class Chrome:
    """A browser that shows one page at a time."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.width = 0

    def open(self, path: Path, width: int = 1280, *, dark: bool = False) -> None:
        """Show a file as it is opened from disk, 390 pixels wide and less as a phone does."""
        self.logs()
        self.resize(width)
        self.emulate(dark=dark)
        self._driver.get(path.as_uri())

    def resize(self, width: int, *, scale: float = 1.0) -> None:
        self.width = width
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=HIGH,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )
        # They would be gone in pictures, and everything elsewhere in them.
        self.command("Emulation.setScrollbarsHidden", hidden=True)

    def emulate(self, *, dark: bool = False, media: str = "screen") -> None:
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", media=media, features=[theme])

    def command(self, method: str, **parameters: Any) -> Any:
        return self._driver.execute_cdp_cmd(method, parameters)

    def evaluate(self, expression: str) -> Any:
        """Measure something in the page. The page's own policy does not bind the one who looks."""
        answer = self.command(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def picture(self, box: Box | None = None) -> np.ndarray:
        """Look at a part of the document, or at the window.

        Returns
        -------
        numpy.ndarray
            Red, green and blue of 0-255, of shape (height, width, 3).
        """
        clip = {}
        if box is not None:
            x, y, width, height = box
            clip = {"clip": {"x": x, "y": y, "width": width, "height": height, "scale": 1}}
        shot = self.command(
            "Page.captureScreenshot",
            captureBeyondViewport=box is not None,
            optimizeForSpeed=True,
            **clip,
        )
        image = Image.open(io.BytesIO(base64.b64decode(shot["data"])))
        return np.asarray(image.convert("RGB"))

    def pdf(self) -> bytes:
        """Print on A4, with the browser's own margins of one centimeter."""
        printed = self.command(
            "Page.printToPDF", paperWidth=210 / 25.4, paperHeight=297 / 25.4, printBackground=True
        )
        return base64.b64decode(printed["data"])

    def press(self, key: str) -> None:
        """Press a key that is named as in a KeyboardEvent."""
        code = {"Tab": 9, "Enter": 13, "ArrowRight": 39}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for event in ("keyDown", "keyUp"):
            self.command(
                "Input.dispatchKeyEvent",
                type=event,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **(text if event == "keyDown" else {}),
            )

    def logs(self) -> tuple[list[str], list[str]]:
        """Take what was requested since the last look, and what was said on the console."""
        events = [
            json.loads(entry["message"])["message"] for entry in self._driver.get_log("performance")
        ]
        requested = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        said = [entry["message"] for entry in self._driver.get_log("browser")]
        return requested, said


@contextmanager
def started() -> Iterator[Chrome]:
    """Start a browser that reaches no network, and end it."""
    from selenium.webdriver import Chrome as Driver
    from selenium.webdriver import ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    for argument in (
        "--headless=new",
        "--no-sandbox",  # there is none in most containers, and the pages are our own
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--force-color-profile=srgb",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # A driver that is named is used as it is: none is looked for elsewhere.
    driver = Driver(options=options, service=Service(executable_path=shutil.which(DRIVER)))
    try:
        yield Chrome(driver)
    finally:
        driver.quit()
