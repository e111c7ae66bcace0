"""`compare`: one model at a time, each with its own process, and what becomes of those that fail."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from malsori.child_process import program_calling
from malsori.compare import ComparedModel, ComparedRecording, ComparisonSettings, compare
from malsori.compare.model_process import MAIN, messages_of
from malsori.compare.model_task import (
    HeardRecording,
    ModelDone,
    ModelFailed,
    ModelLoaded,
    ModelMessage,
    ModelTask,
)
from malsori.compare.scoring import score
from malsori.errors import ModelNotFound, OptionError
from malsori.pipeline import TranscribeOptions
from malsori.pipeline.options import LOADING
from tests.shipped import ROOT

CTC, WHISPER = (ComparedModel(name, "default", name) for name in ("nano-ctc-ko", "nano-whisper"))
SAMPLES = ROOT / "samples"
KOREAN = ComparedRecording(str(SAMPLES / "korean.wav"), "korean.wav", "침실 온도를 이십육 도로 맞춰 주세요")
DIES = "import sys; sys.stdin.buffer.read(1); "


class Processes:
    """Stands in for the processes of models: hears `a b` in each recording, and counts how many run at a time."""

    def __init__(self, length: float = 4.0, *, dies: str = "") -> None:
        self.length, self.dies = length, dies
        self.tasks: list[ModelTask] = []
        self.running = self.most = 0

    def run(self, task: ModelTask) -> Iterator[ModelMessage]:
        self.tasks.append(task)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            yield ModelLoaded(0.5, "cpu", "")
            for number in range(len(task.recordings)):
                if task.model == self.dies:
                    yield ModelFailed("its process was ended by SIGKILL")
                    return
                yield HeardRecording(number, "a b", "ko", self.length, (0.5, 0.1, 0.3))
            yield ModelDone(1_000_000, latency_s=0.9)
        finally:
            self.running -= 1


def recordings(count: int) -> list[ComparedRecording]:
    return [ComparedRecording(f"{number}.wav", f"{number}.wav", "a b") for number in range(count)]


def test_models_run_one_after_another_on_all_recordings():
    processes = Processes()
    told: list[str] = []
    result = compare(
        [CTC, WHISPER], recordings(2), run=processes.run, say=lambda label, done, total: told.append(label)
    )
    assert processes.most == 1
    assert [task.model for task in processes.tasks] == ["nano-ctc-ko", "nano-whisper"]
    assert [task.recordings for task in processes.tasks] == [("0.wav", "1.wav")] * 2
    assert told[0] == "loading nano-ctc-ko (1 of 2)"
    assert "nano-whisper hears 1.wav (2 of 2)" in told
    assert [each.duration for each in result.recordings] == [4.0, 4.0]


def test_the_median_of_the_runs_counts_and_latency_is_that_of_short_recordings():
    settings = ComparisonSettings(runs=3)
    (model,) = compare([CTC], recordings(2), settings, run=Processes().run).models
    assert (model.latency_s, model.latency_of) == (0.3, "2 of at most 15 s")
    (model,) = compare([CTC], recordings(2), settings, run=Processes(60.0).run).models
    assert (model.latency_s, model.latency_of) == (0.9, "the first 10 s of one")


def test_progress_goes_from_nothing_to_all():
    done: list[float] = []
    compare([CTC, WHISPER], recordings(3), run=Processes().run, say=lambda _, now, total: done.append(now / total))
    assert done[0] == 0.0
    assert done[-1] == 1.0
    assert done == sorted(done)


def test_a_model_that_dies_costs_its_own_column_only():
    result = compare([CTC, WHISPER], recordings(1), run=Processes(dies="nano-ctc-ko").run)
    assert [model.trouble for model in result.models] == ["its process was ended by SIGKILL", ""]
    assert list(score(result)) == ["nano-whisper"]


def test_a_model_that_lacks_an_option_is_told_and_not_started():
    processes = Processes()
    settings = ComparisonSettings(TranscribeOptions(patience=2.0, language="ko"))
    result = compare([CTC, WHISPER], recordings(1), settings, run=processes.run)
    assert result.models[0].trouble == "nano-ctc-ko has no patience; that is an option of Whisper models"
    assert [task.model for task in processes.tasks] == ["nano-whisper"]
    assert result.asked == ("language=ko", "patience=2.0")


def test_a_model_that_is_not_here_and_a_wrong_value_are_told_before_any_work():
    processes = Processes()
    with pytest.raises(ModelNotFound):
        compare([CTC, ComparedModel("absent")], recordings(1), run=processes.run)
    with pytest.raises(OptionError, match="beam_size"):
        compare([CTC], recordings(1), ComparisonSettings(TranscribeOptions(beam_size=0)), run=processes.run)
    with pytest.raises(OptionError, match="at least one model and one recording"):
        compare([CTC], [], run=processes.run)
    assert processes.tasks == []


def test_real_models_hear_in_processes_of_their_own_and_an_unreadable_recording_costs_only_itself(tmp_path: Path):
    (tmp_path / "bad.wav").write_bytes(b"RIFF0000WAVE")
    bad = ComparedRecording(str(tmp_path / "bad.wav"), "bad.wav", "x")
    result = compare([CTC, ComparedModel("nano-whisper", "float32", "nano-whisper@float32")], [bad, KOREAN])
    assert result.counted == (1,)
    for model in result.models:
        heard = model.of(1)
        assert heard is not None
        assert heard.text == KOREAN.said
        assert "bad.wav: " in model.error(0)
        assert model.peak is not None
        assert 20e6 < model.peak < 600e6
        assert model.load_s > 0
    assert result.models[1].compute_type == "float32"


def test_a_compute_type_that_a_model_lacks_is_its_trouble():
    result = compare([ComparedModel("nano-ctc-ko", "float32", "nano-ctc-ko@float32")], [KOREAN])
    assert result.models[0].trouble == "nano-ctc-ko was exported in int8, not float32; export it again with --quantize"


def task(*paths: str) -> ModelTask:
    return ModelTask("nano-ctc-ko", "default", LOADING, TranscribeOptions(), paths)


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            f"{DIES}import os; os.kill(os.getpid(), {int(signal.SIGKILL)})",
            "its process was ended by SIGKILL, as the system does when memory is short; malsori models recommend",
        ),
        (f"{DIES}import os; os.abort()", "its process was ended by SIGABRT"),
        (f"{DIES}sys.exit(3)", "its process ended with exit code 3"),
        ("raise SystemExit(4)", "its process ended with exit code 4"),
        (f"{DIES}print('hello'); sys.exit(5)", "its process ended with exit code 5"),
    ],
)
def test_a_process_that_dies_says_of_what(program: str, told: str):
    (message,) = messages_of(task(str(SAMPLES / "korean.wav")), program)
    assert isinstance(message, ModelFailed)
    assert message.reason.startswith(told)


def test_closing_the_messages_ends_the_process(tmp_path: Path):
    program = f"{DIES}import os, time\nfrom malsori.child_process import pipes_to_parent\n"
    program += "from malsori.compare.model_task import ModelLoaded\n"
    sleeper = f"import sys; sys.path[:0] = {[str(ROOT / 'runtime')]!r}\n{program}"
    sleeper += f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
    sleeper += "pipes_to_parent().send(ModelLoaded(1.0, 'cpu', '')); time.sleep(60)"
    messages = messages_of(task(), sleeper)
    assert next(messages) == ModelLoaded(1.0, "cpu", "")
    start = time.monotonic()
    messages.close()  # type: ignore[attr-defined]
    assert time.monotonic() - start < 10
    process = int((tmp_path / "pid").read_text())
    assert not Path(f"/proc/{process}").exists()


def test_what_libraries_print_does_not_garble_what_the_process_tells(capfd: pytest.CaptureFixture[str]):
    program = program_calling(MAIN).replace(
        "import main; main()",
        "import main, carried_out\nimport os, malsori.compare.model_child as child\n"
        "def noisy(task):\n    os.write(1, b'noise ' * 100)\n    yield from carried_out(task)\n"
        "child.carried_out = noisy\nmain()",
    )
    told = list(messages_of(task(KOREAN.path), program))
    assert [type(message) for message in told] == [ModelLoaded, HeardRecording, ModelDone]
    assert capfd.readouterr().err == "noise " * 100


def test_the_process_of_a_model_ends_with_the_one_that_started_it():
    program = "import sys; sys.path[:0] = [sys.argv[1]]; from malsori.compare.model_child import watch_parent; "
    program += "from malsori.child_process import pipes_to_parent; watch_parent(pipes_to_parent()); "
    program += "print('ready', flush=True); import time; time.sleep(60)"
    command = [sys.executable, "-c", program, str(ROOT / "runtime")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            assert process.stderr.readline() == b"ready\n"
            process.stdin.close()
            assert process.wait(10) == 1
        finally:
            process.kill()
