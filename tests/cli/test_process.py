"""The command `malsori` as a process of its own: bytes in names, closed pipes, signals, locales, what a start loads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.loudness import make_clips, recording, wav
from tests.shipped import ROOT

AWKWARD = (
    b"a b.wav",
    b"a\nb.wav",
    b"%s.wav",
    b"-rf.wav",
    "말소리.wav".encode(),
    b"\xff\xfe.wav",
    b"\x1b[2J.wav",
    b"n" * 251 + b".wav",
)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder with `one.wav` (w10) and `two.wav` (w20 w30)."""
    make_clips(tmp_path)
    return tmp_path


def test_awkward_names_work_and_cannot_obey_on_the_terminal(clips: Path):
    for name in AWKWARD:
        (clips / os.fsdecode(name)).write_bytes((clips / "one.wav").read_bytes())
    run = loudness("transcribe", "-o", "out", "-f", "all", "--", *AWKWARD, b"none\x1b[2J\n.wav", cwd=clips)
    assert run.returncode == 1
    assert run.stderr.startswith(b"malsori: none\\x1b[2J\\n.wav: expected ")
    assert run.stderr.endswith(b"found no such file\nmalsori: 1 of 9 files failed\n")
    assert run.stderr.count(b"\n") == 2
    written = os.listdir(os.fsencode(clips / "out"))
    assert len(written) == 5 * len(AWKWARD)
    assert {b"a b.txt", b"a_b.txt", b"-rf.txt", "말소리.txt".encode(), b"\xff\xfe.txt", b"_[2J.txt"} <= set(written)


def test_names_of_several_files_are_escaped_on_stdout_and_exact_in_json(clips: Path):
    name = b"\xff.wav"
    (clips / os.fsdecode(name)).write_bytes((clips / "one.wav").read_bytes())
    assert loudness("transcribe", name, "one.wav", cwd=clips).stdout == b"\\xff.wav: w10\none.wav: w10\n"
    first = loudness("transcribe", name, "one.wav", "-f", "json", cwd=clips).stdout.splitlines()[0]
    assert os.fsencode(json.loads(first)["file"]) == name


@pytest.mark.parametrize("settings", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "tr_TR.UTF-8"}])
def test_the_locale_changes_nothing(clips: Path, settings: dict[str, str]):
    os.rename(clips / "one.wav", clips / "하나.wav")
    run = loudness("transcribe", "하나.wav".encode(), "two.wav", cwd=clips, settings=settings)
    assert run.stdout.decode() == "하나.wav: w10\ntwo.wav: w20\ntwo.wav: w30\n"


def test_a_reader_that_goes_away_ends_the_run_quietly(clips: Path):
    reading, writing = os.pipe()
    os.close(reading)
    run = loudness("transcribe", "one.wav", cwd=clips, stdout=writing)
    os.close(writing)
    assert (run.returncode, run.stderr) == (141, b"")


def test_a_closed_stdout_ends_the_run_quietly(clips: Path):
    command = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "tests.loudness", "transcribe", "one.wav"]
    run = subprocess.run(command, stderr=subprocess.PIPE, cwd=clips, env=environment({}), timeout=60)
    assert (run.returncode, run.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout_is_one_line_and_exit_1(clips: Path):
    with open("/dev/full", "wb") as full:
        run = loudness("transcribe", "one.wav", "two.wav", cwd=clips, stdout=full)
    assert run.returncode == 1
    assert run.stderr == b"malsori: standard output: cannot be written, No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stderr_costs_no_result(clips: Path):
    with open("/dev/full", "wb") as full:
        run = loudness("transcribe", "none.wav", "one.wav", cwd=clips, stderr=full)
    assert (run.returncode, run.stdout) == (1, b"one.wav: w10\n")


def test_an_interrupt_ends_with_130_one_line_and_no_temporary_file(clips: Path):
    run = cut_off(clips, signal.SIGINT, "one.wav", "-o", "out", settings={"LOUDNESS_ENGINE_SECONDS": "30"})
    assert run == (130, b"malsori: interrupted\n")
    assert os.listdir(clips / "out") == []


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, b"interrupted"), (signal.SIGTERM, 143, b"terminated"), (signal.SIGHUP, 129, b"hung up")],
)
def test_what_ends_a_run_of_several_says_how_many_are_done_and_how_to_go_on(
    clips: Path, number: int, code: int, word: bytes
):
    long = recording(*((50, 2.0) for _ in range(61)), pause=2.0)
    (clips / "three.wav").write_bytes(wav(long))
    files = ["one.wav", "none.wav", "three.wav"]
    busy = {"LOUDNESS_LONG_CALL_SECONDS": "30"}  # the first file is heard at once, as one call
    run = cut_off(clips, number, *files, "-o", "out", settings=busy)
    assert run[0] == code
    said = b"1 of 3 files are done, 1 failed; the same line with --skip-existing goes on with the rest"
    assert run[1].splitlines()[-1] == b"malsori: " + word + b"; " + said
    assert os.listdir(clips / "out") == ["one.txt"]


