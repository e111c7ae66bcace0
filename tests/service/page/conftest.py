"""A real Chromium whose microphone is a sample, and pages of it that are watched for anything they must not do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.shipped import ROOT

SAMPLES = ROOT / "samples"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OPENED = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""
# A status that the page shows in its own words is no fault of it, but Chromium writes it into the console.
TOLD_ANYWAY = (
    "Failed to load resource: the server responded with a status of",
    "Failed to load resource: net::ERR_CONNECTION_REFUSED",
    "WebSocket connection to",
)


def launched(sample: str) -> Iterator[Any]:
    """Start Chromium, whose microphone plays a sample once for each page that opens it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'malsori[browser]'")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    sound = f"--use-file-for-fake-audio-capture={SAMPLES / sample}%noloop"
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", sound]
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", *fake])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: apt-get install chromium, or playwright install chromium ({error.message[:80]})")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Give a Chromium that hears samples/korean.wav."""
    yield from launched("korean.wav")


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Give a function that opens an address; at the end each page must have kept to its server and to its policy."""
    contexts, faults = [], []

    def open_page(url: str, *, script: str = "", path: str = "/", **settings: Any) -> Any:
        context = chromium.new_context(**{"viewport": {"width": 1000, "height": 720}, "locale": "en-GB", **settings})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.add_init_script(OPENED + script)
        page.on("pageerror", lambda error: faults.append(f"error: {error}"))
        page.on("console", lambda each: faults.append(each.text) if _is_fault(each) else None)
        page.on("request", lambda each: faults.append(each.url) if not _own(each.url, url) else None)
        page.goto(url + path)
        page.wait_for_load_state("networkidle")
        return page

    yield open_page
    for context in contexts:
        faults += [violation for page in context.pages for violation in page.evaluate("window.violations")]
        context.close()
    assert faults == []


def _is_fault(message: Any) -> bool:
    return message.type in ("error", "warning") and not message.text.startswith(TOLD_ANYWAY)


def _own(address: str, url: str) -> bool:
    return address.startswith((f"{url}/", f"{url.replace('http', 'ws', 1)}/", "blob:", "data:"))
