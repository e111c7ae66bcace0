"""The files of a batch: clips of 1 to 15 s with their words, made of recordings of people, no two alike.

Each recording of that length is a clip as it was spoken. The others are two or more of one reader or line, one after
another with a short pause, drawn by a seed: read sentences and telephone prompts. Digits in a row, made the same way,
are clips of their own: a gate takes some of them for no speech and a decoder falls into loops, so that they cost
everybody a multiple of what speech does. All are written as WAV with the sample rate that the recording has, into the
bench's own folder.
"""

from __future__ import annotations

import random
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from bench.recordings import Audio, Recording
from bench.words.sets import indexed

SHORTEST, LONGEST = 1.0, 15.0  # seconds of a clip
GAP = 0.3  # seconds of silence between two recordings of a clip
MOST_JOINED = 12
TRIES = 20_000  # draws at most of a kind: too few recordings end the bench at once
SEED = 16
NUMBER_BITS = 16
KINDS = {"en/libri-": "LibriSpeech", "tel/": "telephone", "digits/": "digits"}
JOINED = ("LibriSpeech", "telephone")


@dataclass(frozen=True, slots=True)
class Clip:
    """A file of the batch: its name without the ending, what it is made of, its length, and the words in it."""

    name: str
    parts: tuple[Recording, ...]
    seconds: float
    said: str


def spoken(folder: Path) -> list[Recording]:
    """Return the English recordings that clips are made of. Raises `SystemExit` where they are not there."""
    if not (folder / "INDEX.tsv").exists():
        raise SystemExit(f"{folder} has no INDEX.tsv; the recordings of people that it describes are what is heard")
    return [each for each in indexed(folder) if each.language == "en" and kind_of(each) and each.seconds <= LONGEST]


def kind_of(recording: Recording) -> str:
    """Return which of the kinds a recording is of, "" for none."""
    return next((kind for begin, kind in KINDS.items() if recording.name.startswith(begin)), "")


def speaker_of(recording: Recording) -> str:
    """Return whose recordings are joined with this one: a reader's chapter, a voice, a line's announcements.

    `libri-test-other_367-130732-0002` is of `libri-test-other_367-130732`, `fsdd_0_theo_1` of `fsdd theo`. Letters said
    alone are joined with nothing (""): nobody knows how the words of a row of them are to be written.
    """
    stem = Path(recording.name).stem
    if stem.startswith("libri-"):
        return stem.rpartition("-")[0]
    parts = stem.split("_")
    if parts[0] == "moonshine":
        return ""
    return f"{parts[0]} {parts[2]}" if parts[0] == "fsdd" else "_".join(parts[:2])


def chosen(given: Sequence[Recording], count: int, seed: int = SEED) -> list[Clip]:
    """Return so many clips, mixed by a seed; the first are as they were spoken, if there are enough for that.

    Of the others each kind of `JOINED` has as many. Raises `SystemExit` where the recordings do not give as many clips.
    """
    draw = random.Random(seed)
    whole = [(each,) for each in given if SHORTEST <= each.seconds <= LONGEST]
    groups: list[tuple[Recording, ...]] = draw.sample(whole, min(count, len(whole)))
    known = {_key(group) for group in groups}
    joined = {kind: _joined([each for each in given if kind_of(each) == kind], draw) for kind in JOINED}
    while len(groups) < count:
        for kind, drawn in joined.items():
            group = next((each for each in islice(drawn, TRIES) if _key(each) not in known), None)
            if group is None:
                raise SystemExit(f"{len(given)} recordings give {len(groups)} clips, of {kind} no more; {count} asked")
            known.add(_key(group))
            groups.append(group)
    groups = groups[:count]
    draw.shuffle(groups)
    return [_clip(index, group) for index, group in enumerate(groups)]


def rows_of_digits(given: Sequence[Recording], count: int, seed: int = SEED) -> list[Clip]:
    """Return so many clips of digits that one speaker says one after another, at most, no two alike."""
    drawn = _joined([each for each in given if kind_of(each) == "digits"], random.Random(seed))
    groups = {_key(group): group for group in islice(drawn, TRIES)}
    return [_clip(index, group) for index, group in enumerate(islice(groups.values(), count))]


def _joined(given: Sequence[Recording], draw: random.Random) -> Iterator[tuple[Recording, ...]]:
    """Yield recordings of one voice that follow each other, for `TRIES` lengths that are drawn evenly."""
    voices: dict[str, list[Recording]] = {}
    for each in given:
        voices.setdefault(speaker_of(each), []).append(each)
    several = [found for name, found in voices.items() if name and len(found) > 1]
    for _ in range(TRIES if several else 0):
        voice, wanted, group = draw.choice(several), draw.uniform(SHORTEST, LONGEST), list[Recording]()
        for each in draw.sample(voice, min(len(voice), MOST_JOINED)):
            if length_of([*group, each]) <= wanted:
                group.append(each)
        if len(group) > 1 and length_of(group) >= SHORTEST:
            yield tuple(group)


def length_of(group: Sequence[Recording]) -> float:
    """Return how long recordings are with the pauses between them, in seconds."""
    return sum(each.seconds for each in group) + GAP * (len(group) - 1)


def _key(group: Sequence[Recording]) -> tuple[str, ...]:
    return tuple(each.name for each in group)


def _clip(index: int, group: tuple[Recording, ...]) -> Clip:
    return Clip(f"{index:04d}", group, length_of(group), " ".join(str(each.said) for each in group))


def recordings_of(clips: Sequence[Clip]) -> int:
    """Return of how many different recordings clips are made."""
    return len({part.name for clip in clips for part in clip.parts})


def write(clips: Sequence[Clip], folder: Path) -> list[Path]:
    """Write the clips into a folder; return their paths, in order."""
    folder.mkdir(parents=True)
    paths = [folder / f"{clip.name}.wav" for clip in clips]
    for clip, path in zip(clips, paths, strict=True):
        rate = _rate(clip.parts[0])
        silence = np.zeros(round(GAP * rate), np.float32)
        sounds = [_samples(part, rate) for part in clip.parts]
        write_wav(path, np.concatenate([piece for sound in sounds for piece in (silence, sound)][1:]), rate)
    return paths


def write_wav(path: Path, sound: Audio, rate: int) -> None:
    """Write 16 bit, mono."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def _rate(recording: Recording) -> int:
    import soundfile

    return int(soundfile.info(str(recording.path)).samplerate)


def _samples(recording: Recording, rate: int) -> Audio:
    """Return a recording's sound at a rate. One voice has one rate; where it has not, another one is drawn."""
    import soundfile

    sound, found = soundfile.read(str(recording.path), dtype="float32", always_2d=True)
    if found != rate:
        import soxr

        sound = soxr.resample(sound, found, rate)
    return np.asarray(sound[:, 0], np.float32)


def copies(paths: Sequence[Path], count: int, folder: Path) -> Path:
    """Fill a folder with so many copies of such files; return it.

    Each has its number in the least bits of its last samples: a batch may know files by their bytes, and copies alone
    would be one recording.
    """
    folder.mkdir(parents=True)
    contents = [np.frombuffer(path.read_bytes(), np.uint8) for path in paths]
    for index in range(count):
        content = contents[index % len(paths)].copy()
        low = content[-2 * NUMBER_BITS :: 2]  # the lower byte of each sample
        low[:] = (low & 0xFE) | (index >> np.arange(NUMBER_BITS) & 1)
        (folder / f"{index:05d}.wav").write_bytes(content.tobytes())
    return folder
