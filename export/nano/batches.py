"""Training batches: clips of about one length, surrounded by a little silence and varied anew at every draw."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from export.nano.grammar import Sentence
from export.nano.speech import SAMPLE_RATE, Augmenter, Corpus, Utterance, revoiced, wordless

LONGEST_SILENCE = 0.6  # seconds, before and after the speech
WORDLESS_SHARE = 0.04  # clips in which nobody speaks, so that silence and noise yield no words
REVOICED_SHARE = 0.7
JOINED = (5, 10, 20)  # sentences in one clip; 20 are about a minute
ONE_VOICE_SHARE = 0.5  # of such clips are one voice's, as a minute of speech mostly is; in the others it changes
WARM_UP = 300  # steps
POOL = 8  # batches drawn together and sorted by length, so that little is padded


def vary_voice(utterance: Utterance, rng: np.random.Generator) -> Utterance:
    """Return the utterance in another voice, or as it is, by `REVOICED_SHARE`."""
    return revoiced(utterance, rng) if rng.random() < REVOICED_SHARE else utterance


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Rise linearly over `WARM_UP` steps, a quarter of a short run, then fall along a cosine to 1 % of `peak`."""
    warm_up = min(WARM_UP, steps // 4)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    progress = (step - warm_up) / max(steps - warm_up, 1)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


def joined(utterances: list[Utterance], count: int, rng: np.random.Generator) -> list[Utterance]:
    """Return every `count` utterances as one that says them all, with pauses up to `LONGEST_SILENCE` between them."""
    groups = [utterances[first : first + count] for first in range(0, len(utterances), count)]
    return [_chained(group, rng) for group in groups]


def _chained(group: list[Utterance], rng: np.random.Generator) -> Utterance:
    pauses = [np.zeros(int(rng.uniform(0.05, LONGEST_SILENCE) * SAMPLE_RATE), np.int16) for _ in group]
    parts = [part for pair in zip((u.audio for u in group), pauses, strict=True) for part in pair][:-1]
    texts = [
        " ".join(filter(None, words)) for words in zip(*((u.sentence.ko, u.sentence.en) for u in group), strict=True)
    ]
    starts = np.cumsum([0, *(len(u.audio) + len(pause) for u, pause in zip(group, pauses, strict=True))])
    known = [u.times + start for u, start in zip(group, starts, strict=False) if u.times is not None]
    times = np.concatenate(known) if len(known) == len(group) else None
    return replace(group[0], sentence=Sentence(*texts), audio=np.concatenate(parts), times=times)


class Batches:
    """Draw batch number `step`, a pure function of corpus, seed and step: a resumed run goes on as it would have.

    By `joined_share` of the steps the clips are several sentences long, up to the whole batch in one.
    """

    def __init__(self, corpus: Corpus, batch_size: int, seed: int, joined_share: float = 0.0) -> None:
        self.utterances = corpus.utterances
        self.batch_size = batch_size
        self.seed = seed
        self.joined_share = joined_share
        self._by_voice: dict[str, list[Utterance]] = {}
        for utterance in corpus.utterances:
            self._by_voice.setdefault(utterance.voice, []).append(utterance)

    def draw(self, step: int) -> tuple[list[Utterance], list[NDArray[np.float32]]]:
        """Return a batch's utterances, their times those of the clips, and the varied clips, float32 at 16 kHz."""
        rng = np.random.default_rng([self.seed, step])
        vary = Augmenter(rng)
        surrounded = [_surround(u, rng) for u in self.pick(step)]
        return surrounded, [vary(u.audio.astype(np.float32) / 32768) for u in surrounded]

    def pick(self, step: int) -> list[Utterance]:
        """Return the utterances of a batch, of about one length each."""
        rng = np.random.default_rng([self.seed, step, 11])
        if rng.random() >= self.joined_share:
            return [self._varied(utterance, rng) for utterance in self._alike(step)]
        count = int(rng.choice(JOINED))
        if rng.random() >= ONE_VOICE_SHARE:
            return joined([self._varied(utterance, rng) for utterance in self._alike(step)], count, rng)
        spoken = list(self._by_voice.values())[rng.integers(len(self._by_voice))]
        chosen = [spoken[index] for index in rng.integers(len(spoken), size=self.batch_size)]
        return [vary_voice(utterance, rng) for utterance in joined(chosen, count, rng)]

    def _varied(self, utterance: Utterance, rng: np.random.Generator) -> Utterance:
        return wordless(rng, utterance.language) if rng.random() < WORDLESS_SHARE else vary_voice(utterance, rng)

    def _alike(self, step: int) -> list[Utterance]:
        """Return utterances of about one length."""
        pool = np.random.default_rng([self.seed, step // POOL, 7])
        chosen = pool.choice(len(self.utterances), self.batch_size * POOL, replace=False)
        chosen = sorted(chosen, key=lambda i: len(self.utterances[i].audio))
        place = int(pool.permutation(POOL)[step % POOL])
        return [self.utterances[i] for i in chosen[place * self.batch_size : (place + 1) * self.batch_size]]


def _surround(utterance: Utterance, rng: np.random.Generator) -> Utterance:
    before, after = (rng.uniform(0, LONGEST_SILENCE, 2) * SAMPLE_RATE).astype(int)
    times = None if utterance.times is None else utterance.times + before
    return replace(utterance, audio=np.pad(utterance.audio, (before, after)), times=times)
