"""`malsori batch`: real worker processes and the small models that ship."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from malsori.batch.journal import Journal
from malsori.batch.summary import summary_of
from malsori.cli.main import main
from tests.shipped import ROOT

MODEL = ("--model", "nano-ctc-ko", "--workers", "1")
TEXT = "침실 온도를 이십육 도로 맞춰 주세요\n"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: `in` has a recording, one of the same stem and one that is broken, in folders."""
    monkeypatch.chdir(tmp_path)
    sample = ROOT / "samples" / "korean.wav"
    for name in ("talk.wav", "talk.wave", "deep/er/talk.wav"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample, tmp_path / "in" / name)
    (tmp_path / "in" / "broken.wav").write_bytes(sample.read_bytes()[:3000])
    return tmp_path


def results(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.txt"))


def test_an_archive_is_written_as_it_lies_and_a_second_run_does_nothing(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["batch", "in", "-o", "out", *MODEL]) == 1
    assert results(archive / "out") == ["deep/er/talk.txt", "talk.wav.txt", "talk.wave.txt"]
    assert (archive / "out" / "talk.wav.txt").read_text("utf-8") == TEXT
    assert "broken.wav: expected 70833 frames" in capsys.readouterr().err
    before = {name: (archive / "out" / name).stat().st_mtime_ns for name in results(archive / "out")}
    assert main(["batch", "in", "-o", "out", *MODEL]) == 1
    assert {name: (archive / "out" / name).stat().st_mtime_ns for name in results(archive / "out")} == before


def test_what_failed_is_retried_when_asked_and_the_rest_is_left_alone(archive: Path) -> None:
    assert main(["batch", "in", "-o", "out", *MODEL]) == 1
    shutil.copyfile(archive / "in" / "talk.wav", archive / "in" / "broken.wav")
    assert main(["batch", "in", "-o", "out", *MODEL]) == 0  # it is another file now
    assert (archive / "out" / "broken.txt").read_text("utf-8") == TEXT


def test_status_tells_how_far_a_batch_is_and_what_has_failed(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["batch", "in", "-o", "out", *MODEL])
    capsys.readouterr()
    assert main(["batch", "status", "out", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["files"], told["done"], told["failed"], told["pending"]) == (4, 3, 1, 0)
    assert told["causes"][0]["cause"] == "CorruptAudio"
    assert main(["batch", "status", "out", "--failed"]) == 1
    assert "broken.wav" in capsys.readouterr().out
    assert main(["batch", "status", "out", "--done", "--json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(row["stem"] for row in rows) == ["deep/er/talk", "talk.wav", "talk.wave"]
    assert main(["batch", "status", "out"]) == 1
    assert "CorruptAudio" in capsys.readouterr().out


def test_a_batch_of_other_options_says_how_to_start_anew(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["batch", "in", "-o", "out", *MODEL])
    assert main(["batch", "in", "-o", "out", *MODEL, "-f", "srt"]) == 2
    assert "--start-over" in capsys.readouterr().err
    assert main(["batch", "in", "-o", "out", *MODEL, "--hotwords", "침실"]) == 2
    assert "hotwords" in capsys.readouterr().err
    assert main(["batch", "in", "-o", "out", *MODEL, "--batch-size", "2"]) == 1  # the broken one alone
    assert "another" not in capsys.readouterr().err
    assert main(["batch", "in", "-o", "out", *MODEL, "-f", "srt", "--start-over"]) == 1
    assert (archive / "out" / "talk.wav.srt").is_file()


def test_a_manifest_has_options_for_each_row(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"audio": "in/talk.wav", "id": "first"},
        {"audio": "in/talk.wave", "id": "second", "clip_timestamps": [60.0]},
        {"audio": "in/deep/er/talk.wav", "id": "third", "beam_size": 0},
        {"audio": "in/gone.wav", "id": "fourth"},
    ]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["batch", "rows.jsonl", "-o", "out", *MODEL]) == 1
    assert results(archive / "out") == ["first.txt", "second.txt"]
    assert (archive / "out" / "second.txt").read_text() == ""
    capsys.readouterr()
    main(["batch", "status", "out", "--failed", "--json"])
    failed = {row["stem"]: row["cause"] for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert failed == {"third": "OptionError", "fourth": "AudioNotFound"}


def test_what_is_wrong_is_told_before_any_work(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (archive / "empty").mkdir()
    for arguments, told, code in (
        (["in"], "--output-dir OUT", 2),
        (["empty", "-o", "out"], "no sound files", 2),
        (["smaples", "-o", "out"], "smaples: expected a readable file", 1),
        (["in", "-o", "in/talk.wav"], "in/talk.wav: expected a folder, found a file", 1),
        (["in", "-o", "out", "-r"], "unrecognized arguments: -r; folders are taken with", 2),
        (["in", "-o", "out", "--skip-existing"], "leaves alone what is done", 2),
        (["in", "-o", "out", "--language", "en"], "nano-ctc-ko", 2),
        (["in", "-o", "s3://bucket/out"], "--journal", 2),
        (["in", "-o", "out", "--workers", "0"], "workers", 2),
        (["status"], "malsori batch status OUT", 2),
        (["status", "out", "more"], "found out more", 2),
        (["status", "empty"], "no journal", 1),
    ):
        try:
            found = main(["batch", *arguments, *MODEL[:2]])
        except SystemExit as exit:
            found = int(exit.code or 0)
        assert found == code, arguments
        assert told in capsys.readouterr().err, arguments
    assert not (archive / "out").exists() or results(archive / "out") == []


def on_a_small_disk(archive: Path, size: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a batch whose output folder is a file system of that size, in a namespace of its own."""
    (archive / "out").mkdir()
    command = shlex.join([sys.executable, "-m", "malsori", "batch", "in", "-o", "out", *MODEL, *more])
    listing = "find out -name '*.txt' -size 0; find out -name '.malsori-*.tmp'"
    script = f"mount -t tmpfs -o size={size} none out || exit 99; {command}; code=$?; {listing}; exit $code"
    unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    try:
        ended = subprocess.run(unshare, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        pytest.skip("needs unshare of util-linux")
    if ended.returncode == 99 or "unshare" in ended.stderr:
        pytest.skip(f"no file system can be mounted here: {ended.stderr.strip()}")
    return ended


def test_results_without_room_are_failed_rows_and_the_run_goes_on(archive: Path) -> None:
    for index in range(8):
        shutil.copy(archive / "in" / "talk.wav", archive / "in" / f"more{index}.wav")
    ended = on_a_small_disk(archive, "16k", "--journal", "journal.sqlite")
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.replace("\n", "") == ""  # no empty result, no temporary file
    with Journal.read(archive / "journal.sqlite") as journal:
        summary = summary_of(journal)
    causes = {each.cause: each.files for each in summary.causes}
    assert causes.keys() == {"CorruptAudio", "OutputError"}
    assert summary.pending == 0
    assert summary.done >= 1
    assert "No space left on device" in ended.stderr


def test_a_journal_without_room_ends_the_run_with_what_to_do(archive: Path) -> None:
    ended = on_a_small_disk(archive, "24k")
    assert ended.returncode == 1
    assert "full" in ended.stderr or "No space" in ended.stderr or "disk" in ended.stderr, ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_a_failure_advises_can_be_done_in_the_same_folder(archive: Path) -> None:
    assert main(["batch", "in", "-o", "out", *MODEL]) == 1
    assert main(["batch", "in", "-o", "out", *MODEL, "--allow-truncated", "--retry-failed"]) == 0
    assert (archive / "out" / "broken.txt").is_file()


def test_another_model_is_told_by_its_name(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["batch", "in", "-o", "out", *MODEL])
    capsys.readouterr()
    assert main(["batch", "in", "-o", "out", "--model", "nano-whisper"]) == 2
    told = capsys.readouterr().err
    assert "model was nano-ctc-ko (sum " in told
    assert "and is nano-whisper (sum " in told


def test_a_cluster_that_cannot_be_reached_ends_with_3(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray")
    assert main(["batch", "in", "-o", "out", *MODEL, "--engine", "ray", "--address", "127.0.0.1:1"]) == 3
    assert "127.0.0.1:1" in capsys.readouterr().err


def test_a_transcript_of_the_users_own_is_not_replaced(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (archive / "in" / "deep" / "er" / "talk.txt").write_text("what was really said")
    assert main(["batch", "in", "-o", "in", *MODEL]) == 1
    assert (archive / "in" / "deep" / "er" / "talk.txt").read_text() == "what was really said"
    assert (archive / "in" / "deep" / "er" / "talk.wav.txt").read_text("utf-8") == TEXT
    assert "1 name taken by files that no run has written, such as deep/er/talk.txt" in capsys.readouterr().err
    assert main(["batch", "in", "-o", "in", *MODEL, "--start-over"]) == 1
    assert (archive / "in" / "deep" / "er" / "talk.txt").read_text("utf-8") == TEXT
