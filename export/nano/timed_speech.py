"""Korean speech of which it is known to the sample when each word is spoken: espeak-ng tells while it speaks.

`espeak-ng`, the command, gives the sound alone; its library calls back with events too, a WORD event where the sound of
the word before has ended. A stop then begins with its closure, which is silent, and the library's PHONEME event marks
its release. So a word has two pairs of times: of its events (`start`, `end`), and of what can be heard of it.
"""

from __future__ import annotations

import ctypes
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from export.nano.grammar import draw
from export.nano.speech import (
    HELD_OUT_VOICES,
    SAMPLE_RATE,
    SPEECH_FLOOR,
    VOICES,
    Utterance,
    speech_in,
    tilted_noise,
    to_pcm16,
)

LIBRARY = "libespeak-ng.so.1"
SYNCHRONOUS, PHONEME_EVENTS, UTF8 = 2, 1, 1  # of speak_lib.h, as all numbers here
RATE, PITCH = 1, 3
WORD, PHONEME = 1, 7
SILENCE = 0.1  # seconds of digital silence around a clip
PEAK = 0.5  # of full scale
CLOSURE = 0.005  # seconds of silence from which on it counts as one


class Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class Event(ctypes.Structure):
    """`espeak_EVENT`."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", Id),
    )


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


@dataclass(frozen=True, slots=True)
class Mark:
    """An event: a word that begins at a character of the text (from 0), or a phoneme by its name; `sample` is exact."""

    sample: int
    character: int
    phoneme: str | None

    @property
    def pause(self) -> bool:
        """Whether it is a phoneme that stands for silence."""
        return self.phoneme is not None and self.phoneme.startswith("_")


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word, from event to event and from the first to the last sample that can be heard of it, in seconds."""

    text: str
    start: float
    end: float
    heard_start: float
    heard_end: float


@dataclass(frozen=True, slots=True)
class TimedClip:
    """A sentence spoken: `audio` is float32, 16 kHz, with `SILENCE` around it."""

    text: str
    voice: str
    audio: NDArray[np.float32]
    words: tuple[TimedWord, ...]

    def noisy(self, rng: np.random.Generator, decibels: float) -> TimedClip:
        """Return the clip in noise of that many dB less power than the speech."""
        level = np.sqrt(np.mean(self.audio**2)) * 10 ** (-decibels / 20)
        audio = self.audio + level * tilted_noise(rng, len(self.audio))
        return TimedClip(self.text, self.voice, audio.astype(np.float32), self.words)


class Espeak:
    """The library, which has one state for the process: one call at a time."""

    def __init__(self) -> None:
        """Raise `OSError` where the library is not installed (`apt-get install espeak-ng`)."""
        self._library = ctypes.CDLL(LIBRARY)
        self.rate: int = self._library.espeak_Initialize(SYNCHRONOUS, 0, None, PHONEME_EVENTS)
        self._sound: list[NDArray[np.int16]] = []
        self._marks: list[Mark] = []
        self._callback = Callback(self._take)  # kept: C holds no reference
        self._library.espeak_SetSynthCallback(self._callback)
        self._lock = threading.Lock()

    def speak(self, text: str, voice: str, speed: int, pitch: int) -> tuple[NDArray[np.int16], list[Mark]]:
        """Return the sound at `rate` Hz, untrimmed, and its marks in order. Raises `ValueError` for no such voice."""
        with self._lock:
            self._sound, self._marks = [], []
            if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ValueError(f"espeak-ng has no voice {voice!r}")
            self._library.espeak_SetParameter(RATE, speed, 0)
            self._library.espeak_SetParameter(PITCH, pitch, 0)
            letters = text.encode()
            self._library.espeak_Synth(letters, len(letters) + 1, 0, 1, 0, UTF8, None, None)
            return np.concatenate(self._sound), self._marks

    def _take(self, sound: Any, samples: int, events: Any) -> int:
        if samples > 0:
            self._sound.append(np.ctypeslib.as_array(sound, (samples,)).copy())
        index = 0
        while events[index].type:
            event = events[index]
            if event.type == PHONEME:
                self._marks.append(Mark(event.sample, event.text_position - 1, bytes(event.id.string).decode()))
            elif event.type == WORD and event.text_position:
                self._marks.append(Mark(event.sample, event.text_position - 1, None))
            index += 1
        return 0


OPENING = threading.Lock()  # two threads that open the library at once crash in it


def espeak() -> Espeak:
    """Return the library, opened once."""
    with OPENING:
        return _opened()


