"""`malsori doctor`: what is installed, which device would truly run, what is missing, and the line that mends it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from .console import emit, emit_json
from .parser import Parser
from .tables import table

if TYPE_CHECKING:
    from ..engines.machine.devices import Library
    from ..engines.machine.installed import Fact

EPILOG = """\
exit codes: 0 all well; 1 something is marked ✗. What is marked - is not there: a machine without a GPU or a microphone
is well.

example:
  malsori doctor --json
"""
MODULES = {"faster-whisper": "faster_whisper", "webrtcvad-wheels": "webrtcvad"}  # where it is not the package's name


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the command and its flags."""
    parser = subparsers.add_parser(
        "doctor",
        help="what is installed, what runs, what to mend",
        description="What is installed, which device would truly run, what is missing and the line that mends it.",
        epilog=EPILOG,
    )
    parser.add_argument("--json", action="store_true", help="a list of objects with name, value, ok and fix")


def run(args: argparse.Namespace) -> int:
    """Print the report; return 0, or 1 when something needs mending."""
    facts = report()
    if args.json:
        found = [{"name": fact.name, "value": fact.value, "ok": fact.ok, "fix": fact.fix} for fact in facts]
        emit_json(found)
    else:
        emit(table([(_mark(fact), fact.name, fact.value) for fact in facts], color=_color))
        fixes = "".join(f"  {fact.name}: {fact.fix}\n" for fact in facts if not fact.ok and fact.fix)
        emit(f"\nto mend:\n{fixes}" if fixes else "")
    return 0 if all(fact.ok for fact in facts) else 1


def report() -> list[Fact]:
    """Return all facts. Imports the engines, runs a tiny graph on each device and checks all bundles: some seconds."""
    return [*_machine(), *_packages(), *_engines(), *_microphones(), *_storage()]


def _mark(fact: Fact) -> str:
    """Return the mark of a fact: ✓, ✗ to mend, or - for what is absent and need not be there."""
    absent = fact.value.startswith("no: ") or fact.value.endswith(", 0 devices")
    return "✗" if not fact.ok else "-" if absent else "✓"


def _color(row: tuple[str, ...]) -> str:
    return "red" if row[0] == "✗" else ""


