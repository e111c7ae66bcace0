"""Several sound tracks in one file: the one asked for, else the default one; what there is, is told."""

from __future__ import annotations

import pytest

from malsori.audio import decode
from malsori.errors import NoSuchTrack, OptionError
from malsori.option import check
from malsori.sound_options import SourceOptions
from tests.sounds import contained, pcm16, tone, wav
from tests.tracks import Track, muxed

ENGLISH, KOREAN, NOTES = (
    Track(tone(1), language="eng"),
    Track(tone(2), language="kor", default=True),
    Track(tone(3), codec="ac3", rate=48_000, language="eng"),
)
FILM = muxed("matroska", ENGLISH, KOREAN, NOTES)


def seconds(track: int | str | None) -> int:
    return round(len(decode(FILM, track=track).samples) / 16_000)


def test_the_default_track_is_read_and_a_note_says_which_there_are() -> None:
    clip = decode(FILM)
    assert round(len(clip.samples) / 16_000) == 2
    assert clip.warnings[0] == (
        "track 2 of 3 was used; --track N takes another: 1 (eng, aac, mono), 2 (kor, aac, mono), 3 (eng, ac3, mono)"
    )


def test_of_many_tracks_the_first_ones_are_told() -> None:
    [line] = decode(muxed("matroska", *[Track(tone(0.2), codec="pcm_s16le")] * 40)).warnings
    assert line.startswith("track 1 of 40 was used; --track N takes another: 1 (pcm_s16le")
    assert line.endswith(") and 24 more")
    assert "17 (" not in line


def test_without_a_default_the_first_track_is_read() -> None:
    clip = decode(muxed("matroska", ENGLISH, Track(tone(2), language="kor")))
    assert round(len(clip.samples) / 16_000) == 1


def test_a_track_is_chosen_by_number_or_language() -> None:
    assert [seconds(track) for track in (1, 2, "2", "kor", "KO", "eng")] == [1, 2, 2, 2, 2, 1]


def test_one_that_was_asked_for_is_not_told_unless_its_language_has_several() -> None:
    assert not any("was used" in note for track in (1, 3, "kor") for note in decode(FILM, track=track).warnings)
    assert decode(FILM, track="eng").warnings[0].startswith("track 1 of 3 was used; --track N takes another: 1 (eng")
    dubbed = muxed("matroska", ENGLISH, Track(tone(3), language="kor"), KOREAN)
    assert round(len(decode(dubbed, track="ko").samples) / 16_000) == 2  # the default one of them


@pytest.mark.parametrize("track", [4, "9", "fra"])
def test_a_track_that_is_not_there_is_an_error_that_lists_those_that_are(track: int | str) -> None:
    with pytest.raises(
        NoSuchTrack, match=rf"expected the sound track {track}, found the tracks 1 \(eng, aac, mono\), 2 \(kor"
    ):
        decode(FILM, track=track)


@pytest.mark.parametrize("track", [0, -1, "", " ", "0", True, 1.5])
def test_what_can_be_no_track_is_refused(track: object) -> None:
    with pytest.raises(OptionError, match="track must be a number from 1 on or a language"):
        check(SourceOptions(track=track))


def test_a_file_of_one_track_has_track_1_and_no_other() -> None:
    for data in (wav(pcm16(tone())), contained("mp3", "libmp3lame", tone(), 16_000)):
        assert len(decode(data, track=1).samples)
        with pytest.raises(OptionError, match="expected the sound track 2, found one track"):
            decode(data, track=2)
    with pytest.raises(OptionError, match="the sound track kor"):
        decode(tone(), track="kor")


def test_a_track_that_nothing_here_decodes_is_passed_over_unless_it_was_asked_for() -> None:
    data = muxed("matroska", Track(tone(1, 8_000), "real_144", 8_000), Track(tone(2)))
    clip = decode(data)
    assert round(len(clip.samples) / 16_000) == 2
    with pytest.raises(ValueError, match="real_144"):
        decode(data, track=1)
