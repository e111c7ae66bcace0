"""What is sent: sentences as WAV files with their words, and talks with pauses whose ends are known."""

from __future__ import annotations

import random
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.places import RECORDINGS
from bench.recordings import RATE, Audio, rows_of

READ = "en/libri-test-"  # sentences that were read aloud, cut where they begin and end
LENGTHS = {3: (2.9, 3.6), 10: (9.0, 10.7)}  # seconds: what is sent as a clip of 3 s is between these
JOINED = {30: (26.0, 29.9)}  # made of several with `GAP` between
GAP = 0.3  # seconds of silence; shorter than any pause that ends an utterance
TALKED = (2.0, 8.5)  # seconds of a sentence in a talk
PAUSES = (1.2, 2.5)  # seconds between two of them
FRAME = RATE // 50
BELOW = 10 ** (-28 / 20)  # of a sentence's loud frames: what is softer is not its end
QUIET = 10 ** (-36 / 20)  # likewise, what the pauses in it must be below: in noise nobody knows where speech ends
INNER_PAUSE = 0.45  # seconds without voice within a sentence, from which on it might be two utterances
ROOM = 10 ** (-60 / 20)  # of full scale: the noise of a room
LEAD = 0.7  # seconds of room before the first sentence
LISTENED = 3.0  # seconds of room behind the last


@dataclass(frozen=True, slots=True)
class Clip:
    """A WAV file, 16 kHz, 16 bit, and the words in it."""

    path: str
    seconds: float
    said: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence of a talk, and the seconds at which it begins and ends."""

    start: float
    end: float
    said: str


@dataclass(frozen=True, slots=True)
class Talk:
    """A WAV file in which somebody reads sentences with pauses."""

    path: str
    seconds: float
    utterances: tuple[Utterance, ...]


def sentences(folder: Path = RECORDINGS) -> list[tuple[Path, float, str]]:
    """Return the sentences that were read aloud: file, seconds, words. Raises `SystemExit` where they are not."""
    if not (folder / "INDEX.tsv").exists():
        raise SystemExit(f"{folder} has no INDEX.tsv; the recordings of people that it describes are what is sent")
    rows = [row for row in rows_of(folder) if row["file"].startswith(READ)]
    return [(folder / row["file"], float(row["duration_s"]), row["transcript"].lower()) for row in rows]


def clips(work: Path, seconds: int) -> list[Clip]:
    """Return the clips of about so many seconds, as WAV files in a folder."""
    given = sentences()
    if seconds in JOINED:
        return [_written(work, f"joined-{index}", parts) for index, parts in enumerate(joins(given, JOINED[seconds]))]
    low, high = LENGTHS[seconds]
    return [_written(work, each[0].stem, [each]) for each in given if low <= each[1] <= high]


def joins(
    given: Sequence[tuple[Path, float, str]], lengths: tuple[float, float]
) -> list[list[tuple[Path, float, str]]]:
    """Return sentences one after another in groups, each with its gaps between two lengths; what fits in none is left.

    The longest first, and then whatever still fits.
    """
    low, high = lengths
    left, made = sorted((each for each in given if each[1] >= TALKED[0]), key=lambda each: -each[1]), []
    while left:
        group, total = [], -GAP
        for each in list(left):
            if total + GAP + each[1] <= high:
                group.append(each)
                left.remove(each)
                total += GAP + each[1]
        if total < low:
            break
        made.append(group)
    return made


def _written(work: Path, name: str, parts: Sequence[tuple[Path, float, str]]) -> Clip:
    from malsori.audio import decode

    silence = np.zeros(round(GAP * RATE), np.float32)
    sounds = [decode(str(path)).samples for path, _, _ in parts]
    sound = np.concatenate([piece for each in sounds for piece in (silence, each)][1:])
    path = work / f"{name}.wav"
    write_wav(path, sound)
    return Clip(str(path), len(sound) / RATE, " ".join(said for _, _, said in parts))


def write_wav(path: Path, sound: Audio) -> None:
    """Write 16 kHz, 16 bit, mono."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def read_wav(path: str) -> bytes:
    """Return the samples of such a file."""
    with wave.open(path, "rb") as file:
        return file.readframes(file.getnframes())


def trimmed(sound: Audio) -> Audio | None:
    """Return a sentence from its first loud frame to its last; None in noise, and where it may be two utterances."""
    count = len(sound) // FRAME
    levels = np.sqrt(np.mean(np.square(sound[: count * FRAME].reshape(count, FRAME)), axis=1))
    loud = np.percentile(levels, 95)
    frames = np.flatnonzero(levels > BELOW * loud)
    if np.percentile(levels, 5) > QUIET * loud or np.diff(frames).max() * FRAME > INNER_PAUSE * RATE:
        return None
    return sound[frames[0] * FRAME : (frames[-1] + 1) * FRAME]


def talk(work: Path, seconds: float, seed: int) -> Talk:
    """Write a talk of at least so many seconds, its sentences and pauses drawn by a seed."""
    from malsori.audio import decode

    draw, noise = random.Random(f"talk-{seed}"), np.random.default_rng(seed)
    read = [(decode(str(path)).samples, said) for path, length, said in sentences() if TALKED[0] <= length <= TALKED[1]]
    given = [(sound, said) for each, said in read if (sound := trimmed(each)) is not None]
    parts: list[Audio] = [np.zeros(round(LEAD * RATE), np.float32)]
    spoken: list[Utterance] = []
    at = len(parts[0])
    while at < seconds * RATE:
        sound, said = draw.choice(given)
        spoken.append(Utterance(at / RATE, (at + len(sound)) / RATE, said))
        pause = np.zeros(round(draw.uniform(*PAUSES) * RATE), np.float32)
        parts += [sound, pause]
        at += len(sound) + len(pause)
    sound = np.concatenate([*parts, np.zeros(round(LISTENED * RATE), np.float32)])
    sound += noise.normal(0, ROOM, len(sound)).astype(np.float32)
    path = work / f"talk-{seed}-{seconds:g}.wav"
    write_wav(path, sound)
    return Talk(str(path), len(sound) / RATE, tuple(spoken))