def _machine() -> Iterator[Fact]:
    import platform

    from ..engines.machine.cpus import cpu_threads
    from ..engines.machine.installed import Fact

    yield Fact("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Fact("threads", f"{cpu_threads()}, of {os.cpu_count()} cores of the machine")


def _packages() -> Iterator[Fact]:
    from ..engines.machine.installed import Fact, onnxruntime_fact
    from ..engines.machine.libraries import has_driver

    try:
        yield Fact("malsori", version("malsori"))
        lines = requires("malsori") or []
    except PackageNotFoundError:
        yield Fact("malsori", "run from its source, not installed", False, "pip install .")
        lines = []
    yield onnxruntime_fact(driver=has_driver())
    for line in lines:
        yield from package(line)


def package(line: str) -> Iterator[Fact]:
    """Yield the fact about a requirement line; none where it is not for this machine."""
    from packaging.requirements import Requirement

    from ..engines.machine.installed import Fact, why_not_importable

    need = Requirement(line)
    if need.marker is not None and not need.marker.evaluate({"extra": ""}):
        return
    fix = f"pip install '{need.name}{need.specifier}'"
    try:
        there = version(need.name)
    except PackageNotFoundError:
        if need.name != "onnxruntime":  # onnxruntime-gpu serves as well; `onnxruntime_fact` reports it
            yield Fact(need.name, "not installed", False, fix)
        return
    if not need.specifier.contains(there, prereleases=True):
        yield Fact(need.name, f"{there}, which does not go with the rest; needed: {need.specifier}", False, fix)
    elif need.name != "onnxruntime":
        failure = why_not_importable(MODULES.get(need.name, need.name))
        again = f"pip install --force-reinstall --no-deps {need.name}=={there}"
        yield Fact(need.name, f"{there} {failure}".strip(), not failure, again if failure else "")


def _engines() -> Iterator[Fact]:
    from ..bundles.families import FAMILIES
    from ..engines.machine.devices import compute_types, cuda, decide, tensorrt, why_not_running
    from ..engines.machine.installed import Fact, why_not_importable
    from ..engines.onnx.native import why_not_preferred
    from ..engines.whisper.model_files import describe

    kinds: dict[Library, list[str]] = {}
    for kind in sorted(FAMILIES):
        if library := FAMILIES[kind].library:
            kinds.setdefault(library, []).append(kind.partition("-")[0])
    for library, names in kinds.items():
        if why_not_importable(library):  # the line of the package reports it
            continue
        family = " and ".join(names)
        there = cuda(library)
        if library == "onnxruntime":
            failure = why_not_running("CPUExecutionProvider")
            yield Fact(f"{family} on cpu", failure or "CPUExecutionProvider runs", not failure)
            yield Fact("int8 operator", why_not_preferred() or "our own runs, in bundles that were exported for it")
            value = "CUDAExecutionProvider runs"
        else:
            types = compute_types("cpu")
            yield Fact(f"{family} on cpu", describe(types), bool(types))
            value = f"{there.reason}; {describe(compute_types('cuda'))}"
        # Without a line that would mend it, having no CUDA is a property of the machine and no fault.
        yield Fact(f"{family} on cuda", value if there.usable else f"no: {there.reason}", not there.fix, there.fix)
        if library == "onnxruntime" and there.usable:  # of no interest elsewhere, and nothing that must be there
            third = tensorrt(library)
            value = "TensorrtExecutionProvider runs" if third.usable else f"no: {third.reason}"
            yield Fact(f"{family} on tensorrt", f"{value}; {third.fix}" if third.fix else value)
        chosen = decide("auto", there)
        # CUDA has no kernels for the operators of dynamic quantization; the wav2vec2 engine knows the same.
        aside = "; int8 models: cpu" if (chosen, library) == ("cuda", "onnxruntime") else ""
        yield Fact(f"{family} on auto", chosen + aside)


def _microphones() -> Iterator[Fact]:
    """Yield what is recorded with, and how many devices it has; a machine without a microphone is well."""
    from ..audio.live import list_microphones, recorder
    from ..engines.machine.installed import Fact
    from ..errors import NoMicrophone

    try:
        program, count = recorder(), len(list_microphones())
        yield Fact("microphone", f"{program}, {count} device{'s' * (count != 1)}")
    except NoMicrophone as error:
        yield Fact("microphone", f"no: {error}")


def _storage() -> Iterator[Fact]:
    from ..bundles import VARIABLE, cache_folder, list_bundles, verify
    from ..bundles.find import HINT, complaints, namesakes
    from ..engines.machine.installed import Fact
    from ..errors import ModelError

    there = list_bundles()
    names = [f"{found.name} ({found.origin})" for found in there]
    yield Fact("models", ", ".join(names) or "none", bool(names), "" if names else HINT)
    for line in complaints():
        yield Fact(f"${VARIABLE}", line, False, f"set {VARIABLE} to folders that have the folders of models in them")
    for name, (first, *others) in namesakes().items():
        yield Fact(f"model {name}", f"{first.folder} is taken, not {', '.join(str(other.folder) for other in others)}")
    for found in there:
        try:
            manifest = found.manifest()
            if not found.plain:
                verify(found.folder, manifest)
        except ModelError as error:
            yield Fact(f"model {found.name}", str(error), False, f"remove {found.folder} or make it again")
    folder = cache_folder()
    if folder is None:
        yield Fact("cache", "none: this user has no home, so models are hashed at every start")
    else:
        writable = os.access(next(path for path in (folder, *folder.parents) if path.exists()), os.W_OK)
        yield Fact("cache", f"{folder}" if writable else f"{folder} is not writable: models are hashed at every start")
