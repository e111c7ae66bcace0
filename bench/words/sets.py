"""What is heard by `stock.py`: sets of recordings with their words, and sounds that nobody speaks in.

The recordings and their transcripts come from the folder that `INDEX.tsv` describes; nothing of it is copied. Some
sounds are made from them by a seed and written into the bench's own folder: clips turned down to -50 dBFS, and ten
minutes of a room in which somebody speaks for two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.nonspeech import Sound, at_level, kinds
from bench.recordings import RATE, ROOMS, Recording, rows_of

SHORT = 40.0  # seconds: a clip; what is longer is a recording
SPEECH_SECONDS, MINUTES = 120.0, 10  # of the sparse recording
QUIET, ROOM = -50, -60  # dBFS: of speech that is far away, and of a room
MADE_SECONDS = 30.0
LONGEST = 240.0  # seconds, of `long/`
LANGUAGES = ("ko", "ja", "de", "es", "fr", "it", "pt", "ru", "zh")
UNNAMED = ("formats/psphinx_goforward.raw",)  # raw PCM says nothing of its rate
ADDRESS_FILE = "long/constme_columbia.wma"
# George W. Bush, Address to the Nation on the Loss of Space Shuttle Columbia, 1 February 2003, as it was spoken: a work
# of the United States government and so in the public domain (Weekly Compilation of Presidential Documents 39, no. 6).
ADDRESS = """
My fellow Americans, this day has brought terrible news and great sadness to our country. At nine o'clock this morning,
Mission Control in Houston lost contact with our Space Shuttle Columbia. A short time later, debris was seen falling
from the skies above Texas. The Columbia's lost; there are no survivors. On board was a crew of seven: Colonel Rick
Husband; Lieutenant Colonel Michael Anderson; Commander Laurel Clark; Captain David Brown; Commander William McCool;
Dr. Kalpana Chawla; and Ilan Ramon, a colonel in the Israeli Air Force. These men and women assumed great risk in the
service to all humanity. In an age when space flight has come to seem almost routine, it is easy to overlook the dangers
of travel by rocket, and the difficulties of navigating the fierce outer atmosphere of the Earth. These astronauts knew
the dangers, and they faced them willingly, knowing they had a high and noble purpose in life. Because of their courage
and daring and idealism, we will miss them all the more. All Americans today are thinking, as well, of the families of
these men and women who have been given this sudden shock and grief. You're not alone. Our entire nation grieves with
you. And those you loved will always have the respect and gratitude of this country. The cause in which they died will
continue. Mankind is led into the darkness beyond our world by the inspiration of discovery and the longing to
understand. Our journey into space will go on. In the skies today we saw destruction and tragedy. Yet farther than we
can see there is comfort and hope. In the words of the prophet Isaiah, "Lift your eyes and look to the heavens. Who
created all these? He who brings out the starry hosts one by one and calls them each by name. Because of His great power
and mighty strength, not one of them is missing." The same Creator who names the stars also knows the names of the seven
souls we mourn today. The crew of the shuttle Columbia did not return safely to Earth; yet we can pray that all are
safely home. May God bless the grieving families, and may God continue to bless America.
"""


@dataclass(frozen=True, slots=True)
class Set:
    """Recordings that are judged together, and what they are judged by besides their errors."""

    name: str
    clips: tuple[Recording, ...]
    speech: bool = field(default=True)

    @property
    def seconds(self) -> float:
        """How long all of it is."""
        return sum(clip.seconds for clip in self.clips)

    @property
    def english(self) -> bool:
        """Whether a model of English alone can hear it."""
        return all(clip.language in ("en", None) for clip in self.clips)


def indexed(folder: Path) -> tuple[Recording, ...]:
    """Return all recordings that have a transcript, each once, in the order of the index."""
    found: dict[str, Recording] = {}
    for row in rows_of(folder):
        said = ADDRESS if row["file"] == ADDRESS_FILE else row["transcript"]
        if said not in ("NONE", "") and row["duration_s"] != "ERR" and row["file"] not in UNNAMED:
            name, words = row["file"], " ".join(said.split())
            found[name] = Recording(name, folder / name, row["language"], float(row["duration_s"]), words)
    return tuple(found.values())


def spoken(clips: Sequence[Recording], most: int) -> Iterator[Set]:
    """Yield the sets of speech, of each at most so many clips, evenly chosen."""
    folders: dict[str, list[Recording]] = {}
    for clip in clips:
        folders.setdefault(clip.name.partition("/")[0], []).append(clip)
    english = folders.pop("en", [])
    yield _set("en", [clip for clip in english if clip.seconds <= SHORT], most)
    yield _set("en, longer", [clip for clip in english if clip.seconds > SHORT], most)
    yield _set("digits", folders.pop("digits", []), most)
    telephone = folders.pop("tel", [])
    for language in ("en", "es"):
        yield _set(f"telephone, {language}", [clip for clip in telephone if clip.language == language], most)
    for language in LANGUAGES:
        yield _set(language, folders.pop(language, []), most)
    yield _set("other languages", folders.pop("other", []), most)
    yield _set("containers", folders.pop("formats", []), most)
    long = [clip for clip in folders.pop("long", []) if clip.name != ADDRESS_FILE and clip.seconds <= LONGEST]
    yield _set("long", long, most)


def chosen(clips: Sequence[Recording], most: int) -> tuple[Recording, ...]:
    """Return so many clips, evenly spread over all: of ten, five are every second one."""
    if len(clips) <= most:
        return tuple(clips)
    return tuple(clips[index * len(clips) // most] for index in range(most))


def _set(name: str, clips: Sequence[Recording], most: int) -> Set:
    return Set(name, chosen(clips, most))


def address(clips: Sequence[Recording], work: Path) -> Set:
    """Return the presidential address, as WAV: the container that it lies in is read by PyAV and not by everybody."""
    path = work / "address.wav"
    given = [clip for clip in clips if clip.name == ADDRESS_FILE]
    for clip in given:
        write_once(path, lambda clip=clip: decoded(clip.path))
    return Set("address", tuple(replace(clip, path=path) for clip in given))


def decoded(path: Path) -> Sound:
    """Return the sound of a file of any kind that FFmpeg knows."""
    from faster_whisper.audio import decode_audio

    return np.asarray(decode_audio(str(path), sampling_rate=RATE), np.float32)


def quiet(clips: Sequence[Recording], work: Path, most: int) -> Set:
    """Return English clips turned down to -50 dBFS."""
    from malsori.audio import decode

    made = []
    for clip in chosen([clip for clip in clips if clip.name.startswith("en/") and clip.seconds <= SHORT], most):
        path = work / "quiet" / f"{Path(clip.name).stem}.wav"
        write_once(path, lambda clip=clip: at_level(decode(clip.path).samples, QUIET))
        made.append(Recording(f"quiet/{path.name}", path, clip.language, clip.seconds, clip.said))
    return Set(f"en at {QUIET} dBFS", tuple(made))


def sparse(clips: Sequence[Recording], folder: Path, work: Path, seed: int = 0) -> Set:
    """Return ten minutes of a recorded room in which English clips of two minutes in all are spoken, by a seed."""
    from malsori.audio import decode

    random = np.random.default_rng(seed)
    talks = picked([clip for clip in clips if clip.name.startswith("en/") and clip.seconds <= SHORT], random)
    path = work / f"sparse-{seed}.wav"

    def make() -> Sound:
        room = np.concatenate([decode(folder / f"{name}.flac").samples for name in ROOMS[next(iter(ROOMS))]])
        sound = at_level(np.resize(room, MINUTES * 60 * RATE), ROOM)
        for clip, start in zip(talks, starts(talks, MINUTES * 60, random), strict=True):
            samples, first = decode(clip.path).samples, round(start * RATE)
            sound[first : first + len(samples)] += samples
        return np.clip(sound, -1, 1).astype(np.float32)

    write_once(path, make)
    said = " ".join(str(clip.said) for clip in talks)
    return Set("ten minutes, two of speech", (Recording(path.name, path, "en", MINUTES * 60.0, said),))


def picked(clips: Sequence[Recording], random: np.random.Generator) -> list[Recording]:
    """Return clips in a random order until there are two minutes of them."""
    talks: list[Recording] = []
    for index in random.permutation(len(clips)):
        if sum(clip.seconds for clip in talks) < SPEECH_SECONDS:
            talks.append(clips[index])
    return talks


def starts(talks: Sequence[Recording], seconds: float, random: np.random.Generator) -> list[float]:
    """Return when each clip starts: one after another, the rest of the time shared out between them at random."""
    free = seconds - sum(clip.seconds + 0.5 for clip in talks)
    gaps = random.dirichlet(np.ones(len(talks) + 1)) * free
    position, found = 0.0, []
    for clip, gap in zip(talks, gaps, strict=False):
        position += gap
        found.append(position)
        position += clip.seconds + 0.5
    return found


def silent(folder: Path, work: Path) -> Iterator[Set]:
    """Yield sounds that nobody speaks in: made ones, and recorded rooms, machines and silences."""
    made = []
    for name, make in kinds().items():
        path = work / "made" / f"{name}.wav"
        write_once(path, lambda make=make: make(np.random.default_rng(0), MADE_SECONDS))
        made.append(Recording(f"made/{path.name}", path, None, MADE_SECONDS, None))
    yield Set("no speech, made", tuple(made), speech=False)
    names = [name for group in ROOMS.values() for name in group] + ["vad/aeneas_vad_n", "vad/pyannote_empty"]
    paths = [folder / f"{name}.flac" for name in names]
    yield Set("no speech, recorded", tuple(recorded(path) for path in paths if path.exists()), speech=False)


def recorded(path: Path) -> Recording:
    """Return a recording that nobody speaks in."""
    import soundfile

    return Recording(f"{path.parent.name}/{path.name}", path, None, float(soundfile.info(str(path)).duration), None)


def write_once(path: Path, make: Callable[[], Sound]) -> None:
    """Write a sound as 16-bit WAV, unless an earlier run has."""
    if not path.exists():
        import soundfile

        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(str(path), make(), RATE, subtype="PCM_16")
