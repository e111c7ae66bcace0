"""A process forked after a model was loaded: an answer or an error that says what to do, and an end, never a hang."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys

import pytest

import malsori
from malsori.errors import EngineError
from tests.shipped import ROOT

SAMPLE = str(ROOT / "samples" / "korean.wav")
TEXT = (ROOT / "samples" / "korean.txt").read_text("utf-8").strip()
FORKING = """
import os, sys
import malsori
used = malsori.load(sys.argv[1])
if sys.argv[2] == "heard":
    used.transcribe(sys.argv[3])
child = os.fork()
if not child:
    try:
        print(used.transcribe(sys.argv[3]).text, flush=True)
    except malsori.EngineError as error:
        print(error, flush=True)
    sys.exit(3)  # the interpreter's own end, which frees the model
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), used.transcribe(sys.argv[3]).text)
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")


def forked(model: str, before: str) -> list[str]:
    command = [sys.executable, "-W", "ignore", "-c", FORKING, model, before, SAMPLE]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "runtime")])
    run = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, timeout=60, env={**os.environ, "PYTHONPATH": paths}
    )
    return run.stdout.splitlines()


@pytest.mark.parametrize("before", ["loaded", "heard"])
def test_whisper_in_a_fork_is_an_error_that_says_what_to_do(before: str):
    told, parent = forked("nano-whisper", before)
    assert "was forked from it" in told
    assert 'multiprocessing.get_context("spawn"), or load the model in each' in told
    assert parent == f"3 {TEXT}"


@pytest.mark.parametrize("before", ["loaded", "heard"])
def test_a_ctc_model_answers_in_a_fork(before: str):
    assert forked("nano-ctc-ko", before) == [TEXT, f"3 {TEXT}"]


def _hear(path: str) -> str:
    return malsori.load("nano-whisper", language="ko").transcribe(path).text


def _hear_with_what_was_loaded(path: str) -> str:
    return LOADED[0].transcribe(path).text


LOADED: list[malsori.Transcriber] = []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_error_comes_out_of_a_pool_and_a_model_loaded_in_its_processes_hears():
    LOADED.append(malsori.load("nano-whisper"))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        with pytest.raises(EngineError, match="was forked from it"):
            pool.apply_async(_hear_with_what_was_loaded, (SAMPLE,)).get(30)
        assert pool.apply_async(_hear, (SAMPLE,)).get(30) == TEXT
    LOADED.clear()
