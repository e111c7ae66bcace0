"""A worker of a batch: it hears items with the small model that ships, and writes their results."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from malsori.batch.batch_items import BatchItem, ItemProgress, ItemResult
from malsori.batch.settings import WorkerSettings
from malsori.batch.worker import BatchWorker
from malsori.bundles import find_bundle
from malsori.bundles.verify import digest
from malsori.errors import ModelIncompatible, ModelNotFound
from malsori.pipeline import TranscribeOptions
from tests.shipped import ROOT

KOREAN = ROOT / "samples" / "korean.wav"
TEXT = "침실 온도를 이십육 도로 맞춰 주세요\n"


def settings(output: Path, **changes: object) -> WorkerSettings:
    base = WorkerSettings("nano-ctc-ko", TranscribeOptions(), ("txt", "json"), str(output))
    return replace(base, **changes)


def results(worker: BatchWorker, items: Iterable[BatchItem]) -> dict[int, ItemResult]:
    return {event.number: event for event in worker.work(items) if isinstance(event, ItemResult)}


def test_an_item_gets_its_results_in_each_format(tmp_path: Path) -> None:
    found = results(BatchWorker(settings(tmp_path)), [BatchItem(7, str(KOREAN), "a/talk")])
    assert (tmp_path / "a" / "talk.txt").read_text("utf-8") == TEXT
    written = json.loads((tmp_path / "a" / "talk.json").read_text("utf-8"))
    assert written["text"] == TEXT.strip()
    assert "words" not in written["segments"][0]
    result = found[7]
    assert not result.failed
    assert (result.language, result.digest) == ("ko", digest(KOREAN))
    assert result.seconds == pytest.approx(written["duration"], abs=0.001)


def test_a_bad_item_is_a_result_with_its_cause_and_the_others_are_heard(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(KOREAN.read_bytes()[:3000])
    items = [
        BatchItem(1, str(tmp_path / "gone.wav"), "gone"),
        BatchItem(2, str(broken), "broken"),
        BatchItem(3, str(KOREAN), "good"),
        BatchItem(4, str(KOREAN), "odd", options={"beam_size": 0}),
        BatchItem(5, str(tmp_path), "folder"),
    ]
    found = results(BatchWorker(settings(tmp_path / "out")), items)
    causes = {number: result.cause for number, result in found.items()}
    assert causes == {1: "AudioNotFound", 2: "CorruptAudio", 3: "", 4: "OptionError", 5: "AudioNotFound"}
    assert "gone.wav" in found[1].message
    assert found[2].digest == digest(broken)
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["good.json", "good.txt"]


def test_results_that_cannot_be_written_fail_their_item_alone(tmp_path: Path) -> None:
    (tmp_path / "shut").write_text("a file where a folder is to be")
    items = [BatchItem(1, str(KOREAN), "shut/talk"), BatchItem(2, str(KOREAN), "talk")]
    found = results(BatchWorker(settings(tmp_path)), items)
    assert found[1].cause == "OutputError"
    assert "shut" in found[1].message
    assert found[1].seconds > 0
    assert not found[2].failed


def test_an_items_own_options_go_before_those_of_the_batch(tmp_path: Path) -> None:
    items = [BatchItem(1, str(KOREAN), "whole"), BatchItem(2, str(KOREAN), "none", options={"clip_timestamps": [60]})]
    results(BatchWorker(settings(tmp_path)), items)
    assert (tmp_path / "whole.txt").read_text("utf-8") == TEXT
    assert (tmp_path / "none.txt").read_text("utf-8") == ""


def test_items_are_taken_as_they_are_needed_and_progress_names_them(tmp_path: Path) -> None:
    taken: list[int] = []

    def items() -> Iterator[BatchItem]:
        for number in range(20, 40):
            taken.append(number)
            yield BatchItem(number, str(KOREAN), str(number))

    progress = set()
    done = 0
    for event in BatchWorker(settings(tmp_path)).work(items()):
        if isinstance(event, ItemProgress):
            progress.add(event.number)
        else:
            done += 1
    assert done == 20
    assert progress
    assert progress <= set(taken)


def test_warnings_of_a_recording_are_told_and_those_of_all_are_not(tmp_path: Path) -> None:
    found = results(
        BatchWorker(settings(tmp_path)), [BatchItem(1, str(KOREAN), "a", options={"clip_timestamps": [60]})]
    )
    assert any("clip_timestamps" in warning for warning in found[1].warnings)


def test_another_model_than_the_batch_is_of_is_refused(tmp_path: Path) -> None:
    own = find_bundle("nano-ctc-ko").manifest().digest
    BatchWorker(settings(tmp_path, model_digest=own))
    with pytest.raises(ModelIncompatible, match="copy the same model to all machines"):
        BatchWorker(settings(tmp_path, model_digest="0" * 64))
    with pytest.raises(ModelNotFound):
        BatchWorker(settings(tmp_path, model="no-such-model"))


def test_more_is_heard_while_a_result_waits_for_the_disk(tmp_path: Path) -> None:
    taken: list[int] = []

    def items() -> Iterator[BatchItem]:
        for number in range(120):  # more than is taken ahead
            taken.append(number)
            yield BatchItem(number, str(KOREAN), str(number))

    events = BatchWorker(settings(tmp_path)).work(items())
    next(events)
    until = time.monotonic() + 60
    while len(taken) < 120 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(taken) == 120
    assert len(list(tmp_path.glob("*.txt"))) <= 1  # the rest waits for whoever asks for events
    assert len({event.number for event in events if isinstance(event, ItemResult)} | {0}) == 120
    assert len(list(tmp_path.glob("*.txt"))) == 120
