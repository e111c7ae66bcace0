"""Take the pictures of docs/page.md: `python -m tests.service.page.pictures`.

What a person would do is done on a real service in Chromium (`malsori[serve,browser]`). Fonts are those of the machine:
the pictures in docs were taken where Inter and Nanum Gothic are installed.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.service.running import start_server
from tests.shipped import ROOT

SAMPLE = ROOT / "samples" / "numbers.wav"
MOST_BYTES = 200_000
FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


def main() -> None:
    """Start a service and a browser, and write docs/page-live.png and docs/page-file.png."""
    sound = f"--use-file-for-fake-audio-capture={SAMPLE}%noloop"
    with start_server("--models", "nano-ctc-ko,nano-whisper") as server, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", *FAKE, sound])
        _picture_live(_opened(browser, server.url, "light", 560))
        _picture_file(_opened(browser, f"{server.url}/#files", "dark", 720))
        browser.close()


def _opened(browser: Any, url: str, scheme: str, height: int) -> Any:
    page = browser.new_page(viewport={"width": 880, "height": height}, device_scale_factor=2, color_scheme=scheme)
    page.goto(url)
    page.wait_for_load_state("networkidle")
    return page


def _picture_live(page: Any) -> None:
    """Show some finals, and the open utterance with its changeable tail."""
    page.click("#toggle")
    page.locator("#finals li.final").nth(2).wait_for()
    page.wait_for_selector("#partial .tail:visible:not(:empty)")
    while len(page.inner_text("#partial")) < 18:
        page.wait_for_timeout(50)
    _save(page, "page-live.png")


def _picture_file(page: Any) -> None:
    """Show a file while one of its words is heard."""
    page.set_input_files("#choose", SAMPLE)
    page.wait_for_selector(".word")
    page.locator(".word").nth(9).click()
    page.wait_for_selector(".word.now")
    _save(page, "page-file.png")


def _save(page: Any, name: str) -> None:
    path = Path(ROOT / "docs" / name)
    page.screenshot(path=path)
    assert path.stat().st_size < MOST_BYTES, f"{name}: {path.stat().st_size} bytes"


if __name__ == "__main__":
    main()
