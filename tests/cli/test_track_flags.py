"""`track` and `start_at_zero` from the command line and the pipeline down to the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from malsori.cli.main import main
from malsori.errors import NoSuchTrack, OptionError
from malsori.pipeline import TranscribeOptions
from malsori.types import Transcript
from tests.loudness import recording
from tests.pipeline.test_transcriber import transcriber
from tests.tracks import Track, muxed

FLAC = {"codec": "flac", "rate": 16_000}
FILM = muxed(
    "matroska",
    Track(recording((10, 1.0)), **FLAC, language="eng", default=True),
    Track(recording((20, 1.0)), **FLAC, language="kor", start=2.0),
)


@pytest.fixture
def film(clips: Path) -> Path:
    path = clips / "film.mkv"
    path.write_bytes(FILM)
    return path


@pytest.mark.usefixtures("loudness", "film")
@pytest.mark.parametrize(("flags", "words"), [([], "w10"), (["--track", "2"], "w20"), (["--track", "kor"], "w20")])
def test_the_flag_chooses_the_track(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", "film.mkv", *flags]) == 0
    told = capsys.readouterr()
    assert told.out == f"{words}\n"
    assert ("film.mkv: warning, track" in told.err) == (not flags)  # what was asked for is no news


@pytest.mark.usefixtures("loudness", "film")
def test_a_file_without_the_track_costs_only_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transcribe", "one.wav", "film.mkv", "--track", "2", "--quiet"]) == 1
    told = capsys.readouterr()
    assert told.out == "film.mkv: w20\n"
    assert told.err == "malsori: one.wav: expected the sound track 2, found one track, without a language\n"
    assert main(["detect-language", "film.mkv", "--model", "nano-ctc-ko", "--track", "3"]) == 1
    assert "found the tracks 1 (eng, flac, mono), 2 (kor, flac, mono)" in capsys.readouterr().err


def test_times_count_from_the_beginning_of_the_file_or_from_the_first_sound() -> None:
    late, zero = (transcriber().transcribe(FILM, track=2, start_at_zero=zero) for zero in (False, True))
    assert late.segments[0].start - zero.segments[0].start == pytest.approx(2.0, abs=0.05)


def test_a_track_that_no_file_can_have_is_refused_before_anything_is_read() -> None:
    with pytest.raises(OptionError, match="track must be a number from 1 on"):
        transcriber().check(TranscribeOptions(track=0))


def test_of_many_recordings_only_the_one_without_the_track_fails() -> None:
    first, second = transcriber().transcribe_many([recording((10, 1.0)), FILM], on_error="return", track="kor")
    assert isinstance(first, NoSuchTrack)
    assert isinstance(second, Transcript)
    assert second.text == "w20"
