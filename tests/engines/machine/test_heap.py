"""The command's threads share one heap."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

ARENAS = """
import ctypes, threading
from malsori.engines.machine.process import share_heap
{}
held = []
def take():
    held.append([bytearray(100_000) for _ in range(50)])
for _ in range(8):
    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
libc = ctypes.CDLL(None)
libc.malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have one heap")
@pytest.mark.parametrize(("call", "several"), [("share_heap()", False), ("", True)])
def test_threads_take_from_one_heap(call: str, several: bool):
    told = subprocess.run([sys.executable, "-c", ARENAS.format(call)], capture_output=True, text=True, check=True)
    assert ("Arena 1:" in told.stderr) is several
