"""What is installed, as facts for `malsori doctor`: modules that import, and the distributions behind onnxruntime.

`onnxruntime` and `onnxruntime-gpu` install the same files. With both, the one installed last is used, removing either
removes the module, and pip sees nothing wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import distributions

from ...errors import brief
from .devices import gpu_lines

MODULE = "onnxruntime"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a diagnosis. `fix` is what to type where `ok` is false."""

    name: str
    value: str
    ok: bool = True
    fix: str = ""


def why_not_importable(name: str) -> str:
    """Return why the module `name` cannot be imported or has lost its files, or "" where it works."""
    try:
        module = import_module(name)
    except Exception as error:  # a broken native library raises what it likes, and none may stop a diagnosis
        return f"{type(error).__name__}: {brief(error, 200)}"
    # A folder whose files were removed still imports, as a namespace package.
    return "" if getattr(module, "__file__", None) else "its files are gone"


def onnxruntime_owners() -> dict[str, str]:
    """Return the distributions that installed the module onnxruntime, with their versions.

    A distribution without files, as `deploy/onnxruntime-cuda12`, which stops pip from adding the CPU build to
    `onnxruntime-gpu`, is left out.
    """
    found = {}
    for distribution in distributions():
        name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
        if not name.startswith(MODULE):
            continue
        # Not `distribution.files`: from Python 3.12 on it leaves out removed files, and those are to be recognised.
        if f"\n{MODULE}/__init__.py," in f"\n{distribution.read_text('RECORD') or ''}":
            found[name] = distribution.version
    return found


def onnxruntime_state(owners: Mapping[str, str], failure: str, *, driver: bool) -> Fact:
    """Return the fact about onnxruntime, from its distributions and the failure of its import ("" when it works)."""
    listed = " and ".join(f"{name} {version}" for name, version in sorted(owners.items()))
    if len(owners) > 1:
        cpu = f"pip uninstall -y {' '.join(sorted(owners))} && pip install onnxruntime"
        value = f"mixed state: {listed} install the same module, and the last one wins"
        return Fact(MODULE, value, False, gpu_lines() if driver else cpu)
    if not failure:
        return Fact(MODULE, listed or "present, installed by other means than pip")
    if not owners:
        return Fact(MODULE, "not installed", False, "pip install onnxruntime")
    ((name, version),) = owners.items()
    fix = f"pip install --force-reinstall --no-deps {name}=={version}"
    return Fact(MODULE, f"{listed} is recorded, but the module does not work ({failure})", False, fix)


def onnxruntime_fact(*, driver: bool) -> Fact:
    """Return the state of onnxruntime in this environment."""
    return onnxruntime_state(onnxruntime_owners(), why_not_importable(MODULE), driver=driver)
