"""Real words out of real sound: the samples through the shipped models, from the command line to every format."""

from __future__ import annotations

import json
from pathlib import Path

import pysubs2
import pytest

from malsori import SAMPLE_RATE, Transcript, decode
from malsori.cli.main import main
from tests.shipped import ROOT, model

SAMPLES = ROOT / "samples"


def sample(name: str) -> Path:
    return SAMPLES / f"{name}.wav"


def lines(name: str) -> list[str]:
    """Return what is said in a sample, a sentence a line."""
    return (SAMPLES / name).read_text(encoding="utf-8").splitlines()


def test_the_korean_sample_gives_its_exact_sentence_on_stdout(capsys: pytest.CaptureFixture[str]):
    model("nano-ctc-ko")
    assert main(["transcribe", str(sample("korean")), "--quiet"]) == 0
    assert capsys.readouterr() == (lines("korean.txt")[0] + "\n", "")


@pytest.mark.parametrize("name", ["nano-ctc-ko", "nano-whisper"])
def test_low_memory_gives_the_same_sentence(name: str, capsys: pytest.CaptureFixture[str]):
    assert main(["transcribe", str(sample("korean")), "--quiet", "--memory", "low", "--model", name]) == 0
    assert capsys.readouterr().out == lines("korean.txt")[0] + "\n"


@pytest.mark.parametrize(("name", "language"), [("korean", "ko"), ("english", "en")])
def test_whisper_hears_the_words_and_the_language(name: str, language: str):
    result = model("nano-whisper").transcribe(sample(name))
    assert [result.text] == lines(f"{name}.txt")
    assert result.language == language
    assert result.language_probability > 0.5


def test_whisper_translates_korean_to_english_words():
    result = model("nano-whisper").transcribe(sample("korean"), task="translate", language="ko")
    assert [result.text] == lines("korean.en.txt")


def test_the_long_sample_is_heard_in_several_segments_that_do_not_overlap():
    result = numbers()
    assert [segment.text for segment in result.segments] == lines("numbers.txt")
    edges = [edge for segment in result.segments for edge in (segment.start, segment.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= result.duration


def test_words_lie_inside_their_segments_and_in_order():
    for segment in numbers().segments:
        assert [word.text for word in segment.words] == segment.text.split()
        edges = [edge for word in segment.words for edge in (word.start, word.end)]
        assert edges == sorted(edges)
        assert segment.start - 0.001 <= edges[0]
        assert edges[-1] <= segment.end + 0.001


def test_all_formats_of_the_long_sample_agree(tmp_path: Path):
    arguments = ["transcribe", str(sample("numbers")), "-o", str(tmp_path), "-f", "all", "--quiet"]
    assert main([*arguments, "--model", "nano-ctc-ko"]) == 0
    found = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))
    segments = [(round(s["start"] * 1000), round(s["end"] * 1000), s["text"].strip()) for s in found["segments"]]
    rows = [line.split("\t") for line in (tmp_path / "numbers.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    assert [(int(start), int(end), text) for start, end, text in rows] == segments
    for format in ("srt", "vtt"):
        cues = pysubs2.load(str(tmp_path / f"numbers.{format}"))
        assert [(cue.start, " ".join(cue.plaintext.split())) for cue in cues] == [
            (at, text) for at, _, text in segments
        ]
    assert (tmp_path / "numbers.txt").read_text(encoding="utf-8").splitlines() == [text for _, _, text in segments]


def test_samples_transcribed_together_read_as_they_do_alone():
    used = model("nano-ctc-ko")
    paths = [sample("korean"), sample("numbers"), sample("korean")]
    assert list(used.transcribe_many(paths)) == [used.transcribe(path) for path in paths]


def test_the_hidden_states_have_the_models_width_and_frames():
    used = model("nano-ctc-ko")
    states = used.embed(sample("korean"))
    manifest, frames = used.engine.manifest, len(decode(sample("korean")).samples)
    for kernel, stride in zip(manifest.conv_kernels, manifest.conv_strides, strict=True):
        frames = (frames - kernel) // stride + 1
    assert states.shape == (frames, manifest.sizes["hidden_size"])


def test_silence_gives_no_words():
    import numpy as np

    assert model("nano-ctc-ko").transcribe(np.zeros(10 * SAMPLE_RATE, np.float32)).text == ""


def numbers() -> Transcript:
    return model("nano-ctc-ko").transcribe(sample("numbers"), word_timestamps=True)
