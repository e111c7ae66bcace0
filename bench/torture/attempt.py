"""One thing that is sent to a server, byte for byte, and what comes back.

Whatever is sent names the server `localhost`, so that the same bytes go to every server.
"""

from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass

HANGS_S = 30.0  # seconds after which a connection that was neither answered nor closed counts as hung
PIECE = 1 << 18
CLOSED = 0  # instead of a status: the connection was closed without an answer
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is sent, and the statuses that are right; `CLOSED` among them allows that nothing is answered.

    answers: how many answers are waited for.
    ours_alone: it is about what only our server has, so that others are not asked.
    """

    name: str
    sent: bytes
    expected: frozenset[int]
    answers: int = 1
    ours_alone: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """The statuses that came, those of interim answers left out; the body of the last; whether nothing ever came."""

    statuses: tuple[int, ...] = ()
    body: bytes = b""
    hung: bool = False

    @property
    def status(self) -> int:
        """The last status, `CLOSED` where there is none."""
        return self.statuses[-1] if self.statuses else CLOSED

    def is_right(self, attempt: Attempt) -> bool:
        """Return whether all statuses are among those of an attempt, and as many came."""
        found = self.statuses or (CLOSED,)
        enough = len(self.statuses) == attempt.answers or CLOSED in attempt.expected
        return not self.hung and enough and attempt.expected.issuperset(found)

    def is_alike(self, attempt: Attempt) -> bool:
        """Return whether it is right but for which 4xx: others may have a status of their own for the same fault."""
        classes = {each // 100 for each in attempt.expected}
        found = self.statuses or (CLOSED,)
        enough = len(self.statuses) == attempt.answers or CLOSED in attempt.expected
        return not self.hung and enough and classes.issuperset(each // 100 for each in found)


def ask(host: str, port: int, sent: bytes, answers: int = 1, seconds: float = HANGS_S) -> Answered:
    """Send bytes and return what is answered until there are as many answers, or the connection is closed."""
    until, left, came = time.monotonic() + seconds, memoryview(sent), b""
    only_heads = sent.startswith(b"HEAD ")
    with socket.create_connection((host, port), timeout=seconds) as connection:
        connection.setblocking(False)
        while len(found := read_answers(came, only_heads)[0]) < answers:
            wait = until - time.monotonic()
            if wait <= 0:
                return Answered(tuple(found), hung=True)
            readable, writable, _ = select.select([connection], [connection] if left else [], [], wait)
            try:
                if readable:
                    piece = connection.recv(PIECE)
                    if not piece:
                        break
                    came += piece
                elif writable:
                    left = left[connection.send(left[:PIECE]) :]
            except ConnectionError:
                break
    return Answered(*read_answers(came, only_heads, ended=True))


def read_answers(came: bytes, only_heads: bool, ended: bool = False) -> tuple[tuple[int, ...], bytes]:
    """Return the final statuses in some bytes and the last body; `ended`: an answer may end with the connection."""
    statuses: list[int] = []
    body = b""
    while (found := _STATUS.match(came)) is not None:
        head, ending, rest = came.partition(b"\r\n\r\n")
        if not ending and not ended:
            break
        status, length = int(found[1]), _LENGTH.search(head)
        if status < 200 and status != 101:
            came = rest
            continue
        bodyless = only_heads or status in (101, 204, 304)
        size = 0 if bodyless else int(length[1]) if length else None
        if not ended and (size is None or len(rest) < size):
            break
        statuses.append(status)
        body, came = (rest, b"") if size is None else (rest[:size], rest[size:])
        if status == 101:
            break
    return tuple(statuses), body
