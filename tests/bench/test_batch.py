"""The bench of batches: its clips, how it watches commands, counts errors, and makes rows."""

from __future__ import annotations

import os
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.batch import archive, clips, heard, systems, watch
from bench.batch.clips import Clip
from bench.batch.compared import BATCHED, LOOP, PEER, Comparison, Figures, Job, sample_rows, sampled, whole_rows
from bench.batch.precut import Cutter
from bench.places import MODELS, SAMPLES
from bench.recordings import RATE, Recording
from malsori.engines.base import DecodeOptions
from malsori.types import Audio, Hypothesis


def recording(name: str, seconds: float, said: str = "words") -> Recording:
    return Recording(name, Path(name), "en", seconds, said)


GIVEN = [
    *(recording(f"en/libri-test_{index % 3}-9-{index:04d}.flac", 1.5 + index) for index in range(14)),
    *(recording(f"tel/asterisk_en_{index}.flac", 1.2 + index / 2) for index in range(10)),
    *(recording(f"digits/fsdd_{index}_theo_1.flac", 0.5, heard.SPOKEN[index]) for index in range(10)),
    *(recording(f"digits/moonshine_{letter}_x_{take}.flac", 1.0, letter) for letter in "abc" for take in range(9)),
]


def clip(name: str, seconds: float = 4.0, said: str = "one two") -> Clip:
    return Clip(name, (recording(f"tel/{name}.flac", seconds, said),), seconds, said)


def test_clips_are_as_many_as_asked_of_1_to_15_s_and_no_two_alike() -> None:
    found = clips.chosen(GIVEN, 60)
    assert len(found) == 60
    assert all(1.0 <= each.seconds <= 15.0 for each in found)
    assert len({tuple(part.name for part in each.parts) for each in found}) == 60
    assert len({each.name for each in found}) == 60
    assert clips.chosen(GIVEN, 60) == found


def test_each_recording_of_that_length_is_a_clip_as_it_was_spoken() -> None:
    whole = {each.parts[0].name for each in clips.chosen(GIVEN, 60) if len(each.parts) == 1}
    assert whole == {each.name for each in GIVEN if 1.0 <= each.seconds <= 15.0}


def test_only_one_reader_or_line_speaks_in_a_clip_and_letters_stand_alone() -> None:
    joined = [each for each in clips.chosen(GIVEN, 60) if len(each.parts) > 1]
    assert joined
    for each in joined:
        assert len({clips.speaker_of(part) for part in each.parts}) == 1
        assert clips.kind_of(each.parts[0]) in clips.JOINED
        assert each.said == " ".join(str(part.said) for part in each.parts)


def test_too_few_recordings_for_so_many_clips_end_the_bench() -> None:
    with pytest.raises(SystemExit, match=r"of LibriSpeech no more; 50 asked"):
        clips.chosen(GIVEN[:2], 50)


def test_rows_of_digits_are_of_one_speaker_and_no_letters() -> None:
    found = clips.rows_of_digits(GIVEN, 5)
    assert len(found) == 5
    assert {word for each in found for word in each.said.split()} <= {*heard.SPOKEN}


def tone(folder: Path, name: str, seconds: float) -> Recording:
    """A recording of a note that is there."""
    path = folder / f"{name}.wav"
    clips.write_wav(path, np.full(round(seconds * 8_000), 0.25, np.float32), 8_000)
    return Recording(f"tel/{name}.wav", path, "en", seconds, "word")


def test_a_clip_is_its_recordings_at_their_rate_with_pauses_between_them(tmp_path: Path) -> None:
    parts = (tone(tmp_path, "a", 1.0), tone(tmp_path, "b", 2.0))
    (path,) = clips.write([Clip("0", parts, clips.length_of(parts), "word word")], tmp_path / "clips")
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnframes()) == (8_000, round(3.3 * 8_000))
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert not samples[8_000 : round(1.3 * 8_000)].any()
    assert samples[:8_000].all()


def test_copies_have_the_length_of_their_source_and_differ_from_each_other(tmp_path: Path) -> None:
    source = tone(tmp_path, "a", 1.0).path
    found = [path.read_bytes() for path in clips.copies([source], 300, tmp_path / "copies").iterdir()]
    assert len({*found}) == 300
    assert {len(each) for each in found} == {source.stat().st_size}


@pytest.mark.parametrize("text", ["6-0, 2.", "602", "Six zero TWO", "six, 02"])
def test_a_digit_is_a_word_however_it_is_written(text: str) -> None:
    assert heard.spelled(text) == "six zero two"


def test_digits_that_are_missing_in_a_row_are_counted() -> None:
    found = heard.digit_errors([clip("a", said="six zero two one"), clip("b", said="two")], {"a": "602", "b": "2"})
    assert (found.said, found.missed, found.wrong) == (5, 1, 1)


def test_a_clip_without_a_result_ends_the_bench(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"text": " one two "}', "utf-8")
    assert heard.read(tmp_path, [clip("a")]) == {"a": "one two"}
    with pytest.raises(SystemExit, match=r"b\.json is not in"):
        heard.read(tmp_path, [clip("a"), clip("b")])


