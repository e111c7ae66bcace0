"""A family of models that malsori does not have, told to it by one line: everything works with it that works with all.

`MeterEngine` and `MeterForm` are what would be the family's folder: a classifier of frames by how loud they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import malsori
from malsori.bundles.families import FAMILIES, Family
from malsori.bundles.infer.json_fields import entries
from malsori.bundles.manifest import Manifest
from malsori.cli.main import main
from malsori.engines.base import DecodeOptions, Layer
from malsori.engines.load import engine_class
from malsori.engines.session import Session, SessionOptions, TextSoFar
from malsori.errors import ModelIncompatible, OptionError
from malsori.types import SAMPLE_RATE, Audio, Hypothesis, Segment, Word
from tests.shipped import ROOT
from tests.sounds import tone

LEVELS = "levels.json"  # the names of what is loud, each with the lowest level of its frames
PACKAGE = Path(malsori.__file__).parent
STRIDE = 320
PLAIN = DecodeOptions()
BEEPS = np.concatenate([np.zeros(16_000), tone(1.0), np.zeros(16_000), 0.05 * tone(1.0)]).astype(np.float32)


class MeterEngine:
    """Frames to classes by their level alone; a run of frames of one class is a word."""

    longest_clip = 60.0
    long_form = False
    fills_windows = False

    def __init__(self, folder: Path, manifest: Manifest, **settings: object) -> None:
        self.manifest = manifest
        levels = json.loads((folder / LEVELS).read_text("utf-8"))
        self.names = ("", *levels)
        self._floors = np.array([0.0, *levels.values()], np.float32)

    @staticmethod
    def files(folder: Path, manifest: Manifest) -> tuple[str, ...]:
        return (LEVELS,)

    @staticmethod
    def check_options(manifest: Manifest, options: DecodeOptions) -> None:
        if options.task != "transcribe":
            raise OptionError(f"{manifest.name} cannot {options.task}")

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        self.check_options(self.manifest, options)
        return ()

    def batches(self, lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
        return [[index] for index in range(len(lengths))]

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        return [self._read(clip, options) for clip in clips]

    def open(self, options: DecodeOptions, session: SessionOptions | None = None) -> Session:
        return MeterSession(self, options)

    def detect_language(self, clip: Audio, options: DecodeOptions = PLAIN) -> dict[str, float]:
        return {self.manifest.languages[0]: 1.0}

    def embed(self, clip: Audio, layer: Layer = -1) -> NDArray[np.float32]:
        frames = clip[: len(clip) // STRIDE * STRIDE].reshape(-1, STRIDE)
        return np.sqrt((frames**2).mean(axis=1, keepdims=True))

    def _read(self, clip: Audio, options: DecodeOptions) -> Hypothesis:
        classes = (self.embed(clip) >= self._floors).sum(axis=1) - 1
        words, at = [], 0
        for found, run in groupby(classes):
            stop = at + len(list(run))
            if found:
                words.append(Word(self.names[found], at * STRIDE / SAMPLE_RATE, stop * STRIDE / SAMPLE_RATE, 1.0))
            at = stop
        if not words:
            return Hypothesis((), self.manifest.languages[0], 1.0)
        kept = tuple(words) if options.word_timestamps else ()
        text = " ".join(word.text for word in words)
        segment = Segment(text, words[0].start, words[-1].end, 1.0, kept)
        return Hypothesis((segment,), self.manifest.languages[0], 1.0)


class MeterSession:
    """All the sound so far, read again."""

    step = SAMPLE_RATE

    def __init__(self, engine: MeterEngine, options: DecodeOptions) -> None:
        self._engine, self._options = engine, options
        self._sound = np.zeros(0, np.float32)

    def push(self, sound: Audio) -> TextSoFar:
        self._sound = np.concatenate([self._sound, sound])
        (heard,) = self._engine.transcribe([self._sound], self._options)
        return TextSoFar(" ".join(segment.text for segment in heard.segments), "")


class MeterForm:
    """A plain folder: the levels, and nothing else."""

    LOOKED_FOR = f"{LEVELS} (loudness)"

    def is_begun(self, folder: Path) -> bool:
        return (folder / LEVELS).is_file()

    is_whole = is_begun

    def manifest(self, folder: Path, name: str) -> Manifest:
        said = {"source": name, "revision": "unknown", "licence": "mit", "description": "how loud it is"}
        files = entries(folder, (LEVELS,))
        return Manifest(name, "loudness", **said, languages=("en",), quantization="none", sample_rate=SAMPLE_RATE,
            frame_stride=STRIDE, files=files, sizes={})  # fmt: skip


@pytest.fixture(autouse=True)
def loudness(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line."""
    family = Family(f"{__name__}:MeterEngine", "a meter", plain=(MeterForm(),))
    monkeypatch.setitem(FAMILIES, "loudness", family)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plain folder of the family, in an empty user's home."""
    monkeypatch.setenv("MALSORI_MODELS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    made = tmp_path / "meter"
    made.mkdir()
    (made / LEVELS).write_text(json.dumps({"beep": 0.005, "horn": 0.1}), "utf-8")
    return made


@pytest.fixture
def bundle(folder: Path) -> Path:
    """The same with a manifest, found by its name."""
    assert main(["models", "adopt", str(folder), "--quiet"]) == 0
    return folder


def test_a_plain_folder_of_it_transcribes(folder: Path) -> None:
    transcript = malsori.load(folder).transcribe(BEEPS, vad=False, word_timestamps=True)
    words = [(word.text, word.start, word.end) for segment in transcript.segments for word in segment.words]
    assert words == [("horn", 1.0, 2.0), ("beep", 3.0, 4.0)]


def test_a_bundle_of_it_is_adopted_listed_shown_verified_and_found_by_its_name(bundle: Path, capsys) -> None:
    assert main(["models", "list"]) == 0
    assert main(["models", "show", "meter"]) == 0
    assert main(["models", "verify", "meter"]) == 0
    shown = capsys.readouterr().out
    assert ["meter", "loudness", "en"] in [line.split()[:3] for line in shown.splitlines()]
    assert ["kind", "loudness"] in [line.split() for line in shown.splitlines()]
    assert "intact; loads" in shown
    assert malsori.load("meter").transcribe(BEEPS, vad=False).text == "horn beep"


def test_the_best_model_here_may_be_one_of_it(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALSORI_MODEL", "meter")
    assert malsori.load(language="en").engine.manifest.kind == "loudness"


def test_it_hears_a_stream_while_it_is_spoken(bundle: Path) -> None:
    stream = malsori.load("meter").stream(sample_rate=SAMPLE_RATE)
    sound = malsori.decode(ROOT / "samples" / "english.wav").samples
    events = [event for block in np.array_split(sound, 20) for event in (*stream.push(block), *stream.poll(0.1))]
    events += stream.finish()
    assert any(isinstance(event, malsori.Partial) and "horn" in event.text for event in events)
    assert any(isinstance(event, malsori.Final) and "horn" in event.text for event in events)


def test_streams_and_files_take_turns_with_it(bundle: Path) -> None:
    with malsori.Scheduler() as scheduler:
        shared = malsori.Transcriber(scheduler.engine(malsori.load("meter").engine))
        assert shared.transcribe(BEEPS, vad=False).text == "horn beep"


def test_its_own_class_refuses_options_before_it_is_loaded(folder: Path) -> None:
    wanted = malsori.TranscribeOptions(task="translate")
    with pytest.raises(OptionError, match="meter cannot translate"):
        malsori.load(folder, wanted=wanted)


def test_what_no_manifest_may_say_is_refused_before_a_bundle_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Frameless(MeterForm):
        def manifest(self, folder: Path, name: str) -> Manifest:
            return replace(super().manifest(folder, name), frame_stride=0)

    monkeypatch.setitem(FAMILIES, "loudness", replace(FAMILIES["loudness"], plain=(Frameless(),)))
    into = folder.parent / "models"
    assert main(["models", "adopt", str(folder), "beep", "--output-dir", str(into)]) == 1
    assert "frame_stride: expected at least 1 sample, found 0" in capsys.readouterr().err
    assert not list(into.glob("*"))


def test_it_stands_in_what_is_looked_for_and_among_the_kinds(tmp_path: Path, capsys) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["models", "show", str(tmp_path / "empty")]) == 1
    assert "levels.json (loudness)" in capsys.readouterr().err
    (tmp_path / "odd").mkdir()
    said = MeterForm().manifest(tmp_path, "odd").to_json().replace('"loudness"', '"parrot"')
    (tmp_path / "odd" / "manifest.json").write_text(said, "utf-8")
    assert main(["models", "show", str(tmp_path / "odd")]) == 1
    kinds = " or ".join(sorted(FAMILIES))
    assert "loudness" in kinds
    assert f"kind: expected {kinds}, found 'parrot'" in capsys.readouterr().err


def test_every_family_names_a_class_that_answers_before_it_is_loaded(folder: Path) -> None:
    manifest = MeterForm().manifest(folder, "meter")
    for kind in FAMILIES:
        made_by = engine_class(replace(manifest, kind=kind))
        assert made_by.files(folder, manifest), kind


def test_an_unknown_kind_has_no_class(folder: Path) -> None:
    manifest = MeterForm().manifest(folder, "meter")
    with pytest.raises(ModelIncompatible, match="kind 'parrot' is not one that this version runs"):
        engine_class(replace(manifest, kind="parrot"))


@pytest.mark.parametrize("part", ["bundles", "engines", "pipeline", "cli"])
def test_what_all_families_share_asks_for_no_kind_by_its_name(part: str) -> None:
    kinds = "|".join(FAMILIES)
    named = re.compile(rf"kind\s*(==|!=|in)\s*[(\[]?['\"]({kinds})['\"]")
    files = [path for path in (PACKAGE / part).rglob("*.py") if path.name != "strangers.py"]  # those are config.json's
    assert [path.name for path in files if named.search(path.read_text("utf-8"))] == []
