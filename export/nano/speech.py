"""Speech for the nano models: espeak-ng speaks the grammar in many voices; every clip is known to the sample.

`synthesize` makes one clip; `Corpus.make` makes thousands on all cores and keeps them in one `.npz`; at training time
`revoiced` varies speed and voice, `Augmenter` gain and noise. Voices in `HELD_OUT_VOICES` are never used for training.
"""

from __future__ import annotations

import io
import os
import random
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from export.nano.grammar import Sentence, draw
from malsori.types import SAMPLE_RATE

LANGUAGES = ["ko", "en"]
HELD_OUT_CLIPS = 400
ACCENTS = {"ko": ["ko"], "en": ["en-us", "en-gb"]}
VOICES = (
    "m1 m2 m3 m4 m5 m6 m8 f1 f2 f3 f4 Alex Alicia Andrea Annie Denis Diogo Hugo Jacky Lee Marco Mario Michael Mike "
    "adam anika belinda benjamin david edward linda max paul rob shelby steph2 zac"
).split()
HELD_OUT_VOICES = "m7 f5 Andy steph quincy".split()
SPEECH_FLOOR = 10 ** (-45 / 20)  # of the clip's peak; what is quieter at either end is not speech


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is spoken, in which language and voice; `audio` is int16, 16 kHz, trimmed to the speech itself.

    `times` are the samples from which and until which each word of the text is spoken, int `(words, 2)`, where they are
    known; words that are spoken as one share a pair.
    """

    sentence: Sentence
    language: str
    voice: str
    audio: NDArray[np.int16]
    times: NDArray[np.int64] | None = None

    @property
    def text(self) -> str:
        """The words spoken."""
        return self.sentence.text(self.language)

    @property
    def seconds(self) -> float:
        """Length of the speech."""
        return len(self.audio) / SAMPLE_RATE


def synthesize(text: str, voice: str, speed: int, pitch: int) -> NDArray[np.int16]:
    """Speak `text` with an espeak-ng voice (`ko+m1`) at `speed` words a minute; return int16 at 16 kHz, trimmed."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text]
    wav = subprocess.run(command, capture_output=True, check=True).stdout
    samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
    samples = soxr.resample(samples, rate, SAMPLE_RATE)
    return to_pcm16(samples[speech_in(samples)])


def speech_in(samples: NDArray[np.float32]) -> slice:
    """Return where a clip is louder than `SPEECH_FLOOR`, from the first such sample to the last."""
    loud = np.flatnonzero(np.abs(samples) > SPEECH_FLOOR * np.abs(samples).max())
    return slice(int(loud[0]), int(loud[-1]) + 1)


def to_pcm16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return the samples as int16; what is beyond full scale is clipped."""
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16)


def speak(rng: random.Random, language: str, *, held_out: bool, drawing: Callable[..., Sentence] = draw) -> Utterance:
    """Draw a sentence, a voice, a speed and a pitch, and speak it; held-out means held-out sentence *and* voice.

    `drawing` makes the sentence, as `draw` does that of the grammar.
    """
    sentence = drawing(rng, held_out=held_out)
    voice = rng.choice(HELD_OUT_VOICES if held_out else VOICES)
    accent = rng.choice(ACCENTS[language])
    audio = synthesize(sentence.text(language), f"{accent}+{voice}", rng.randint(130, 200), rng.randint(30, 70))
    return Utterance(sentence, language, voice, audio)


def wordless(rng: np.random.Generator, language: str) -> Utterance:
    """Return a clip in which nobody speaks: digital silence, noise or hum, 0.5 to 3 s; its text is empty."""
    length = int(rng.uniform(0.5, 3) * SAMPLE_RATE)
    kind = rng.integers(3)
    if kind == 0:
        sound = np.zeros(length)
    elif kind == 1:
        sound = tilted_noise(rng, length)
    else:
        mains = 2 * np.pi * rng.uniform(45, 250) / SAMPLE_RATE * np.arange(length)
        sound = np.sin(mains) + 0.3 * np.sin(3 * mains) + 0.05 * rng.standard_normal(length)
    audio = (sound * 3_000).clip(-32_768, 32_767).astype(np.int16)
    return Utterance(Sentence("", ""), language, "nobody", audio, np.zeros((0, 2), np.int64))


@dataclass(frozen=True, slots=True)
class Corpus:
    """Many utterances, in memory."""

    utterances: list[Utterance]

    @classmethod
    def make(
        cls,
        count: int,
        languages: list[str],
        *,
        held_out: bool = False,
        seed: int = 0,
        speaking: Callable[..., Utterance] = speak,
    ) -> Corpus:
        """Have `speaking` make `count` utterances, languages in turn; the same arguments give the same corpus."""

        def one(i: int) -> Utterance:
            return speaking(random.Random(f"{seed}-{held_out}-{i}"), languages[i % len(languages)], held_out=held_out)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return cls(list(pool.map(one, range(count))))

    def only(self, language: str) -> Corpus:
        """Return the utterances of one language."""
        return Corpus([u for u in self.utterances if u.language == language])

    def save(self, path: Path) -> None:
        """Write everything to one `.npz`; `path` appears when it is complete."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new.npz")
        known = [u.times for u in self.utterances if u.times is not None]
        np.savez(
            fresh,
            audio=np.concatenate([u.audio for u in self.utterances]),
            lengths=np.array([len(u.audio) for u in self.utterances]),
            meta=np.array([(u.sentence.ko, u.sentence.en, u.language, u.voice) for u in self.utterances]),
            timed=np.array([-1 if u.times is None else len(u.times) for u in self.utterances]),
            times=np.concatenate([np.zeros((0, 2), np.int64), *known]),
        )
        os.replace(fresh, path)

    @classmethod
    def read(cls, path: Path) -> Corpus:
        """Read what `save` wrote."""
        with np.load(path) as stored:
            clips = np.split(stored["audio"], np.cumsum(stored["lengths"])[:-1])
            timed, meta = stored["timed"], stored["meta"].tolist()
            times = np.split(stored["times"], np.cumsum(timed.clip(0))[:-1])
        return cls(
            [
                Utterance(Sentence(ko, en), language, voice, clip, known if words >= 0 else None)
                for (ko, en, language, voice), clip, words, known in zip(meta, clips, timed, times, strict=True)
            ]
        )

    @classmethod
    def cached(
        cls,
        folder: Path,
        count: int,
        languages: list[str],
        *,
        held_out: bool = False,
        seed: int = 0,
        speaking: Callable[..., Utterance] = speak,
    ) -> Corpus:
        """Read the corpus of these arguments from `folder`, or make it and keep it there."""
        side = "held-out" if held_out else "train"
        path = folder / f"{'-'.join(languages)}-{count}-{side}-{seed}-{speaking.__name__}.npz"
        if not path.exists():
            cls.make(count, languages, held_out=held_out, seed=seed, speaking=speaking).save(path)
        return cls.read(path)


