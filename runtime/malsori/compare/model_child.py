"""The process of one model: it loads it, hears the recordings one after another, and tells what it took.

Started by `model_process.py`, which sends the task and takes the messages.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from statistics import median
from time import perf_counter
from typing import NoReturn

import numpy as np

from ..audio import decode_blocks
from ..child_process import CLOSED, MessagePipes, pipes_to_parent
from ..engines.machine.memory import peak_memory
from ..engines.machine.process import share_heap
from ..errors import MalsoriError, brief
from ..pipeline import TranscribeOptions, Transcriber
from ..pipeline.loading import load_as
from ..types import Audio, Transcript
from .model_task import CUT_S, SHORT_S, HeardRecording, ModelDone, ModelFailed, ModelLoaded, ModelMessage, ModelTask

WARM_S = 5.0  # seconds of sound that are heard before anything is timed
clock = perf_counter


def main() -> NoReturn:
    """Carry out the task that the parent sends, and end the process."""
    talk = pipes_to_parent()
    task: ModelTask = talk.receive()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started it, which then ends it
    share_heap()
    watch_parent(talk)
    for message in carried_out(task):
        talk.send(message)
    os._exit(0)  # without freeing the model, which takes time and, in an engine's threads, may crash


def carried_out(task: ModelTask) -> Iterator[ModelMessage]:
    """Yield what a task gives: that the model is ready, each recording, the end; or why it cannot be."""
    start = clock()
    try:
        transcriber = _loaded(task)
        engine = transcriber.engine
        facts = [str(getattr(engine, name, "")) for name in ("device", "compute_type")]
        yield ModelLoaded(clock() - start, *facts)
        _warm_up(transcriber, task)
        shortest = float("inf")
        for number, path in enumerate(task.recordings):
            heard = _heard(transcriber, number, path, task)
            shortest = shortest if heard.error else min(shortest, heard.duration)
            yield heard
        latency = None if shortest <= SHORT_S else _latency(transcriber, task)
        yield ModelDone(peak_memory(), latency)
    except MalsoriError as error:
        yield ModelFailed(str(error))
    except Exception as error:
        yield ModelFailed(f"{type(error).__name__}: {brief(error)}")


def _loaded(task: ModelTask) -> Transcriber:
    transcriber = load_as(task.loading, task.model, task.compute_type, wanted=task.options)
    transcriber.check(task.options)
    return transcriber


def _heard(transcriber: Transcriber, number: int, path: str, task: ModelTask) -> HeardRecording:
    results: list[Transcript] = []
    seconds: list[float] = []
    try:
        for _ in range(task.runs):
            start = clock()
            results.append(transcriber.transcribe(path, task.options))
            seconds.append(clock() - start)
    except MalsoriError as error:
        return HeardRecording(number, error=str(error))
    first, *others = results
    return HeardRecording(
        number=number,
        text=first.text,
        language=first.language,
        duration=first.duration,
        seconds=tuple(seconds),
        others=sum(other.text != first.text for other in others),
        warnings=first.warnings,
    )


def _warm_up(transcriber: Transcriber, task: ModelTask) -> None:
    """Hear some seconds: the first call of an engine takes longer, and would be counted to the first recording."""
    sound = _beginning(task, WARM_S)
    if len(sound):
        transcriber.transcribe(sound, _without_source(task.options))


def _latency(transcriber: Transcriber, task: ModelTask) -> float | None:
    """Return the seconds for a clip that is cut out, the median of some runs; None where nothing can be read."""
    sound = _beginning(task, CUT_S)
    if not len(sound):
        return None
    times = []
    for _ in range(max(3, task.runs)):
        start = clock()
        transcriber.transcribe(sound, _without_source(task.options))
        times.append(clock() - start)
    return median(times)


def _beginning(task: ModelTask, seconds: float) -> Audio:
    """Return the first seconds of the first recording that can be read, without decoding the rest."""
    for path in task.recordings:
        try:
            with decode_blocks(path, track=task.options.source.track) as blocks:
                sound = blocks.first(seconds)
        except MalsoriError:
            continue
        if len(sound):
            return sound
    return np.zeros(0, np.float32)


def _without_source(options: TranscribeOptions) -> TranscribeOptions:
    """Return the options without those of a file, which samples cannot have."""
    return TranscribeOptions(speech=options.speech, decoding=options.decoding)


def watch_parent(talk: MessagePipes) -> None:
    """End this process as soon as the one that started it is gone: then the pipe is closed."""

    def watch() -> None:
        with suppress(*CLOSED):
            talk.receive()
        os._exit(1)

    threading.Thread(target=watch, name="malsori-parent", daemon=True).start()
