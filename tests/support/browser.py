"""The distribution's Chromium, driven by Playwright; no browser is downloaded.

``PGFLOW_TEST_CHROMIUM``  the program, where it is not found by its usual names.
``PGFLOW_TEST_BROWSER=required``  its absence is a failure (CI), else the tests are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
NAMES_MISSING = Path(__file__).with_name("names.js").read_text(encoding="utf-8")


def chromium() -> str:
    """The program; skips, or fails where it is required, with a reason everybody sees."""
    found = os.environ.get("PGFLOW_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    reason = "no Chromium: install it (apt-get install chromium), or name it in PGFLOW_TEST_CHROMIUM"
    if os.environ.get("PGFLOW_TEST_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def launched() -> Iterator[Browser]:
    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


def strict(page: Page) -> list[str]:
    """Collects what must not happen: script errors, broken policies, requests to anywhere else."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on(
        "console",
        lambda message: faults.append(message.text) if _is_fault(message) else None,
    )
    page.on(
        "request",
        lambda request: None if "//localhost:" in request.url else faults.append(f"asked {request.url}"),
    )
    return faults


def _is_fault(message: ConsoleMessage) -> bool:
    """A page that is refused on purpose is no fault."""
    return message.type in ("error", "warning") and "responded with a status of 4" not in message.text
