"""How the page looks and reads in a real browser: narrow, dark, in Korean, without motion, to a screen reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.service.running import RunningServer
from tests.shipped import ROOT

pytestmark = pytest.mark.browser
SAMPLES = ROOT / "samples"
Opened = Callable[..., Any]

COLOURS = """(names) => names.map((name) => {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
})"""
ON = {
    "--ground": ("--ink", "--dim", "--accent"),
    "--raised": ("--ink", "--dim", "--accent"),
    "--speech": ("--accent", "--ink"),
    "--accent": ("--on-accent",),
    "--warn-ground": ("--warn",),
    "--bad-ground": ("--bad", "--ink", "--dim"),
}
CONTROLS = "button, input, select, canvas[role], [role=tabpanel], [role=tablist], [role=group]"
NAMELESS = f"""() => [...document.querySelectorAll("{CONTROLS}")]
  .filter((each) => each.checkVisibility())
  .filter((each) => !(each.getAttribute("aria-label") || each.getAttribute("aria-labelledby")))
  .filter((each) => !(each.labels?.[0]?.innerText.trim() || each.textContent.trim()))
  .map((each) => each.outerHTML.slice(0, 100))"""
SMALL = """() => [...document.querySelectorAll("button:not(.word, .time), select, #drop")]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 40)
  .map((each) => each.outerHTML.slice(0, 100))"""


def brightness(colour: list[int]) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [each / 255 for each in colour]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[int], other: list[int]) -> float:
    dark, light = sorted([brightness(one), brightness(other)])
    return (light + 0.05) / (dark + 0.05)


def with_a_file(page: Any, *names: str) -> Any:
    page.click("#tab-files")
    page.set_input_files("#choose", [SAMPLES / name for name in names or ("korean.wav",)])
    page.wait_for_selector(".transcript:visible")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(server: RunningServer, opened: Opened, scheme: str) -> None:
    page = opened(server.url, color_scheme=scheme)
    ground, *_ = page.evaluate(COLOURS, ["--ground"])
    assert (brightness(ground) < 0.05) == (scheme == "dark")
    for under, texts in ON.items():
        below, *colours = page.evaluate(COLOURS, [under, *texts])
        for name, colour in zip(texts, colours, strict=True):
            assert contrast(below, colour) >= 4.5, f"{name} on {under}"


@pytest.mark.parametrize("width", [320, 360, 1000])
def test_nothing_is_wider_than_the_screen(server: RunningServer, opened: Opened, width: int) -> None:
    page = opened(server.url, viewport={"width": width, "height": 700})
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= width
    page.click("#key-open")
    with_a_file(page, "numbers.wav")
    assert page.evaluate(wide) <= width


def test_fingers_find_the_buttons_of_a_phone(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url, viewport={"width": 360, "height": 740}, has_touch=True)
    assert page.evaluate(SMALL) == []
    assert with_a_file(page).evaluate(SMALL) == []


def test_the_button_of_a_phone_is_in_sight_however_much_was_said(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url, viewport={"width": 360, "height": 640})
    page.evaluate(
        "for (let i = 0; i < 200; i++) document.getElementById('finals').append(document.createElement('li'), 'x')"
    )
    box = page.locator("#toggle").bounding_box()
    assert box["y"] + box["height"] <= 640


def test_everything_has_a_name_for_those_who_do_not_see_it(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url)
    assert page.evaluate(NAMELESS) == []
    assert page.locator("main").count() == page.locator("h1").count() == 1
    assert with_a_file(page).evaluate(NAMELESS) == []


def test_finals_alone_are_read_aloud(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url)
    assert page.get_attribute("#finals", "aria-live") == "polite"
    assert page.get_attribute("#partial", "aria-live") == "off"
    assert page.evaluate("document.querySelector('#finals').contains(document.querySelector('#partial'))") is False


def test_nothing_moves_for_those_who_do_not_want_it(server: RunningServer, opened: Opened) -> None:
    for motion, moving in (("reduce", 0), ("no-preference", 1)):
        page = opened(server.url, path="/#files", reduced_motion=motion)
        page.route("**/v1/audio/transcriptions", lambda route: None)
        page.set_input_files("#choose", SAMPLES / "korean.wav")
        page.wait_for_selector("progress:visible")
        page.evaluate("document.querySelector('progress').removeAttribute('value')")  # as while it is being heard
        assert page.evaluate("document.getAnimations().length") == moving


def test_a_korean_browser_is_spoken_to_in_korean(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url, locale="ko-KR")
    assert page.get_attribute("html", "lang") == "ko"
    assert page.inner_text("#toggle") == "시작"
    assert "한국어" in page.locator("#language option").all_inner_texts()
    assert with_a_file(page).inner_text(".facts-line").startswith("0:04 · 한국어")


def test_languages_are_those_of_the_chosen_model(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url)
    assert page.locator("#model option").all_inner_texts() == ["nano-ctc-ko", "nano-whisper"]
    assert page.locator("#language option").all_inner_texts() == ["as spoken", "Korean"]
    page.select_option("#model", "nano-whisper")
    assert page.locator("#language option").all_inner_texts() == ["as spoken", "English", "Korean"]


def test_the_page_may_stand_below_a_path(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url)
    addresses = page.evaluate("performance.getEntriesByType('resource').map((each) => new URL(each.name).pathname)")
    assert {"/page/page.js", "/page/page.css", "/v1/models", "/v1/limits"} <= set(addresses)
    asked = page.evaluate(
        "[...document.querySelectorAll('[src], [href]')].map((e) => e.getAttribute('src') ?? e.getAttribute('href'))"
    )
    assert asked
    assert not any(each.startswith("/") for each in asked)
