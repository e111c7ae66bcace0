"""Hostile and broken clients against ours and a peer: who answers rightly, and who is still there afterwards.

    python -m bench.torture BASE --fastapi PYTHON --wyoming-faster-whisper PYTHON     # stock base; some minutes

BASE and PYTHON as for `bench.service`. The same bytes go to both: over HTTP to faster-whisper behind a plain FastAPI
route with uvicorn's defaults, over Wyoming to wyoming-faster-whisper. A peer is right with any 4xx where ours must have
the one of its documents, and is not asked what only ours has. The suite `pytest -m torture tests/service` has more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench import command
from bench.places import ROOT
from bench.results import Row, tell, write
from bench.service.servers import Peers, Server, ours, plain_route, wyoming_faster_whisper
from bench.torture import files, forms, heads
from bench.torture.attempt import Answered, Attempt
from bench.torture.target import Target, Unwell, lives, memory
from bench.torture.wyoming import HUNG, WyomingTarget, talk, talks
from bench.words.systems import resolved

MUTANTS = 100
GONE = "gone"
SOUND = (ROOT / "samples" / "english.wav").read_bytes()
GROUPS: dict[str, Callable[[], Sequence[Attempt]]] = {
    "lengths and chunks": lambda: heads.lengths(SOUND),
    "heads that are none": heads.shapes,
    "methods and targets": heads.targets,
    "expectations and upgrades": lambda: heads.expectations(SOUND),
    "several requests in one piece": lambda: heads.pipelines(SOUND),
    "compressed bodies": lambda: heads.codings(SOUND),
    "forms that are none": lambda: forms.shapes(SOUND),
    "sizes beyond 25 MiB": lambda: forms.sizes(SOUND),
    "values that cannot be": lambda: forms.fields(SOUND),
    "files that are none": files.strangers,
    "damaged files": lambda: files.mutants({"english": SOUND}, MUTANTS),
}


@dataclass(slots=True)
class Score:
    """What became of a server: attempts answered wrongly by group, and what must not happen at all."""

    wrong: dict[str, int] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)
    faults: int = 0
    hung: int = 0
    unwell: int = 0
    peak: int = 0

    def look(self, target: Target) -> None:
        """Count a server that is gone, silent or deaf after a group."""
        try:
            target.check()
        except (Unwell, OSError) as error:
            print(f"  {error}", file=sys.stderr)
            self.unwell += 1
        if target.pid and lives(target.pid):
            self.peak = max(self.peak, memory(target.pid, "VmHWM"))


def scored(target: Target, strict: bool) -> Score:
    """Return what becomes of a server over HTTP; `strict` wants the documented statuses."""
    score = Score()
    target.said = target.hear()
    for name, attempts in GROUPS.items():
        asked = [each for each in attempts() if strict or not each.ours_alone]
        score.tried[name], score.wrong[name] = len(asked), 0
        for attempt in asked:
            try:
                answered = target.play(attempt)
            except OSError:  # it is gone, and stays so
                answered = Answered()
            right = answered.is_right(attempt) if strict else answered.is_alike(attempt)
            score.wrong[name] += not right
            score.faults += any(status >= 500 for status in answered.statuses)
            score.hung += answered.hung
        score.look(target)
    return score


def rows_of(name: str, mine: Score, peer: Score | None, called: str) -> list[Row]:
    """Return the rows of a group of scores."""

    def row(case: str, metric: str, unit: str, found: Callable[[Score], float], target: str = "0") -> Row:
        return Row(case, metric, unit, found(mine), {called: found(peer)} if peer else {}, target=target)

    each = [
        row(f"{group}, {count} tried", "answered wrongly", "", lambda score, group=group: score.wrong.get(group, 0))  # type: ignore[misc]
        for group, count in mine.tried.items()
    ]
    return [
        *each,
        row(name, "5xx", "", lambda score: score.faults),
        row(name, "hung", "", lambda score: score.hung),
        row(name, "groups behind which it was gone, silent or deaf", "", lambda score: score.unwell),
        row(name, "peak memory", "MB", lambda score: round(score.peak / 1e6), target=""),
    ]


def home(target: WyomingTarget) -> Score:
    """Return what becomes of a server over Wyoming."""
    score = Score(tried={"Wyoming": 0}, wrong={"Wyoming": 0})
    target.said = target.hear()
    for each in talks(SOUND):
        score.tried["Wyoming"] += 1
        try:
            how, _ = talk(target.host, target.port, each.sent)
        except OSError:  # it is gone, and stays so
            how = GONE
        score.wrong["Wyoming"] += how not in each.expected
        score.hung += how == HUNG
        score.look(target)
    return score


@contextmanager
def targets(base: str, peers: Peers) -> Iterator[tuple[Server, Server | None, Server | None]]:
    """Run ours and the peers that there are."""
    with ExitStack() as running:
        mine = running.enter_context(ours(base, "--max-streams", "8", wyoming=True))
        folder = str(resolved(base))
        fastapi = running.enter_context(plain_route(peers.fastapi, "faster-whisper", folder)) if peers.fastapi else None
        other = peers.wyoming_faster_whisper
        wyoming = running.enter_context(wyoming_faster_whisper(peers, folder, 1)) if other else None
        yield mine, fastapi, wyoming


def main() -> int:
    """Try all of it, and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("base", help="stock base, int8: a folder, or the name of a bundle")
    parser.add_argument("--fastapi", default="", metavar="PYTHON")
    parser.add_argument("--wyoming-faster-whisper", default="", metavar="PYTHON")
    asked = parser.parse_args()
    peers = Peers(asked.wyoming_faster_whisper, asked.fastapi)
    with targets(asked.base, peers) as (mine, fastapi, wyoming):
        own = scored(Target("malsori", "127.0.0.1", mine.port, mine.process.pid, SOUND), strict=True)
        other = None
        if fastapi is not None:
            peer = Target("faster-whisper", "127.0.0.1", fastapi.port, fastapi.process.pid, SOUND, health="/readyz")
            other = scored(peer, strict=False)
        rows = rows_of("HTTP", own, other, "faster-whisper behind FastAPI")
        spoken = home(WyomingTarget("malsori", "127.0.0.1", mine.wyoming, mine.process.pid, SOUND))
        heard = None
        if wyoming is not None:
            pid = wyoming.process.pid
            heard = home(WyomingTarget("wyoming-faster-whisper", "127.0.0.1", wyoming.wyoming, pid, SOUND))
        rows += rows_of("Wyoming", spoken, heard, "wyoming-faster-whisper")
    tell(rows)
    print(write("torture", rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
