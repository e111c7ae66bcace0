"""One fresh process that opens a model, hears one clip, and tells how much memory that took.

    python -m bench.whisper process PEER MODEL CLIP.npy WORDS      # prints {"peak_mb": ..., "text": ...}

How long it takes is seen from outside.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command import parser
from bench.processes import memory_mb

if TYPE_CHECKING:
    from bench.whisper.peers import Hear


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a process took from its start to its end: seconds and megabytes; and what it heard."""

    seconds: float
    peak_mb: float
    text: str


def fresh(peer: str, model: Path, clip: Path, words: int) -> Fresh:
    """Run a process and look at it from outside. Raises `SystemExit` with its last words when it fails."""
    command = [sys.executable, "-m", "bench.whisper", "process", peer, str(model), str(clip), str(words)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command[2:])}:\n{done.stderr[-2000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return Fresh(seconds, told["peak_mb"], told["text"])


def main() -> None:
    """Open, hear, tell."""
    import numpy as np

    asking = parser(__doc__)
    asking.add_argument("peer")
    asking.add_argument("model", type=Path)
    asking.add_argument("clip", type=Path)
    asking.add_argument("words", type=int)
    asked = asking.parse_args()
    text = opener(asked.peer)(asked.model)(np.load(asked.clip), asked.words)
    print(json.dumps({"peak_mb": memory_mb(), "text": text}))


def opener(peer: str) -> Callable[[Path], Hear]:
    """Return what opens a model for a peer; nothing of the others is imported."""
    if peer == "ours":
        from bench.whisper.ours import hear

        return hear
    from bench.whisper import peers

    return {
        "faster-whisper": peers.faster_whisper,
        "whisper.cpp": peers.whisper_cpp,
        "openai-whisper": peers.openai_whisper,
    }[peer]
