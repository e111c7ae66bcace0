"""malsori turns speech into text without a training framework. This file holds the public names, nothing else.

    import malsori

    transcriber = malsori.load("nano-ctc-ko")
    print(transcriber.transcribe("samples/korean.wav").text)

A name is imported on its first use, so `import malsori` itself loads neither numpy nor an engine (PEP 562). The finer
errors are in `malsori.errors`.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# From 1.32 on, importing ONNX Runtime queues usage events in the user's cache. malsori switches that off, unless the
# user has set the variable.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from . import errors
    from .aligned import AlignedCharacter, AlignedWord, Alignment
    from .audio import decode
    from .bundles import list_bundles, open_bundle
    from .engines.whisper.options import WhisperOptions
    from .errors import AudioError, EngineError, MalsoriError, ModelError, OptionError, OutputError
    from .events import Event, Final, Partial, SpeechEnded, SpeechStarted, StreamWarning
    from .joining import written
    from .output import CueOptions, render, write
    from .pipeline import Progress, SourceRequest, TranscribeOptions, Transcriber, align, load, retime
    from .pipeline.alignment.retime import Retimed
    from .pipeline.live import LiveOptions, Stream, listen
    from .pipeline.sharing.scheduler import Scheduler
    from .subtitles import Subtitle, render_subtitle
    from .types import (
        SAMPLE_RATE,
        Audio,
        Coverage,
        LeftOut,
        Segment,
        Span,
        Transcript,
        Word,
    )
    from .vad import GateOptions, endpointing

    __version__: str

_HOMES = {
    "aligned": ("AlignedCharacter", "AlignedWord", "Alignment"),
    "audio": ("decode",),
    "bundles": ("list_bundles", "open_bundle"),
    "engines.whisper.options": ("WhisperOptions",),
    "errors": ("AudioError", "EngineError", "MalsoriError", "ModelError", "OptionError", "OutputError"),
    "events": ("Event", "Final", "Partial", "SpeechEnded", "SpeechStarted", "StreamWarning"),
    "joining": ("written",),
    "output": ("CueOptions", "render", "write"),
    "pipeline": ("Progress", "SourceRequest", "TranscribeOptions", "Transcriber", "align", "load", "retime"),
    "pipeline.alignment.retime": ("Retimed",),
    "pipeline.live": ("LiveOptions", "Stream", "listen"),
    "pipeline.sharing.scheduler": ("Scheduler",),
    "subtitles": ("Subtitle", "render_subtitle"),
    "types": (
        "SAMPLE_RATE",
        "Audio",
        "Coverage",
        "LeftOut",
        "Segment",
        "Span",
        "Transcript",
        "Word",
    ),
    "vad": ("GateOptions", "endpointing"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "SAMPLE_RATE",
    "AlignedCharacter",
    "AlignedWord",
    "Alignment",
    "Audio",
    "AudioError",
    "Coverage",
    "CueOptions",
    "EngineError",
    "Event",
    "Final",
    "GateOptions",
    "LeftOut",
    "LiveOptions",
    "MalsoriError",
    "ModelError",
    "OptionError",
    "OutputError",
    "Partial",
    "Progress",
    "Retimed",
    "Scheduler",
    "Segment",
    "SourceRequest",
    "Span",
    "SpeechEnded",
    "SpeechStarted",
    "Stream",
    "StreamWarning",
    "Subtitle",
    "TranscribeOptions",
    "Transcriber",
    "Transcript",
    "WhisperOptions",
    "Word",
    "__version__",
    "align",
    "decode",
    "endpointing",
    "errors",
    "list_bundles",
    "listen",
    "load",
    "open_bundle",
    "render",
    "render_subtitle",
    "retime",
    "write",
    "written",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("malsori")
    elif name == "errors":
        return import_module(".errors", __name__)
    elif name == "Audio":
        import numpy.typing

        value = numpy.typing.NDArray[numpy.float32]
    elif name in _HOME_OF:
        value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
