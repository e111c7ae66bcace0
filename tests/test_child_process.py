"""Processes that are started: what is said on their pipes, and what is told of their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from io import BytesIO, FileIO

import pytest

from malsori.child_process import (
    CLOSED,
    LAST_LINES,
    LONGEST_LINE,
    LastLines,
    MessagePipes,
    end_of_process,
    picklable,
    pipes_to,
    program_calling,
)
from malsori.errors import EngineError, MalsoriError


def echo() -> None:
    """Send back what comes, which a process does for the tests below."""
    from malsori.child_process import pipes_to_parent

    talk = pipes_to_parent()
    print("noise")
    os.write(1, b"noise\n")
    talk.send(talk.receive())


def test_messages_go_both_ways_whole_and_what_is_printed_stays_out_of_them() -> None:
    command = [sys.executable, "-c", program_calling("tests.test_child_process:echo")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0) as process:
        talk = pipes_to(process)
        talk.send(["침실", b"\n" * 300_000])  # more than a pipe holds
        assert talk.receive() == ["침실", b"\n" * 300_000]
        assert process.stderr is not None
        assert process.stderr.read().count(b"noise") == 2
        with pytest.raises(CLOSED):
            talk.receive()


def test_what_cannot_be_pickled_leaves_nothing_on_the_pipe() -> None:
    read, write = os.pipe()
    with FileIO(read, "rb") as incoming, FileIO(write, "wb") as outgoing:
        talk = MessagePipes(incoming, outgoing)
        with pytest.raises(TypeError):
            talk.send(threading.Lock())
        talk.send("next")
        assert talk.receive() == "next"


def test_an_error_with_what_cannot_be_pickled_goes_by_its_message() -> None:
    whole = EngineError("out of memory")
    assert picklable(whole) is whole
    held = EngineError("a lock")
    held.lock = threading.Lock()
    assert type(picklable(held)) is MalsoriError
    assert str(picklable(held)) == "a lock"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (3, "ended with exit code 3"),
        (-signal.SIGABRT, "was ended by SIGABRT"),
        (-signal.SIGKILL, "was ended by SIGKILL, as the system does when memory is short"),
        (-99, "was ended by signal 99"),
    ],
)
def test_the_end_of_a_process_is_told_by_its_exit_code(code: int, told: str) -> None:
    assert end_of_process(code) == told


def test_of_many_long_lines_the_last_ones_are_kept_short() -> None:
    told: list[str] = []
    said = LastLines(told.append)
    said.keep(BytesIO(b"".join(b"%d" % number + b"x" * 1000 + b"\n" for number in range(100)) + b"the end"))
    assert len(told) == 101
    assert said.last == "the end"
    said.keep(BytesIO(b"y" * 5000 + b"\n\n"))
    assert said.last == "y" * LONGEST_LINE


def test_of_a_crash_the_line_above_the_traceback_is_told() -> None:
    said = LastLines()
    said.keep(BytesIO(b"Fatal Python error: Aborted\n" + b"  File x\n" * (LAST_LINES - 1)))
    assert said.last == "Fatal Python error: Aborted"
