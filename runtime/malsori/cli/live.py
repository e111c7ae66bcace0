"""`malsori live`: a microphone, a pipe or a file played as one, to words while they are spoken."""

from __future__ import annotations

import argparse
import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from .console import complain, emit
from .live_flags import add_live_flags, add_sound_flags, check_flags, live_options, stream_options
from .live_output import Outputs
from .model_flags import add_model_flags, check_loading_flags, load_model
from .parser import Parser
from .progress import Reporter
from .stopping import FIRST, Stopping
from .tables import table
from .transcribe_flags import add_whisper_flags, add_word_flags

if TYPE_CHECKING:
    from ..audio.live import LiveSource
    from ..pipeline import TranscribeOptions, Transcriber
    from ..pipeline.live.stream import Stream

EPILOG = """\
On a terminal: finals scroll, each with its time; below them what is being said, dimmed where it may still change, a
level meter, and how much speech waits for its final. Elsewhere, or with -f json, one JSON object a line: speech_start,
partial, speech_end, final, warning. With -f txt the finals alone. Ctrl-C ends it with the final of what was said; once
more ends it at once. So does a terminal that goes away (exit code 129).

--output FILE gets each final as soon as it is there, whatever happens then: .jsonl the events, appended; .txt, .srt,
.vtt and .tsv the transcript; .json too, at most once a second. A transcript of that name is kept under another one.

examples:
  malsori live --partials nano-ctc-ko --finals nano-whisper
  malsori live --simulate samples/korean.wav
  malsori live --simulate samples/numbers.wav --speed max --no-partials -f txt
  arecord -q -t raw -f S16_LE -r 16000 | malsori live --stdin -o meeting.srt
"""


def open_source(args: argparse.Namespace) -> LiveSource:
    """Open the source that the flags name.

    Raises:
        AudioError: the microphone or the file cannot be opened.
        OptionError: standard input is closed, or a terminal, or is to be simulated.
    """
    from ..audio.live import Simulated, open_microphone
    from ..errors import OptionError

    if args.simulate in ("-", "/dev/stdin"):
        raise OptionError("--simulate: expected a file, found standard input; that is --stdin, which takes raw PCM")
    if args.simulate is not None:
        return Simulated(args.simulate, args.speed or 1.0)
    if args.stdin:
        return _pipe(args)
    return open_microphone(args.input, tell=None if args.quiet else complain)


def _pipe(args: argparse.Namespace) -> LiveSource:
    from ..audio.live import PcmPipe
    from ..errors import OptionError

    if sys.stdin is None or sys.stdin.isatty():
        found = "closed" if sys.stdin is None else "a terminal"
        raise OptionError(f"--stdin: expected raw PCM, found that standard input is {found}; try arecord ... | malsori")
    form = {"rate": args.rate, "channels": args.pcm_channels, "encoding": args.encoding}
    set_flags = {name: value for name, value in form.items() if value is not None}
    return PcmPipe(sys.stdin.fileno(), name="standard input", **set_flags)


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser(
        "live",
        help="words while they are spoken",
        description="Words while they are spoken, from a microphone, a pipe, or a file played as if it were one.",
        epilog=EPILOG,
        file_flag="--simulate",
    )
    add_sound_flags(parser)
    add_model_flags(parser)
    add_live_flags(parser)
    add_word_flags(parser)
    add_whisper_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Listen until the sound ends or somebody stops it; return 0, or 1 when an utterance failed or no sound came."""
    from ..types import SAMPLE_RATE

    check_flags(args)
    if args.list_devices:
        return _list_devices()
    options = stream_options(args)
    live_options(args, SAMPLE_RATE)  # raises for a wrong value before the source, which has the rate, is opened
    check_loading_flags(args)
    with ExitStack() as opened:
        outputs = Outputs.of(args)
        opened.callback(outputs.end)
        # Before the models, which take seconds to load: sound is kept meanwhile, and a wrong name fails at once.
        source = opened.enter_context(closing(open_source(args)))
        stream = opened.enter_context(_stream(args, options, source.rate))
        return _listen(args, source, stream, outputs)


def _listen(args: argparse.Namespace, source: Any, stream: Stream, outputs: Outputs) -> int:
    from ..events import StreamWarning
    from ..pipeline.live.listen import listen

    failed = False
    with Stopping() as stopping:

        def stopped() -> bool:
            outputs.hung_up = stopping.hung_up
            outputs.tick(stream)
            return stopping.asked or (args.duration is not None and stream.seconds >= args.duration)

        outputs.begin(source.name)
        for event in listen(source, stream, stopped=stopped):
            failed |= isinstance(event, StreamWarning) and event.code == "engine_error"
            outputs.hung_up = stopping.hung_up
            outputs.take(event)
        if not stream.seconds and not stopping.asked:
            complain(f"{source.name}: no sound came")
            failed = True
        if stopping.hung_up:
            return FIRST + signal.SIGHUP
    return 1 if failed else 0


@contextmanager
def _stream(args: argparse.Namespace, options: TranscribeOptions, rate: int) -> Iterator[Stream]:
    """Load the models and open a stream over them.

    Where sound comes as fast as it is read `push` itself computes, without a scheduler, which would drop partials that
    come too late.
    """
    from ..engines.machine.cpus import cpu_threads
    from ..pipeline.sharing.scheduler import Scheduler

    with Reporter(quiet=args.quiet) as reporter:
        finals = load_model(args, reporter, args.finals, options=options, cores=cpu_threads())
        partials = _partials(args, finals, reporter)
    live = live_options(args, rate)
    if args.speed == float("inf") or (args.stdin and _is_file(sys.stdin.fileno())):
        yield finals.stream(options, partials=partials, live=live)
        return
    scheduler = Scheduler()
    try:
        yield finals.stream(options, partials=partials, live=live, scheduler=scheduler)
    except BaseException:  # an interrupt, too: work still queued is not waited for
        scheduler.close(0.0)
        raise
    scheduler.close()


def _is_file(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def _partials(args: argparse.Namespace, finals: Transcriber, reporter: Reporter) -> Transcriber | bool:
    if args.no_partials or args.partials in (None, args.finals or args.model):
        return not args.no_partials
    return load_model(args, reporter, args.partials)


def _list_devices() -> int:
    from ..audio.live import list_microphones

    devices = list_microphones()
    if not devices:
        complain("there is no microphone here; is it plugged in, and may this user use it?")
        return 1
    rows = [
        (
            "*" if device.default else "",
            str(device.number),
            device.name,
            f"{device.channels} x {device.rate} Hz" if device.rate else device.note,
        )
        for device in devices
    ]
    emit(table(rows, whole=True))
    return 0
