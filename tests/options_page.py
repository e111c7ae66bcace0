"""The tables of docs/options.md, made of the descriptions of the options and the flags that there are. No tests here.

python -m tests.options_page            # rewrites the part of the page between <!-- options --> and <!-- end -->
"""

from __future__ import annotations

import re

from malsori.batch.batch_options import BatchOptions
from malsori.cli.main import parsers
from malsori.engines.options import DecodeOptions
from malsori.option import Option, options_of
from malsori.output.cues import CueOptions
from malsori.pipeline.live.options import LiveOptions
from malsori.service.serve_options import ServeOptions, ServiceLimits
from malsori.sound_options import GateOptions, SourceOptions, SpeechOptions
from tests.marked import MarkedPage

PAGE = MarkedPage("options.md", "options")
GROUPS = {
    "How a recording is read": SourceOptions,
    "Where speech is": SpeechOptions,
    "The gate": GateOptions,
    "How speech becomes words": DecodeOptions,
    "Streams": LiveOptions,
    "Subtitles": CueOptions,
    "Archives": BatchOptions,
    "The service": ServeOptions,
    "Limits of the service": ServiceLimits,
}
COMMANDS = ("transcribe", "batch", "live", "serve")


def flags() -> set[str]:
    """Return every spelling of a flag that the help of the commands names."""
    helps = "".join(parsers([name])[1].choices[name].format_help() for name in COMMANDS)
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", helps))


def row(name: str, option: Option, known: set[str]) -> str:
    """Return the row of an option."""
    spelled = ", ".join(f"`{flag}`" for flag in option.flags if flag in known)
    default = ", ".join(map(str, option.default)) if isinstance(option.default, tuple) else option.default
    shown = "" if type(default).__module__ != "builtins" else f"`{default}`" if default != "" else ""
    cells = (f"`{name}`", spelled, option.kind.expected, shown, option.family, option.text)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def tables() -> str:
    """Return the tables of all options."""
    known, lines = flags(), []
    for title, options in GROUPS.items():
        lines += ["", f"## {title}", "", "| option | flag | value | default | models | what |", "|---" * 6 + "|"]
        apart = options is ServeOptions  # whose limits have a table of their own
        found = options_of(options).items()
        lines += [row(name, option, known) for name, option in found if not (apart and option.group)]
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    PAGE.rewrite(tables())
