"""Ctrl-C, and what a service manager or a terminal that goes away sends: to end well, to end at once, and with what."""

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


FIRST = 128  # what a shell adds to the number of a signal that has ended a command
HANGUP = getattr(signal, "SIGHUP", None)  # which Windows does not have
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", HANGUP: "hung up"}
AGAIN_S = 0.01  # by then the callback is over
POLITE = tuple(number for number in (signal.SIGTERM, HANGUP) if number is not None)


class Ended(KeyboardInterrupt):
    """A signal has come, `number`, that ends the command; what is said of its work may be its text."""

    def __init__(self, number: int, text: str = "") -> None:
        super().__init__(text)
        self.number = number

    @property
    def code(self) -> int:
        """The exit code."""
        return FIRST + self.number

    def __str__(self) -> str:
        said = super().__str__()
        word = WORDS.get(self.number, "interrupted")
        return f"{word}; {said}" if said else word


class Ending:
    """What signals do to a process that is ours alone: the first is an `Ended`, the next ends it then and there.

    Signals that are ignored stay so: a shell's `&` ignores SIGINT, nohup SIGHUP.
    """

    def __init__(self) -> None:
        self._last = False
        self._armed = False
        self._ignored = sys.unraisablehook

    def arm(self) -> None:
        """Begin with SIGINT."""
        self._armed = True
        self._ignored, sys.unraisablehook = sys.unraisablehook, self._again
        self._take_over([signal.SIGINT])

    def politely(self) -> None:
        """Take what otherwise ends a process without a word, too. For commands whose main thread only waits."""
        if self._armed:
            self._take_over(POLITE)

    def over(self) -> None:
        """Say that there is nothing more to be told: from now on the first signal ends it at once."""
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
        """Send a signal again whose `Ended` was raised where nothing can be: in a weakref's callback, in a `__del__`.

        Python drops what is raised there, and the command would go on as if nobody had asked it to end.
        """
        ended = ignored.exc_value
        if not isinstance(ended, Ended):
            self._ignored(ignored)
            return
        self._last = False
        _thread.start_new_thread(_send, (ended.number,))  # threading's own locks may be held where this came


def _send(number: int) -> None:
    time.sleep(AGAIN_S)
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)  # another thread's would not wake it
    else:
        signal.raise_signal(number)


ENDING = Ending()  # of this process


class Stopping:
    """As a context, takes SIGINT, SIGTERM and SIGHUP; `asked` says that one has come.

    The next is a `KeyboardInterrupt`. After a SIGHUP `hung_up` says that there may be no terminal any more.
    """

    def __init__(self) -> None:
        self.asked = False
        self.hung_up = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            for number in (signal.SIGINT, *POLITE):
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
