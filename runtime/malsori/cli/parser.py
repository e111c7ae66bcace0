"""An argparse parser that fails in one line, with a guess at what was meant; flags made from options."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any, NoReturn

from ..errors import OptionError
from ..kinds import FALSE, TRUE, Choice, Kind, Switch
from ..option import Option, nearest, options_of
from .console import complain

USAGE = 2  # exit code of a wrong command line
MANY = 10  # flags
NUMBERS = {"int": "a whole number", "float": "a number"}  # what argparse calls otherwise
NO = "--no-"  # how a flag begins that switches off what is on by default
NOT_AT_ALL = object()  # a threshold of none, which is not the same as a flag that was not given


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations (a new flag must not change what an old script means), and tells errors in one line.

    `hints` says, by an unknown flag or the last word of an error, what may have been meant; `file_flag` is the flag
    that a file without one may have been meant for.
    """

    def __init__(self, *, hints: Mapping[str, str] | None = None, file_flag: str = "", **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False, "formatter_class": Layout, **settings})
        self._hints = hints or {}
        self._file_flag = file_flag

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does; a command without actions reports unknown arguments itself, naming its own help."""
        if self._subparsers is None:
            self._refuse_dashes(args or ())
        found, unknown = super().parse_known_args(args, namespace)
        if unknown and self._subparsers is None:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._flag_for_file(unknown)}")
        return found, unknown

    def _refuse_dashes(self, args: Sequence[str]) -> None:
        """Refuse `--flag=--`: argparse drops the value and gives an empty list, without calling the flag's type."""
        for flag in takewhile(lambda each: each != "--", args):
            if flag.startswith("--") and flag.endswith("=--"):
                self.error(f"argument {flag.removesuffix('=--')}: expected a value, found '--'")

    def _flag_for_file(self, words: list[str]) -> str:
        file = next((word for word in words if self._file_flag and os.path.exists(word)), None)
        return "" if file is None else f"; did you mean {self.prog} {self._file_flag} {file}?"

    def error(self, message: str) -> NoReturn:
        """Write what is wrong to stderr and exit with 2."""
        message = re.sub(r"invalid (int|float) value: ", lambda found: f"expected {NUMBERS[found[1]]}, found ", message)
        complain(f"{message}{self._guess(message)}; see {self.prog} --help")
        sys.exit(USAGE)

    def _guess(self, message: str) -> str:
        unknown = re.match(r"unrecognized arguments: (--?[\w-]+)", message)
        hint = self._hints.get(unknown[1] if unknown else message.rpartition(" ")[2])
        if unknown and not hint:
            return nearest(unknown[1], self._option_string_actions, quoted=False)
        return f"; {hint}" if hint else ""


class Layout(argparse.RawDescriptionHelpFormatter):
    """Shows description and epilog as written, gives flags a wide column, and lists no flags in the usage of many."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34)

    def add_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None) -> None:
        """Show how the command is typed: of more than `MANY` flags only that there are some, since all follow."""
        flags = [action for action in actions if action.option_strings]
        if usage is None and len(flags) > MANY:
            words = [_typed(action) for action in actions if action.required or action not in flags]
            usage = " ".join(["%(prog)s", "[OPTION ...]", *words])
        super().add_usage(usage, actions, groups, prefix)


def normalise(arguments: Sequence[str], booleans: Collection[str]) -> list[str]:
    """Return `arguments` with hyphens for underscores in flags and a value glued to each boolean flag.

    Everything after `--` is left alone. Example, with `--vad` a boolean: `--output_dir o --vad a.wav` becomes
    `--output-dir o --vad=true a.wav`; argparse alone would take `a.wav` for the value of `--vad`.
    """
    return list(_rewritten(arguments, booleans))


def reader(kind: Kind) -> Callable[[str], Any]:
    """Return an argparse type that reads values of a kind."""

    def read(text: str) -> Any:
        try:
            return kind.read(text)
        except OptionError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


boolean = reader(Switch())  # by which `main` knows the flags that may stand without a value


def add_flags(group: argparse._ActionsContainer, options: type, *names: str, but: Collection[str] = ()) -> None:
    """Add the flags of some options of a class, or of all but a few that a text can give; groups have their own."""
    known = options_of(options)
    all_but = [name for name, kept in known.items() if kept.kind.schema and not kept.group and name not in but]
    for name in names or all_but:
        group.add_argument(*known[name].flags, dest=name, help=_help(known[name]), **_settings(known[name]))


def add_format_flag(group: argparse._ActionsContainer, formats: Sequence[str], help: str, **settings: Any) -> None:
    """Add `--output-format`, `-f`, which is one of some formats; txt may also be called text, as it is elsewhere."""

    def named(text: str) -> str:
        return "txt" if text == "text" else text

    group.add_argument("--output-format", "-f", type=named, choices=formats, help=help, **settings)


def chosen(args: argparse.Namespace, *classes: type) -> dict[str, Any]:
    """Return the values of the options of some classes that flags ask for."""
    values = {name: getattr(args, name, None) for each in classes for name in options_of(each)}
    return {name: None if value is NOT_AT_ALL else value for name, value in values.items() if value is not None}


def _rewritten(arguments: Sequence[str], booleans: Collection[str]) -> Iterator[str]:
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--":
            yield from arguments[position:]
            return
        flag, equals, value = argument.partition("=")
        if flag.startswith("--"):
            flag = flag.replace("_", "-")
        if flag in booleans and not equals:
            following = arguments[position + 1].lower() if position + 1 < len(arguments) else ""
            has_value = following in TRUE | FALSE
            equals, value = "=", following if has_value else "true"
            position += has_value
        yield f"{flag}{equals}{value}"
        position += 1


def _typed(action: argparse.Action) -> str:
    """Return how an argument is typed: FILE, [FILE], FILE [FILE ...], --output FILE."""
    name = str(action.metavar or action.dest)
    value = {"+": f"{name} [{name} ...]", "?": f"[{name}]"}.get(str(action.nargs), name)
    return " ".join([*action.option_strings[:1], value])


def _settings(option: Option) -> dict[str, Any]:
    """Return what argparse is to be told of a flag beside its spellings."""
    if isinstance(option.kind, Switch) and option.flags[0].startswith(NO):
        return {"action": "store_false", "default": None}
    if isinstance(option.kind, Switch):
        return {"type": boolean, "nargs": "?", "const": True, "metavar": option.kind.metavar}
    if isinstance(option.kind, Choice):
        return {"choices": option.kind.words}
    read = reader(option.kind)

    def read_or_none(text: str) -> Any:
        value = read(text)
        return NOT_AT_ALL if value is None and option.default is not None else value

    return {"type": read_or_none, "metavar": option.kind.metavar}


def _help(option: Option) -> str:
    """Return its first sentence, with the default unless it is said there or is what stands for nothing."""
    if isinstance(option.kind, Switch) and option.flags[0].startswith(NO):
        return f"do not {option.help}"
    default = f"{option.default:g}" if isinstance(option.default, float) else str(option.default)
    remarks = [default] if option.default is not False and option.default not in (None, ()) else []
    remarks += ["CTC"] if option.family == "CTC" else []  # flags of Whisper alone stand in groups of their own
    return option.help if not remarks or option.help.endswith(")") else f"{option.help} ({'; '.join(remarks)})"
