"""Damaged copies read in a process of their own, and what is wrong with how they were read. No tests here.

    python -m tests.torture FORMAT...      # reads jobs from stdin, for `Worker`

What may be wrong with one copy (`faults`): the process hangs or dies, an exception that is no `MalsoriError`, or sound
lost without a word. For the last, an oracle is needed, since nobody can know what a copy that is cut cleanly between
two frames of a headerless stream once was. What malsori heard is held against two counts:

- the sound of the file before it was damaged. As much of it, less 0.1 s, is never a loss. Stretches of silence that
  were put in for what is missing do not count as heard.
- otherwise what the copy itself shows: what PyAV decodes, packet by packet, in the container that the file was made in
  (or in what it takes the copy for, if it is no such container any more), and the packets and bytes that it
  cannot. As much of it, less 0.1 s and one frame (of one torn in two, a decoder makes what it likes), is no silent
  loss, if the packets' times follow each other and the header, where it says how long the sound is, says no more than
  was heard, or more than the file ever held.

An error or a warning that speaks of missing or damaged sound is no silent loss; a warning of another kind is.
"""

from __future__ import annotations

import io
import json
import re
import resource
import select
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.containers import DEMUXERS
from tests.counting import Count, by_packets
from tests.damage import damaged

LIMIT_S = 10.0
LOST_S = 0.1
GAINED_S = 1.0  # a copy with a part twice has more sound; a clock that jumps may not put in silence without a word
_FILL = 320  # samples: as many exact zeros in a row are silence that was put in
_OTHER = re.compile("clipped|finite|cancel")  # warnings that tell of no loss
_HEADED = frozenset({"wav", "flac", "mp4", "matroska", "avi", "asf", "aiff", "au", "caf", "w64"})


@dataclass(frozen=True, slots=True)
class Heard:
    """What malsori made of a copy: seconds, seconds of them that are no filled silence, warnings, or the error."""

    seconds: float = 0.0
    sound: float = 0.0
    warnings: tuple[str, ...] = ()
    error: str = ""
    traceback: str = ""
    took: float = 0.0

    @property
    def told(self) -> bool:
        """Whether the user learns that something is missing."""
        return bool(self.error) or any(not _OTHER.search(line) for line in self.warnings)


@dataclass(frozen=True, slots=True)
class Reading:
    """A copy as it was read: as it comes, with what is there allowed, by PyAV; `claim` is what its header promises."""

    strict: Heard
    lenient: Heard
    packets: Count
    claim: float
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong with a copy, and how to make that copy again."""

    path: str
    seed: int
    damage: str
    what: str

    def __str__(self) -> str:
        return f"{self.what}: {self.path}, seed {self.seed} ({self.damage})"


def faults(whole: Heard, reading: Reading) -> list[str]:
    """Return what is wrong with how a copy was read; `whole` is the file before it was damaged."""
    found = []
    for way, heard in (("", reading.strict), ("allow_truncated: ", reading.lenient)):
        if heard.traceback:
            found.append(f"{way}traceback\n{heard.traceback}")
        elif not heard.told and (lost := _lost(whole, heard, reading)) > LOST_S:
            found.append(f"{way}{lost:.2f} s lost silently")
        elif not heard.told and heard.seconds > 2 * whole.seconds + GAINED_S:
            found.append(f"{way}{heard.seconds:.2f} s of {whole.seconds:.2f} s, silently")
    if not reading.strict.error and reading.lenient.error:
        found.append(f"refused only when allowed: {reading.lenient.error}")
    return found


def _lost(whole: Heard, heard: Heard, reading: Reading) -> float:
    """Return the seconds that are gone without anybody being able to know better from the copy alone."""
    lost = whole.sound - heard.sound
    packets = reading.packets
    shown = packets.seconds + packets.broken_s + packets.unread_s
    follow = packets.stop - packets.start - shown <= LOST_S
    kept = reading.claim > whole.seconds + LOST_S or reading.claim - heard.seconds <= LOST_S  # else it never was true
    return min(lost, shown - packets.frame_s - heard.seconds) if follow and kept else lost


class Hang(Exception):
    """The worker did not answer in time."""


class Crash(Exception):
    """The worker died."""


class Worker:
    """A process that reads damaged copies, one at a time; it is made anew after a hang or a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ahead = b""  # read, and not yet asked for
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # decoders write to stderr at will

    def read(self, path: Path, container: str, seed: int | None) -> Reading:
        """Read a copy; `seed` None means the file itself. Raises `Hang` and `Crash`."""
        if self._process is None:
            command = [sys.executable, "-m", "tests.torture"]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self._said, bufsize=0)
            self._answer(60)  # until it has imported what it needs
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps([str(path), container, seed]) + "\n").encode())
        strict = Heard(**self._answer(LIMIT_S))
        lenient = Heard(**self._answer(LIMIT_S))
        rest = self._answer(4 * LIMIT_S)  # not ours: only its crash or hang for ever would be in the way
        return Reading(strict, lenient, Count(**rest["packets"]), rest["claim"], rest["memory_mb"])

    def close(self) -> None:
        """End the process; no more copies can be read."""
        self._end()
        self._said.close()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process, self._ahead = None, b""

    def _last_words(self) -> str:
        self._said.seek(0)
        return self._said.read()[-500:].decode(errors="replace")

    def _answer(self, limit: float) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        end = time.monotonic() + limit
        while b"\n" not in self._ahead:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            part = self._process.stdout.read(1 << 16) if ready else b""
            if not part:
                code = self._process.wait() if ready else None
                self._end()
                raise (
                    Crash(f"the process died with {code}; {self._last_words()}")
                    if ready
                    else Hang(f"no answer in {limit:g} s")
                )
            self._ahead += part
        line, _, self._ahead = self._ahead.partition(b"\n")
        return json.loads(line)


