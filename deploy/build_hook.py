"""Build hook: compiles our own operator, and puts the small bundles of `models/` into the wheel.

Both are left out instead of failing the build: the operator where there is no C compiler or another processor (the
runtime then uses ONNX Runtime's own, see `malsori/engines/native/`), a bundle that is not there yet (a checkout before
training). Editable installs get no bundles: they find the folder `models/` itself, see `malsori/bundles/places.py`.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = ("nano-ctc-ko", "nano-whisper")
NATIVE = Path("runtime", "malsori", "engines", "native")
LIBRARY = "int8_linear.so"
SOURCES = ("linear.c", "operator.c")
# linear.c asks the processor itself, so that the library may be built on one machine for another.
FLAGS = ("-O2", "-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden")


class BuildHook(BuildHookInterface):
    """Called by hatchling once per wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the library where it belongs in the source tree; add it and the bundles to the files of the wheel."""
        library = compiled(Path(self.root) / NATIVE)
        if version == "editable":
            return
        if library is not None:
            build_data["force_include"][str(library)] = f"malsori/engines/native/{LIBRARY}"
            build_data["pure_python"] = False
            build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
        for name in BUNDLED:
            folder = Path(self.root) / "models" / name
            if (folder / "manifest.json").is_file():
                build_data["force_include"][str(folder)] = f"malsori/_models/{name}"


def compiled(folder: Path) -> Path | None:
    """Return the library, built in the folder of its sources; None, and a line that says why, where it cannot be."""
    library = folder / LIBRARY
    library.unlink(missing_ok=True)  # of an earlier build: it must not outlive its sources
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    if why := _failure(library):
        print(f"malsori: its own int8 operator is left out ({why[-300:]})", file=sys.stderr)
        library.unlink(missing_ok=True)  # half of one
        return None
    return library


def _failure(library: Path) -> str:
    """Run the compiler; return why there is no library, or nothing."""
    try:
        command = [*shlex.split(os.environ.get("CC") or "cc"), *FLAGS, "-o", str(library), *SOURCES]
        done = subprocess.run(
            command, cwd=library.parent, capture_output=True, text=True, errors="replace", check=False
        )
    except (OSError, ValueError) as error:  # ValueError: quotes in $CC that do not close
        return str(error)
    if done.returncode or not library.is_file():
        return done.stderr.strip() or f"{command[0]} ended with {done.returncode} and gave no library"
    return ""
