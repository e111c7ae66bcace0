"""The entry of `malsori`: finds the command, runs it, and turns its result or error into an exit code.

Each command is a module with `add_parser(subparsers)` and `run(args) -> int`, and imports what it needs only in `run`,
so that help needs neither numpy nor an engine. Only the module of the command asked for is imported.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from ..engines.machine.process import share_heap
from ..errors import MalsoriError, OptionError
from ..option import nearest
from .console import complain, report_command, silence_native_libraries
from .parser import USAGE, Parser, boolean, normalise
from .stopping import ENDING, FIRST, Ended

COMMANDS = {
    "transcribe": "transcribe",
    "batch": "batch",
    "live": "live",
    "align": "align",
    "detect-language": "detect",
    "embed": "embed",
    "compare": "compare",
    "serve": "serve",
    "models": "models",
    "doctor": "doctor",
}
FAILED = 1
INTERRUPTED = FIRST + 2  # 130, by SIGINT
PIPE_CLOSED = FIRST + 13  # 141, by SIGPIPE, which Windows does not have

EPILOG = """\
examples:
  malsori transcribe samples/korean.wav
  malsori transcribe talks/*.mp3 --model nano-whisper --task translate -o subtitles -f srt
  malsori live --partials nano-ctc-ko --finals nano-whisper
  malsori serve --model base

exit codes: 0 all well; 1 some inputs failed (the rest is written), or the model is not here or cannot be used; 2 wrong
usage or an option that the model does not have; 129, 130, 143 hung up, interrupted, terminated; 141 the reader of our
output went away
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; never raises, never shows a traceback without `--debug`."""
    if argv is not None:  # a call from another program: its signal handlers and stderr stay as they are
        return _exit_code(list(argv))
    try:
        ENDING.arm()
        if "--debug" not in sys.argv:
            silence_native_libraries()
        share_heap()
        code = _exit_code(sys.argv[1:])
        ENDING.finish()
    except Ended as ended:  # a signal outside of `_run`; there is one at most, as the next one ends the process at once
        code = ended.code
    return _end_process(code)


def _exit_code(arguments: list[str]) -> int:
    try:
        return _run(arguments)
    except SystemExit as leave:  # argparse, after help, the version or a wrong flag
        return leave.code if isinstance(leave.code, int) else FAILED
    except Ended as ended:
        complain(str(ended))
        return ended.code
    except KeyboardInterrupt as interrupt:  # its text, if any, says what became of the work
        complain(f"interrupted; {interrupt}" if str(interrupt) else "interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return PIPE_CLOSED
    except Exception as error:
        return _failure(error, debug="--debug" in arguments)


def _end_process(code: int) -> NoReturn:
    """End the process at once.

    A normal end takes 60 ms to free a model whose memory the system frees at once. And while a daemon thread is still
    in an engine, or closes a device, it would end that thread within the engine, which then crashes (seen: SIGABRT,
    SIGSEGV). All other threads have ended by now.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _run(arguments: list[str]) -> int:
    parser, subparsers = parsers(_needed_modules(arguments))
    _refuse_unknown_command(arguments, parser)
    args = parser.parse_args(normalise(arguments, _boolean_flags(subparsers)))
    if args.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    code: int = import_module(f".{COMMANDS[args.command]}", __package__).run(args)
    return code


def _needed_modules(arguments: list[str]) -> list[str]:
    """Return the modules whose flags the parser needs: that of the command asked for, else all."""
    return [COMMANDS[arguments[0]]] if arguments and arguments[0] in COMMANDS else list(COMMANDS.values())


def parsers(modules: Iterable[str]) -> tuple[Parser, argparse._SubParsersAction[Parser]]:
    """Return the parser of `malsori` with the commands of these modules, and the action whose `choices` are theirs."""
    parser = Parser(prog="malsori", description="Speech to text, without a training framework.", epilog=EPILOG)
    parser.add_argument("--version", action=Version, help="print the version and leave")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for module in modules:
        import_module(f".{module}", __package__).add_parser(subparsers)
    for command in subparsers.choices.values():
        command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser, subparsers


class Version(argparse.Action):
    """`--version`, looked up only when asked for: reading the metadata takes as long as the rest of the start."""

    def __init__(self, option_strings: Sequence[str], dest: str, **settings: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **settings)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from .. import __version__

        print(f"malsori {__version__}")
        parser.exit()


def _boolean_flags(subparsers: argparse._SubParsersAction[Parser]) -> set[str]:
    actions = (action for command in subparsers.choices.values() for action in command._actions)
    return {flag for action in actions if action.type is boolean for flag in action.option_strings}


def _refuse_unknown_command(arguments: list[str], parser: Parser) -> None:
    if not arguments or arguments[0].startswith("-") or arguments[0] in COMMANDS:
        return
    word = arguments[0]
    hint = nearest(word, COMMANDS, quoted=False)
    if not hint and Path(word).exists():
        hint = f"; did you mean malsori transcribe {word}?"
    parser.error(f"no command {word!r}; there are {', '.join(COMMANDS)}{hint}")


def _failure(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, MalsoriError):
        report_command(error)
        return USAGE if isinstance(error, OptionError) else FAILED
    complain(f"internal error, {type(error).__name__}: {error}" + ("" if debug else "; --debug shows where"))
    return FAILED
