"""Picks one of several sound tracks: the one asked for, else the container's default one, else the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import NoSuchTrack, UnsupportedFormat

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from av.audio.stream import AudioStream

_LISTED = 16  # tracks that a line names


def pick(
    tracks: Sequence[AudioStream], wanted: int | str | None, codecs: Collection[str], kind: str, name: str
) -> tuple[AudioStream, list[str]]:
    """Return the track to read, and a note where several are as `wanted`.

    `wanted` is a number from 1 on or a language as the container tags it ("kor"; "ko" is enough). Raises `NoSuchTrack`
    for one that is not there, `UnsupportedFormat` for no track and for one with a codec outside `codecs`.
    """
    if not tracks:
        raise UnsupportedFormat(name, "an audio stream", f"none in this {kind} file")
    left = tracks if wanted is None else _wanted(tracks, wanted, name)
    track = _usual(left, codecs)
    if _codec(track) not in codecs:
        found = f"{kind} with {_codec(track)}"
        raise UnsupportedFormat(name, "a codec that malsori reads", f"{found}; {converting(name)}")
    if len(left) == 1:
        return track, []
    number = tracks.index(track) + 1
    return track, [f"track {number} of {len(tracks)} was used; --track N takes another: {_listed(tracks)}"]


def check_only(wanted: int | str | None, name: str) -> None:
    """Raise `NoSuchTrack` if another track than the first is asked for of a format that has one only."""
    if wanted is not None and str(wanted) != "1":
        raise NoSuchTrack(name, f"the sound track {wanted}", "one track, without a language")


def converting(name: str) -> str:
    """Return the command line that converts a file to a format that malsori reads."""
    import shlex

    file = "FILE" if name.startswith("<") else shlex.quote(name)
    return f"this line converts it: ffmpeg -i {file} -ac 1 -ar 16000 out.wav"


def _usual(tracks: Sequence[AudioStream], codecs: Collection[str]) -> AudioStream:
    from av.stream import Disposition

    able = [track for track in tracks if _codec(track) in codecs] or tracks
    return next((track for track in able if track.disposition & Disposition.default), able[0])


def _wanted(tracks: Sequence[AudioStream], wanted: int | str, name: str) -> Sequence[AudioStream]:
    text = str(wanted).strip().lower()
    if text.isdecimal():
        found = [track for number, track in enumerate(tracks, 1) if number == int(text)]
    else:
        found = [track for track in tracks if text and (track.language or "").lower().startswith(text)]
    if found:
        return found
    raise NoSuchTrack(name, f"the sound track {wanted}", f"the tracks {_listed(tracks)}")


def _listed(tracks: Sequence[AudioStream]) -> str:
    """Return the tracks, or the first of many, as in: 1 (kor, aac, stereo), 2 (...)."""
    lines = []
    for number, track in enumerate(tracks[:_LISTED], 1):
        layout = track.codec_context.layout.name if track.codec_context else ""
        known = [track.language if track.language != "und" else "", _codec(track), layout]
        lines.append(f"{number} ({', '.join(filter(None, known))})")
    more = len(tracks) - len(lines)
    return ", ".join(lines) + (f" and {more} more" if more else "")


def _codec(track: AudioStream) -> str:
    return str(track.codec_context.name) if track.codec_context else "an unknown codec"
