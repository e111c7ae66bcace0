"""The page in a real browser: what a person does with it, and what is told when something is wrong."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.service.running import RunningServer, start_server
from tests.shipped import ROOT

pytestmark = pytest.mark.browser
SAMPLES = ROOT / "samples"
KOREAN = (SAMPLES / "korean.txt").read_text("utf-8").strip()
NUMBERS = (SAMPLES / "numbers.txt").read_text("utf-8").strip()
Opened = Callable[..., Any]

DROP = """([name, coded]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([Uint8Array.from(atob(coded), (each) => each.charCodeAt(0))], name));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""
RECORD = """async () => {
  const recorder = new MediaRecorder(await navigator.mediaDevices.getUserMedia({ audio: true }));
  const pieces = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  recorder.start(500);
  await new Promise((resolve) => setTimeout(resolve, 4600));
  await new Promise((resolve) => { recorder.onstop = resolve; recorder.stop(); });
  const carried = new DataTransfer();
  carried.items.add(new File(pieces, "spoken.webm"));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
  return recorder.mimeType;
}"""
REFUSING = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{}'));"
SECURE_NOT = "Object.defineProperty(window, 'isSecureContext', { get: () => false });"
FOCUSED = "(() => { const e = document.activeElement; return e.id || e.className; })()"


