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
class _Plan:
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
        self._plans: deque[_Plan] = deque()
        self._told, self._whole = progress, teller if split else None
        self.progress = None if progress is None else self._tell
        self.teller = None if split else teller

    def parts(self, sources: Sources) -> Iterator[SourceRequest]:
        """Yield the channels of each source, or the source itself where nothing is to be split."""
        first = 1
        for number, source in enumerate(sources, 1):
            plan = self._plan(request_of(source), number, first)
            self._plans.append(plan)
            first += len(plan.parts)
            yield from plan.parts

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
                    self._plans[0].results.append(result)
                    yield from self._finished(raising)
            yield from self._finished(raising)
        finally:
            for plan in self._plans:
                plan.copy.close()

    def _finished(self, raising: bool) -> Iterator[Transcript | MalsoriError]:
        while self._plans and self._plans[0].done:
            result = self._plans.popleft().result()
            if raising and isinstance(result, MalsoriError):
                raise result
            if self._whole is not None and isinstance(result, Transcript):
                self._whole.tell(result.segments)
            yield result

    def _tell(self, part: Progress) -> None:
        """Tell the progress of a part as that of its source."""
        assert self._told is not None
        plans = tuple(self._plans)
        plan = next((each for each in plans if part.number < each.first + len(each.parts)), None)
        if plan is not None:
            self._told(_of_source(part, plan, _sources_done(part.done, plans)))

    def _plan(self, request: SourceRequest, number: int, first: int) -> _Plan:
        """Return the parts of a source, or its error. Only what concerns the whole run is raised."""
        plan = _Plan(number, first)
        try:
            options = wanted(self._options, request.options)
        except (OptionError, TypeError):  # whose place is where all options of the recording are looked at
            plan.parts = [request]
            return plan
        try:
            if options.source.channels == "split":
                self._compare(request, options, plan)
            else:
                plan.parts = [replace(request, source=one_channel(request.source, options))]
        except MalsoriError as error:
            if concerns_run(error, asked=bool(request.options)):
                raise
            plan.error = error
        return plan

    def _compare(self, request: SourceRequest, options: TranscribeOptions, plan: _Plan) -> None:
        """Set the parts of a source by what its channels have in common."""
        source, name = request.source, _name_of(request.source)
        if hasattr(source, "read"):  # each channel is read from the beginning, by whichever thread
            source = copied(cast(BinaryIO, source), name, plan.copy)
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
            plan.warnings = (_same(comparison.channels),) if shared.copies else (ONE_CHANNEL,)
        else:
            plan.speakers = names
            parts = [
                ChannelOf(source, number, leaks, padded=True, name=name) for number, leaks in enumerate(shared.leaks, 1)
            ]
        plan.parts = [replace(request, source=part) for part in parts]


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


def _of_source(part: Progress, plan: _Plan, done: float) -> Progress:
    """Return the progress of a source by that of one of its parts."""
    share, count = part.number - plan.first, len(plan.parts)
    seconds = part.seconds if part.length is None else (share * part.length + part.seconds) / count
    return replace(part, number=plan.number, seconds=seconds, done=done)


def _sources_done(parts: float, plans: Sequence[_Plan]) -> float:
    """Return how many sources are done where so many parts are, fractions included."""
    for plan in plans:
        if plan.parts and parts < plan.first - 1 + len(plan.parts):
            return plan.number - 1 + max(parts - plan.first + 1, 0.0) / len(plan.parts)
    return float(plans[-1].number)
