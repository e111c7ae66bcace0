"""Everybody who hears the files: ours as commands, faster-whisper as a process that is told files, whisper-ctranslate2.

All have the same folder of weights, int8, English, a beam of 5, and all cores of this process. Ours reads greedily
first and with the beam where it is unsure, unless `BEAM_ALWAYS` is among its flags.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.batch.watch import OURS, Watched, environment, watched
from bench.places import ROOT
from bench.service.orders import Lines
from bench.whisper.peers import BATCH, BEAM, THREADS

BEAM_ALWAYS = ("--beam-size", str(BEAM))
LOOP = 'for file in "$@"; do {command} "$file" || exit 1; done'


@dataclass(frozen=True, slots=True)
class Heard:
    """What somebody did with some files: the figures, and where the texts are (a folder) or what they are, in order."""

    took: Watched
    folder: Path | None = None
    texts: tuple[str, ...] = ()


def batch_command(model: str, inputs: Path, output: Path, *flags: str) -> list[str]:
    """Return the line of `malsori batch` over a folder."""
    command = [*OURS, "batch", str(inputs), "--output-dir", str(output), "--model", model, "-f", "json"]
    return [*command, "--device", "cpu", *flags]


def batch(model: str, inputs: Path, output: Path, *flags: str) -> Heard:
    """Run `malsori batch` over a folder."""
    return Heard(watched(batch_command(model, inputs, output, *flags), output.with_suffix(".log")), output)


def loop(model: str, paths: Sequence[Path], output: Path) -> Heard:
    """Run a shell loop over `malsori transcribe`, a process for each file."""
    command = [*OURS, "transcribe", "--model", model, "--language", "en", "--device", "cpu"]
    command += ["-f", "json", "-o", str(output)]
    script = LOOP.format(command=shlex.join(command))
    took = watched(["sh", "-c", script, "loop", *map(str, paths)], output.with_suffix(".log"))
    return Heard(took, output)


def ctranslate2(python: str, model: str, paths: Sequence[Path], output: Path, *, batched: bool) -> Heard:
    """Run whisper-ctranslate2 over all files in one call."""
    command = [str(Path(python).parent / "whisper-ctranslate2"), *map(str, paths), "--model_directory", model]
    command += ["--language", "en", "--beam_size", str(BEAM), "--compute_type", "int8", "--device", "cpu"]
    command += ["--threads", str(THREADS), "--verbose", "False", "--output_format", "json", "--output_dir", str(output)]
    if batched:
        command += ["--batched", "True", "--batch_size", str(BATCH)]
    return Heard(watched(command, output.with_suffix(".log")), output)


@contextmanager
def faster_whisper(python: str, model: str, way: str) -> Iterator[Lines]:
    """Open the weights in faster-whisper, in a process that hears lists of files until the end of the block."""
    command = [python, "-m", "bench.batch.peer", model, way]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        lines = Lines(process)
        lines.read()
        yield lines
        assert process.stdin is not None
        process.stdin.close()


def told(lines: Lines, paths: Sequence[Path]) -> Heard:
    """Let faster-whisper hear some files."""
    answer: dict[str, Any] = lines.ask([str(path) for path in paths])
    return Heard(Watched(answer["seconds"], answer["cpu"], answer["peak_mb"]), texts=tuple(answer["texts"]))


def precut(model: str, inputs: Path) -> dict[str, float]:
    """Return what the engine alone takes for the clips of a folder, see `precut.py`."""
    command = [OURS[0], "-m", "bench.batch.precut", model, str(inputs)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)} failed:\n{done.stderr[-2_000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def has(python: str, what: str) -> bool:
    """Return whether a peer's Python has a command beside it."""
    return bool(python) and os.access(Path(python).parent / what, os.X_OK)