def run(worker: Worker, path: Path, container: str, seeds: Iterator[int] | range) -> list[Fault]:
    """Read the damaged copies of one file; return the faults."""
    whole = worker.read(path, container, None).strict
    assert not whole.error, whole.error
    found = []
    for seed in seeds:
        try:
            what = faults(whole, worker.read(path, container, seed))
        except (Hang, Crash) as error:
            what = [str(error)]
        damage = damaged(path.read_bytes(), seed)[1] if what else ""
        found += [Fault(path.name, seed, damage, each) for each in what]
    return found


def main() -> None:
    """Answer jobs on stdin: three lines of JSON each."""
    _say({})
    for line in sys.stdin:
        path, container, seed = json.loads(line)
        data = Path(path).read_bytes()
        copy = data if seed is None else damaged(data, seed)[0]
        _say(asdict(_heard(copy, allow_truncated=False)))
        _say(asdict(_heard(copy, allow_truncated=True)))
        packets, claim = _counted(copy, DEMUXERS.get(container, container))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _say({"packets": asdict(packets), "claim": claim, "memory_mb": memory})


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def _heard(copy: bytes, *, allow_truncated: bool) -> Heard:
    from malsori.audio import decode
    from malsori.errors import MalsoriError

    start = time.perf_counter()
    try:
        clip = decode(copy, allow_truncated=allow_truncated)
    except MalsoriError as error:
        return Heard(error=f"{type(error).__name__}: {error}", took=time.perf_counter() - start)
    except Exception:
        return Heard(traceback=traceback.format_exc(), took=time.perf_counter() - start)
    took = time.perf_counter() - start
    return Heard(len(clip.samples) / 16_000, _sound(clip.samples), clip.warnings, took=took)


def _sound(samples: NDArray[np.float32]) -> float:
    """Return the seconds that are not in a long run of exact zeros."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], samples == 0, [0]]).astype(np.int8)))
    runs = edges[1::2] - edges[::2]
    return (len(samples) - int(runs[runs >= _FILL].sum())) / 16_000


def _counted(copy: bytes, demuxer: str) -> tuple[Count, float]:
    """Return what PyAV finds, and the seconds that the header claims, 0 where it claims none."""
    for name in (demuxer, None):  # what has lost its container may still be another's sound, as MP3 from a WAV
        try:
            return by_packets(copy, name), _claim(copy, name)
        except Exception:  # PyAV raises what it likes; what it cannot count has no count
            continue
    return Count(0.0), 0.0


def _claim(copy: bytes, demuxer: str | None) -> float:
    import av

    counted = demuxer == "mp3" and (b"Xing" in copy[:4_096] or b"Info" in copy[:4_096])  # else it is an estimate
    if demuxer not in _HEADED and not counted:
        return 0.0
    with av.open(io.BytesIO(copy), format=demuxer, metadata_errors="replace") as opened:
        return (opened.duration or 0) / 1_000_000


if __name__ == "__main__":
    main()
