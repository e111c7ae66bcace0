"""One fresh process that opens a model, hears one clip, and tells how much memory that took.

    python -m bench.whisper_process PEER MODEL CLIP.npy WORDS      # prints {"peak_mb": ..., "text": ...}

How long it takes is seen from outside. The peak is VmHWM and not `resource.getrusage`, whose figure a process inherits
from the one that started it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.whisper_peers import Hear


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a process took from its start to its end: seconds and megabytes; and what it heard."""

    seconds: float
    peak_mb: float
    text: str


def fresh(peer: str, model: Path, clip: Path, words: int) -> Fresh:
    """Run a process and look at it from outside. Raises `SystemExit` with its last words when it fails."""
    command = [sys.executable, "-m", "bench.whisper_process", peer, str(model), str(clip), str(words)]
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

    peer, model, clip, words = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    text = opener(peer)(model)(np.load(clip), words)
    status = Path("/proc/self/status").read_text("utf-8")
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024 / 1e6
    print(json.dumps({"peak_mb": peak, "text": text}))


def opener(peer: str) -> Callable[[Path], Hear]:
    """Return what opens a model for a peer; nothing of the others is imported."""
    if peer == "ours":
        from bench.whisper_ours import hear

        return hear
    from bench import whisper_peers

    return {
        "faster-whisper": whisper_peers.faster_whisper,
        "whisper.cpp": whisper_peers.whisper_cpp,
        "openai-whisper": whisper_peers.openai_whisper,
    }[peer]


if __name__ == "__main__":
    main()
