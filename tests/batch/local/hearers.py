"""Hearers that do what an item's source says, for worker processes. No tests.

`ok` is heard; `SIGKILL` and other signals end the process; `exit` ends it with code 3; `raise` is a fault of ours;
`wrong` ends the run; `hang` waits for ever; `spin` computes for ever; `slow` takes a while; `tell` gives much progress;
`print` writes on standard output; `lost` gets no result. With `once PATH ACT` it acts the first time only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from malsori.batch.batch_items import BatchItem, ItemEvent, ItemProgress, ItemResult
from malsori.batch.settings import WorkerSettings
from malsori.batch.worker import BatchWorker
from malsori.errors import AudioNotFound


class OneByOne:
    """Hears an item before it takes the next.

    A result's digest is the number of the process, its language how many items were taken with it.
    """

    together = 1

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings

    def work(self, items: Iterable[BatchItem]) -> Iterator[ItemEvent]:
        """Do what each item says."""
        taking = iter(items)
        while taken := list(islice(taking, self.together)):
            self.held = str(len(taken))
            for item in taken:
                yield from self.hear(item)

    def hear(self, item: BatchItem) -> Iterator[ItemEvent]:
        """Do what an item says."""
        act = _act(item.source)
        if act.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, act))
        elif act == "exit":
            print("the last line", file=sys.stderr, flush=True)
            sys.exit(3)
        elif act == "raise":
            raise ZeroDivisionError("a fault of ours")
        elif act == "wrong":
            raise AudioNotFound("model", "one", "none")
        elif act in ("hang", "slow"):
            time.sleep(1000 if act == "hang" else 0.3)
        elif act == "spin":
            while True:
                pass
        elif act == "tell":
            for second in range(2000):
                time.sleep(0.0002)
                yield ItemProgress(item.number, second)
        elif act == "print":
            os.write(1, b"noise\n" * 1000)
            subprocess.run([sys.executable, "-c", "print('noise of a child')"], check=True)
        if act != "lost":
            yield ItemResult(item.number, seconds=float(item.alone), language=self.held, digest=str(os.getpid()))


class Threes(OneByOne):
    """Takes three items before it hears the first, as far as there are so many."""

    together = 3


class DiesLoading:
    """Dies where a model would be loaded; with a folder as the output, from the third process on."""

    def __init__(self, settings: WorkerSettings) -> None:
        folder = Path(settings.output)
        if settings.output and folder.is_dir():
            (folder / str(os.getpid())).touch()
            if len(list(folder.iterdir())) <= 2:
                self.work = OneByOne(settings).work
                return
        print("there is no memory left", file=sys.stderr, flush=True)
        sys.exit(9)


class DiesLoadingAgain(OneByOne):
    """Dies while it loads in the second and third process of a run, which are counted in the output folder."""

    def __init__(self, settings: WorkerSettings) -> None:
        super().__init__(settings)
        folder = Path(settings.output)
        (folder / str(os.getpid())).touch()
        if len(list(folder.iterdir())) in (2, 3):
            sys.exit(9)


class Refuses:
    """Has no such model."""

    def __init__(self, settings: WorkerSettings) -> None:
        raise AudioNotFound(settings.model, "a model", "none")


class Reports:
    """Tells of the process itself: its cores, threads and GPU."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings

    def work(self, items: Iterable[BatchItem]) -> Iterator[ItemEvent]:
        """Give results that tell."""
        for item in items:
            time.sleep(0.3)  # so that each process gets one
            cpus = ",".join(map(str, sorted(os.sched_getaffinity(0))))
            gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "-")
            yield ItemResult(item.number, warnings=(cpus, str(self.settings.loading.threads), gpu))


class DyingWorker(BatchWorker):
    """The real one, which dies when it takes an item whose source ends in `deadly`."""

    def work(self, items: Iterable[BatchItem]) -> Iterator[ItemEvent]:
        """Hear the others."""

        def taken() -> Iterator[BatchItem]:
            for item in items:
                if item.source.endswith("deadly"):
                    os.kill(os.getpid(), signal.SIGKILL)
                yield item

        yield from super().work(taken())


def _act(source: str) -> str:
    if not source.startswith("once "):
        return source
    _, path, act = source.split(" ")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "ok"
    return act
