"""Work beside the main thread, which alone hears of an interrupt: whatever a library is doing, it is one at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

Result = TypeVar("Result")

LOOK_EVERY = 0.2  # seconds, where the system does not wake who waits when a signal comes


def beside(work: Callable[[], Result]) -> Result:
    """Return what `work` gives, or raise what it raises.

    Python hears of a signal between two of its own instructions, which may be minutes away in an engine, and decoders
    take an exception in the midst of a read for the end of the file. After an interrupt nobody waits for the work: it
    goes on until the process ends, or until it finds out that it is not wanted.
    """
    done: Future[Result] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, name="malsori-work", daemon=True).start()
    while not done.done():
        wait([done], LOOK_EVERY)
    return done.result()
