"""The proof of a bundle: errors counted as jiwer counts them, damage found, noise told from words, fair clocks."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jiwer
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.bundles import read_manifest, seal
from malsori.engines.load import load_engine
from malsori.errors import OptionError
from malsori.pipeline.trials import ProofLimits, Speed, find_recordings, prove, speed
from malsori.pipeline.trials.figures import edit_distance, plain
from malsori.pipeline.trials.hearing import speech_of, transcript_of
from malsori.pipeline.trials.proof import agreement
from tests.loudness import LoudnessEngine, tone, wav
from tests.shipped import ROOT

NANO = ROOT / "models" / "nano-ctc-ko"
KOREAN = ROOT / "samples" / "korean.wav"
ENGLISH = ROOT / "samples" / "english.wav"


def damaged(folder: Path, share: float = 0.3) -> Path:
    """Copy the small Korean bundle, set a share of its weights to nothing, and seal it as if that were right."""
    shutil.copytree(NANO, folder)
    weights = bytearray((folder / "weights.bin").read_bytes())
    start, stop = len(weights) // 2, round(len(weights) * (0.5 + share))
    weights[start:stop] = bytes(stop - start)
    (folder / "weights.bin").write_bytes(weights)
    seal(folder, replace(read_manifest(folder), name="damaged"))
    return folder


def opened(folder: Path):
    return load_engine(folder, read_manifest(folder), device="cpu", threads=1)


def untimed(monkeypatch: pytest.MonkeyPatch, ratio: float = 1.0) -> None:
    """Let every bundle take `1 / ratio` times the second that the other one takes."""
    told = {"seconds": 1 / ratio, "rounds": 5, "against": 1.0, "ratio": ratio, "spread": (ratio, ratio)}
    alone = {"seconds": 1.0, "rounds": 5}
    monkeypatch.setattr(
        speed, "measure", lambda engine, against, speech, length: Speed(length, **(told if against else alone))
    )


@pytest.fixture(scope="module")
def nano():
    return opened(NANO)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    return opened(damaged(tmp_path_factory.mktemp("broken") / "damaged"))


@given(st.text("가나다 ab", max_size=30), st.text("가나다 ab", max_size=30))
def test_edits_are_counted_as_jiwer_counts_them(reference, heard):
    if not reference.strip() or reference != reference.strip() or heard != heard.strip():  # jiwer strips
        reference, heard = f"x{reference}x", f"x{heard}x"
    assert edit_distance(reference, heard) == round(jiwer.cer(reference, heard) * len(reference))


def test_edits_from_and_to_nothing_are_all_characters():
    assert (edit_distance("", "침실"), edit_distance("침실", ""), edit_distance("", "")) == (2, 2, 0)


def test_case_punctuation_and_composition_are_no_errors_of_hearing():
    assert plain("Don't  STOP, 한국\n") == plain("dont stop 한국")


def test_recordings_are_files_and_what_is_in_folders_by_their_endings(tmp_path):
    for name in ("b.wav", "deep/a.FLAC", "b.txt", "notes.md"):
        (tmp_path / "folder" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "folder" / name).touch()
    found = find_recordings([tmp_path / "odd.name", tmp_path / "folder"], ["ko"])
    assert [path.name for path in found] == ["odd.name", "b.wav", "a.FLAC"]


def test_without_recordings_the_samples_in_the_models_language_serve():
    assert [path.name for path in find_recordings([], ["ko"])] == ["korean.wav", "numbers.wav"]
    assert [path.name for path in find_recordings([], ["en", "fr"])] == ["english.wav"]
    assert len(find_recordings([], ["fr"])) == 3


def test_a_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"expected recordings in it .*\.wav"):
        find_recordings([tmp_path], ["ko"])


def test_the_lines_of_a_transcript_are_joined():
    lines = (ROOT / "samples" / "numbers.txt").read_text("utf-8").splitlines()
    assert transcript_of(ROOT / "samples" / "numbers.wav") == " ".join(lines)
    assert transcript_of(ROOT / "samples" / "none.wav") is None


def test_a_transcript_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes("침실".encode("euc-kr"))
    with pytest.raises(OptionError, match=r"a\.txt: expected a transcript in UTF-8"):
        transcript_of(tmp_path / "a.wav")


def test_a_recording_without_speech_counts_whole_in_stretches_of_half_a_minute(tmp_path):
    (tmp_path / "hum.wav").write_bytes(wav(np.zeros(65 * 16_000, np.float32)))
    assert [len(part) / 16_000 for part in speech_of(tmp_path / "hum.wav")] == [30, 30, 5]


def test_frames_are_compared_by_their_best_tokens():
    ours, theirs = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]], np.eye(3, dtype=np.float32)[[0, 1, 1, 1]]
    found = agreement(ours, theirs, blank=0)
    assert (found.frames, found.same, found.spoken, found.spoken_same) == (4, 2, 3, 1)
    assert found.cosine == pytest.approx(0.5)


def test_a_bundle_is_proven_against_itself(nano, monkeypatch):
    untimed(monkeypatch)
    proof = prove(nano, [KOREAN], against=nano)
    assert proof.complaints(ProofLimits(max_loss=0)) == []
    assert proof.frames.same == proof.frames.frames > 100
    assert (proof.loss.edits, proof.loss.characters) == (0, 20)
    assert (proof.cer.rate, proof.cer_against.rate, proof.unread) == (0, 0, 0)
    assert (proof.repeats.again, proof.repeats.batched) == (0, 0)


def test_a_damaged_bundle_loses_and_is_refused(nano, broken, monkeypatch):
    untimed(monkeypatch)
    proof = prove(broken, [KOREAN], against=nano)
    (complaint,) = proof.complaints(ProofLimits())
    assert complaint.startswith("CER against nano-ctc-ko is ")
    assert "at most 2 % allowed (--max-loss)" in complaint
    assert proof.frames.same < proof.frames.frames
    assert proof.cer.rate > proof.cer_against.rate == 0
    assert proof.complaints(ProofLimits(max_loss=1000)) == []


def test_speech_that_the_other_bundle_does_not_understand_judges_nothing(nano, broken, monkeypatch):
    untimed(monkeypatch)
    proof = prove(broken, [ENGLISH], against=nano)
    assert (proof.unread, proof.loss.characters) == (1, 0)
    assert proof.complaints(ProofLimits(max_loss=0, must_read=False)) == []
    assert "nano-ctc-ko understands none of the recordings" in proof.complaints(ProofLimits(max_loss=0))[0]


def test_without_a_transcript_the_other_bundles_words_are_what_counts(nano, broken, tmp_path, monkeypatch):
    untimed(monkeypatch)
    shutil.copy(KOREAN, tmp_path)
    proof = prove(broken, [tmp_path / "korean.wav"], against=nano)
    assert (proof.cer, proof.cer_against) == (None, None)
    assert proof.loss.rate > 0.02


def test_alone_a_bundle_is_held_to_transcripts_and_to_itself(nano, monkeypatch):
    untimed(monkeypatch)
    told = prove(nano, [KOREAN]).to_dict()
    assert told["cer"] == {"transcripts": 0.0}
    assert told["repeats"]["other_text_again"] == told["repeats"]["logits_again"] == 0
    assert told["speed"]["2 s"] == {"seconds": 1.0, "rtfx": 2.0, "rounds": 5}
    assert {"against", "frames", "not_understood"}.isdisjoint(told)
    json.dumps(told)


def test_whisper_is_proven_by_its_words(monkeypatch):
    untimed(monkeypatch)
    proof = prove(opened(ROOT / "models" / "nano-whisper"), [ENGLISH])
    assert proof.cer.rate < 0.1
    assert (proof.frames, proof.repeats.again_difference) == (None, None)
    assert proof.complaints(ProofLimits()) == []


class Moody(LoudnessEngine):
    """Hears something else each time."""

    def transcribe(self, clips, options):
        heard = super().transcribe(clips, options)
        return [self.moody(one) for one in heard]

    def moody(self, hypothesis):
        segments = tuple(replace(one, text=f"{one.text} {len(self.calls)}") for one in hypothesis.segments)
        return replace(hypothesis, segments=segments)


class Sociable(Moody):
    """Hears something else in company."""

    def moody(self, hypothesis):
        return hypothesis if len(self.calls[-1]) == 1 else super().moody(hypothesis)


@pytest.mark.parametrize(
    ("engine", "complaints"),
    [
        (LoudnessEngine, []),
        (Sociable, ["2 of 2 clips give another text when heard together"]),
        (
            Moody,
            [f"2 of 2 clips give another text when heard {how}" for how in ("a second time", "together")],
        ),
    ],
)
def test_a_text_that_changes_is_a_complaint(engine, complaints, tmp_path, monkeypatch):
    untimed(monkeypatch)
    (tmp_path / "tone.wav").write_bytes(wav(tone(0.1, 31 * 16_000)))  # no speech, so it counts whole: 30 s and 1 s
    assert prove(engine(), [tmp_path / "tone.wav"]).complaints(ProofLimits()) == complaints


def test_models_of_two_kinds_or_vocabularies_are_not_compared(nano, tmp_path):
    with pytest.raises(OptionError, match="whisper is not wav2vec2-ctc"):
        prove(nano, [KOREAN], against=LoudnessEngine())
    shutil.copytree(NANO, tmp_path / "other")
    vocabulary = tmp_path / "other" / "vocab.json"
    ids = json.loads(vocabulary.read_text("utf-8"))
    vocabulary.write_text(json.dumps({f"x{token}" if id == len(ids) - 1 else token: id for token, id in ids.items()}))
    with pytest.raises(OptionError, match="they are not one model"):
        prove(nano, [KOREAN], against=opened(tmp_path / "other"))


def test_slower_is_a_complaint_unless_it_is_allowed(nano, monkeypatch):
    untimed(monkeypatch, ratio=0.8)
    proof = prove(nano, [KOREAN], against=nano, lengths=(0.5, 2))
    assert [line[:17] for line in proof.complaints(ProofLimits())] == ["0.80 times as fas"] * 2
    assert proof.complaints(ProofLimits(allow_slower=True)) == []


@pytest.mark.parametrize(
    ("ratio", "spread", "slower"),
    [(0.8, (0.75, 0.85), True), (0.95, (0.9, 0.99), False), (0.8, (0.5, 1.1), False), (1.5, (1.4, 1.6), False)],
    ids=["all rounds", "by less than a tenth", "in too few rounds", "faster"],
)
def test_slower_means_beyond_chance(ratio, spread, slower):
    assert Speed(1.0, 1.0, 9, against=1.0, ratio=ratio, spread=spread).slower is slower


class Clock:
    """Stands still until somebody works."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.worked: list[str] = []
        monkeypatch.setattr(speed, "clock", lambda: self.now)
        monkeypatch.setattr(speed, "work", lambda engine, clip: lambda: self.work(engine, len(clip)))

    def work(self, engine, samples: int) -> None:
        self.worked.append(engine.name)
        self.now += engine.seconds * samples / 16_000


def clocked(monkeypatch: pytest.MonkeyPatch, ours: float, theirs: float) -> tuple[Clock, Speed]:
    clock = Clock(monkeypatch)
    engines = [SimpleNamespace(name=name, seconds=seconds) for name, seconds in (("a", ours), ("b", theirs))]
    return clock, speed.measure(*engines, np.ones(100, np.float32), 2.0)


def test_two_bundles_take_turns_and_each_round_turns_the_order(monkeypatch):
    clock, found = clocked(monkeypatch, 1.0, 1.5)
    assert "".join(clock.worked) == "ab" + "abba" * 3 + "ab"
    assert (found.seconds, found.against, found.ratio, found.rounds) == (2.0, 3.0, 1.5, speed.LEAST_ROUNDS)
    assert found.rtfx == 1.0


def test_what_comes_out_slower_is_measured_for_longer(monkeypatch):
    _, found = clocked(monkeypatch, 1.5, 1.0)
    assert found.rounds == 3 * speed.LEAST_ROUNDS
    assert found.slower


def test_short_clips_get_more_rounds(monkeypatch):
    _, found = clocked(monkeypatch, 0.001, 0.001)
    assert found.rounds == speed.MOST_ROUNDS
