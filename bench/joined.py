"""Sentences of the corpus that no nano model was trained on, joined to clips with short pauses between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from export.nano.speech import SAMPLE_RATE, Utterance

PAUSES = (0.1, 0.6)  # seconds between sentences


def joined(
    utterances: Sequence[Utterance], shortest: int, longest: int, lead: int = 0
) -> list[tuple[NDArray[np.float32], str]]:
    """Return clips of so many samples with what is said in each; `lead` samples of silence stand before each."""
    rng = np.random.default_rng(0)
    made: list[tuple[NDArray[np.float32], str]] = []
    parts, texts = [np.zeros(lead, np.float32)], list[str]()
    for utterance in utterances:
        sound = np.pad(utterance.audio.astype(np.float32) / 32_768, (0, int(rng.uniform(*PAUSES) * SAMPLE_RATE)))
        if sum(map(len, parts)) + len(sound) > longest:
            made.append((np.concatenate(parts), " ".join(texts)))
            parts, texts = [np.zeros(lead, np.float32)], []
        parts.append(sound)
        texts.append(utterance.text)
    return [(audio, text) for audio, text in made if len(audio) >= shortest]
