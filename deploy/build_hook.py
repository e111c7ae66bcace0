"""Build hook: compiles our own operator, and puts the small bundles of `models/` and a recording into the wheel.

They are left out instead of failing the build: the operator where there is no C compiler or another processor (the
runtime then uses ONNX Runtime's own, see `malsori/engines/onnx/native/`), a bundle that is not there yet (a checkout
before training). Editable installs get no bundles: they find the folder `models/` itself, see
`malsori/bundles/places.py`.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = ("nano-ctc-ko", "nano-whisper")
SPOKEN = "english.wav"  # what `malsori serve` tries its models with, see `malsori/service/startup.py`
SOURCES = Path("runtime", "malsori", "engines", "onnx", "native")
FILES = ("linear.c", "operator.c")
LIBRARY = "libint8_linear.so.1"  # as malsori/engines/onnx/native knows it
# linear.c asks the processor itself, so that the library may be built on one machine for another.
FLAGS = ("-O2", "-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden")


class BuildHook(BuildHookInterface):
    """Called by hatchling once per wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the library and the bundles to the files of the wheel; an editable one has the library in its sources."""
        sources = Path(self.root) / SOURCES
        if version == "editable":
            build(sources, sources / LIBRARY)
            return
        self._work = tempfile.TemporaryDirectory()  # until the wheel is written
        library = Path(self._work.name) / LIBRARY
        if build(sources, library):
            build_data["force_include"][str(library)] = f"malsori/engines/onnx/native/{LIBRARY}"
            build_data["pure_python"] = False
            build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
        for name in BUNDLED:
            folder = Path(self.root) / "models" / name
            if (folder / "manifest.json").is_file():
                build_data["force_include"][str(folder)] = f"malsori/_models/{name}"
        if (spoken := Path(self.root) / "samples" / SPOKEN).is_file():
            build_data["force_include"][str(spoken)] = f"malsori/_samples/{SPOKEN}"


def build(sources: Path, library: Path) -> bool:
    """Compile `library` and return True; where that cannot be, say why on stderr and leave none of before."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    try:
        library.unlink(missing_ok=True)  # it must not outlive its sources
        with tempfile.TemporaryDirectory() as work:
            fresh = Path(work) / LIBRARY
            why = _failure(sources, fresh)
            if not why:
                shutil.copyfile(fresh, library)
    except OSError as error:
        why = str(error)
    if why:
        print(f"malsori: its own int8 operator is left out ({why[-300:]})", file=sys.stderr)
    return not why


def _failure(sources: Path, library: Path) -> str:
    """Run the compiler; return why there is no library, or nothing."""
    try:
        command = [*shlex.split(os.environ.get("CC") or "cc"), *FLAGS, "-o", str(library), *FILES]
        done = subprocess.run(command, cwd=sources, capture_output=True, text=True, errors="replace", check=False)
    except (OSError, ValueError) as error:  # ValueError: quotes in $CC that do not close
        return str(error)
    if done.returncode or not library.is_file():
        return done.stderr.strip() or f"{command[0]} ended with {done.returncode} and gave no library"
    return ""