def test_an_interrupt_is_one_while_a_model_is_loaded(clips: Path):
    run = cut_off(clips, signal.SIGINT, "one.wav", "two.wav", settings={"LOUDNESS_LOAD_SECONDS": "30"})
    assert run == (130, b"malsori: interrupted; 0 of 2 files are done\n")


def test_an_interrupt_is_one_while_a_file_is_read(clips: Path):
    command = [sys.executable, "-m", "tests.loudness", "transcribe", "-"]
    settings = environment({"LOUDNESS_LOAD_SECONDS": "0"})
    with interruptible(command, stdin=-1, stderr=subprocess.PIPE, cwd=clips, env=settings) as process:
        process.stdin.write((clips / "one.wav").read_bytes()[:8000])  # and no more of it ever comes
        process.stdin.flush()
        _wait_for(clips / "busy", process)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert (process.wait(30), process.stderr.read()) == (130, b"malsori: interrupted\n")


def test_a_hang_up_that_is_ignored_ends_nothing(clips: Path):
    command = ["nohup", sys.executable, "-m", "tests.loudness", "transcribe", "one.wav", "-o", "out"]
    slow = environment({"LOUDNESS_ENGINE_SECONDS": "1"})
    with subprocess.Popen(command, stderr=subprocess.PIPE, cwd=clips, env=slow) as process:
        _wait_for(clips / "busy", process)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert (clips / "out/one.txt").read_text() == "w10\n"


IN_A_CALLBACK = """
import os, signal, time, weakref
from malsori.cli.stopping import ENDING, Ended

class Thing:
    pass

def interrupted(_):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):
        pass

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
ENDING.arm()
thing = Thing()
reference = weakref.ref(thing, interrupted)
try:
    del thing  # what its callback raises is dropped
    time.sleep(30)
except Ended as ended:
    os._exit(ended.code)
"""


def test_an_interrupt_that_lands_in_a_callback_is_one_too():
    process = subprocess.run([sys.executable, "-c", IN_A_CALLBACK], env=environment({}), stderr=-1, timeout=20)
    assert (process.returncode, process.stderr) == (130, b"")


@pytest.mark.torture
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_one_whenever_it_comes(tmp_path: Path, number: int):
    speech, rate = soundfile.read(ROOT / "samples" / "numbers.wav", dtype="int16")
    files = [f"{name}.flac" for name in "abcd"]
    for file, times in zip(files, (2, 16, 2, 2), strict=True):
        soundfile.write(tmp_path / file, np.tile(speech, times), rate)
    command = [sys.executable, "-m", "malsori", "transcribe", *files, "-m", "nano-whisper", "-l", "ko", "-o"]
    begun = time.monotonic()
    subprocess.run([*command, "whole"], cwd=tmp_path, env=environment({}), check=True)
    whole = {path.name: path.read_text() for path in (tmp_path / "whole").iterdir()}
    for at in np.random.default_rng(1).uniform(0.1, time.monotonic() - begun, 40):
        out = tmp_path / f"{at}"
        with interruptible([*command, out], stderr=subprocess.PIPE, cwd=tmp_path, env=environment({})) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(at)
            process.send_signal(number)
            assert process.wait(10) in (0, 128 + number, -signal.SIGTERM)  # which asks nobody before we do
            assert all(line.startswith(b"malsori: ") for line in process.stderr)
        for path in out.iterdir() if out.is_dir() else ():
            assert path.read_text() == whole[path.name]


def test_what_takes_long_says_so_on_stderr(clips: Path):
    run = loudness("transcribe", "one.wav", cwd=clips, settings={"LOUDNESS_LOAD_SECONDS": "2.5"})
    assert (run.stdout, run.stderr) == (b"w10\n", b"malsori: loading nano-ctc-ko ...\n")


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals here")
def test_a_terminal_gets_a_bar_that_is_cleared_before_the_text(clips: Path):
    import pty

    terminal, end = pty.openpty()
    slow = {"LOUDNESS_LOAD_SECONDS": "3", "TERM": "xterm", "COLUMNS": "100"}
    run = loudness("transcribe", "one.wav", cwd=clips, stderr=end, settings=slow)
    os.close(end)
    shown = os.read(terminal, 65_536)
    os.close(terminal)
    assert run.stdout == b"w10\n"
    assert b"loading nano-ctc-ko" in shown
    assert b"\x1b[2K" in shown[shown.rindex(b"loading") :]


def test_standard_input_is_a_file_called_stdin(clips: Path):
    with open(clips / "one.wav", "rb") as sound:
        command = [sys.executable, "-m", "tests.loudness", "transcribe", "-", "-o", "out"]
        run = subprocess.run(command, stdin=sound, capture_output=True, cwd=clips, env=environment({}))
    assert (run.returncode, run.stderr) == (0, b"")
    assert (clips / "out" / "stdin.txt").read_text() == "w10\n"


