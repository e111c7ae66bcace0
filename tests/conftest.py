"""For all tests: no model but those of the checkout, whatever else is installed on the machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


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
