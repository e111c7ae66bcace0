"""Other programs that run a Whisper, each as one function from sound and a number of words to text. Ours is elsewhere.

All get the same beam, one language, no timestamps, no second try at another temperature, and this process's cores. What
is not equal: whisper.cpp computes in f16 and openai-whisper in f32, where CTranslate2 has int8; whisper.cpp's beam ends
at its own word budget (`max_tokens`) and its scores are not divided by the length. The heavy imports are in the
functions, so that a fresh process pays for the one it measures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.recordings import RATE, Audio

Hear = Callable[[Audio, int], str]
"""What is heard in a clip by a decoder that says so many words."""

BEAM = 5
BATCH = 8
LANGUAGE = "en"
THREADS = len(os.sched_getaffinity(0))
WINDOW = 30.0  # seconds
ONE_TRY: dict[str, Any] = {  # of ours and of faster-whisper, which have the same names for it
    "language": LANGUAGE,
    "beam_size": BEAM,
    "temperature": 0.0,
    "without_timestamps": True,
    "condition_on_previous_text": False,
    "compression_ratio_threshold": None,
    "log_prob_threshold": None,
    "no_speech_threshold": None,
}
PACKAGES = {"whisper.cpp": "pywhispercpp", "openai-whisper": "whisper"}


def installed(name: str) -> bool:
    """Whether a peer can run here; openai-whisper may be there for its tokenizer alone, without what it imports."""
    needed = [PACKAGES[name], *(("numba", "tiktoken", "torch") if name == "openai-whisper" else ())]
    return all(find_spec(package) for package in needed)


def half_of(words: int) -> int:
    """Return faster-whisper's `max_new_tokens` for so many words.

    CTranslate2 gives half of prompt (4 tokens) and new ones together to what follows the prompt, if that is less.
    """
    return 2 * words - 4


def faster_model(folder: Path | str, **options: Any) -> Any:
    """Open a folder with faster-whisper on this process's cores, or as `options` have it."""
    from faster_whisper import WhisperModel

    return WhisperModel(str(folder), **{"device": "cpu", "cpu_threads": THREADS, "local_files_only": True} | options)


def faster_whisper(folder: Path) -> Hear:
    """Open a bundle with faster-whisper: one window after another."""
    model = faster_model(folder)

    def hear(clip: Audio, words: int) -> str:
        segments, _ = model.transcribe(clip, vad_filter=False, max_new_tokens=half_of(words), **ONE_TRY)
        return "".join(segment.text for segment in segments)

    return hear


def faster_whisper_batched(folder: Path) -> Hear:
    """Open a bundle with faster-whisper's batched pipeline; a long recording is cut into windows of 30 s."""
    from faster_whisper import BatchedInferencePipeline

    pipeline = BatchedInferencePipeline(faster_model(folder))

    def hear(clip: Audio, words: int) -> str:
        cuts = [{"start": start / RATE, "end": stop / RATE} for start, stop in windows(len(clip))]
        segments, _ = pipeline.transcribe(
            clip, clip_timestamps=cuts, batch_size=BATCH, max_new_tokens=half_of(words), **ONE_TRY
        )
        return "".join(segment.text for segment in segments)

    return hear


def windows(samples: int) -> list[tuple[int, int]]:
    """Return where windows of 30 s start and stop in so many samples."""
    size = int(WINDOW * RATE)
    return [(start, min(start + size, samples)) for start in range(0, samples, size)]


def whisper_cpp(path: Path, floor: float = WINDOW, margin: float = 0.0) -> Hear:
    """Open a ggml file with pywhispercpp; each clip's window is at least `floor` seconds, `margin` longer than it."""
    from pywhispercpp.model import Model

    model = Model(
        str(path),
        params_sampling_strategy=1,
        redirect_whispercpp_logs_to=None,
        n_threads=THREADS,
        language=LANGUAGE,
        beam_search={"beam_size": BEAM, "patience": -1.0},
        temperature_inc=0.0,
        no_timestamps=True,
        no_context=True,
        suppress_nst=True,
        print_progress=False,
    )

    def hear(clip: Audio, words: int) -> str:
        seconds = min(WINDOW, max(floor, len(clip) / RATE + margin))
        context = 0 if seconds == WINDOW else round(seconds * 50)
        segments = model.transcribe(clip, max_tokens=words - 1, audio_ctx=context)  # it stops behind one more
        return " ".join(segment.text for segment in segments)

    return hear


def openai_whisper(path: Path) -> Hear:
    """Open a checkpoint with openai-whisper, in float32 as it computes on a CPU."""
    import torch
    import whisper

    torch.set_num_threads(THREADS)
    model = whisper.load_model(str(path))

    def hear(clip: Audio, words: int) -> str:
        heard = model.transcribe(
            clip,
            language=LANGUAGE,
            beam_size=BEAM,
            temperature=0.0,
            without_timestamps=True,
            condition_on_previous_text=False,
            compression_ratio_threshold=None,
            logprob_threshold=None,
            no_speech_threshold=None,
            sample_len=words,
            fp16=False,
        )
        return str(heard["text"])

    return hear


def plain(model: Any, clip: Audio | str, **options: Any) -> tuple[str, ...]:
    """Return what faster-whisper hears with its own defaults but for `options`, segment by segment."""
    segments: Sequence[Any] = list(model.transcribe(clip, **options)[0])
    return tuple(segment.text.strip() for segment in segments)