def test_sound_may_come_through_a_pipe(clips: Path):
    command = [sys.executable, "-m", "tests.loudness", "transcribe", "-", "two.wav"]
    sound = (clips / "one.wav").read_bytes()
    run = subprocess.run(command, input=sound, capture_output=True, cwd=clips, env=environment({}))
    assert run.stdout.splitlines()[0] == b"-: w10"


def test_no_library_keeps_a_record_of_its_user(tmp_path: Path):
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    sample = str(ROOT / "samples" / "korean.wav")
    run = subprocess.run([sys.executable, "-m", "malsori", "transcribe", sample], env={**os.environ, **homes})
    assert run.returncode == 0
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["verified.json"]


@pytest.mark.parametrize("model", ["nano-ctc-ko", "nano-whisper"])
def test_transcribing_asks_nobody(model: str):
    watch = (
        "import sys\n"
        "sys.addaudithook(lambda event, _: event.startswith('socket.connect') and sys.exit('connected'))\n"
        "from malsori.cli.main import main\n"
        f"sys.exit(main(['transcribe', {str(ROOT / 'samples' / 'korean.wav')!r}, '--model', {model!r}, '-q']))"
    )
    run = subprocess.run([sys.executable, "-c", watch], capture_output=True, env=environment({}))
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout == (ROOT / "samples" / "korean.txt").read_bytes()


def test_a_damaged_mp3_is_told_of_in_our_lines_only(tmp_path: Path):
    noise = np.random.default_rng(0).standard_normal(48_000) * 0.1
    soundfile.write(tmp_path / "whole.mp3", noise, 16_000, format="MP3")
    damaged = bytearray((tmp_path / "whole.mp3").read_bytes())
    damaged[3_000:9_000] = bytes(6_000)
    (tmp_path / "damaged.mp3").write_bytes(damaged)
    command = [sys.executable, "-m", "malsori", "transcribe", "damaged.mp3"]
    for flags in ([], ["--debug"]):
        run = subprocess.run([*command, *flags], capture_output=True, cwd=tmp_path)
        lines = run.stderr.splitlines()
        assert lines
        assert all(line.startswith(b"malsori: ") for line in lines) or flags, run.stderr
        assert b"mp3float" not in run.stderr  # FFmpeg would complain of each damaged frame on its own


def test_the_module_runs_as_the_command_does():
    run = subprocess.run([sys.executable, "-m", "malsori", "--version"], capture_output=True, env=environment({}))
    assert run.stdout == b"malsori 0.1.0\n"


def test_help_loads_no_engine_no_numpy_and_no_rich():
    assert not heavy_modules("from malsori.cli.main import main\nmain(['transcribe', '--help'])")


def test_importing_malsori_loads_no_engine_and_no_numpy():
    assert not heavy_modules("import malsori")
    assert "numpy" in heavy_modules("import malsori\nmalsori.decode")


def loudness(
    *arguments: str | bytes, cwd: Path, settings: dict[str, str] | None = None, stdout: Any = -1, stderr: Any = -1
) -> subprocess.CompletedProcess[bytes]:
    """Run the command with the model that goes by loudness."""
    command = [sys.executable, "-m", "tests.loudness", *arguments]
    return subprocess.run(command, stdout=stdout, stderr=stderr, cwd=cwd, env=environment(settings or {}), timeout=60)


def cut_off(folder: Path, number: int, *arguments: str, settings: dict[str, str]) -> tuple[int, bytes]:
    """Run `transcribe`, send a signal once the model is busy; return the exit code and what is on stderr."""
    command = [sys.executable, "-m", "tests.loudness", "transcribe", *arguments]
    with interruptible(command, stderr=subprocess.PIPE, cwd=folder, env=environment(settings)) as process:
        _wait_for(folder / "busy", process)
        process.send_signal(number)
        begun = time.monotonic()
        _, err = process.communicate(timeout=30)
    assert time.monotonic() - begun < 10  # nobody waits for the model
    return process.returncode, err


def interruptible(command: Sequence[Any], **settings: Any) -> subprocess.Popen[bytes]:
    """Start a process that hears of SIGINT: a shell's `&` has it ignored, by children too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, **settings)
    finally:
        signal.signal(signal.SIGINT, before)


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.02)


def environment(settings: dict[str, str]) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "runtime")])
    # An empty PYTHONUNBUFFERED is none: buffered output is what fails once more at the interpreter's end.
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "", "OMP_NUM_THREADS": "1", **settings}


def heavy_modules(code: str) -> set[str]:
    """Return which of the modules that take long are loaded after `code`."""
    listing = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    run = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, env=environment({}), check=True
    )
    return {"numpy", "onnxruntime", "ctranslate2", "faster_whisper", "rich", "av"} & set(run.stderr.split())
