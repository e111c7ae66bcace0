"""`malsori models recommend`: which published model suits the memory and the device at hand, and why."""

from __future__ import annotations

import argparse
import re
import shlex
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .console import complain, emit, emit_json
from .parser import Parser
from .tables import columns, fits, table
from .transcribe_flags import language

if TYPE_CHECKING:
    from ..bundles import Found
    from ..bundles.choice import Recommendation

MB = 1_000_000
UNITS = {None: MB, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
MOST_MEMORY = 1e14  # bytes, more than any machine has; a plain number above it was meant in bytes
WIDEST = 100  # characters of a line, also in a pipe
NARROW_LEFT_OUT = ("parameters", "bundle")
INDENT = "     "  # to below a model's name, and a little on
EPILOG = """\
The most accurate model that fits and keeps up with speech comes first; --any-speed goes by accuracy alone. Memory is
that of the process at its peak, one window of Whisper at a time (--batch-size 1; several take 0.1 to 0.2 GB more with
base), or of the GPU: what is free here, in a container what is left of its limit. cores: how many it keeps busy while
it listens, in int8 on a processor with AVX2. speed/large-v3: how many times as fast as that one, as published. bundle:
what it takes on the disk; "here" is what is on this machine already. A plain number after --memory is in MB.

examples:
  malsori models recommend
  malsori models recommend --memory 2G --device cpu --language ko --realtime
"""
LEGEND = (
    "What is marked ✗ does not serve as it was asked, for the reason below it. memory: at the peak. "
    "cores: kept busy while it listens. speed/large-v3: how many times as fast as that one, as published."
)
BOUNDED = "<= upper bound: what PyTorch takes (openai/whisper's README)\n"


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser(
        "recommend", help="which published model suits this machine", description=__doc__, epilog=EPILOG
    )
    parser.add_argument(
        "--memory", type=size, metavar="SIZE", help="2G, 512M, 1.5GiB, 2000 (MB), ... (what is free here)"
    )
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where it runs (%(default)s)")
    parser.add_argument(
        "--language",
        "-l",
        type=language,
        metavar="LANGUAGE",
        help="ko, korean, ...: those that know it, also if nothing else",
    )
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument("--realtime", action="store_true", help="only what keeps up with speech on this CPU")
    speed.add_argument("--any-speed", action="store_true", help="by accuracy alone, also what is slower than speech")


def run(args: argparse.Namespace) -> int:
    """Print the models, best first; return 0, or 1 when none serves."""
    from ..bundles.choice import choose
    from ..bundles.present import find_published
    from ..engines.machine.cpus import cpu_threads
    from ..engines.machine.devices import choose_device

    device, memory = _machine(args.device, args.memory)
    threads = cpu_threads()
    speed = {"realtime": args.realtime, "any_speed": args.any_speed}
    elsewhere = args.device != "auto" and device != choose_device("auto")
    choices = choose(memory, device, args.language, threads=threads, elsewhere=elsewhere, **speed)
    offers = [Offer(choice, find_published(choice.model.name)) for choice in choices]
    serving = [offer for offer in offers if not offer.choice.against]
    if args.json:
        free = None if memory is None else memory // MB
        facts = {"device": device, "memory_mb": free, "threads": threads, "language": args.language}
        emit_json({**facts, **speed, "models": [_summary(offer) for offer in offers]})
    else:
        here = "any amount of memory" if memory is None else f"{memory // MB} MB"
        emit(f"{here} on {device}, {threads} thread{'s' if threads > 1 else ''}\n\n")
        emit(_listing(offers))
        emit("\n" + textwrap.fill(LEGEND, _wide()) + "\n")
        emit(BOUNDED if any(choice.upper_bound for choice in choices) else "")
        emit(_last(serving[0]) if serving else "")
    if not serving:
        complain("none of the models serves; what is against each is told with it")
    return 0 if serving else 1


def size(text: str) -> int:
    """Read an amount of memory in bytes, as an argparse type."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:([KMGT]I?)B?)?", text.upper(), re.ASCII)
    amount = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not 1 <= amount < MOST_MEMORY:
        raise argparse.ArgumentTypeError(f"expected a size such as 2G, 512M, 1.5GiB or 2000 (MB), found {text!r}")
    return int(amount)


def _machine(device: str, memory: int | None) -> tuple[str, int | None]:
    """Return the device to plan for and its memory; with an amount given by hand it may be another machine's."""
    from ..engines.machine.devices import choose_device
    from ..engines.machine.memory import free_gpu_memory, free_memory

    if device == "auto" or (device == "cuda" and memory is None):
        device = choose_device(device)
    if memory is not None:
        return device, memory
    # A GPU that does not tell shares the machine's memory, as Jetson's do.
    return device, (free_gpu_memory() if device == "cuda" else None) or free_memory()


@dataclass(frozen=True, slots=True)
class Offer:
    """A model of the catalogue, and where it is found on this machine, if anywhere."""

    choice: Recommendation
    found: Found | None

    @property
    def use(self) -> str:
        """The line that transcribes with a model that is here, "" for one that is not."""
        if self.found is None:
            return ""
        from ..bundles.present import shortest_name

        return f"malsori transcribe FILE --model {shlex.quote(shortest_name(self.choice.model.name, self.found))}"


def _row(offer: Offer) -> dict[str, str]:
    choice, model = offer.choice, offer.choice.model
    listed = model.languages[0] if len(model.languages) == 1 else f"{len(model.languages)}"
    return {
        "": "✗" if choice.against else "✓",
        "model": model.name,
        "parameters": f"{model.parameters} M",
        "bundle": _mb(choice.bundle),
        "memory": ("<= " if choice.upper_bound else "") + _mb(choice.memory),
        "cores": f"{model.cores:g}" if choice.device == "cpu" else "-",
        "speed/large-v3": f"{model.relative_speed:g}x" if model.relative_speed else "-",
        "languages": listed,
        "here": "here" if offer.found else "",
    }


def _listing(offers: Sequence[Offer]) -> str:
    """Return a line for each model, with fewer columns where the terminal is narrow, and remarks below it."""
    rows = [_row(offer) for offer in offers]
    cells = [tuple(rows[0]), *(tuple(row.values()) for row in rows)]
    if not fits(cells):
        names = [name for name in rows[0] if name not in NARROW_LEFT_OUT]
        cells = [tuple(names), *(tuple(row[name] for name in names) for row in rows)]
    head, *models = table(cells, color=_color, whole=True).splitlines()
    return "".join(f"{line}\n" for line in (head, *map(_with_remarks, models, offers)))


def _with_remarks(line: str, offer: Offer) -> str:
    """Return the line of a model with its remarks below, indented."""
    choice = offer.choice
    lacks = choice.model.lacks and f"not trained for {choice.model.lacks}"
    remarks = choice.against or "; ".join(filter(None, (offer.use or choice.command, choice.remark, lacks)))
    return "\n".join([line, *textwrap.wrap(remarks, _wide(), initial_indent=INDENT, subsequent_indent=INDENT)])


def _wide() -> int:
    return max(min(columns(), WIDEST), 40)


def _last(offer: Offer) -> str:
    if line := offer.use:
        return f"\nthe first is here: {line}\n"
    return f"\nto get the first: {offer.choice.command}\n"


def _color(row: tuple[str, ...]) -> str:
    return "dim" if row[0] == "✗" else ""


def _mb(value: int | None) -> str:
    return "-" if value is None else f"{value} MB"


def _summary(offer: Offer) -> dict[str, Any]:
    """Return the JSON form of a model on the device; memory and disk in 10^6 bytes."""
    choice, model = offer.choice, offer.choice.model
    return {
        "name": model.name,
        "kind": model.kind,
        "parameters": model.parameters * 1_000_000,
        "quantization": choice.quantization,
        "bundle_mb": choice.bundle,
        "memory_mb": choice.memory,
        "memory_is_upper_bound": choice.upper_bound,
        "relative_speed": model.relative_speed,
        "cores": model.cores,
        "languages": list(model.languages),
        "lacks": model.lacks,
        "serves": not choice.against,
        "against": choice.against,
        "remark": choice.remark,
        "command": choice.command,
        "here": offer.found is not None,
    }
