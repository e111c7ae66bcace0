"""`malsori live`: what goes to stdout, stderr and files, what a terminal shows, and how it ends."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pysubs2
import pytest
from rich.console import Console

from malsori import Segment, pipeline
from malsori.audio.live import capture
from malsori.cli import live_output, live_view
from malsori.cli.live_view import Region, View
from malsori.cli.main import main
from malsori.events import Final, Partial, SpeechEnded, SpeechStarted, StreamWarning
from malsori.pipeline import Transcriber
from malsori.types import SAMPLE_RATE
from tests.cli.test_process import ROOT, environment
from tests.loudness import LoudnessDetector, LoudnessEngine, make_clips, recording, wav
from tests.loudness import load as load_one

LIVE = [sys.executable, "-m", "tests.loudness", "live"]
SAID = recording((10, 1.0), (20, 1.5), pause=1.0)


def load(name: str, **settings: Any) -> Transcriber:
    """Stand in for `malsori.load`: models of any name, whose name their events have."""
    if name == "none":
        return load_one(name)
    engine = LoudnessEngine("ko", poison=int(name[1:]) if name.startswith("p") else None)
    engine.manifest = replace(engine.manifest, name=name)
    return Transcriber(engine, detector=LoudnessDetector)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with `said.wav`, in which w10 and w20 are said, and models that go by loudness."""
    monkeypatch.setattr(pipeline, "load", load)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "said.wav").write_bytes(wav(SAID))
    return tmp_path


Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def live(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `malsori live` on said.wav at full speed; return its exit code, its events and what is on stderr."""

    def run(*flags: str) -> tuple[int, list[dict[str, Any]], str]:
        code = main(["live", "--simulate", "said.wav", "--speed", "max", *flags])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


class TestJson:
    def test_events_have_the_fields_of_their_types_and_no_others(self, live: Run):
        code, events, err = live("--word-timestamps")
        assert (code, err) == (0, "")
        shapes = {event["type"]: list(event) for event in events}
        final = [
            "type",
            "seq",
            "start",
            "end",
            "text",
            "language",
            "language_probability",
            "model",
            "confidence",
            "words",
        ]
        assert shapes == {
            "speech_start": ["type", "seq", "at"],
            "partial": ["type", "seq", "start", "end", "text", "stable", "model"],
            "speech_end": ["type", "seq", "at"],
            "final": final,
        }

    def test_a_final_is_told_field_by_field(self, live: Run):
        _, events, _ = live("--language", "ko")
        start, end = events[0], next(event for event in events if event["type"] == "speech_end")
        final = next(event for event in events if event["type"] == "final")
        assert final == {
            "type": "final",
            "seq": 1,
            "start": start["at"],
            "end": end["at"],
            "text": "w10",
            "language": "ko",
            "language_probability": 1.0,
            "confidence": 0.9,
            "model": "nano-ctc-ko",
        }

    def test_a_partial_begins_with_what_is_stable(self, live: Run):
        _, events, _ = live("--step", "0.25")
        partials = [event for event in events if event["type"] == "partial"]
        assert len(partials) >= 4
        assert all(event["text"].startswith(event["stable"]) for event in partials)
        assert {event["model"] for event in partials} == {"nano-ctc-ko"}

    def test_a_warning_has_its_code_its_place_and_its_length(self, live: Run):
        _, events, _ = live("--hotwords", "w")
        assert [event for event in events if event["type"] == "warning"] == [
            {
                "type": "warning",
                "code": "ignored_option",
                "message": "the hot word 'w' is left out",
                "at": 0.0,
                "seconds": 0.0,
            }
        ]

    def test_without_partials_there_are_none(self, live: Run):
        _, events, _ = live("--no-partials")
        assert [event["type"] for event in events] == ["speech_start", "speech_end", "final"] * 2

    def test_finals_may_be_read_by_themselves_and_not_ahead(self, live: Run):
        code, events, _ = live("--no-partials", "--context", "0", "--no-ahead")
        assert (code, [event["text"] for event in events if event["type"] == "final"]) == (0, ["w10", "w20"])

    def test_a_duration_ends_it_with_the_final_of_what_was_said(self, live: Run):
        _, events, _ = live("--duration", "1.5", "--no-partials")
        assert [(event["type"], event.get("end")) for event in events][1:] == [("speech_end", None), ("final", 1.5)]

    def test_an_utterance_that_fails_is_a_warning_and_exit_1(self, live: Run):
        code, events, _ = live("--model", "p10", "--no-partials")
        failed = next(event for event in events if event["type"] == "warning")
        assert (code, failed["code"], failed["seq"]) == (1, "engine_error", 1)
        assert [event["text"] for event in events if event["type"] == "final"] == ["w20"]

    def test_eager_endpointing_ends_an_utterance_sooner_than_relaxed(self, folder: Path, live: Run):
        (folder / "said.wav").write_bytes(wav(recording((10, 0.5), (20, 0.5), pause=0.6)))
        counts = {name: len(live("--no-partials", "--endpointing", name)[1]) // 3 for name in ("eager", "relaxed")}
        assert counts == {"eager": 2, "relaxed": 1}

    def test_a_flag_of_the_gate_wins_over_the_preset(self, folder: Path, live: Run):
        (folder / "said.wav").write_bytes(wav(recording((10, 0.5), (20, 0.5), pause=0.6)))
        flags = ("--no-partials", "--endpointing", "eager", "--vad-min-silence-duration-ms", "1500")
        assert len(live(*flags)[1]) == 3


class TestTwoPasses:
    def test_each_event_says_which_model_spoke(self, live: Run):
        _, events, _ = live("--partials", "quick", "--finals", "good")
        assert {event["type"]: event["model"] for event in events if "model" in event} == {
            "partial": "quick",
            "final": "good",
        }

    def test_finals_that_are_not_named_are_of_model_and_partials_of_the_finals(self, live: Run):
        models = [live("--model", "both", *flags)[1] for flags in ((), ("--partials", "other"), ("--finals", "other"))]
        spoke = [{event["type"]: event["model"] for event in events if "model" in event} for events in models]
        assert [tuple(each[kind] for kind in ("partial", "final")) for each in spoke] == [
            ("both", "both"),
            ("other", "both"),
            ("other", "other"),
        ]

    def test_a_model_that_does_both_is_loaded_once(self, live: Run, monkeypatch: pytest.MonkeyPatch):
        loaded: list[str] = []
        monkeypatch.setattr(pipeline, "load", lambda name, **settings: loaded.append(name) or load(name))
        live("--partials", "one", "--finals", "one")
        assert loaded == ["one"]

    def test_finals_are_the_same_with_threads_and_at_the_speed_of_life(self, folder: Path, live: Run, capsys):
        quick = [event for event in live()[1] if event["type"] == "final"]
        assert main(["live", "--simulate", "said.wav", "--speed", "20"]) == 0
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [event for event in events if event["type"] == "final"] == quick


class TestText:
    @pytest.mark.parametrize("name", ["txt", "text"])
    def test_finals_are_lines(self, name: str, folder: Path, capsys: pytest.CaptureFixture[str]):
        assert main(f"live --simulate said.wav --speed max -f {name}".split()) == 0
        assert capsys.readouterr() == ("w10\nw20\n", "")

    def test_warnings_go_to_stderr_unless_it_is_to_be_quiet(self, folder: Path, capsys: pytest.CaptureFixture[str]):
        flags = "live --simulate said.wav --speed max -f text --hotwords w".split()
        main(flags)
        main([*flags, "-q"])
        assert capsys.readouterr() == ("w10\nw20\n" * 2, "malsori: warning, the hot word 'w' is left out\n")


class TestFile:
    def test_events_are_appended(self, folder: Path, live: Run):
        _, first, _ = live("-o", "out.jsonl", "--no-partials")
        live("-o", "out.jsonl", "--no-partials")
        assert [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()] == first * 2

    @pytest.mark.parametrize("format", ["txt", "srt", "vtt", "tsv", "json"])
    def test_a_transcript_is_that_of_the_same_file(self, folder: Path, live: Run, format: str):
        live("-o", f"live.{format}")
        assert main(["transcribe", "said.wav", "-o", "file", "-f", format]) == 0
        written, expected = (folder / name for name in (f"live.{format}", f"file/said.{format}"))
        if format == "json":
            made, whole = json.loads(written.read_text()), json.loads(expected.read_text())
            whole |= {"model": "nano-ctc-ko", "coverage": None}  # nobody counts in a stream
            assert made == whole
        elif format in ("srt", "vtt"):  # a cue that was written is not joined with what is said later
            made, whole = (pysubs2.load(str(path)) for path in (written, expected))
            assert " ".join(cue.text for cue in made) == " ".join(cue.text for cue in whole)
            assert (made[0].start, made[-1].end) == (whole[0].start, whole[-1].end)
        else:
            assert written.read_text() == expected.read_text()

    @pytest.mark.parametrize("name", ["talk.txt", "talk.srt", "talk.json"])
    def test_an_earlier_transcript_is_kept_under_another_name(self, folder: Path, live: Run, name: str):
        (folder / name).write_text("yesterday")
        kept = name.replace(".", "-1.")
        assert live("-o", name)[2] == f"malsori: {name}: was there already and is kept as {kept}\n"
        assert (folder / kept).read_text() == "yesterday"
        today = (folder / name).read_text()
        live("-o", name)
        assert (folder / name.replace(".", "-2.")).read_text() == today == (folder / name).read_text()

    def test_events_go_on_behind_a_line_that_was_cut_off(self, folder: Path, live: Run):
        (folder / "out.jsonl").write_text('{"type": "fin')
        _, events, _ = live("-o", "out.jsonl")
        torn, *lines = (folder / "out.jsonl").read_text().splitlines()
        assert (torn, [json.loads(line) for line in lines]) == ('{"type": "fin', events)

    def test_what_finds_no_room_is_told_and_leaves_what_was_written_whole(self, folder: Path, live: Run):
        resource.setrlimit(resource.RLIMIT_FSIZE, (6, resource.RLIM_INFINITY))
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            code, _, err = live("-o", "talk.txt", "--no-partials")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            signal.signal(signal.SIGXFSZ, before)
        assert (code, err) == (1, "malsori: talk.txt: cannot be written, File too large\n")
        assert (folder / "talk.txt").read_text() == "w10\n"  # w20 would be torn

    def test_a_failure_midway_still_writes_what_was_said(self, folder: Path, live: Run):
        sound = bytearray(wav(SAID))
        (folder / "said.wav").write_bytes(sound[: 44 + 2 * 24_000])
        code, events, err = live("-o", "out.txt", "--no-partials")
        assert code == 1
        assert "said.wav: expected" in err
        assert (folder / "out.txt").read_text() == "".join(
            f"{event['text']}\n" for event in events if event["type"] == "final"
        )

    @pytest.mark.parametrize(
        "flags",
        ["--simulate none.wav", "--simulate said.wav --model none", "--simulate empty.wav", "--simulate noise.wav"],
    )
    @pytest.mark.parametrize("name", ["meeting.srt", "meeting.jsonl"])
    def test_a_file_keeps_what_it_holds_when_no_sound_came(self, folder: Path, flags: str, name: str):
        (folder / "empty.wav").write_bytes(wav(SAID[:0]))
        (folder / "noise.wav").write_bytes(bytes(100))
        (folder / name).write_bytes(b"what was said yesterday\n")
        assert main(["live", "--speed", "max", *flags.split(), "-o", name]) == 1
        assert (folder / name).read_bytes() == b"what was said yesterday\n"

    def test_the_transcript_of_silence_is_written(self, folder: Path, live: Run):
        (folder / "said.wav").write_bytes(wav(np.zeros(16_000, np.float32)))
        live("-o", "out.json")
        assert json.loads((folder / "out.json").read_text())["duration"] == 1.0

    def test_a_transcript_is_written_also_when_the_view_cannot_end(self, folder: Path, live: Run, monkeypatch):
        class Broken(live_output.JsonLines):
            def end(self) -> None:
                raise BrokenPipeError

        monkeypatch.setattr(live_output, "JsonLines", Broken)
        assert live("-o", "out.txt")[0] == 141
        assert (folder / "out.txt").read_text() == "w10\nw20\n"

    @pytest.mark.parametrize("name", ["out.doc", "out", "none/out.txt", ".jsonl/"])
    def test_a_file_that_cannot_be_written_is_told_before_anything_is_heard(self, live: Run, name: str):
        code, events, err = live("-o", name)
        assert code in (1, 2)
        assert events == []
        assert len(err.splitlines()) == 1


@pytest.mark.usefixtures("folder")
class TestUsage:
    @pytest.mark.parametrize(
        ("flags", "told"),
        [
            ("--simulate a.wav --stdin", "not allowed with argument"),
            ("--input 1 --simulate a.wav", "not allowed with argument"),
            ("--simulate said.wav --speed 0", "--speed: expected a number above 0, found '0'"),
            (
                "--simulate said.wav --speed 1e-320",
                "--speed: expected a number of 0.01 or more, or max, found 9.99989e-321",
            ),
            ("--simulate said.wav --speed fast", "found 'fast'"),
            ("--simulate said.wav --speed inf", "found 'inf'"),
            ("--simulate said.wav --duration -1", "found '-1'"),
            ("--speed 2", "--speed is for --simulate"),
            ("--simulate said.wav --rate 8000", "--rate is for --stdin"),
            ("--simulate said.wav --encoding pcm_f32le", "--encoding is for --stdin"),
            ("--stdin --rate 0", "found '0'"),
            ("--simulate said.wav --partials a --no-partials", "contradict each other"),
            ("--simulate said.wav --step 0", "--step: expected a number above 0"),
            ("--simulate said.wav --context -1", "--context: expected a number of 0 or more, found '-1'"),
            ("--simulate said.wav --context 60", "--context: expected seconds from 0 to 25, found 60"),
            ("--simulate said.wav --context 5", "--context: nano-ctc-ko reads each utterance by itself"),
            ("--simulate said.wav --endpointing hasty", "invalid choice: 'hasty'"),
            ("--simulate said.wav --language en --model ko", "does not know the language 'en'"),
            ("--simulate said.wav --vad-threshold 2", "threshold: expected"),
        ],
    )
    def test_what_cannot_be_is_one_line_and_exit_2(self, flags: str, told: str, capsys: pytest.CaptureFixture[str]):
        assert main(["live", *flags.split()]) == 2
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        assert told in err

    def test_a_file_without_its_flag_gets_the_flag(self, capsys: pytest.CaptureFixture[str]):
        assert main(["live", "--speed", "max", "said.wav"]) == 2
        assert capsys.readouterr().err == (
            "malsori: unrecognized arguments: said.wav; did you mean malsori live --simulate said.wav?; "
            "see malsori live --help\n"
        )

    def test_a_word_that_is_no_file_gets_no_flag(self, capsys: pytest.CaptureFixture[str]):
        assert main(["live", "none.wav"]) == 2
        assert "did you mean" not in capsys.readouterr().err

    def test_a_missing_file_is_exit_1_before_any_model_is_loaded(self, capsys: pytest.CaptureFixture[str]):
        assert main(["live", "--simulate", "none.wav", "--model", "none"]) == 1
        assert capsys.readouterr().err == "malsori: none.wav: expected a readable file, found no such file\n"

    def test_a_missing_model_is_exit_1(self, capsys: pytest.CaptureFixture[str]):
        assert main(["live", "--simulate", "said.wav", "--model", "none"]) == 1
        assert "no model named 'none'" in capsys.readouterr().err

    def test_microphones_are_listed_with_the_default_one_marked(self, monkeypatch, capsys):
        there = [capture.InputDevice(2, "USB", 1, 48_000, default=True), capture.InputDevice(0, "null", note="Nothing")]
        monkeypatch.setattr("malsori.audio.live.list_microphones", lambda: there)
        assert main(["live", "--list-devices"]) == 0
        assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
            ["*", "2", "USB", "1", "x", "48000", "Hz"],
            ["0", "null", "Nothing"],
        ]

    def test_no_microphone_is_a_line_and_exit_1(self, monkeypatch, capsys):
        monkeypatch.setattr("malsori.audio.live.list_microphones", lambda: [])
        assert main(["live", "--list-devices"]) == 1
        assert "no microphone" in capsys.readouterr().err


class TestProcess:
    def test_raw_pcm_comes_through_a_pipe_with_half_a_sample_at_its_end(self, tmp_path: Path):
        sound = (np.repeat(SAID, 2) * 32_767).astype("<i2")
        stereo = np.stack([sound, sound], axis=1).tobytes() + b"\x01"
        flags = "--stdin --rate 32000 --channels 2 --no-partials -f text".split()
        run = subprocess.run([*LIVE, *flags], input=stereo, capture_output=True, cwd=tmp_path, env=environment({}))
        assert (run.returncode, run.stderr) == (0, b"")
        assert re.fullmatch(rb"w1\d\nw2\d\n", run.stdout)  # the resampler rings at the edges of these tones

    def test_floats_come_through_a_pipe(self, tmp_path: Path):
        flags = "--stdin --encoding pcm_f32le --no-partials -f text".split()
        sound = SAID.astype("<f4").tobytes()
        run = subprocess.run([*LIVE, *flags], input=sound, capture_output=True, cwd=tmp_path, env=environment({}))
        assert (run.returncode, run.stdout, run.stderr) == (0, b"w10\nw20\n", b"")

    def test_a_file_on_standard_input_is_heard_as_fast_as_it_can_be_without_being_late(self, tmp_path: Path):
        (tmp_path / "said.raw").write_bytes((SAID * 32_767).astype("<i2").tobytes())
        settings = environment({"LOUDNESS_ENGINE_SECONDS": "0.5"})
        with (tmp_path / "said.raw").open("rb") as file:
            run = subprocess.run([*LIVE, "--stdin"], stdin=file, capture_output=True, cwd=tmp_path, env=settings)
        events = [json.loads(line) for line in run.stdout.splitlines()]
        assert [event for event in events if event["type"] == "warning"] == []
        assert [event["text"] for event in events if event["type"] == "final"] == ["w10", "w20"]

    def test_nothing_on_standard_input_is_told(self, tmp_path: Path):
        run = subprocess.run([*LIVE, "--stdin"], input=b"", capture_output=True, cwd=tmp_path, env=environment({}))
        assert (run.returncode, run.stdout, run.stderr) == (1, b"", b"malsori: standard input: no sound came\n")

    @pytest.mark.parametrize("sound", [b"", wav(SAID)])
    def test_a_transcript_is_kept_when_the_pipe_brings_no_sound(self, tmp_path: Path, sound: bytes):
        (tmp_path / "meeting.txt").write_text("yesterday")
        command = [*LIVE, "--stdin", "-o", "meeting.txt"]
        run = subprocess.run(command, input=sound, capture_output=True, cwd=tmp_path, env=environment({}))
        assert (run.returncode, (tmp_path / "meeting.txt").read_text()) == (1, "yesterday")

    def test_a_closed_standard_input_is_a_line(self, tmp_path: Path):
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *LIVE, "--stdin"]
        run = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment({}))
        assert run.returncode == 2
        assert b"standard input is closed" in run.stderr

    def test_each_event_is_written_when_it_happens(self, tmp_path: Path):
        with _listening(tmp_path, "--no-partials") as process:
            _say(process, SAID[: 2 * SAMPLE_RATE])
            assert json.loads(process.stdout.readline())["type"] == "speech_start"  # while it is spoken
            process.stdin.close()
            assert [json.loads(line)["type"] for line in process.stdout] == ["speech_end", "final"]

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_an_interrupt_ends_it_with_the_final_of_what_was_said_and_exit_0(self, tmp_path: Path, number: int):
        with _listening(tmp_path, "--no-partials", "-o", "said.txt") as process:
            _say(process, SAID[: 2 * SAMPLE_RATE])
            process.stdout.readline()
            process.send_signal(number)
            final = json.loads(process.stdout.readlines()[-1])
            assert (final["type"], final["text"]) == ("final", "w10")
            assert process.wait(30) == 0
            assert process.stderr.read() == b""
        assert (tmp_path / "said.txt").read_text() == "w10\n"

    @pytest.mark.parametrize("format", ["txt", "srt", "vtt", "tsv", "json", "jsonl"])
    def test_what_was_told_is_in_the_file_whatever_ends_the_process(self, tmp_path: Path, format: str):
        with _listening(tmp_path, "--no-partials", "-o", f"said.{format}") as process:
            _say(process, SAID)
            _say(process, SAID[: 2 * SAMPLE_RATE])  # and somebody still speaks
            while json.loads(process.stdout.readline()).get("text") != "w20":
                pass
            while format == "json" and "w20" not in (tmp_path / "said.json").read_text():
                time.sleep(0.05)  # within a second
            process.kill()
        written = (tmp_path / f"said.{format}").read_text()
        if format in ("srt", "vtt"):
            assert [cue.text for cue in pysubs2.SSAFile.from_string(written)] == ["w10", "w20"]
        assert [word for word in re.findall(r"\bw\d+", written) if word in ("w10", "w20")][:2] == ["w10", "w20"]
        if format == "srt":
            assert re.findall(r"^\d+$", written, re.MULTILINE) == ["1", "2"]
        assert written.endswith("\n")

    def test_a_terminal_that_goes_away_ends_it_with_the_final_of_what_was_said_and_exit_129(self, tmp_path: Path):
        import pty

        terminal, end = pty.openpty()
        command = [*LIVE, "--stdin", "-o", "said.txt"]
        settings = environment({"TERM": "xterm"})
        with subprocess.Popen(
            command, stdin=-1, stdout=end, stderr=end, cwd=tmp_path, env=settings, start_new_session=True
        ) as process:
            os.close(end)
            _say(process, SAID[: 2 * SAMPLE_RATE])
            shown = b""
            while b"w" not in shown.split(b"listening to")[-1]:
                shown += os.read(terminal, 4096)
            os.close(terminal)
            process.send_signal(signal.SIGHUP)
            assert process.wait(30) == 129
        assert (tmp_path / "said.txt").read_text() == "w10\n"

    def test_a_second_interrupt_ends_it_at_once_with_130(self, tmp_path: Path):
        with _listening(tmp_path, "--no-partials", slow={"LOUDNESS_ENGINE_SECONDS": "60"}) as process:
            _say(process, SAID[: 2 * SAMPLE_RATE])
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            while not (tmp_path / "busy").exists():
                assert process.poll() is None
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
            assert process.stderr.read() == b"malsori: interrupted\n"

    def test_a_process_whose_engine_is_still_busy_ends_without_the_interpreters_own_end(self):
        code = (
            "import atexit, sys, threading, time\n"
            "from malsori.cli.main import main\n"
            "atexit.register(print, 'the interpreter has ended')\n"
            "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
            "sys.exit(main())"
        )
        command = [sys.executable, "-c", code, "--version"]
        run = subprocess.run(command, capture_output=True, env=environment({}), timeout=30)
        assert (run.returncode, run.stdout) == (0, b"malsori 0.1.0\n")

    def test_a_reader_that_goes_away_ends_it_quietly(self, tmp_path: Path):
        make_clips(tmp_path)
        reading, writing = os.pipe()
        os.close(reading)
        command = [*LIVE, "--simulate", "one.wav", "--speed", "max"]
        run = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, env=environment({}))
        os.close(writing)
        assert (run.returncode, run.stderr) == (141, b"")

    def test_a_device_that_is_unplugged_is_told_and_comes_back(self, tmp_path: Path):
        program = tmp_path / "arecord"
        program.write_text(f"#!/bin/sh\nhead -c 6400 /dev/zero\nexec {sys.executable} -c ''\n")
        program.chmod(0o755)
        (tmp_path / "sounddevice.py").write_text("raise ImportError")
        settings = environment({"PATH": f"{tmp_path}:{os.environ['PATH']}"})
        settings["PYTHONPATH"] = f"{tmp_path}:{settings['PYTHONPATH']}"
        command = [*LIVE, "--duration", "1"]
        run = subprocess.run(command, capture_output=True, cwd=tmp_path, env=settings, timeout=60)
        events = [json.loads(line) for line in run.stdout.splitlines()]
        assert run.returncode == 0
        assert b"pip install 'malsori[mic]'" in run.stderr
        assert {event["code"] for event in events} == {"lost_microphone", "dropped_audio"}
        assert sum(event["seconds"] for event in events) >= 0.5


def _listening(folder: Path, *flags: str, slow: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    command = [*LIVE, "--stdin", *flags]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=folder, env=environment(slow or {}))


def _say(process: subprocess.Popen[bytes], sound: np.ndarray) -> None:
    process.stdin.write((sound * 32_767).astype("<i2").tobytes())
    process.stdin.flush()


def partial(text: str, stable: str, seq: int = 1) -> Partial:
    return Partial(seq, text, stable, 1.0, 2.0, "quick")


def final(text: str, seq: int = 1, start: float = 1.0) -> Final:
    return Final(seq, text, start, 2.0, (Segment(text, start, 2.0, 0.9),), "ko", 1.0, "good")


class Screen:
    """A view on a console of so many columns, and what is on the terminal when all has been written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, columns: int = 60, rows: int = 20, **settings: Any) -> None:
        self.written: list[str] = []
        monkeypatch.setattr(live_view, "Region", lambda console: Region(console, write=self.written.append))
        settings = {"force_terminal": True, "color_system": "standard", **settings}
        self.console = Console(file=io.StringIO(), width=columns, height=rows, highlight=False, **settings)
        self.now = 0.0
        self.view = View(self.console, clock=lambda: self.now)

    def take(self, *events: Any) -> None:
        for event in events:
            self.now += 1.0
            self.view.take(event)

    def tick(self, level: float = 0.0, lag: float = 0.0, seconds: float = 0.0) -> None:
        self.now += 1.0
        self.view.tick(SimpleNamespace(level=level, lag=lag, seconds=seconds))

    @property
    def lines(self) -> list[str]:
        """The rows of the terminal, without styles; it has as many columns as the console has now."""
        rows, row = [""], 0
        for part in re.split(r"(\r|\n|\x1b\[\d*[A-Za-z])", _unstyled("".join(self.written))):
            if part == "\r":
                rows[row] = rows[row]  # to the first column: what follows erases
            elif part == "\n":
                rows.append("")
                row += 1
            elif part.endswith("A"):
                row -= int(part[2:-1])
            elif part == "\x1b[2K":
                rows[row:] = [""]  # what is below has been cleared before
            else:
                rows[row] += part
        return rows


