"""Runs the process of one model and gives its messages; what becomes of the process, it always ends with the caller."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from .model_task import ModelDone, ModelFailed, ModelMessage, ModelTask

# Not `multiprocessing`: that would import the caller's program again, and its memory would count as the model's.
PROGRAM = (
    "import sys, pickle; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from malsori.compare.model_child import main; main()"
)
OUT_OF_MEMORY = "most likely there was not enough memory for it; malsori models recommend tells what fits"


def messages_of(task: ModelTask, program: str = PROGRAM) -> Iterator[ModelMessage]:
    """Yield what the process of a model tells; a process that dies costs itself, and the last message says of what.

    Closing the iterator ends the process.
    """
    process = subprocess.Popen([sys.executable, "-I", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with suppress(BrokenPipeError):  # it has died already, which its exit code tells
            pickle.dump(sys.path, process.stdin)
            pickle.dump(task, process.stdin)
            process.stdin.flush()
        whole = False
        while not whole:
            try:
                message: ModelMessage = pickle.load(process.stdout)
            except (EOFError, pickle.UnpicklingError):
                yield ModelFailed(_death(process.wait()))
                return
            whole = isinstance(message, (ModelDone, ModelFailed))
            yield message
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not read of the task
                pipe.close()


def _death(code: int) -> str:
    """Return of what a process has died, by its exit code."""
    if code >= 0:
        return f"its process ended with the exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = f"; {OUT_OF_MEMORY}" if os.name == "posix" and -code == signal.SIGKILL else ""
    return f"its process was ended by {name}{hint}"