@cache
def _opened() -> Espeak:
    return Espeak()


def speak_timed(text: str, voice: str, speed: int, pitch: int) -> TimedClip | None:
    """Speak `text`; None when espeak-ng takes two of its words for one, as 도로 맞춰, and so tells no time for one."""
    sound, marks = espeak().speak(text, voice, speed, pitch)
    words = text.split()
    starts = [index for index, mark in enumerate(marks) if mark.phoneme is None]
    if [marks[index].character for index in starts] != list(_positions(words)):
        return None
    audio = soxr.resample(sound.astype(np.float32) / 32_768, espeak().rate, SAMPLE_RATE)
    silence = np.zeros(round(SILENCE * SAMPLE_RATE), np.float32)
    padded = np.concatenate([silence, audio * (PEAK / np.abs(audio).max()), silence])
    spoken = [
        _word(word.rstrip(","), marks[start:stop], marks[stop].sample if stop < len(marks) else len(sound), padded)
        for word, start, stop in zip(words, starts, [*starts[1:], len(marks)], strict=True)
    ]
    return TimedClip(" ".join(word.text for word in spoken), voice, padded, tuple(spoken))


def draw_timed(rng: random.Random, *, held_out: bool, pause: bool = False) -> TimedClip:
    """Draw a sentence, voice, speed and pitch as `speech.speak` does; `pause` puts a comma behind one of its words."""
    while True:
        words = draw(rng, held_out=held_out).ko.split()
        if pause:
            words[rng.randrange(len(words) - 1)] += ","
        voice = rng.choice(HELD_OUT_VOICES if held_out else VOICES)
        clip = speak_timed(" ".join(words), f"ko+{voice}", rng.randint(130, 200), rng.randint(30, 70))
        if clip is not None:
            return clip


def speak_with_times(rng: random.Random, language: str, *, held_out: bool) -> Utterance:
    """Speak a Korean sentence as `speech.speak` does, with the times of its words; those spoken as one share theirs."""
    sentence = draw(rng, held_out=held_out)
    voice = rng.choice(HELD_OUT_VOICES if held_out else VOICES)
    sound, marks = espeak().speak(sentence.ko, f"{language}+{voice}", rng.randint(130, 200), rng.randint(30, 70))
    audio = soxr.resample(sound.astype(np.float32) / 32_768, espeak().rate, SAMPLE_RATE)
    speech = speech_in(audio)
    begun = {0: 0} | {mark.character: mark.sample for mark in marks if mark.phoneme is None}  # some have no first mark
    times = _times(sentence.ko.split(), begun, len(sound)) * SAMPLE_RATE // espeak().rate - speech.start
    return Utterance(sentence, language, voice, to_pcm16(audio[speech]), times)


def _times(words: list[str], begun: dict[int, int], length: int) -> NDArray[np.int64]:
    """Return `(words, 2)`: each word's own beginning, or that of the words it is spoken with, and the next one's."""
    starts, stops = sorted(begun.values()), [*sorted(begun.values())[1:], length]
    pairs, latest = [], 0
    for position in _positions(words):
        latest = starts.index(begun[position]) if position in begun else latest
        pairs.append((starts[latest], stops[latest]))
    return np.array(pairs)


def _positions(words: list[str]) -> Iterator[int]:
    position = 0
    for word in words:
        yield position
        position += len(word) + 1


def _word(text: str, marks: list[Mark], following: int, audio: NDArray[np.float32]) -> TimedWord:
    """Return the word of `marks`, its own first and then its phonemes; `following` is the sample that ends them."""
    sounds = [index for index, mark in enumerate(marks) if index and not mark.pause]
    behind = [mark.sample for mark in marks[sounds[0] :] if mark.pause]
    start, end = (sample / espeak().rate + SILENCE for sample in (marks[0].sample, min([*behind, following])))
    first, last = round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
    edge = round(CLOSURE * SAMPLE_RATE) // 4  # resampling smears a sample or two over the event
    loud = np.flatnonzero(np.abs(audio[first + edge : last - edge]) > SPEECH_FLOOR * PEAK) + first + edge
    heard_start, heard_end = int(loud[0]) / SAMPLE_RATE, (int(loud[-1]) + 1) / SAMPLE_RATE
    return TimedWord(
        text,
        start,
        end,
        heard_start if heard_start > start + CLOSURE else start,
        heard_end if heard_end < end - CLOSURE else end,
    )
