"""Where the results of a batch go: below a folder, each file whole or not at all, also after a power cut."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ..atomic import is_temporary, replacing
from ..errors import OutputError


class Results(Protocol):
    """A place for results; the worker that heard an item writes them, under names that no other item has."""

    def path(self, stem: str, format: str) -> str:
        """Return the path, or the URL, of a result."""
        ...

    def write(self, stem: str, texts: Mapping[str, bytes]) -> None:
        """Write the text of each format, in place of what was there. Raises `OutputError`."""
        ...

    def there(self, stem: str, formats: Collection[str]) -> bool:
        """Return whether all results of this stem exist."""
        ...

    def any_there(self, stem: str, formats: Collection[str]) -> bool:
        """Return whether something already has the name of one of the results of this stem."""
        ...

    def copy(self, stem: str, new: str, formats: Collection[str]) -> None:
        """Write the results of a stem under another one, too. Raises `OutputError`."""
        ...

    def sweep(self) -> None:
        """Remove what interrupted runs have left; nobody may write meanwhile."""
        ...


class ResultFolder:
    """A folder of this machine, or of one that it has mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, stem: str, format: str) -> str:
        """Return the path of a result."""
        return os.path.join(self.folder, f"{stem}.{format}")

    def write(self, stem: str, texts: Mapping[str, bytes]) -> None:
        """Write each file beside its place, flush it to the disk, and rename it."""
        for path, text in ((Path(self.path(stem, format)), text) for format, text in texts.items()):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(path, durable=True) as file:
                    file.write(text)
            except (OSError, ValueError) as error:
                raise OutputError.unwritten(path, error) from error

    def there(self, stem: str, formats: Collection[str]) -> bool:
        """Return whether all results of this stem are files."""
        return all(os.path.isfile(self.path(stem, format)) for format in formats)

    def any_there(self, stem: str, formats: Collection[str]) -> bool:
        """Return whether something already has the name of one of the results of this stem."""
        return any(os.path.lexists(self.path(stem, format)) for format in formats)

    def copy(self, stem: str, new: str, formats: Collection[str]) -> None:
        """Write the results of a stem under another one, too."""
        try:
            texts = {format: Path(self.path(stem, format)).read_bytes() for format in formats}
        except OSError as error:
            raise OutputError(f"{error.filename}: cannot be read, {error.strerror}") from error
        self.write(new, texts)

    def sweep(self) -> None:
        """Remove temporary files, which only a process that was killed leaves behind."""
        for path in _temporary_files(self.folder):
            with suppress(OSError):
                os.unlink(path)


def _temporary_files(folder: Path) -> Iterator[str]:
    for where, _, files in os.walk(folder):
        yield from (os.path.join(where, name) for name in files if is_temporary(name))
