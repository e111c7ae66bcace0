"""Seconds of sound against what FFmpeg finds in the same file: equal, or the difference is told; none refused.

The program `ffmpeg` counts recordings of all kinds; FFmpeg's libraries, through PyAV, count packet by packet and say
what lies on the container's clock (late starts and gaps are silence on ours). Any of those lengths is right.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from malsori.audio import DecodedAudio, decode
from malsori.errors import MalsoriError
from tests.containers import Form, encoded, pairs
from tests.counting import Count, by_ffmpeg, by_packets
from tests.sounds import SPEECH

TOLERANCE_S = 0.05
FAULTS = SPEECH.parent / "faults"
NO_SOUND = {".md", ".py", ".srt", ".tsv", ".txt"}
BETTER = {  # FLAC of which FFmpeg plays less or nothing, and its seconds by libFLAC
    "flactest_uncommon_04_-_changing_bitdepth.flac": (11.230,),
    "flactest_faulty_07_-_other_metadata_blocks_preceding_streaminfo_metadata_block.flac": (4.418,),
}
HARD = ("corrupt", "formats")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in NO_SOUND)


def clips(found: list[Path]) -> pytest.MarkDecorator:
    if not found:
        return pytest.mark.skip(reason="needs the recordings in ../shared")
    return pytest.mark.parametrize("path", found, ids=lambda path: path.name)


def decoded(path: Path, *, allow_truncated: bool) -> tuple[DecodedAudio | None, str]:
    """Return the clip, None when it is refused, and what was said."""
    try:
        clip = decode(path, allow_truncated=allow_truncated)
    except MalsoriError as error:
        return None, str(error)
    return clip, "; ".join(clip.warnings)


def packets(path: Path) -> Count:
    import av

    try:
        return by_packets(path)
    except (av.error.FFmpegError, IndexError):  # nothing that it knows, or no sound in it
        return Count(0.0)


def check(path: Path) -> None:
    """Hold our seconds of one file against FFmpeg's; only a corrupt one, by name or packets, needs to be allowed."""
    played, found = by_ffmpeg(path), packets(path)
    clip, said = decoded(path, allow_truncated=found.broken > 0 or path.parent.name == "corrupt")
    if clip is None:
        assert played <= TOLERANCE_S, f"refused, and ffmpeg plays {played:.3f} s: {said}"
        return
    seconds = len(clip.samples) / 16_000
    lengths = (played, *found.lengths, *BETTER.get(path.name, ()))
    right = any(abs(seconds - each) <= TOLERANCE_S for each in lengths)
    assert right or said, f"{seconds:.3f} s without a word; ffmpeg {', '.join(f'{each:.3f}' for each in lengths)}"


@clips(files(FAULTS))
def test_a_file_that_went_wrong_once_is_as_long_as_for_ffmpeg(path: Path) -> None:
    check(path)


@clips([path for folder in HARD for path in files(SPEECH / folder)])
def test_a_hard_recording_is_as_long_as_for_ffmpeg(path: Path) -> None:
    check(path)


@pytest.mark.slow
@clips([path for path in files(SPEECH) if path.relative_to(SPEECH).parts[0] not in HARD])
def test_a_recording_is_as_long_as_for_ffmpeg(path: Path) -> None:
    check(path)


def check_form(form: Form, folder: Path) -> None:
    path = folder / "sound"
    path.write_bytes(encoded(form))
    if decoded(path, allow_truncated=False)[0] is None:
        pytest.skip("not read; see test_containers.py")
    check(path)


@pytest.mark.parametrize("form", {form.container: form for form in pairs()}.values(), ids=str)
def test_every_container_is_as_long_as_for_ffmpeg(form: Form, tmp_path: Path) -> None:
    check_form(form, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("form", pairs(), ids=str)
def test_every_codec_of_every_container_is_as_long_as_for_ffmpeg(form: Form, tmp_path: Path) -> None:
    check_form(form, tmp_path)


JOINED = (
    Form("mp3", "libmp3lame", 44_100),
    Form("mp2", "mp2"),
    Form("adts", "aac"),
    Form("ogg", "libopus"),
    Form("ogg", "libvorbis"),
    Form("ogg", "flac"),
    Form("flac", "flac"),
    Form("ac3", "ac3"),
    Form("mpegts", "aac"),
    Form("mpeg", "mp2"),
    Form("webm", "libopus"),
    Form("matroska", "aac"),
)


@pytest.mark.parametrize("form", JOINED, ids=str)
def test_two_files_joined_are_as_long_as_both(form: Form) -> None:
    data = encoded(form)
    seconds = len(decode(data + data).samples) / 16_000
    assert seconds == pytest.approx(2 * len(decode(data).samples) / 16_000, abs=TOLERANCE_S)
