"""Names of rooms and devices: from a file, from a client, and as many as a model bears."""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from malsori import TranscribeOptions
from malsori.audio.samples import to_pcm16
from malsori.bundles import read_manifest
from malsori.engines.options import HotWord
from malsori.errors import OptionError
from malsori.service.wyoming.home_names import (
    LONGEST,
    MOST_NAMES,
    UNWEIGHED,
    HomeNames,
    borne,
    names_in_file,
    names_sent,
)
from tests.service.running import RunningServer, start_server
from tests.service.wyoming.conftest import LOCAL
from tests.service.wyoming.talking import answers, home_assistant, speech, text_of, turn, words
from tests.shipped import ROOT, model, noisy

CTC, WHISPER = (read_manifest(ROOT / "models" / name) for name in ("nano-ctc-ko", "nano-whisper"))


def in_file(folder: Path, text: str | bytes) -> tuple[HotWord, ...]:
    path = folder / "names.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return names_in_file(path)


def test_a_file_has_a_name_a_line_with_comments_and_weights(tmp_path: Path) -> None:
    text = "\ufeff# rooms\n거실\n\n  침실*:12  # where one sleeps\nkitchen light\n거실\n"
    assert in_file(tmp_path, text) == (HotWord("거실", 8.0), HotWord("침실*", 12.0), HotWord("kitchen light", 8.0))
    assert names_in_file(None) == ()


def test_names_are_composed_whatever_the_file_has(tmp_path: Path) -> None:
    (word,) = in_file(tmp_path, unicodedata.normalize("NFD", "거실"))
    assert word.text == "거실"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe\x00", "as UTF-8 text, found something else"),
        ("a:b", "expected WORD or WORD:WEIGHT, found 'a:b'"),
        ("a:1000", "expected a weight above 0, at most 100"),
        ("a" * (LONGEST + 1), f"of at most {LONGEST} characters"),
        ("\n".join(f"lamp {number}" for number in range(MOST_NAMES + 1)), f"at most {MOST_NAMES} names"),
    ],
)
def test_a_file_of_something_else_is_told_by_its_name(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(OptionError, match=rf"names: .*names\.txt: .*{message}"):
        in_file(tmp_path, text)


def test_a_file_that_is_not_there_is_told_before_the_service_starts(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="No such file"):
        names_in_file(tmp_path / "none")
    server = RunningServer("--model", "nano-ctc-ko", *LOCAL, "--names", str(tmp_path / "none"))
    assert server.process.wait(30) == 2
    server.reader.join()
    assert "No such file" in "".join(server.lines)


def test_a_client_s_names_come_before_its_terms_and_what_is_no_name_is_left_out() -> None:
    data = {
        "transcript_terms": ["scene", 3, "", "  ", "a\x1b[2Jb", "x" * (LONGEST + 1), ["y"]],
        "transcript_names": ["  living \t room ", unicodedata.normalize("NFD", "거실"), "거실", None, "lamp*"],
    }
    assert names_sent(data) == ("living room", "거실", "lamp", "scene")
    assert names_sent({"transcript_names": "거실", "transcript_terms": {"a": 1}}) == ()
    assert len(names_sent({"transcript_names": [f"lamp {number}" for number in range(5_000)]})) == MOST_NAMES


def test_in_ctc_models_a_client_s_name_takes_any_ending_and_the_file_s_own_comes_first() -> None:
    names = HomeNames((HotWord("침실*", 12.0),))
    assert names.words(CTC, ["침실", "거실"]) == (HotWord("침실*", 12.0), HotWord("거실*", 8.0))
    assert names.words(WHISPER, ["거실"]) == (HotWord("침실*", 12.0), HotWord("거실", 8.0))
    assert names.words(replace(CTC, kind="other"), ["거실"])[-1] == HotWord("거실", 8.0)


def test_whisper_is_given_few_names_of_a_client_because_it_hears_them_in_other_words() -> None:
    many = [f"lamp {number}" for number in range(100)]
    assert len(HomeNames().words(WHISPER, many)) == UNWEIGHED
    assert len(HomeNames().words(CTC, many)) == 100
    own = tuple(HotWord(name, 8.0) for name in many)
    assert HomeNames(own).words(WHISPER, []) == own


def test_a_model_is_given_as_many_as_it_bears() -> None:
    many = tuple(HotWord(f"lamp number {number}", 8.0) for number in range(MOST_NAMES))
    options = TranscribeOptions(language="en")
    whisper = model("nano-whisper")
    count = borne(whisper.check, options, many)
    assert 10 < count < MOST_NAMES
    whisper.check(options.changed(hotwords=many[:count]))
    with pytest.raises(OptionError):
        whisper.check(options.changed(hotwords=many[: count + 1]))
    assert borne(model().check, TranscribeOptions(), many) == MOST_NAMES


def test_what_a_model_bears_is_found_with_few_questions() -> None:
    asked: list[int] = []

    def check(options: TranscribeOptions) -> None:
        asked.append(len(options.decoding.hotwords))
        if asked[-1] > 7:
            raise OptionError("too many")

    many = tuple(HotWord(f"{number}", 8.0) for number in range(MOST_NAMES))
    assert borne(check, TranscribeOptions(), many) == 7
    assert len(asked) <= 10
    assert borne(check, TranscribeOptions(), many[:5]) == 5
    assert borne(check, TranscribeOptions(), ()) == 0


def test_the_names_of_a_file_reach_the_model(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("도루:30\n", "utf-8")  # said is 도로
    with start_server(*LOCAL, "--names", str(tmp_path / "names.txt")) as running:
        heard = text_of(answers(running.wyoming_port, turn(speech("korean"))))
        assert heard == words("korean").replace("도로", "도루")


def test_the_names_of_a_client_reach_the_model(home: RunningServer) -> None:
    noise = to_pcm16(noisy("korean", 1, 3)[0])
    assert text_of(answers(home.wyoming_port, turn(noise))) != words("korean")
    for kind in ("transcript_names", "transcript_terms"):
        assert text_of(answers(home.wyoming_port, turn(noise, {kind: ["이십육"]}))) == words("korean")


def test_any_number_of_names_from_a_client_is_heard_with(home: RunningServer) -> None:
    names = [f"장치 {number}" for number in range(400)] + ["침실"]
    asked = {"language": "ko", "transcript_names": names, "transcript_terms": ["온도"]}
    assert text_of(answers(home.wyoming_port, turn(speech("korean"), asked))) == words("korean")
    whisper = answers(home.wyoming_port, turn(speech("korean"), asked | {"name": "nano-whisper"}))
    assert text_of(whisper)  # it has not learned what words before the speech are
    assert asyncio.run(home_assistant(home.wyoming_port, "ko", speech("korean"))) == words("korean")
