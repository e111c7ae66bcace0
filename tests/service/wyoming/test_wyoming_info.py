"""What is told of models, read back by the package `wyoming`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wyoming.event import Event
from wyoming.info import AsrModel, Info

from malsori.bundles import Manifest, read_manifest
from malsori.languages import LANGUAGES
from malsori.service.wyoming.wyoming_info import wyoming_info
from malsori.types import UNKNOWN
from tests.shipped import ROOT

NANO = read_manifest(ROOT / "models" / "nano-ctc-ko")


class Models:
    """Some manifests by their names."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._manifests = {manifest.name: manifest for manifest in manifests}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._manifests)

    def manifest(self, name: str) -> Manifest:
        return self._manifests[name]


def told(*manifests: Manifest) -> list[AsrModel]:
    info = Info.from_event(Event("info", wyoming_info(Models(manifests))))
    return info.asr[0].models


def test_the_models_are_told_in_their_order() -> None:
    second = replace(NANO, name="base", languages=("en", "ko"))
    assert [(each.name, each.languages) for each in told(NANO, second)] == [
        ("nano-ctc-ko", ["ko"]),
        ("base", ["en", "ko"]),
    ]


def test_a_model_that_names_no_language_is_offered_for_all() -> None:
    for languages in ((), (UNKNOWN,)):
        (each,) = told(replace(NANO, languages=languages))
        assert each.languages == list(LANGUAGES)


def test_what_a_manifest_leaves_empty_is_still_an_object_for_clients() -> None:
    (each,) = told(replace(NANO, description="", revision="", source=""))
    assert (each.description, each.version, each.attribution.url) == ("nano-ctc-ko", None, "")
    (each,) = told(replace(NANO, source="https://models.example/a"))
    assert each.attribution.url == "https://models.example/a"
