"""Sources to their channels, and the transcripts of the channels back to one of each source.

The run that reads the sources between the two takes a channel for a recording of its own, so that channels share engine
calls as neighbouring recordings do. A source is decoded once to compare its channels, and once for each of them: no
sound is held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import BinaryIO, cast

from ...audio import (
    AudioSource,
    Blocks,
    ChannelOf,
    Form,
    Limits,
    ReadingOptions,
    channels_of,
    decode_channels,
    names_of,
)
from ...audio.source import copied, name_of
from ...errors import MalsoriError, NoSuchChannel, OptionError
from ...joining import counted
from ...sound_options import SourceOptions
from ...types import Transcript
from ..options import TranscribeOptions, wanted
from .crosstalk import Comparison
from .merging import Channel, merged_channels
from .reading import concerns_run
from .recording import Progress
from .run import Sources
from .source_request import SourceRequest, request_of
from .telling import SegmentTeller

ONE_CHANNEL = "there is one channel only, so that nobody is told apart (--channels split)"


@dataclass(slots=True)
class _SplitSource:
    """A source: its parts, what is said of the whole of it, and the results so far. One that failed has no parts."""

    number: int  # of the source, from 1 on
    first: int  # number of its first part among those of all sources
    parts: list[SourceRequest] = field(default_factory=list)
    speakers: tuple[str, ...] = ()  # one for each part, or none
    warnings: tuple[str, ...] = ()
    error: MalsoriError | None = None
    results: list[Transcript | MalsoriError] = field(default_factory=list)
    copy: ExitStack = field(default_factory=ExitStack)

    @property
    def done(self) -> bool:
        return len(self.results) == len(self.parts)

    def result(self) -> Transcript | MalsoriError:
        """Return the transcript of the source, or its first error."""
        self.copy.close()
        found = [each for each in self.results if isinstance(each, Transcript)]
        error = next((each for each in self.results if not isinstance(each, Transcript)), self.error)
        if error is not None:
            return error
        if self.speakers:
            leaks = [part.source.silent for part in self.parts if isinstance(part.source, ChannelOf)]
            channels = zip(self.speakers, found, leaks, strict=True)
            return merged_channels([Channel(*each) for each in channels])
        return replace(found[0], warnings=(*found[0].warnings, *self.warnings))


class Splitter:
    """Splits the sources of one run into channels, and merges what was heard in these.

    The run reads `parts` in place of the sources, and has `progress` and `teller` in place of those given here. Its
    threads may take the parts, one at a time.
    """

    def __init__(
        self,
        options: TranscribeOptions,
        progress: Callable[[Progress], None] | None = None,
        teller: SegmentTeller | None = None,
    ) -> None:
        self._options = options
        split = options.source.channels == "split"
        self._begun: deque[_SplitSource] = deque()
        self._told, self._teller_of_whole = progress, teller if split else None
        self.progress = None if progress is None else self._tell
        self.teller = None if split else teller

    def parts(self, sources: Sources) -> Iterator[SourceRequest]:
        """Yield the channels of each source, or the source itself where nothing is to be split."""
        first = 1
        for number, source in enumerate(sources, 1):
            whole = self._split(request_of(source), number, first)
            self._begun.append(whole)
            first += len(whole.parts)
            yield from whole.parts

    def merged(
        self, results: Generator[Transcript | MalsoriError, None, None], *, raising: bool
    ) -> Iterator[Transcript | MalsoriError]:
        """Yield the result of each source, in order, as soon as those of its parts have come.

        With `raising` the first error is raised.
        """
        try:
            with closing(results):
                for result in results:
                    yield from self._finished(raising)
                    self._begun[0].results.append(result)
                    yield from self._finished(raising)
            yield from self._finished(raising)
        finally:
            for whole in self._begun:
                whole.copy.close()

    def _finished(self, raising: bool) -> Iterator[Transcript | MalsoriError]:
        while self._begun and self._begun[0].done:
            result = self._begun.popleft().result()
            if raising and isinstance(result, MalsoriError):
                raise result
            if self._teller_of_whole is not None and isinstance(result, Transcript):
                self._teller_of_whole.tell(result.segments)
            yield result

    def _tell(self, part: Progress) -> None:
        """Tell the progress of a part as that of its source."""
        assert self._told is not None
        begun = tuple(self._begun)
        whole = next((each for each in begun if part.number < each.first + len(each.parts)), None)
        if whole is not None:
            self._told(_of_source(part, whole, _sources_done(part.done, begun)))

    def _split(self, request: SourceRequest, number: int, first: int) -> _SplitSource:
        """Return the parts of a source, or its error. Only what concerns the whole run is raised."""
        whole = _SplitSource(number, first)
        try:
            options = wanted(self._options, request.options)
        except (OptionError, TypeError):  # whose place is where all options of the recording are looked at
            whole.parts = [request]
            return whole
        try:
            if options.source.channels == "split":
                self._compare(request, options, whole)
            else:
                whole.parts = [replace(request, source=one_channel(request.source, options))]
        except MalsoriError as error:
            if concerns_run(error, asked=bool(request.options)):
                raise
            whole.error = error
        return whole

    def _compare(self, request: SourceRequest, options: TranscribeOptions, whole: _SplitSource) -> None:
        """Set the parts of a source by what its channels have in common."""
        source, name = request.source, _name_of(request.source)
        if hasattr(source, "read"):  # each channel is read from the beginning, by whichever thread
            source = copied(cast(BinaryIO, source), name, whole.copy)
        comparison, form = Comparison(), Form(0, 1)
        with _opened(source, name, options.source) as blocks:
            form, name = blocks.form, blocks.name
            for block in blocks if form.channels > 1 else ():
                options.decoding.check_cancelled()
                comparison.push(block)
        names = _named(form, max(comparison.channels, 1), tuple(options.source.speakers), name)
        shared = comparison.shared()
        if shared.copies or comparison.channels < 2:
            parts = [ChannelOf(source, None, name=name)]
            whole.warnings = (_same(comparison.channels),) if shared.copies else (ONE_CHANNEL,)
        else:
            whole.speakers = names
            parts = [
                ChannelOf(source, number, leaks, padded=True, name=name) for number, leaks in enumerate(shared.leaks, 1)
            ]
        whole.parts = [replace(request, source=part) for part in parts]


def _opened(source: AudioSource, name: str, options: SourceOptions) -> Blocks:
    reading = ReadingOptions(options.allow_truncated, options.track, options.start_at_zero)
    limits = Limits(max_seconds=options.max_seconds)
    return decode_channels(source, sample_rate=options.sample_rate, limits=limits, reading=reading, name=name)


def _named(form: Form, count: int, given: tuple[str, ...], name: str) -> tuple[str, ...]:
    """Return the names of the channels: those given, or their own. Raises `NoSuchChannel` where counts differ."""
    if given and len(given) != count:
        expected = f"{counted(len(given), 'channel')}, one for each of the speakers {', '.join(given)}"
        raise NoSuchChannel(name, expected, channels_of(form))
    return given or names_of(form)[:count] + tuple(f"channel {each}" for each in range(form.channels + 1, count + 1))


def one_channel(source: AudioSource, options: TranscribeOptions) -> AudioSource:
    """Return the channel of a source that the options ask for by its number, or the source.

    Raises `OptionError` where they ask for each channel by itself.
    """
    channels = options.source.channels
    if channels == "split":
        raise OptionError("channels='split': expected one sound here; channels=1 is the first channel")
    return source if isinstance(channels, str) else ChannelOf(source, channels)


def _same(channels: int) -> str:
    return f"the {channels} channels hold the same sound, which was heard once: nobody is told apart (--channels split)"


def _name_of(source: AudioSource) -> str:
    """Return the name of a file object, whose copy has another one; "" for other sources."""
    return name_of(cast(BinaryIO, source)) if hasattr(source, "read") else ""


def _of_source(part: Progress, whole: _SplitSource, done: float) -> Progress:
    """Return the progress of a source by that of one of its parts."""
    share, count = part.number - whole.first, len(whole.parts)
    seconds = part.seconds if part.length is None else (share * part.length + part.seconds) / count
    return replace(part, number=whole.number, seconds=seconds, done=done)


def _sources_done(parts: float, begun: Sequence[_SplitSource]) -> float:
    """Return how many sources are done where so many parts are, fractions included."""
    for whole in begun:
        if whole.parts and parts < whole.first - 1 + len(whole.parts):
            return whole.number - 1 + max(parts - whole.first + 1, 0.0) / len(whole.parts)
    return float(begun[-1].number)
