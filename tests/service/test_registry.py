"""The models that clients may name: found by name alone, loaded once, kept while in use, unloaded when idle."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from malsori import Scheduler, load
from malsori.bundles import Found
from malsori.errors import ModelCorrupt, ModelNotFound, OptionError
from malsori.service.refusal import Refusal
from malsori.service.registry import Registry, served
from tests.shipped import ROOT

KOREAN, WHISPER = "nano-ctc-ko", "nano-whisper"


class Loads:
    """Counts what is loaded and unloaded; `slow` is waited for."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.told: list[tuple[str, str]] = []
        self.slow = threading.Event()
        self.slow.set()

    def load(self, found: Found) -> Any:
        self.slow.wait(10)
        self.loaded.append(found.name)
        return load(found.folder, threads=1)

    def tell(self, what: str, name: str, seconds: float) -> None:
        self.told.append((what, name))


def registry(loads: Loads, default: str = KOREAN, partials: str | None = None, **settings: Any) -> Registry:
    found, name, other = served(str(ROOT / "models" / default), partials, [KOREAN, WHISPER], None)
    return Registry(found, name, other, Scheduler(), loads.load, told=loads.tell, **settings)


@pytest.mark.parametrize("name", [None, "", KOREAN, "whisper-1", "gpt-4o-mini-transcribe", "Default", KOREAN.upper()])
def test_the_default_model_has_the_names_of_the_hosted_ones(name: str | None) -> None:
    assert registry(Loads()).resolve(name) == KOREAN


@pytest.mark.parametrize(
    "name",
    [
        "nix",
        "../../etc/passwd",
        "/etc/passwd",
        "%2e%2e",
        "a\0b",
        "x" * 300,
        "http://127.0.0.1/x",
        "hf://a/b",
        str(ROOT / "models" / KOREAN),
        "./nano-ctc-ko",
    ],
)
def test_any_other_name_is_unknown_and_touches_no_file(name: str) -> None:
    ours = registry(Loads())
    opened: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in ("open", "os.listdir", "os.scandir"):
            opened.append(str(arguments[0]))

    sys.addaudithook(watch)  # it cannot be removed
    with pytest.raises(Refusal) as refused:
        ours.resolve(name)
    watching = False
    assert (refused.value.status, refused.value.code, refused.value.param) == (404, "model_not_found", "model")
    assert not opened
    assert len(refused.value.message) < 300


def test_a_model_is_loaded_once_however_many_ask() -> None:
    loads = Loads()

    async def ask() -> None:
        ours = registry(loads)

        async def one() -> None:
            async with ours.lease(None) as transcriber:
                assert transcriber.engine.manifest.name == KOREAN

        await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(ask())
    assert loads.loaded == [KOREAN]


def test_an_idle_model_is_unloaded_and_loaded_again_on_demand() -> None:
    loads = Loads()

    async def use() -> None:
        ours = registry(loads)
        async with ours.lease(None):
            ours.unload_idle(0.001)
            assert ours.is_loaded(KOREAN)  # in use
        ours.unload_idle(0)  # never
        assert ours.loaded == (KOREAN,)
        await asyncio.sleep(0.01)
        ours.unload_idle(0.001)
        assert ours.loaded == ()
        async with ours.lease(None):
            assert ours.is_loaded(KOREAN)

    asyncio.run(use())
    assert loads.told == [("load", KOREAN), ("unload", KOREAN), ("load", KOREAN)]


def test_a_model_beyond_the_room_takes_the_place_of_an_idle_one_and_of_no_other(tmp_path: Path) -> None:
    loads = Loads()

    async def use() -> None:
        found, name, _ = served(str(ROOT / "models" / KOREAN), None, [WHISPER], None)
        (whisper,) = [pair for pair in found if pair[1].name == WHISPER]
        from dataclasses import replace

        others = [(whisper[0], replace(whisper[1], name=f"w{number}")) for number in (1, 2)]
        ours = Registry([*found, *others], name, None, Scheduler(), loads.load, most=1, told=loads.tell)
        async with ours.lease("w1"):
            with pytest.raises(Refusal) as refused:
                async with ours.lease("w2"):
                    pass
            assert (refused.value.status, refused.value.code) == (429, "server_busy")
            async with ours.lease(None):  # which has a place of its own
                pass
        async with ours.lease("w2"):
            assert set(ours.loaded) == {KOREAN, "w2"}

    asyncio.run(use())


def test_who_waits_too_long_for_a_model_is_told_and_the_loading_goes_on() -> None:
    loads = Loads()
    loads.slow.clear()

    async def use() -> None:
        ours = registry(loads, load_seconds=0.05)
        with pytest.raises(Refusal) as refused:
            async with ours.lease(None):
                pass
        assert (refused.value.status, refused.value.code) == (503, "model_loading")
        assert refused.value.headers()["retry-after"] == "5"
        loads.slow.set()
        while not ours.is_loaded(KOREAN):
            await asyncio.sleep(0.01)

    asyncio.run(use())
    assert loads.loaded == [KOREAN]


def test_a_model_that_fails_to_load_is_a_fault_of_ours_and_tried_again() -> None:
    tries: list[str] = []

    def fail(found: Found) -> Any:
        tries.append(found.name)
        raise ModelCorrupt("model.onnx", "a sum", "another")

    async def use() -> None:
        found, name, _ = served(str(ROOT / "models" / KOREAN), None, [], None)
        ours = Registry(found, name, None, Scheduler(), fail)
        for _ in range(2):
            with pytest.raises(Refusal) as refused:
                async with ours.lease(None):
                    pass
            assert (refused.value.status, refused.value.type) == (500, "server_error")

    asyncio.run(use())
    assert len(tries) == 2


def test_what_is_served_is_what_is_here_or_what_is_allowed() -> None:
    found, default, partials = served(KOREAN, WHISPER, [], None)
    assert {manifest.name for _, manifest in found} >= {KOREAN, WHISPER}
    assert (default, partials) == (KOREAN, WHISPER)
    found, _, _ = served(KOREAN, None, [KOREAN], None)
    assert [manifest.name for _, manifest in found] == [KOREAN]


def test_a_model_that_is_not_here_ends_the_start() -> None:
    with pytest.raises(ModelNotFound):
        served("nix", None, [], None)
    with pytest.raises(ModelNotFound):
        served(KOREAN, None, ["nix"], None)
    with pytest.raises(OptionError, match="does not know the language 'en'"):
        served(KOREAN, None, [], "en")


def test_two_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    import shutil

    other = tmp_path / KOREAN
    shutil.copytree(ROOT / "models" / KOREAN, other)
    with pytest.raises(OptionError, match="two models are called"):
        served(str(ROOT / "models" / KOREAN), str(other), [], None)
