"""All that the benches of Whisper ask of malsori, in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import malsori
from bench.recordings import Audio
from bench.whisper.peers import BATCH, ONE_TRY, THREADS, Hear
from malsori import Transcriber

Window = float | str
"""As the option `audio_context`: seconds, "auto" for what the bundle says, or "full"."""


def load(folder: Path) -> Transcriber:
    """Load a bundle on the CPU, on as many threads as every peer gets."""
    return malsori.load(str(folder), device="cpu", threads=THREADS)


def forced(words: int) -> dict[str, Any]:
    """Return the options that make a decoder which never ends say so many words, with no second try."""
    return ONE_TRY | {"window_guards": False, "max_new_tokens": words}


def hear(folder: Path, window: Window = "auto") -> Hear:
    """Open a bundle: a clip in the window that its manifest gives it, a long recording window after window."""
    transcriber = load(folder)

    def listen(clip: Audio, words: int) -> str:
        return transcriber.transcribe(clip, vad=False, audio_context=window, **forced(words)).text

    return listen


def hear_together(folder: Path) -> Callable[[Sequence[Audio], int], str]:
    """Open a bundle: clips that share engine calls, `BATCH` at a time, as files or spans of one do."""
    transcriber = load(folder)

    def listen(clips: Sequence[Audio], words: int) -> str:
        results = transcriber.transcribe_many(list(clips), vad=False, batch_size=BATCH, **forced(words))
        return " ".join(result.text for result in results)

    return listen


def freely(transcriber: Transcriber, clip: Audio, **options: Any) -> tuple[str, bool]:
    """Return what is heard with the defaults but for `options`, and whether a window had to be heard again at 30 s."""
    result = transcriber.transcribe(clip, **options)
    return result.text, any(segment.retried for segment in result.segments)
