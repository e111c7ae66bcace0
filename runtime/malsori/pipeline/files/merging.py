"""The transcripts of a recording's channels to one: segments by time, each with its speaker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from ...joining import joined
from ...types import SAMPLE_RATE, Coverage, LeftOut, Segment, Span, Transcript
from .coverage import merged, minus, total


@dataclass(frozen=True, slots=True)
class Channel:
    """What was heard in a channel: whose it is, its transcript, and the `leaks` of others that it was rid of."""

    speaker: str
    transcript: Transcript
    leaks: tuple[Span, ...] = ()


def merged_channels(channels: Sequence[Channel]) -> Transcript:
    """Return one transcript of all channels of a recording.

    Segments are in the order of their starts, those that begin together in that of the channels, and keep their times
    and words. The text is a dialogue, a line for each turn. The language is that of the channel in which most is said;
    where channels differ, each segment says its own.
    """
    most = max(channels, key=lambda each: sum(segment.end - segment.start for segment in each.transcript.segments))
    several = len({each.transcript.language for each in channels if each.transcript.segments}) > 1
    segments = sorted(
        (segment for each in channels for segment in _spoken_by(each, several)), key=lambda segment: segment.start
    )
    return Transcript(
        text=dialogue_of(segments),
        language=most.transcript.language,
        language_probability=most.transcript.language_probability,
        duration=max(each.transcript.duration for each in channels),
        segments=tuple(segments),
        model=most.transcript.model,
        warnings=tuple(_warnings(channels)),
        coverage=_coverage(channels),
    )


def dialogue_of(segments: Sequence[Segment]) -> str:
    """Return the text of segments with speakers: a line for each turn."""
    turns = groupby((segment for segment in segments if segment.text.strip()), key=lambda segment: segment.speaker)
    return "\n".join(f"{speaker}: {joined(turn)}" for speaker, turn in turns)


def _spoken_by(channel: Channel, several: bool) -> Iterator[Segment]:
    for segment in channel.transcript.segments:
        language = channel.transcript.language if several and segment.language is None else segment.language
        yield replace(segment, speaker=channel.speaker, language=language)


def _warnings(channels: Sequence[Channel]) -> Iterator[str]:
    """Yield the warnings: once those that all channels have, the others with their speaker."""
    common = set.intersection(*(set(each.transcript.warnings) for each in channels))
    yield from (line for line in channels[0].transcript.warnings if line in common)
    for each in channels:
        yield from (f"{each.speaker}: {line}" for line in each.transcript.warnings if line not in common)
    for each in channels:
        if each.leaks:
            seconds, first = total(each.leaks) / SAMPLE_RATE, each.leaks[0].start / SAMPLE_RATE
            yield (
                f"{each.speaker}: {seconds:.1f} s leak in from another channel and were left out here, "
                f"the first at {first:.1f} s"
            )


def _coverage(channels: Sequence[Channel]) -> Coverage | None:
    """Return the sums over the channels; leaks count as left out by themselves, whatever became of their silence."""
    found = [(each, each.transcript.coverage) for each in channels]
    parts = [_without_leaks(each, coverage) for each, coverage in found if coverage is not None]
    if len(parts) < len(channels):
        return None
    spoken = [part.spoken for part in parts if part.spoken is not None]
    return Coverage(
        decoded=sum(part.decoded for part in parts),
        spoken=sum(spoken) if len(spoken) == len(parts) else None,
        read=sum(part.read for part in parts),
        left_out=tuple(each for part in parts for each in part.left_out),
    )


def _without_leaks(channel: Channel, coverage: Coverage) -> Coverage:
    """Return the coverage of a channel with its speaker, and with crosstalk as a reason of its own."""
    whole = [Span(0, round(coverage.decoded * SAMPLE_RATE))]
    filled = [span for each in coverage.left_out if each.why == "filled" for span in each.spans]
    leaks = minus(minus(whole, minus(whole, list(channel.leaks))), filled)
    left = [LeftOut(each.why, tuple(minus(list(each.spans), leaks)), channel.speaker) for each in coverage.left_out]
    left.append(LeftOut("crosstalk", tuple(leaks), channel.speaker))
    out = merged(span for each in left for span in each.spans)
    left = [each for each in left if each.spans]
    return replace(coverage, read=total(minus(whole, out)) / SAMPLE_RATE, left_out=tuple(left))
