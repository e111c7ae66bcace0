"""Runs the process of one model and gives its messages; what becomes of the process, it always ends with the caller."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from ..child_process import CLOSED, end_of_process, pipes_to, program_calling
from .model_task import ModelDone, ModelFailed, ModelMessage, ModelTask

MAIN = "malsori.compare.model_child:main"


def messages_of(task: ModelTask, program: str | None = None) -> Iterator[ModelMessage]:
    """Yield what the process of a model tells; a process that dies costs itself, and the last message says of what.

    Closing the iterator ends the process.
    """
    command = [sys.executable, "-c", program or program_calling(MAIN)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            talk = pipes_to(process)
            with suppress(OSError):  # it has died already, which its exit code tells
                talk.send(task)
            whole = False
            while not whole:
                try:
                    message: ModelMessage = talk.receive()
                except CLOSED:
                    yield ModelFailed(_death(process.wait()))
                    return
                whole = isinstance(message, (ModelDone, ModelFailed))
                yield message
        finally:
            process.kill()


def _death(code: int) -> str:
    """Return of what a process has died, by its exit code."""
    hint = "; malsori models recommend tells what fits" if code == -getattr(signal, "SIGKILL", 0) else ""
    return f"its process {end_of_process(code)}{hint}"