def test_a_sample_has_short_and_long_clips_as_all_have() -> None:
    found = sampled([clip(str(index), 1.0 + index) for index in range(10)], 5)
    assert [each.seconds for each in found] == [2.0, 4.0, 6.0, 8.0, 10.0]


def mistakes(given: Sequence[Clip], texts: heard.Texts) -> float:
    """An error rate that needs no normaliser."""
    return 100 * sum(texts[each.name] != each.said for each in given) / len(given)


def test_parts_of_the_peers_time_are_added_up_and_ours_is_the_median() -> None:
    given = [clip("a"), clip("b")]
    found = {
        "ours": Figures([10.0, 30.0, 12.0], [1.0] * 3, 400.0, {"a": "one two", "b": "one"}),
        PEER: Figures([20.0, 22.0], [2.0] * 2, 300.0, {"a": "one two", "b": "one two"}),
    }
    rows = {row.metric: row for row in whole_rows("case", given, found, mistakes, judged=True)}
    assert (rows["time"].ours, rows["time"].peers, rows["time"].ratio) == (12.0, {PEER: 42.0}, {PEER: 3.5})
    assert (rows["time"].spread, rows["time"].target) == ((10.0, 30.0), "3x faster-whisper")
    assert (rows["WER"].ours, rows["WER"].target) == (50.0, "at most 0")


def test_without_the_peer_there_is_no_target() -> None:
    rows = whole_rows("case", [clip("a")], {"ours": Figures([1.0], [1.0], 1.0, {"a": "one"})}, mistakes, judged=True)
    assert {row.target for row in rows} == {""}


def test_of_a_command_that_is_called_once_only_what_each_file_adds_counts() -> None:
    given = [clip(name) for name in "abcd"]
    texts = {each.name: each.said for each in given}
    name = "whisper-ctranslate2"
    found = {
        "ours": Figures([4.0], texts=texts),
        LOOP: Figures([8.0, 16.0], texts=texts),
        BATCHED: Figures([6.0, 6.0], texts=texts),
        name: Figures([11.0], texts=texts),
        f"{name}, started": Figures([5.0], texts={"a": "one two"}),
    }
    loop, others, _ = sample_rows("case", given, given, found, mistakes)
    assert (loop.ours, loop.peers, loop.ratio) == (1.0, {LOOP: 6.0}, {LOOP: 6.0})
    assert others.peers == {BATCHED: 3.0, name: 2.0}


def test_what_all_processes_of_a_command_took_is_told(tmp_path: Path) -> None:
    child = "import time; kept = b'1' * 64_000_000\nwhile time.process_time() < 0.4: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    found = watch.watched([sys.executable, "-c", code], tmp_path / "log")
    assert found.seconds > 0.3
    assert found.cpu > 0.4
    assert found.peak_mb > 64


def test_a_command_that_fails_ends_the_bench_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"ended with 3:\nno such luck"):
        watch.watched([sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"], tmp_path / "log")


def test_a_process_that_ended_has_no_memory() -> None:
    assert watch.together_mb(os.getpid()) > 1
    assert watch.together_mb(2**22 + 1) == 0.0


class Sleeper:
    """An engine that must not be asked to hear anything."""

    longest_clip = 28.0


def test_a_cutter_keeps_clips_and_has_what_its_engine_has() -> None:
    cutter = Cutter(Sleeper())  # type: ignore[arg-type]
    given: list[Audio] = [np.zeros(RATE, np.float32), np.zeros(2 * RATE, np.float32)]
    found: list[Hypothesis] = cutter.transcribe(given, DecodeOptions())
    assert [each.segments[0].end for each in found] == [1.0, 2.0]
    assert cutter.clips == given
    assert cutter.longest_clip == 28.0


@pytest.mark.slow
def test_few_and_many_files_are_heard_and_the_batch_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spoken = Recording("tel/numbers.wav", SAMPLES / "numbers.wav", "ko", 6.0, "words")
    given, model = [Clip("0", (spoken,), 6.0, "words")], str(MODELS / "nano-ctc-ko")
    memory = archive.memory_rows(model, given, tmp_path, (2, 3), 1)
    assert [row.metric for row in memory] == ["peak memory", "peak memory, grown", "files per second"]
    first, nothing = archive.resume_rows(model, given, tmp_path, 3, 1)
    assert first.ours > nothing.ours > 0


@pytest.mark.slow
def test_ours_is_heard_in_rounds_without_any_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spoken = Recording("tel/numbers.wav", SAMPLES / "numbers.wav", "ko", 6.0, "words")
    given = [Clip(name, (spoken,), 6.0, "words") for name in "ab"]
    clips.write(given, tmp_path / "clips")
    comparison = Comparison(Job(str(MODELS / "nano-ctc-ko"), "", given, tmp_path / "clips", 2, flags=()), tmp_path)
    comparison.run()
    ours = comparison.found["ours"]
    assert len(ours.seconds) == 2
    assert ours.texts["a"] == ours.texts["b"] != ""
    assert not systems.has("", "whisper-ctranslate2")
