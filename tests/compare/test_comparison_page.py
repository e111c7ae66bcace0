"""The page: one file, nothing of it trusted, nothing loaded, differences told without colour."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from malsori.compare import ComparedRecording, comparison_page
from malsori.compare.embedded_sound import embedded_sound
from tests.compare.made import comparison, outcome
from tests.shipped import ROOT

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class Tags(HTMLParser):
    """Collects tags with their attributes, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_whatever_models_recordings_and_texts_are_called_the_page_has_no_script_and_loads_nothing():
    made = comparison([HOSTILE, HOSTILE], outcome(HOSTILE, HOSTILE, "a\x00\ud800"), outcome("b", "x", HOSTILE))
    page = comparison_page(made, created=HOSTILE, notes=[HOSTILE])
    page.encode()
    tags = Tags(page)
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in tags.tags}
    assert not [name for _, attributes in tags.tags for name in attributes if name.startswith("on") or name == "href"]
    assert "http" not in re.sub(r"http-equiv|https?://www.w3.org/2000/svg", "", page)
    assert tags.text.count("alert(1)") > 5


def test_the_policy_allows_the_one_style_and_nothing_else():
    page = comparison_page(comparison(["a"], outcome("one", "a")))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert " style=" not in page


def test_what_differs_is_struck_through_or_underlined():
    page = comparison_page(comparison(["set the light"], outcome("one", "let the light on")))
    assert "<del>set</del> <ins>let</ins> the light <ins>on</ins>" in page
    assert "2 of 3 words, 66.7 %" in page


def test_the_table_has_all_figures_and_a_model_that_failed_its_reason():
    made = comparison(
        ["a b"], outcome("one", "a b"), outcome("two", "a x", seconds=2.0), outcome("dead", trouble="it died")
    )
    page = comparison_page(made)
    for told in ("real-time factor", "<strong>0.0 %</strong>", "50.0 %", "200 MB", "80.0 MB", "it died", "int8, cpu"):
        assert told in page
    assert page.count("<svg") == 2


def test_korean_is_marked_as_korean_and_compared_by_characters():
    heard = outcome("one", "침실 운도를")
    page = comparison_page(comparison(["침실 온도를"], heard))
    assert "<del>온</del> <ins>운</ins>도를" in page
    assert "CER with spaces" in page
    assert "characters without spaces" in page


def test_recordings_are_in_the_page_up_to_a_limit_and_the_rest_is_told():
    names = ("korean.wav", "english.wav", "korean.txt")
    recordings = [ComparedRecording(str(ROOT / "samples" / name), name) for name in names]
    size = (ROOT / "samples" / "korean.wav").stat().st_size
    urls, left_out = embedded_sound(recordings, most=size)
    assert list(urls) == [0]
    assert base64.b64decode(urls[0].partition(",")[2]) == (ROOT / "samples" / "korean.wav").read_bytes()
    assert [line.partition(" has no player")[0] for line in left_out] == ["english.wav", "korean.txt"]
    made = comparison(["a"], outcome("one", "a"))
    assert '<audio controls preload=none src="data:audio/wav;base64,' in comparison_page(made, sound=urls)


def test_a_model_that_understands_nothing_is_neither_the_best_nor_in_the_picture():
    models = [
        outcome(name, text, seconds=1.0 + 0.5 * n) for n, (name, text) in enumerate([("one", "a b"), ("two", "a b")])
    ]
    page = comparison_page(comparison(["a b"], *models, outcome("deaf", "x y z", seconds=0.1)))
    assert "<strong>100x</strong>" not in page
    assert "<strong>10x</strong>" in page
    assert page.count("<circle") == 2 * 2
    assert "Not in the picture: deaf, more than half wrong." in page
