"""A microphone through the program arecord of alsa-utils, for where sounddevice is not installed."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from ...errors import MicrophoneLost, NoMicrophone, brief
from ...types import SAMPLE_RATE
from ..samples import Pcm16Decoder
from .capture import HELD_S, SEE, Captured, Inbox, InputDevice, pick

PROGRAM = "arecord"
OPENING_S = 2.0  # longest wait for the first sound, or the program's end
SILENT_S = 1.5  # a microphone without sound for that long is lost; that is to be reported within 2 s
ENDING_S = 1.0  # longest wait for the program's end, before and after it is killed
REASON_S = 0.4  # longest wait for the program's error message, when its sound has ended; with SILENT_S below 2 s
PIECE_BYTES = 2 * SAMPLE_RATE // 50  # 20 ms
OVERRUN = "the microphone's buffer ran over"

_OVERRUN = re.compile(r"overrun!*\s*\(at least ([0-9.]+) ms")
# What ALSA lists beside devices: plugins that convert sound or discard it.
FILTERS = frozenset({"null", "lavrate", "samplerate", "speexrate", "speex", "upmix", "vdownmix", "jack", "oss"})


class Arecord:
    """Records mono 16 kHz from an ALSA device, chosen by its number or a part of its name, or from the default one.

    The gap of an overrun is put before the sound that was in the pipe when the program reported it. Raises
    `NoMicrophone` when the program is not installed, or gives no sound.
    """

    rate = SAMPLE_RATE
    channels = 1
    patient = False

    def __init__(self, device: int | str | None = None) -> None:
        pcm = None if device is None else _pcm(device)
        self.name = f"microphone {pcm or 'default'} (arecord)"
        self._inbox = Inbox(round(HELD_S * SAMPLE_RATE))
        self._overrun = 0  # frames that arecord has reported as lost, and the reader was not yet told of
        self._message = ""
        self._process = _started(pcm)
        work = {"arecord-sound": self._read_sound, "arecord-words": self._read_messages}
        self._threads = [threading.Thread(target=each, name=name, daemon=True) for name, each in work.items()]
        for thread in self._threads:
            thread.start()
        self._first: Captured | None = self._opened()

    @property
    def overruns(self) -> int:
        """How many blocks were dropped because they were not read in time."""
        return self._inbox.overruns

    @property
    def heard(self) -> float:
        """When the last block came, in monotonic seconds."""
        return self._inbox.heard

    def read(self, timeout: float) -> Captured:
        """Return the next block. Raises `MicrophoneLost` when the program has ended or is silent for 1.5 s."""
        first, self._first = self._first, None
        if first is not None:
            return first
        left = max(0.0, self.heard + SILENT_S - time.monotonic())
        captured = self._inbox.take(min(timeout, left))
        if captured is None:
            raise MicrophoneLost(self.name, "sound", f"that it ended ({self._reason()}); it is tried until it is back")
        if not len(captured.samples) and time.monotonic() - self.heard >= SILENT_S:
            raise MicrophoneLost(self.name, "sound", f"none for {SILENT_S:g} s; it is tried again until it is back")
        return captured

    def close(self) -> None:
        """End the program."""
        for end in (self._process.terminate, self._process.kill):
            end()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(ENDING_S)
                break
        for thread in self._threads:
            thread.join(ENDING_S)

    def _opened(self) -> Captured:
        captured = self._inbox.take(OPENING_S)
        if captured is not None and len(captured.samples):
            return captured
        reason = self._reason() if captured is None else f"none within {OPENING_S:g} s"
        self.close()
        raise NoMicrophone(self.name, "sound", f"{reason}; {SEE}, and --simulate FILE plays a file")

    def _read_sound(self) -> None:
        """Put the program's sound into the inbox, until its end."""
        decoder = Pcm16Decoder()
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            while data := os.read(pipe.fileno(), PIECE_BYTES):
                lost, self._overrun = self._overrun, 0
                if len(samples := decoder.push(data)):
                    self._inbox.put(samples, lost, OVERRUN if lost else "")
        self._inbox.close()

    def _read_messages(self) -> None:
        """Read the program's messages: how long an overrun was, and the last one, which says why it ended."""
        assert self._process.stderr is not None
        with self._process.stderr as pipe:
            for line in pipe:
                text = line.decode("utf-8", "replace").strip()
                if found := _OVERRUN.search(text):
                    self._overrun += round(float(found[1]) / 1_000 * SAMPLE_RATE)
                elif text:
                    self._message = text

    def _reason(self) -> str:
        self._threads[1].join(REASON_S / 2)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(REASON_S / 2)
        code = self._process.returncode
        return brief(Exception(self._message)) or ("no word why" if code is None else f"exit code {code}")


def arecord_devices() -> list[InputDevice]:
    """Return the devices that arecord lists, numbered as they come. Raises `NoMicrophone` without the program."""
    try:
        run = subprocess.run(
            [PROGRAM, "-L"], capture_output=True, encoding="utf-8", errors="replace", env=_in_english(), timeout=10
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoMicrophone("microphone", "arecord, of the package alsa-utils", brief(error)) from error
    return [InputDevice(number, name, note=note) for number, (name, note) in enumerate(_listed(run.stdout))]


def _listed(text: str) -> Iterator[tuple[str, str]]:
    """Yield names with the first line of their descriptions, which is indented."""
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line and not line[0].isspace() and line.partition(":")[0] not in FILTERS:
            yield line, following.strip() if following[:1].isspace() else ""


def _pcm(wanted: int | str) -> str:
    """Return the name of an ALSA device; one with a colon, such as plughw:1,0, is not looked up."""
    text = str(wanted)
    return text if ":" in text else pick(arecord_devices(), wanted).name


def _started(pcm: str | None) -> subprocess.Popen[bytes]:
    command = [PROGRAM, "-q", "-t", "raw", "-f", "S16_LE", "-r", str(SAMPLE_RATE), "-c", "1"]
    command += [] if pcm is None else ["-D", pcm]
    pipe = subprocess.PIPE
    try:
        # In a session of its own: Ctrl-C must not reach the program, which `close` ends when all has been read.
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=_in_english(), start_new_session=True
        )
    except OSError as error:
        raise NoMicrophone("microphone", "arecord, of the package alsa-utils", brief(error)) from error


def _in_english() -> dict[str, str]:
    """Return the environment in which arecord's messages are English, whatever the user's language."""
    return {**os.environ, "LC_ALL": "C"}
