"""For all tests: no model but those of the checkout, whatever else is installed on the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from malsori import pipeline
from malsori.bundles import MANIFEST, cache_folder
from tests.loudness import load, make_clips
from tests.shipped import model

# Where `malsori models pull` puts models for whoever runs the tests; looked up before it is hidden from them.
OWN_CACHE = cache_folder() or Path(os.devnull)


@pytest.fixture(scope="session", autouse=True)
def no_other_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Point the user's cache and the hub's at an empty folder and name a model, for what tests start too."""
    empty = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("MALSORI_MODELS", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            patch.delenv(variable, raising=False)
        patch.setenv("XDG_CACHE_HOME", str(empty))
        patch.setenv("HF_HOME", str(empty / "huggingface"))
        patch.setenv("MALSORI_MODEL", "nano-ctc-ko")
        yield


@pytest.fixture(scope="module", autouse=True)
def unload() -> Iterator[None]:
    """Let go of the shipped models that a module of tests has loaded."""
    yield
    model.cache_clear()


@pytest.fixture(scope="session")
def own_cache() -> Path:
    """The cache of whoever runs the tests, for the few that are about what is in it."""
    return OWN_CACHE


@pytest.fixture(scope="session")
def stock_base() -> Path:
    """The bundle of Whisper base as it was published."""
    return _stock("whisper-base")


@pytest.fixture(scope="session")
def stock_tiny_en() -> Path:
    """The bundle of Whisper tiny.en as it was published."""
    return _stock("whisper-tiny.en")


@pytest.fixture
def loudness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model is the one that hears `wN` in sound of N hundredths of full scale."""
    monkeypatch.setattr(pipeline, "load", load)


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with `one.wav` (w10) and `two.wav` (w20 w30)."""
    make_clips(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _stock(name: str) -> Path:
    folder = OWN_CACHE / "models" / name
    if not (folder / MANIFEST).is_file():
        pytest.skip(f"needs {folder}; malsori models pull {name} gets it")
    return folder
