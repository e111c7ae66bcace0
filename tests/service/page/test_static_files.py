"""The page as files: what a browser gets, and that nothing in it leads elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="pip install 'malsori[serve]'")

from starlette.applications import Starlette
from starlette.testclient import TestClient

import malsori
from malsori.service.page.static_files import PATHS, page_files, routes

FOLDER = Path(malsori.__file__).parent / "service" / "page"
FILES = {name: part.content.decode("utf-8") for name, part in page_files().items()}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
NAMESPACE = "http://www.w3.org/2000/svg"  # a name, never fetched
TOLD = "http://127.0.0.1"  # in a text for people


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=routes(None))) as client:  # type: ignore[arg-type]
        yield client


def test_all_files_of_the_folder_are_served_and_nothing_of_python() -> None:
    there = {path.name for path in FOLDER.iterdir() if path.is_file() and path.suffix != ".py"}
    assert {"/" if name == "index.html" else f"/page/{name}" for name in there} == set(PATHS)
    assert len(there) > 5


@pytest.mark.parametrize("path", PATHS)
def test_every_file_comes_with_heads_that_keep_a_browser_to_it(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    kinds = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
    assert response.headers["content-type"] == kinds.get(Path(path).suffix, "text/html; charset=utf-8")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    nothing = ("default-src", "frame-ancestors", "base-uri", "form-action")
    assert {policy[name] for name in nothing} == {"'none'"}
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert "unsafe" not in response.headers["content-security-policy"]


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
def test_a_browser_that_has_a_file_gets_304_without_it(client: TestClient, known: str) -> None:
    tag = client.get("/page/page.js").headers["etag"]
    response = client.get("/page/page.js", headers={"If-None-Match": known.format(tag)})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)


def test_a_browser_with_an_older_file_gets_the_new_one(client: TestClient) -> None:
    response = client.get("/page/page.js", headers={"If-None-Match": '"other"'})
    assert response.text == FILES["page.js"]


def test_each_file_has_a_tag_of_its_own() -> None:
    assert len({part.tag for part in page_files().values()}) == len(FILES)


@pytest.mark.parametrize("path", ["/page/", "/page/static_files.py", "/page/../state.py", "/page/%2e%2e/state.py"])
def test_nothing_else_is_to_be_had(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_head_is_answered_and_nothing_can_be_posted(client: TestClient) -> None:
    assert client.head("/").status_code == 200
    assert client.post("/").status_code == 405


def test_what_the_files_name_is_there() -> None:
    named = {name for text in FILES.values() for name in re.findall(r'"page/([\w.]+)"', text)}
    named |= {name for text in SCRIPTS.values() for name in re.findall(r'from "\./([\w.]+)"', text)}
    assert named >= {"page.css", "page.js", "icon.svg", "worklet.js", "live.js", "files.js"}
    assert named <= set(FILES)


def test_no_file_names_an_address_elsewhere() -> None:
    for name, text in FILES.items():
        found = set(re.findall(r"(?:https?:|wss?:)?//[\w.:-]+[\w/.-]*", re.sub(r"(?m)(^|\s)// .*$", "", text)))
        assert {each for each in found if each not in (NAMESPACE, TOLD)} == set(), name


def test_the_page_has_no_script_and_no_style_inside_which_the_policy_would_stop() -> None:
    page = FILES["index.html"]
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []
    assert not any("innerHTML" in text or "eval(" in text for text in SCRIPTS.values())


def _texts(language: str) -> dict[str, str]:
    found = re.search(rf"const {language} = \{{(.*?)\n\}};", FILES["words.js"], re.DOTALL)
    assert found is not None
    return dict(re.findall(r'(\w+): "((?:[^"\\]|\\.)*)"', found[1]))


def test_both_languages_say_the_same_things() -> None:
    english, korean = _texts("ENGLISH"), _texts("KOREAN")
    assert len(english) > 60
    assert list(english) == list(korean)
    for name, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", korean[name])), name


def test_every_text_that_is_asked_for_is_there_and_every_one_there_is_asked_for() -> None:
    texts = _texts("ENGLISH")
    page = FILES["index.html"]
    asked = set(re.findall(r'data-(?:text|label)="(\w+)"', page))
    code = "".join(text for name, text in SCRIPTS.items() if name != "words.js")
    quoted = set(re.findall(r'"(\w+)"', code))
    asked |= {name for text in SCRIPTS.values() for name in re.findall(r'say\("(\w+)"', text)}
    assert asked <= set(texts)
    assert {name for name in texts if name.removesuffix("Next") not in asked | quoted} == set()


def test_every_problem_says_what_to_do_next() -> None:
    texts = _texts("ENGLISH")
    tables = re.findall(r"const BY_(?:CODE|STATUS) = \{(.*?)\};", FILES["server.js"], re.DOTALL)
    problems = {name for table in tables for name in re.findall(r': "(\w+)"', table)}
    problems |= set(re.findall(r'(?:throw|fail\()\s?"(\w+)"', FILES["live.js"]))
    assert len(problems) > 10
    assert {name for name in problems if name not in texts or f"{name}Next" not in texts} == set()


def test_the_texts_in_the_page_are_the_english_ones() -> None:
    texts = _texts("ENGLISH")
    for name, text in re.findall(r'data-text="(\w+)"[^>]*>([^<]+)<', FILES["index.html"]):
        assert text == texts[name]


def test_scripts_are_short_enough_to_be_read_at_once() -> None:
    assert {name: count for name, text in FILES.items() if (count := text.count("\n")) > 250} == {}
