"""`align`: a recording and its text to the times of every word. The steps are in `engines/ctc/`."""

from __future__ import annotations

import os

from ..audio import AudioSource, decode
from ..errors import OptionError
from ..types import SAMPLE_RATE, Alignment
from .stitch import UNKNOWN
from .transcriber import Transcriber, load
from .word_times import Placer


def align(
    audio: AudioSource,
    text: str,
    model: str | os.PathLike[str] | Transcriber = "nano-ctc-ko",
    *,
    sample_rate: int | None = None,
    allow_truncated: bool = False,
) -> Alignment:
    """Return where each word and character of `text` is in the recording, with scores.

    Every word between white space comes back, in order and as it is written. What the model has no letters for takes
    the sound that its neighbours leave over; other punctuation takes none. `model` is a CTC bundle by name or path, or
    one that was loaded with `load`, which saves loading it again. `audio`, `sample_rate` and `allow_truncated` are as
    for `transcribe`.

    Raises:
        AudioError: the recording cannot be read; `AudioTooShort` where it has no room for the text.
        OptionError: there is no word in the text, or the model is not one that can align.
        ModelError, DeviceUnavailable: as `load` does.
    """
    used = Placer(model.engine if isinstance(model, Transcriber) else load(model).engine)
    words = used.spell(text)
    if not words:
        raise OptionError("text: expected at least one word to align, found none")
    clip = decode(audio, sample_rate=sample_rate, allow_truncated=allow_truncated)
    languages = used.manifest.languages
    return Alignment(
        text=text,
        language=languages[0] if len(languages) == 1 else UNKNOWN,
        duration=len(clip.samples) / SAMPLE_RATE,
        words=used.place(clip.samples, words, clip.name),
        model=used.manifest.name,
        warnings=clip.warnings,
    )
