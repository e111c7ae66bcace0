"""`malsori models recommend`: which published model suits the memory and the device at hand, and why."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .console import complain, emit
from .parser import Parser
from .tables import table

if TYPE_CHECKING:
    from ..bundles.choice import Choice

UNITS = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
MB = 1_000_000
SCRIPTS = {"whisper": "export/whisper.py", "wav2vec2-ctc": "export/wav2vec2.py"}
EPILOG = """\
The most accurate model that fits comes first. Memory is that of the process, or of the GPU: what is free here, in a
container what is left of its limit. cores: how many it keeps busy while it listens, on a processor with AVX2. speed:
published, large-v3 = 1. Bundles in int8 on a CPU, in float16 on a GPU.

examples:
  malsori models recommend
  malsori models recommend --memory 2G --device cpu --language ko --realtime
"""


def add_action(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action and its flags."""
    parser = actions.add_parser(
        "recommend", help="which published model suits this machine", description=__doc__, epilog=EPILOG
    )
    parser.add_argument("--memory", type=size, metavar="SIZE", help="2G, 512M, 1.5Gi, ... (what is free here)")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"), help="where it runs (%(default)s)")
    parser.add_argument("--language", metavar="CODE", help="ko, en, ...: those that know it, also if nothing else")
    parser.add_argument("--realtime", action="store_true", help="only what keeps up with speech on this CPU")


def run(args: argparse.Namespace) -> int:
    """Print the models, best first; return 0, or 1 when none serves."""
    from ..bundles.choice import choose
    from ..engines.cpus import cpu_threads

    device, memory = _machine(args.device, args.memory)
    threads = cpu_threads()
    choices = choose(memory, device, args.language, realtime=args.realtime, threads=threads)
    serving = [choice for choice in choices if not choice.against]
    if args.json:
        facts = {"device": device, "memory": memory, "threads": threads, "language": args.language}
        emit(_json({**facts, "realtime": args.realtime, "models": [_summary(choice) for choice in choices]}))
    else:
        here = "any amount of memory" if memory is None else f"{memory // MB} MB"
        emit(f"{here} on {device}, {threads} thread{'s' if threads > 1 else ''}\n\n")
        emit(table([HEAD, *(_row(choice) for choice in choices)], color=lambda row: "" if row[0] != "✗" else "dim"))
        emit(_line(serving[0]) if serving else "")
    if not serving:
        complain("none of the models serves; what is against each is told with it")
    return 0 if serving else 1


def size(text: str) -> int:
    """Read an amount of memory in bytes, as an argparse type."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMG]I?)?B?", text.upper(), re.ASCII)
    amount = float(match[1]) * UNITS[match[2] or ""] if match else 0.0
    if not 1 <= amount < 1e18:
        raise argparse.ArgumentTypeError(f"expected a size such as 2G, 512M or 1.5Gi, found {text!r}")
    return int(amount)


def _machine(device: str, memory: int | None) -> tuple[str, int | None]:
    """Return the device to plan for and its memory; with an amount given by hand it may be another machine's."""
    from ..engines.devices import choose_device
    from ..engines.room import free_gpu_memory, free_memory

    if device == "auto" or (device == "cuda" and memory is None):
        device = choose_device(device)
    if memory is not None:
        return device, memory
    # A GPU that does not tell shares the machine's memory, as Jetson's do.
    return device, (free_gpu_memory() if device == "cuda" else None) or free_memory()


HEAD = ("", "model", "parameters", "bundle", "memory", "cores", "speed", "languages", "not trained for", "against it")


def _row(choice: Choice) -> tuple[str, ...]:
    model = choice.model
    listed = model.languages[0] if len(model.languages) == 1 else f"{len(model.languages)}"
    return (
        "✗" if choice.against else "✓",
        model.name,
        f"{model.parameters} M",
        _mb(model.bundle_mb.get(choice.quantization)),
        _mb(choice.memory),
        f"{model.cores:g}" if choice.device == "cpu" else "-",
        f"{model.relative_speed:g}x" if model.relative_speed else "-",
        listed,
        model.lacks or "-",
        choice.against,
    )


def _mb(value: int | None) -> str:
    return "-" if value is None else f"{value} MB"


def _line(choice: Choice) -> str:
    """Return how to get the model, from a checkout with the dependencies of `export/`."""
    quantize = f" --quantize {choice.quantization}"
    return f"\nto make it: python {SCRIPTS[choice.model.kind]} {choice.model.name} {choice.model.name}{quantize}\n"


def _summary(choice: Choice) -> dict[str, Any]:
    fields = {**asdict(choice.model), "languages": list(choice.model.languages)}
    return {
        **fields,
        "memory": choice.memory,
        "quantization": choice.quantization,
        "serves": not choice.against,
        "against": choice.against,
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
