"""Which published models are here: by where they are from, not by the name alone that somebody gave them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from malsori.bundles import FileEntry, Found, read_manifest
from malsori.bundles.present import may_be_published
from malsori.bundles.pull import find
from tests.plain import WHISPER

BASE = {"d_model": 512, "encoder_layers": 6, "decoder_layers": 6, "vocab_size": 51_865, "num_mel_bins": 80}
WEIGHTS = next(file for file in find("base").files if file.name == "model.bin")


@pytest.mark.parametrize(
    ("source", "sum_", "real"),
    [
        ("Systran/faster-whisper-base", "0" * 64, True),
        ("openai/whisper-base", "0" * 64, True),
        ("some-wheels", WEIGHTS.sha256, True),
        ("my-own-words", "0" * 64, False),
        ("Systran/faster-whisper-base.en", "0" * 64, False),
    ],
)
def test_a_bundle_that_was_given_the_name_is_the_model_if_it_is_from_there(
    tmp_path: Path, source: str, sum_: str, real: bool
) -> None:
    files = {"model.bin": FileEntry(WEIGHTS.size, sum_)}
    said = replace(read_manifest(WHISPER), name="base", source=source, sizes=BASE, files=files)
    (tmp_path / "manifest.json").write_text(said.to_json())
    assert may_be_published("base", Found("base", tmp_path, "cache")) is real
    assert may_be_published("whisper-base", Found("whisper-base", tmp_path, "cache"))  # the name that `pull` gives


def test_one_of_other_sizes_is_not_the_model_whatever_it_is_from(tmp_path: Path) -> None:
    said = replace(read_manifest(WHISPER), name="base", source="openai/whisper-base", sizes={**BASE, "d_model": 384})
    (tmp_path / "manifest.json").write_text(said.to_json())
    assert not may_be_published("base", Found("base", tmp_path, "cache"))
