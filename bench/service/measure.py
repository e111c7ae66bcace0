"""The service under load, beside others with the same weights: what it adds, how much it does, how late it is.

    python -m bench.service BASE TINY_EN --wyoming-faster-whisper PYTHON --fastapi PYTHON --crispasr PYTHON \\
        --ggml FILE --whisper-live PYTHON            # stock base and tiny.en; 14 minutes, nothing else may run
    python -m bench.service BASE TINY_EN --quick     # does everything run? writes no result
    python -m bench.service BASE TINY_EN --cases live,memory     # these anew; the others as they were measured last

BASE and TINY_EN are bundles of the stock weights in int8. Each PYTHON is one with that peer and nothing of ours:

    wyoming-faster-whisper   pip install wyoming-faster-whisper
    fastapi                  pip install faster-whisper fastapi uvicorn python-multipart
    crispasr                 pip install crispasr fastapi uvicorn python-multipart; FILE is made by bench.words forms
    whisper-live             pip install --no-deps whisper-live; pip install torch faster-whisper==1.2.0 requests scipy
                             fastapi uvicorn python-multipart websockets prometheus-client

One without is missing from the tables. CrispASR's own server is in no package, so its library stands behind the same
plain route as faster-whisper's. Servers and clients are processes of their own, and clients have one thread; the rows
"processor of the clients themselves" say how much of the two cores they took from whoever was measured.

    overhead     a clip of 3 s over HTTP and through `transcribe` of the same bytes, in turn
    throughput   eight clients, clips of 3, 10 and 30 s, everybody in turn; and the words that were heard wrong
    live         end of speech to final on /v1/listen, within what is admitted and beyond
    idle         a good client beside 500 idle and slow sockets
    memory       of idle sockets, by kind
    referee      wyoming-bench (PyPI) judges Wyoming, with --wyoming-bench PROGRAM
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import command
from bench.results import Row, others, tell, write
from bench.service import idle, live, overhead, referee, throughput
from bench.service.servers import Peers
from bench.words.systems import resolved

PAIRS, QUICK_PAIRS = 100, 6
LIVE_S, QUICK_LIVE_S = 40.0, 6.0
GOOD, QUICK_GOOD = 35, 4  # requests of a block


def cases(
    base: str, tiny: str, work: Path, peers: Peers, judge: str, quick: bool
) -> dict[str, Callable[[], list[Row]]]:
    """Return what is measured by its name, in the order in which it is."""
    folder = str(resolved(base))
    found = {
        "overhead": lambda: overhead.measure(base, work, QUICK_PAIRS if quick else PAIRS),
        "throughput": lambda: throughput.measure(base, folder, work, peers, quick),
        "live": lambda: live.measure(tiny, work, peers, QUICK_LIVE_S if quick else LIVE_S, str(resolved(tiny))),
        "idle": lambda: idle.disturbed(base, work, QUICK_GOOD if quick else GOOD),
        "memory": lambda: idle.memories(base, folder, peers),
    }
    return found | ({"referee": lambda: referee.measure(base, folder, work, peers, judge)} if judge else {})


def main() -> int:
    """Measure what is asked for, and write the result file unless it was a quick look."""
    parser = command.parser(__doc__)
    parser.add_argument("base", help="stock base, int8: a folder, or the name of a bundle")
    parser.add_argument("tiny_en", help="stock tiny.en, int8, likewise")
    for name in ("wyoming-faster-whisper", "fastapi", "crispasr", "whisper-live"):
        parser.add_argument(f"--{name}", default="", metavar="PYTHON")
    parser.add_argument("--wyoming-bench", default="", metavar="PROGRAM", help="the command of that name")
    parser.add_argument("--ggml", default="", metavar="FILE", help="the weights of base as CrispASR reads them")
    parser.add_argument("--cases", default="", help="only these, with commas between")
    parser.add_argument("--quick", action="store_true", help="few of everything, no result file")
    asked = parser.parse_args()
    peers = Peers(asked.wyoming_faster_whisper, asked.fastapi, asked.crispasr, asked.ggml, asked.whisper_live)
    rows: list[Row] = []
    with TemporaryDirectory() as work:
        known = cases(asked.base, asked.tiny_en, Path(work), peers, asked.wyoming_bench, asked.quick)
        wanted = asked.cases.split(",") if asked.cases else list(known)
        if unknown := set(wanted) - known.keys():
            parser.error(f"--cases {', '.join(sorted(unknown))}: there are {', '.join(known)}")
        for name in wanted:
            print(name, file=sys.stderr, flush=True)
            found = known[name]()
            tell(found)
            rows += found
    if not asked.quick:
        print(write("service", [*others("service", rows), *rows] if asked.cases else rows))
    return 0
