"""How the page of a comparison looks in a real browser: wide and narrow, light and dark, with many models."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from malsori.compare import ModelComparison, comparison_page
from tests.compare.made import comparison, outcome
from tests.service.page.test_browser_looks import COLOURS, brightness, contrast

pytestmark = pytest.mark.browser
SAID = "침실 온도를 이십육 도로 맞춰 주세요"
ON = {
    "--ground": ("--ink", "--dim", "--accent", "--missed"),
    "--missed-ground": ("--missed",),
    "--added-ground": ("--added",),
}
OVERLAPS = """() => {
  const svg = [...document.querySelectorAll("svg")].find((each) => each.checkVisibility());
  const boxes = [...svg.querySelectorAll(".label, .mark")].map((each) => [each.tagName, each.getBoundingClientRect()]);
  const hit = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const out = svg.getBoundingClientRect();
  const wrong = [];
  boxes.forEach(([name, a], i) => {
    if (a.left < out.left || a.right > out.right + 1) wrong.push(name + " outside");
    boxes.slice(i + 1).forEach(([other, b]) => {
      if ((name === "text" || other === "text") && hit(a, b)) wrong.push(name + " on " + other);
    });
  });
  return wrong;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'malsori[browser]'")
    found = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: apt-get install chromium, or playwright install chromium ({error.message[:80]})")
        yield browser
        browser.close()


def many(models: int, recordings: int, said: str = SAID) -> ModelComparison:
    """Return models of similar figures, whose labels would lie on each other, the last with a long name."""
    made = [
        outcome(f"model-{number}", *[said[number:]] * recordings, seconds=1 + number / 20, peak=(number + 1) * 10**8)
        for number in range(models - 1)
    ]
    return comparison([said] * recordings, *made, outcome("a-very-long-name-" * 4, *[said] * recordings, kind="ctc"))


def opened(chromium: Any, tmp_path: Path, made: ModelComparison, **settings: Any) -> tuple[Any, list[str]]:
    path = tmp_path / "page.html"
    sound = {0: "data:audio/wav;base64," + "UklGRiQAAABXQVZF"}
    path.write_text(comparison_page(made, sound=sound), "utf-8")
    page = chromium.new_page(**settings)
    faults: list[str] = []
    page.on("console", lambda each: faults.append(each.text) if each.type in ("error", "warning") else None)
    page.on("request", lambda each: faults.append(each.url) if not each.url.startswith(("file:", "data:")) else None)
    page.goto(path.as_uri())
    return page, faults


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize(("models", "recordings"), [(2, 2), (6, 40)])
def test_nothing_is_wider_than_the_screen_and_no_label_lies_on_another(
    chromium: Any, tmp_path: Path, width: int, models: int, recordings: int
):
    page, faults = opened(chromium, tmp_path, many(models, recordings), viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERLAPS) == []
    assert page.locator("svg:visible").count() == 1
    assert page.locator(".heard > div").count() == models * recordings
    assert faults == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(chromium: Any, tmp_path: Path, scheme: str):
    page, _ = opened(chromium, tmp_path, many(2, 1), color_scheme=scheme)
    ground, *_ = page.evaluate(COLOURS, ["--ground"])
    assert (brightness(ground) < 0.05) == (scheme == "dark")
    for under, texts in ON.items():
        below, *colours = page.evaluate(COLOURS, [under, *texts])
        for name, colour in zip(texts, colours, strict=True):
            assert contrast(below, colour) >= 4.5, f"{name} on {under}"
    page.close()


def test_the_style_is_applied_and_differences_are_lines_as_well_as_colours(chromium: Any, tmp_path: Path):
    made = comparison(["set the light"], outcome("one", "let the light"), outcome("two", "set the light"))
    page, faults = opened(chromium, tmp_path, made)
    line = "(each) => getComputedStyle(each).textDecorationLine"
    assert page.locator("article del").first.evaluate(line) == "line-through"
    assert page.locator("article ins").first.evaluate(line) == "underline"
    assert page.locator("audio").count() == 1
    assert faults == []
    page.close()
