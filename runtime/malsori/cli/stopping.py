"""Signals that end a command (Ctrl-C, SIGTERM, SIGHUP): the first ends it in order, the next at once; exit codes."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from types import FrameType, TracebackType
from typing import Any, TypeVar

Result = TypeVar("Result")

LOOK_EVERY = 0.2  # seconds between checks, where a signal does not wake a waiting thread
FIRST = 128  # what a shell adds to the number of a signal that has ended a command
HANGUP = getattr(signal, "SIGHUP", None)  # which Windows does not have
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", HANGUP: "hung up"}
AGAIN_S = 0.01  # seconds until the callback has returned
TERMINATION = tuple(number for number in (signal.SIGTERM, HANGUP) if number is not None)


def run_interruptibly(work: Callable[[], Result]) -> Result:
    """Run `work` in a thread and return its result, or raise its error. A signal interrupts the wait, not the work.

    Python handles a signal between two of its own instructions, which may be minutes away in an engine, and decoders
    take an exception within a read for the end of the file. After an interrupt the work goes on until the process ends,
    or until it is cancelled.
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


class Ended(KeyboardInterrupt):
    """The signal `number` ends the command; the text, if any, says what became of its work."""

    def __init__(self, number: int, text: str = "") -> None:
        super().__init__(text)
        self.number = number

    @property
    def code(self) -> int:
        """The exit code."""
        return FIRST + self.number

    def __str__(self) -> str:
        text = super().__str__()
        word = WORDS.get(self.number, "interrupted")
        return f"{word}; {text}" if text else word


class Ending:
    """Signal handlers of the command's process: the first signal raises `Ended`, the next ends the process at once.

    Ignored signals stay ignored: a shell's `&` ignores SIGINT, nohup SIGHUP.
    """

    def __init__(self) -> None:
        self._last = False
        self._armed = False
        self._ignored = sys.unraisablehook

    def arm(self) -> None:
        """Handle SIGINT from now on."""
        self._armed = True
        self._ignored, sys.unraisablehook = sys.unraisablehook, self._again
        self._take_over([signal.SIGINT])

    def catch_termination(self) -> None:
        """Handle SIGTERM and SIGHUP, too, for a command whose main thread only waits."""
        if self._armed:
            self._take_over(TERMINATION)

    def finish(self) -> None:
        """Note that the command is done: from now on the first signal ends the process at once."""
        self._last = True

    def _take_over(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self._last:
            os._exit(FIRST + number)
        self._last = True
        raise Ended(number)

    def _again(self, ignored: sys.UnraisableHookArgs) -> None:
        """Send a signal again whose `Ended` was raised in a weakref's callback or a `__del__`.

        Python drops what is raised there, and the command would go on as if no signal had come.
        """
        ended = ignored.exc_value
        if not isinstance(ended, Ended):
            self._ignored(ignored)
            return
        self._last = False
        _thread.start_new_thread(_send, (ended.number,))  # not `threading`, whose locks may be held here


def _send(number: int) -> None:
    time.sleep(AGAIN_S)
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)  # a signal to another thread would not wake the main one
    else:
        signal.raise_signal(number)


ENDING = Ending()  # of this process


class Stopping:
    """Context that handles SIGINT, SIGTERM and SIGHUP: the first sets `asked`, the next raises `KeyboardInterrupt`.

    After a SIGHUP `hung_up` is set: the terminal may be gone.
    """

    def __init__(self) -> None:
        self.asked = False
        self.hung_up = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            for number in (signal.SIGINT, *TERMINATION):
                if number != HANGUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                    self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if number == HANGUP:
            self.hung_up = True
        elif self.asked:
            raise KeyboardInterrupt
        self.asked = True
