"""`Transcriber`: the public methods from recordings and streams to words. The steps are in the folders beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from ..audio import AudioSource
from ..engines.base import Engine
from ..errors import MalsoriError, OptionError
from ..types import Segment, Transcript
from ..vad import Detector, SileroDetector
from .alignment.placing import placer_of
from .capacity import LIMIT_S, MOST_STALE
from .embedding import embedded, layer_of
from .files.gathering import transcripts
from .files.pool import Pool
from .files.reading import RecordingReader
from .files.recording import Progress
from .files.run import OnError, Sources, check_run, readings_of
from .files.source_request import ResolvedOptions
from .files.splitting import Splitter, one_channel
from .files.telling import SegmentTeller
from .options import LOADING, Loading, TranscribeOptions, wanted

if TYPE_CHECKING:
    from .capacity.admission import Admission
    from .live.options import LiveOptions
    from .live.stream import Stream
    from .sharing.scheduler import Scheduler
    from .sharing.scheduling import Scheduling


class Transcriber:
    """One loaded model. May be shared by threads: it keeps no state of a run.

    `detector` makes the voice detector of one recording, by default Silero's. `loading` says how a model that an option
    names is loaded; `warnings` of the model itself are in each of its transcripts.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        detector: Callable[[], Detector] = SileroDetector,
        loading: Loading = LOADING,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.engine = engine
        self.warnings = warnings
        self.detector = detector
        self.loading = loading

    def transcribe(
        self,
        source: AudioSource,
        options: TranscribeOptions | None = None,
        *,
        on_segments: Callable[[Sequence[Segment]], None] | None = None,
        **overrides: Any,
    ) -> Transcript:
        """Return the transcript of one recording: a path, bytes, a binary file, or an array of samples.

        Options are the fields of `TranscribeOptions`, given as keywords (`language="ko"`), as a whole, or both.
        Without speech there is no engine call and no text.

        `on_segments` gets the transcript's segments in order, some at a time, while the rest is still being heard; two
        minutes of speech are then heard at a time. With `channels="split"` it gets them all when the last was heard.

        Raises:
            AudioError: the recording cannot be read (`AudioNotFound`, `UnsupportedFormat`, `CorruptAudio`, ...).
            OptionError: an option that the model does not have.
            ModelError, DeviceUnavailable: as `load`, for the bundle that `align_with` names.
            EngineError: the engine failed.
            Cancelled: `cancelled` said so.
        """
        chosen = wanted(options, overrides)
        teller = SegmentTeller(on_segments, words=chosen.decoding.word_timestamps) if on_segments else None
        result = next(self._transcripts([source], chosen, None, teller, raising=True))
        assert isinstance(result, Transcript)  # else it was raised
        return result

    def check(self, options: TranscribeOptions | None = None, **overrides: Any) -> tuple[str, ...]:
        """Raise `OptionError` for what the model does not have; return a line for each part that it will leave out.

        Each transcript of the run has these lines among its warnings. Options as in `transcribe`.
        """
        chosen = wanted(options, overrides)
        chosen.check(self.engine.manifest)
        return (*self.warnings, *self.engine.check(chosen.decoding))

    @overload
    def transcribe_many(
        self,
        sources: Sources,
        options: TranscribeOptions | None = ...,
        *,
        on_error: Literal["raise"] = ...,
        progress: Callable[[Progress], None] | None = ...,
        ahead: int = ...,
        **overrides: Any,
    ) -> Iterator[Transcript]: ...

    @overload
    def transcribe_many(
        self,
        sources: Sources,
        options: TranscribeOptions | None = ...,
        *,
        on_error: Literal["return"],
        progress: Callable[[Progress], None] | None = ...,
        ahead: int = ...,
        **overrides: Any,
    ) -> Iterator[Transcript | MalsoriError]: ...

    def transcribe_many(
        self,
        sources: Sources,
        options: TranscribeOptions | None = None,
        *,
        on_error: OnError = "raise",
        progress: Callable[[Progress], None] | None = None,
        ahead: int = 0,
        **overrides: Any,
    ) -> Iterator[Transcript | MalsoriError]:
        """Yield one result per source, in the order given. Options as in `transcribe`.

        A source may be a `SourceRequest` with options of its own. Speech of neighbouring short recordings (4 minutes at
        most) shares engine calls, a few minutes of it at a time. Memory grows neither with their number nor with their
        length (but for Whisper without the gate, which gets each recording whole unless the gate has a `max_speech_s`).
        A bad recording costs only itself: its error, or that of its own options, comes in its place, raised (which ends
        the run) or, with `on_error="return"`, as a value. Wrong options of the run are raised at once.

        With `ahead`, as many threads open, decode and gate recordings while the engine works; words and order stay.
        They run the iterable, one at a time, take up to 64 sources before they are needed, hold 8 minutes of speech at
        most (one clip more where it is longer), and end with the run, or with `close()`.
        """
        chosen = wanted(options, overrides)
        check_run(sources, on_error, ahead)
        return self._transcripts(sources, chosen, progress, raising=on_error == "raise", ahead=ahead)

    def _transcripts(
        self,
        sources: Sources,
        chosen: TranscribeOptions,
        progress: Callable[[Progress], None] | None,
        teller: SegmentTeller | None = None,
        *,
        raising: bool,
        ahead: int = 0,
    ) -> Iterator[Transcript | MalsoriError]:
        resolved = ResolvedOptions(chosen, self.check, self.check(chosen))
        placer = None if chosen.align_with is None else placer_of(chosen.align_with, self.loading)
        splitter = Splitter(chosen, progress, teller)
        pool = Pool(self.engine, splitter.progress, placer, splitter.teller)
        readings = readings_of(splitter.parts(sources), RecordingReader(self.engine, self.detector, resolved), ahead)
        return splitter.merged(transcripts(readings, pool, self.engine), raising=raising)

    def detect_language(
        self, source: AudioSource, options: TranscribeOptions | None = None, **overrides: Any
    ) -> dict[str, float]:
        """Return language codes with probabilities, the likeliest first, from the first 30 s of speech.

        With `language_detection_segments=N` from up to N times as much, until one window is sure. Empty without speech.
        Raises as `transcribe` does, and `OptionError` when the model cannot tell languages apart.
        """
        chosen = wanted(options, overrides)
        chosen.check(self.engine.manifest)
        reader = RecordingReader(self.engine, self.detector, ResolvedOptions(chosen, self.check))
        return reader.languages(one_channel(source, chosen))

    def stream(
        self,
        options: TranscribeOptions | None = None,
        *,
        partials: Transcriber | bool = True,
        live: LiveOptions | None = None,
        scheduler: Scheduling | None = None,
        **overrides: Any,
    ) -> Stream:
        """Return a stream, which takes sound in blocks and gives partials and finals while somebody speaks.

        Finals are this model's; partials are too, or those of another model, or there are none (False).
        Options as in `transcribe`; those of `LiveOptions` and `SessionOptions` are keywords as well (`sample_rate`,
        `step_s`). Streams that share models share a `scheduler`. Raises `OptionError` as `transcribe` does, and for an
        option that a stream does not have.
        """
        from .live.options import live_overridden
        from .live.stream import Stream

        if not isinstance(partials, (bool, Transcriber)):
            raise OptionError(f"partials: expected True, False, or a model from malsori.load(...), found {partials!r}")
        chosen, rest = live_overridden(live, overrides, partials=partials is not False)
        other = None if isinstance(partials, bool) else partials.engine
        asked = wanted(options, rest)
        return Stream(self.engine, self.detector, asked, chosen, scheduler, partials=other, warnings=self.warnings)

    def shared(self, scheduler: Scheduler) -> Transcriber:
        """Return the same model for files beside streams: its calls wait behind those of the `scheduler`'s streams."""
        engine = scheduler.engine(self.engine)
        return Transcriber(engine, detector=self.detector, loading=self.loading, warnings=self.warnings)

    def admission(
        self,
        speech: AudioSource,
        options: TranscribeOptions | None = None,
        *,
        partials: bool = True,
        limit_s: float = LIMIT_S,
        most_stale: float = MOST_STALE,
        **overrides: Any,
    ) -> Admission:
        """Return how many streams this machine bears, so that 95 % of the finals come within `limit_s` of their speech.

        `most_stale` is the share of partials that may be dropped, `speech` a recording of somebody talking, from which
        the costs are measured: some seconds, in which nobody else may use the model. More than 256 streams are not
        looked for. Options as in `transcribe`; raises `OptionError` for those that a stream does not have.
        """
        from .capacity.admission import admission_of

        chosen = wanted(options, overrides)
        self.check(chosen)
        return admission_of(
            self.engine, self.detector, speech, chosen, partials=partials, limit_s=limit_s, most_stale=most_stale
        )

    def embed(
        self,
        source: AudioSource,
        *,
        layer: int = -1,
        layers: Literal["all"] | None = None,
        pooled: bool = False,
        sample_rate: float | None = None,
    ) -> NDArray[np.float32]:
        """Return hidden states of the encoder for the whole recording, float32, shape `(frames, hidden_size)`.

        `layer` 0 is what goes into the first layer and N what comes out of the last of N, as Hugging Face counts;
        negative numbers count from the end. `layers="all"` gives `(layers, frames, hidden_size)`, N + 1 of them.
        `pooled` is the mean over the frames, `(hidden_size,)` or `(layers, hidden_size)`. Frames are `frame_stride`
        samples apart; that and `hidden_size` stand in the manifest. Whisper models and bundles of a single graph give
        their last layer only.

        Raises `AudioError` for a recording that cannot be read (`EmptyAudio` where it is too short for a frame to
        pool), `OptionError` for a layer that the bundle does not give, `EngineError` when the engine fails.
        """
        return embedded(self.engine, source, layer_of(layer, layers), pooled=pooled, sample_rate=sample_rate)