def _unstyled(text: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", text)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    return Screen(monkeypatch)


class TestView:
    def test_finals_scroll_above_what_is_being_said(self, screen: Screen):
        screen.view.begin("usb")
        screen.take(SpeechStarted(1, 1.0), partial("침실 온", "침실 "), SpeechEnded(1, 2.0), final("침실 온도를"))
        screen.take(SpeechStarted(2, 61.0), Partial(2, "거실", "", 61.04, 62.0, "quick"))
        assert screen.lines == [
            "  0:01.0  침실 온도를",
            "  1:01.0  거실",
            "[          ] 0:00  lag 0.0 s  quick",
        ]

    def test_what_may_still_change_is_dimmed(self, screen: Screen):
        screen.take(partial("침실 온", "침실 "))
        assert "침실 \x1b[2m온\x1b[0m" in screen.written[-1]

    def test_from_its_end_to_its_final_an_utterance_is_dimmed(self, screen: Screen):
        screen.take(partial("침실", "침실"), SpeechEnded(1, 2.0))
        assert re.search("\x1b\\[2m[^\x1b]*침실", screen.written[-1])
        screen.take(final("침실"))
        assert re.search("\x1b\\[0m침실\n", screen.written[-1])

    def test_the_model_that_spoke_last_is_named(self, screen: Screen):
        screen.take(partial("침", ""))
        assert screen.lines[-1].endswith("  quick")
        screen.take(final("침실"))
        assert screen.lines[-1].endswith("  good")

    @pytest.mark.parametrize(("level", "cells"), [(0.0, 0), (0.003, 0), (0.0562, 5), (0.5, 9), (1.0, 10)])
    def test_the_meter_shows_how_loud_it_is(self, screen: Screen, level: float, cells: int):
        screen.tick(level)
        assert screen.lines[-1].startswith("[" + ("=" * cells).ljust(10) + "]")

    def test_the_meter_falls_slowly(self, screen: Screen):
        screen.tick(1.0)
        cells = []
        for _ in range(60):
            screen.tick(0.0)
            cells.append(screen.lines[-1].count("="))
        assert cells[0] == 10
        assert cells[-1] == 0
        assert all(0 <= before - after <= 1 for before, after in pairwise(cells))

    def test_the_lag_and_the_time_are_shown(self, screen: Screen):
        screen.tick(lag=2.34, seconds=83.9)
        assert "1:23  lag 2.3 s" in screen.lines[-1]

    def test_a_final_without_words_leaves_nothing(self, screen: Screen):
        screen.take(SpeechStarted(1, 1.0), final(""))
        assert len(screen.lines) == 1

    def test_a_warning_scrolls_and_ends_the_utterance_that_failed(self, screen: Screen):
        screen.take(partial("침실", ""), StreamWarning("engine_error", "no memory", 1.0, 1.0, seq=1))
        assert screen.lines[0] == "warning, no memory"
        assert len(screen.lines) == 2

    def test_an_utterance_whose_final_is_still_due_stays_when_there_are_no_more_partials_of_it(self, screen: Screen):
        screen.take(partial("침실", ""), StreamWarning("dropped_partials", "no memory", 1.0, seq=1))
        assert screen.lines[:2] == ["warning, no memory", "  0:01.0  침실"]

    def test_korean_is_wrapped_by_the_columns_that_it_takes(self, monkeypatch: pytest.MonkeyPatch):
        screen = Screen(monkeypatch, columns=20)
        screen.take(partial("가나다라마바사아자차카타파하", ""))
        assert screen.lines[:-1] == ["  0:01.0  ", "가나다라마바사아자", "차카타파하"]

    @pytest.mark.parametrize("columns", [1, 3, 8, 17])
    def test_no_line_is_wider_than_a_narrow_terminal(self, monkeypatch: pytest.MonkeyPatch, columns: int):
        from rich.cells import cell_len

        screen = Screen(monkeypatch, columns=columns)
        screen.view.begin("usb")
        screen.take(partial("ab cd ef", "ab "))
        assert all(cell_len(line) < max(2, columns) for line in screen.lines)

    def test_of_a_long_utterance_the_end_is_shown(self, monkeypatch: pytest.MonkeyPatch):
        screen = Screen(monkeypatch, columns=30, rows=5)
        screen.take(partial(" ".join(f"w{number}" for number in range(100)), ""))
        assert len(screen.lines) == 4
        assert screen.lines[-2].rstrip().endswith("w99")

    def test_it_is_drawn_at_most_ten_times_a_second(self, screen: Screen):
        for hundredth in range(300):
            screen.now = hundredth / 100
            screen.view.tick(SimpleNamespace(level=hundredth / 300, lag=0.0, seconds=hundredth))
        assert len(screen.written) <= 31

    def test_what_has_not_changed_is_not_drawn_again(self, screen: Screen):
        for _ in range(5):
            screen.tick()
        assert len(screen.written) == 1

    def test_each_change_is_one_write_that_erases_what_was_there(self, screen: Screen):
        screen.take(partial("a b", ""))
        screen.take(partial("a b c", ""))
        assert screen.written[-1].startswith("\r\x1b[2K\x1b[1A\x1b[2K\x1b[2m  0:01.0")

    def test_a_terminal_that_became_narrower_has_wrapped_the_lines_that_are_erased(self, screen: Screen):
        screen.take(partial("a" * 40, ""))
        screen.console.width = 30
        screen.tick()
        assert screen.written[-1].count("\x1b[2K") == 4  # 50 and 47 columns became two rows each

    def test_at_the_end_only_finals_are_left(self, screen: Screen):
        screen.take(final("네"), partial("아", "", seq=2))
        screen.view.end()
        assert screen.lines == ["  0:01.0  네", ""]

    def test_without_colours_there_are_none(self, monkeypatch: pytest.MonkeyPatch):
        screen = Screen(monkeypatch, no_color=True)
        screen.tick(1.0)
        screen.take(StreamWarning("dropped_audio", "lost", 1.0))
        assert not re.search(r"\x1b\[[\d;]*3\dm", "".join(screen.written))

    def test_a_text_cannot_command_the_terminal(self, screen: Screen):
        screen.take(final("a\x1b[2Jb"), partial("c\x1b]0;d", "", seq=2))
        assert screen.lines[0] == "  0:01.0  a\\x1b[2Jb"
        assert "\x1b]" not in "".join(screen.written)


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals here")
def test_a_terminal_gets_the_view_and_keeps_the_finals(tmp_path: Path):
    make_clips(tmp_path)
    shown = b"".join(_on_terminal([*LIVE, "--simulate", "two.wav", "--speed", "5"], tmp_path))
    text = _unstyled(shown.decode())
    assert "listening to two.wav" in text
    assert re.search(r"\[=+ *\] 0:0\d  lag", text)
    assert "  loudness" in text
    assert text.endswith("\x1b[2K")
    assert re.findall(r"K  (0:0\d\.\d)  (w\d+)\r\n(?=\[)", text) == [("0:00.8", "w20"), ("0:02.3", "w30")]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals here")
def test_a_format_that_is_asked_for_is_printed_on_a_terminal_too(tmp_path: Path):
    make_clips(tmp_path)
    shown = b"".join(_on_terminal([*LIVE, "--simulate", "one.wav", "--speed", "max", "-f", "text"], tmp_path))
    assert shown == b"w10\r\n"


def _on_terminal(command: list[str], folder: Path) -> Iterator[bytes]:
    """Run a command on a pseudo-terminal; yield what it shows."""
    import pty

    terminal, end = pty.openpty()
    settings = environment({"TERM": "xterm", "COLUMNS": "80", "LINES": "24"})
    with subprocess.Popen(command, stdin=end, stdout=end, stderr=end, cwd=folder, env=settings) as process:
        os.close(end)
        while True:
            try:
                yield os.read(terminal, 65_536)
            except OSError:  # how Linux tells that nobody holds the other end any more
                break
    os.close(terminal)
    assert process.returncode == 0


def test_a_sentence_is_heard_through_the_whole_way(capsys: pytest.CaptureFixture[str]):
    sample = ROOT / "samples" / "korean.wav"
    assert main(["live", "--simulate", str(sample), "--speed", "max", "--no-partials", "-f", "text"]) == 0
    assert capsys.readouterr().out == (ROOT / "samples" / "korean.txt").read_text()