def training_corpus(work: Path, clips: int) -> Corpus:
    """Read, or make, what to train on: both languages in turn."""
    return Corpus.cached(work / "corpus", clips, LANGUAGES)


def held_out_corpus(work: Path) -> Corpus:
    """Read, or make, what every nano model is judged by: sentences and voices that none was trained on."""
    return Corpus.cached(work / "corpus", HELD_OUT_CLIPS, LANGUAGES, held_out=True)


@dataclass(frozen=True, slots=True)
class Augmenter:
    """Vary a clip as rooms and microphones do: peak at -20 to -0.5 dBFS, noise of any tilt 10 to 40 dB below."""

    rng: np.random.Generator
    clean_share: float = 0.2

    def __call__(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a varied copy, float32, same length."""
        peak = max(float(np.abs(audio).max()), 1e-4)
        audio = audio * (10 ** (self.rng.uniform(-20, -0.5) / 20) / peak)
        if self.rng.random() < self.clean_share:
            return audio.astype(np.float32)
        noise = tilted_noise(self.rng, len(audio))
        level = np.sqrt(np.mean(audio**2)) * 10 ** (-self.rng.uniform(10, 40) / 20)
        return (audio + level * noise).astype(np.float32)


def revoiced(utterance: Utterance, rng: np.random.Generator) -> Utterance:
    """Return the utterance as a smaller or larger speaker with a duller or sharper voice would say it.

    Played up to 15 % faster or slower, pitch and formants moving along, and filtered by `1 - a/z` for a random a:
    voices that no corpus holds, so that a model does not learn the few that it does.
    """
    speed, a = rng.uniform(0.87, 1.15), rng.uniform(-0.5, 0.6)
    audio = utterance.audio.astype(np.float32)
    audio = np.interp(np.arange(0, len(audio) - 1, speed), np.arange(len(audio)), audio)
    audio[1:] -= a * audio[:-1]
    peak = max(float(np.abs(audio).max()), 1.0)
    times = None if utterance.times is None else (utterance.times / speed).astype(np.int64)
    return replace(utterance, audio=(audio * (24_000 / peak)).astype(np.int16), times=times)


def tilted_noise(rng: np.random.Generator, length: int) -> NDArray[np.float64]:
    """Return unit-power noise whose power falls by 0 (white) to 2 (brown) powers of the frequency."""
    size = 1 << (length - 1).bit_length()  # powers of two transform fastest
    phases = rng.standard_normal((2, size // 2 + 1))
    tilt = np.maximum(np.arange(size // 2 + 1), 1.0) ** (-rng.uniform(0, 2) / 2)
    noise = np.fft.irfft((phases[0] + 1j * phases[1]) * tilt, size)[:length]
    return noise / max(float(np.sqrt(np.mean(noise**2))), 1e-9)