def until(page: Any, condition: str, seconds: float = 15) -> None:
    """Wait for a condition; `wait_for_function` would evaluate text within the page, which its policy stops."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def listened(page: Any) -> str:
    """Start, wait for the final of the sample, stop, and return what stands there."""
    page.click("#toggle")
    page.wait_for_selector("#finals li.final")
    page.click("#toggle")
    page.wait_for_selector("#live-downloads:visible")
    return str(page.inner_text("#finals li.final span"))


def chosen(page: Any, *names: str) -> None:
    """Choose files of the samples, and wait for their texts."""
    page.click("#tab-files")
    page.set_input_files("#choose", [SAMPLES / name for name in names])
    until(page, f"document.querySelectorAll('.transcript:not([hidden])').length === {len(names)}")


def tabbed(page: Any, wanted: str) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(30):
        if page.evaluate(FOCUSED) == wanted:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {wanted}")


def problem(page: Any) -> str:
    page.wait_for_selector(".problem:visible")
    return str(page.inner_text(".problem:visible"))


def saved(page: Any, button: str, tmp_path: Path) -> str:
    with page.expect_download() as waiting:
        page.click(button)
    waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
    return (tmp_path / waiting.value.suggested_filename).read_text("utf-8")


def test_what_is_spoken_is_read_while_it_is_spoken(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url)
    page.click("#toggle")
    page.wait_for_selector("#partial:visible")
    until(page, "document.querySelector('#partial .stable').textContent.length > 3")
    stable, tail = page.evaluate(
        "['.stable', '.tail'].map((each) => document.querySelector('#partial ' + each).textContent)"
    )
    page.wait_for_selector("#finals li.final")
    assert KOREAN.startswith(stable)
    assert not tail.startswith(stable)
    assert page.inner_text("#finals li.final span") == KOREAN
    assert page.inner_text("#finals li.final time") == "0:00"
    assert page.get_attribute("#finals li.final span", "lang") == "ko"
    assert not page.is_visible("#partial")
    assert 0 < float(page.inner_text("#latency").strip("< s")) < 5
    drawn = "(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((each) => each > 0))"
    assert page.evaluate(f"{drawn}(document.getElementById('level'))")


def test_listening_again_goes_on_below_with_its_own_times(
    server: RunningServer, opened: Opened, tmp_path: Path
) -> None:
    page = opened(server.url)
    assert listened(page) == KOREAN
    page.click("#toggle")
    until(page, "document.querySelectorAll('#finals li.final').length === 2")
    page.click("#toggle")
    until(page, "!document.getElementById('toggle').classList.contains('on')")
    first, second = page.locator("#finals time").all_inner_texts()
    assert first == "0:00" != second
    assert saved(page, "#live-downloads button:text-is('txt')", tmp_path) == f"{KOREAN}\n" * 2
    cues = saved(page, "#live-downloads button:text-is('srt')", tmp_path).split("\n\n")
    assert cues[0].splitlines()[2] == KOREAN


def test_all_can_be_done_by_keys(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url)
    asked: list[Any] = []
    page.on("filechooser", lambda chooser: asked.append(chooser))  # from here on: it takes a while until it is heard of
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#finals li.final")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#live-downloads:visible")
    tabbed(page, "tab-live")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUSED) == "tab-files"
    tabbed(page, "choose")
    page.keyboard.press("Space")
    page.wait_for_timeout(500)
    asked[0].set_files(SAMPLES / "korean.wav")
    page.wait_for_selector(".transcript:visible")
    tabbed(page, "word")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == KOREAN.split()[1]
    page.keyboard.press("Enter")
    page.wait_for_selector(".word.now")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED) == "wave"
    page.keyboard.press("End")
    assert page.get_attribute(".wave", "aria-valuetext") == "0:04 of 0:04"


def test_a_dropped_file_is_read_and_its_words_are_heard(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url)
    coded = base64.b64encode((SAMPLES / "korean.wav").read_bytes()).decode("ascii")
    page.evaluate(DROP, ["korean.wav", coded])
    page.wait_for_selector(".transcript:visible")
    assert page.inner_text(".segment span") == KOREAN
    assert page.locator(".word").all_inner_texts() == KOREAN.split()
    assert page.inner_text(".facts-line").startswith("0:04 · Korean · heard in ")
    assert page.get_attribute(".transcript", "lang") == "ko"
    word = page.locator(".word").nth(2)
    word.click()
    page.wait_for_selector(".play.on")
    until(page, "document.querySelector('.word.now')?.textContent === '이십육'")
    page.wait_for_selector(".play:not(.on)")
    assert 1 < float(page.get_attribute(".wave", "aria-valuenow")) < 3.5  # it ends behind the word


def test_downloads_are_those_of_the_server_itself(server: RunningServer, opened: Opened, tmp_path: Path) -> None:
    page = opened(server.url)
    chosen(page, "numbers.wav")
    assert page.locator(".segment span").all_inner_texts() == NUMBERS.splitlines()
    for format in ("srt", "vtt"):
        fields = {"model": "nano-ctc-ko", "response_format": format}
        sound = {"name": "numbers.wav", "mimeType": "audio/wav", "buffer": (SAMPLES / "numbers.wav").read_bytes()}
        same = page.request.post(f"{server.url}/v1/audio/transcriptions", multipart={**fields, "file": sound})
        assert saved(page, f".downloads button:text-is('{format}'):visible", tmp_path) == same.text()
    assert saved(page, ".downloads button:text-is('txt'):visible", tmp_path) == f"{NUMBERS}\n"
    kept = json.loads(saved(page, ".downloads button:text-is('json'):visible", tmp_path))
    assert [each["text"].strip() for each in kept["segments"]] == NUMBERS.splitlines()


def test_what_a_browser_records_is_read(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url)
    assert page.evaluate(RECORD).startswith("audio/webm")
    page.wait_for_selector(".transcript:visible")
    assert page.inner_text(".segment span") == KOREAN
    page.locator(".word").nth(1).click()
    page.wait_for_selector(".word.now")


def test_several_files_have_their_turns_and_one_that_is_none_does_not_stop_them(
    server: RunningServer, opened: Opened
) -> None:
    page = opened(server.url, path="/#files")
    page.set_input_files("#choose", [SAMPLES / "korean.wav", ROOT / "README.md", SAMPLES / "numbers.wav"])
    until(page, "document.querySelectorAll('.transcript:not([hidden])').length === 2")
    assert problem(page).startswith("This file could not be read as sound. Does it play elsewhere?")
    assert page.locator(".file h2").all_inner_texts() == ["korean.wav", "README.md", "numbers.wav"]


def test_a_file_that_is_under_way_can_be_cancelled_and_tried_again(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url, path="/#files")
    held: list[Any] = []
    page.route("**/v1/audio/transcriptions", lambda route: held.append(route))
    page.set_input_files("#choose", SAMPLES / "korean.wav")
    page.wait_for_selector(".progress:visible")
    page.click(".cancel")
    page.wait_for_selector("text=Cancelled.")
    page.unroute("**/v1/audio/transcriptions")
    page.click("text=Try again")
    page.wait_for_selector(".transcript:visible")
    page.click("text=Remove")
    assert page.locator(".file").count() == 0


def test_a_busy_server_is_asked_again_when_it_says(server: RunningServer, opened: Opened) -> None:
    page = opened(server.url, path="/#files")
    answers = [{"status": 429, "headers": {"Retry-After": "1"}, "body": '{"error": {"code": "server_busy"}}'}]
    page.route(
        "**/v1/audio/transcriptions",
        lambda route: route.fulfill(**answers.pop()) if answers else route.continue_(),
    )
    page.set_input_files("#choose", SAMPLES / "korean.wav")
    page.wait_for_selector("text=The server is busy. Next try in 1 s.")
    page.wait_for_selector(".transcript:visible")
    assert answers == []  # the one refusal was given, and the next try went through
    assert page.locator("text=The server is busy").count() == 0


def test_a_file_above_the_limit_is_not_even_sent(opened: Opened) -> None:
    with start_server("--max-upload-bytes", "100000") as small:
        page = opened(small.url, path="/#files")
        page.set_input_files("#choose", SAMPLES / "korean.wav")
        assert "At most 97.7 KiB are taken." in problem(page)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (REFUSING.format("NotFoundError"), "No microphone was found."),
        (REFUSING.format("NotAllowedError"), "The microphone is not allowed for this page."),
        (REFUSING.format("NotReadableError"), "The microphone could not be opened."),
        (SECURE_NOT, "The browser gives no microphone to this address, because it is not secure."),
    ],
)
def test_a_microphone_that_is_not_there_is_told_with_what_to_do(
    server: RunningServer, opened: Opened, script: str, told: str
) -> None:
    page = opened(server.url, script=script)
    page.click("#toggle")
    assert problem(page).startswith(told)
    assert len(problem(page)) > len(told) + 20
    assert page.inner_text("#toggle") == "Start"


def test_a_server_with_a_key_is_used_with_it_and_the_key_stays_in_the_tab(opened: Opened, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("ein Schlüssel/+=\n", "utf-8")
    with start_server("--api-key-file", str(keys)) as locked:
        page = opened(locked.url)
        assert problem(page).startswith("This server wants a key.")
        assert page.evaluate(FOCUSED) == "key"
        page.keyboard.type("ein Schlüssel/+=")
        page.keyboard.press("Enter")
        until(page, "document.getElementById('model').options.length > 0")
        assert not page.is_visible(".problem")
        assert listened(page) == KOREAN
        chosen(page, "korean.wav")
        assert page.evaluate("[localStorage.length, document.cookie, location.search]") == [0, "", ""]


def test_a_wrong_key_is_told_for_live_sound_too(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("right\n")
    with start_server("--api-key-file", str(tmp_path / "keys.txt")) as locked:
        page = opened(locked.url, script="sessionStorage.setItem('malsori-key', 'wrong');")
        page.click("#toggle")
        page.wait_for_selector("#live-problem .problem")
        assert page.inner_text("#live-problem .problem").startswith("This server wants a key.")


def test_a_full_server_says_so(opened: Opened) -> None:
    with start_server("--max-streams", "1") as full:
        first = opened(full.url)
        first.click("#toggle")
        first.wait_for_selector("#partial:visible")
        second = opened(full.url)
        second.click("#toggle")
        assert problem(second).startswith("The server is busy with others.")
        first.wait_for_selector("#finals li.final")
        assert first.inner_text("#finals li.final span") == KOREAN


def test_what_was_heard_stays_when_the_server_ends(opened: Opened) -> None:
    with start_server() as ending:
        page = opened(ending.url)
        page.click("#toggle")
        page.wait_for_selector("#finals li.final")
        ending.stop()
        assert "What was heard so far is kept." in problem(page)
        assert page.inner_text("#finals li.final span") == KOREAN
        assert page.is_visible("#live-downloads")
        page.click("#toggle")
        page.wait_for_selector("text=The server cannot be reached.")
