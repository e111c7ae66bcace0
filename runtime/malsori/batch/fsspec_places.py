"""Recordings and results at URLs, by fsspec: s3://, gs://, sftp://, memory://, file:// and what else it has."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..atomic import is_temporary, temporary_in
from ..audio.folders import is_sound
from ..errors import AudioNotFound, MissingDependency, OutputError, brief
from .input_row import InputRow
from .patterns import MAGIC, base_of

# Stores that show an object only when all of it is there: it is written under its own name at once. In all others it is
# written under another name, and moved.
ATOMIC = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "ossfs", "memory"})


def open_url(url: str) -> BinaryIO:
    """Return the file at a URL, opened; it is read in ranges. Raises `AudioNotFound`, `MissingDependency`."""
    store, path = _store(url)
    try:
        info = store.info(path)
        if info.get("type") == "directory":
            raise AudioNotFound(url, "a file", "a folder")
        file: BinaryIO = store.open(path, "rb")
    except Exception as error:  # each store has exceptions of its own
        raise _unreadable(url, error) from error
    return cast("BinaryIO", _Named(file, url))


def files_at(url: str) -> Iterator[InputRow]:
    """Yield the files of a folder at a URL and of its folders, those that a glob matches, or the one file, by name.

    Hidden ones are left out. Raises `AudioNotFound` where there is nothing of that name, `MissingDependency`.
    """
    store, path = _store(url)
    globbed = MAGIC.search(path) is not None
    try:
        if globbed:
            found = {name: info for name, info in store.glob(path, detail=True).items() if info["type"] == "file"}
        else:
            found = store.find(path, detail=True)
    except Exception as error:  # each store has exceptions of its own
        raise _unreadable(url, error) from error
    if not found:
        raise AudioNotFound(url, "files that match" if globbed else "a file, or a folder with files", "nothing")
    root = base_of(path) if globbed else path.rstrip("/")
    for name, info in sorted(found.items()):
        below = posixpath.relpath(name, root) if name != root else posixpath.basename(name)
        if not any(part.startswith(".") for part in below.split("/")):
            size, changed = int(info.get("size") or 0), _changed(info)
            yield InputRow(store.unstrip_protocol(name), below, size=size, changed=changed)


def remote_rows(url: str) -> Iterator[InputRow]:
    """Yield the recordings at a URL: sound files of a folder, those that a glob matches, or one file.

    Raises as `files_at`.
    """
    for file in files_at(url):
        if is_sound(file.below) or file.source.rpartition("/")[2] == url.rpartition("/")[2]:
            yield file


class UrlResults:
    """A folder at a URL (`Results`)."""

    def __init__(self, url: str) -> None:
        """Raises `MissingDependency`."""
        self.url = url.rstrip("/")
        self._store, path = _store(url)
        self._root = path.rstrip("/")
        names = (self._store.protocol,) if isinstance(self._store.protocol, str) else self._store.protocol
        self._atomic = bool(ATOMIC.intersection(names))
        self._found: frozenset[str] | None = None  # what was there when it was first looked for

    def path(self, stem: str, format: str) -> str:
        """Return the URL of a result."""
        return f"{self.url}/{stem}.{format}"

    def write(self, stem: str, texts: Mapping[str, bytes]) -> None:
        """Write each file whole or not at all."""
        for path, text in ((self._path(stem, format), text) for format, text in texts.items()):
            try:
                self._put(path, text)
            except Exception as error:  # each store has exceptions of its own
                raise OutputError(f"{self._store.unstrip_protocol(path)}: cannot be written, {brief(error)}") from error

    def there(self, stem: str, formats: Collection[str]) -> bool:
        """Return whether all results of this stem are files."""
        return all(self._store.isfile(self._path(stem, format)) for format in formats)

    def any_there(self, stem: str, formats: Collection[str]) -> bool:
        """Return whether something already has the name of one of the results of this stem; all are listed once."""
        if self._found is None:
            self._found = frozenset(self._store.find(self._root)) if self._store.exists(self._root) else frozenset()
        return any(self._path(stem, format) in self._found for format in formats)

    def copy(self, stem: str, new: str, formats: Collection[str]) -> None:
        """Write the results of a stem under another one, too."""
        try:
            texts = {format: self._store.cat_file(self._path(stem, format)) for format in formats}
        except Exception as error:  # each store has exceptions of its own
            raise OutputError(f"{self.url}/{stem}: cannot be read, {brief(error)}") from error
        self.write(new, texts)

    def sweep(self) -> None:
        """Remove temporary files; stores that are atomic have none."""
        if self._atomic:
            return
        for path in self._store.find(self._root):
            if is_temporary(posixpath.basename(path)):
                self._store.rm_file(path)

    def _put(self, path: str, text: bytes) -> None:
        if self._atomic:
            self._store.pipe_file(path, text)
            return
        folder = posixpath.dirname(path)
        self._store.makedirs(folder, exist_ok=True)
        temporary = posixpath.join(folder, temporary_in(Path()).name)
        try:
            self._store.pipe_file(temporary, text)
            self._store.mv(temporary, path)
        except BaseException:
            if self._store.exists(temporary):
                self._store.rm_file(temporary)
            raise

    def _path(self, stem: str, format: str) -> str:
        return f"{self._root}/{stem}.{format}"


class _Named:
    """An open file that is called by its URL in messages; some stores' files have no name, or a local one."""

    def __init__(self, file: BinaryIO, url: str) -> None:
        self._file, self.name = file, url

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._file)

    def __enter__(self) -> _Named:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _store(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it."""
    try:
        import fsspec
    except ImportError as error:
        raise MissingDependency("fsspec", f"reading {url}", "ray") from error
    try:
        store, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise MissingDependency(_lacking(error), f"reading {url}") from error
    except Exception as error:  # an unknown protocol, or one that lacks credentials
        raise _unreadable(url, error) from error
    return store, path


def _lacking(error: ImportError) -> str:
    """Return the package that fsspec needs, from `Install s3fs to access S3`."""
    words = str(error).split()
    return words[words.index("Install") + 1] if "Install" in words[:-1] else error.name or "fsspec"


def _unreadable(url: str, error: Exception) -> AudioNotFound:
    if isinstance(error, AudioNotFound):
        return error
    return AudioNotFound(url, "a readable file", "none" if isinstance(error, FileNotFoundError) else brief(error))


def _changed(info: Mapping[str, Any]) -> int:
    """Return when a file was written last, in nanoseconds; 0 where the store does not tell."""
    told = next(
        (info[key] for key in ("mtime", "LastModified", "last_modified", "updated", "created") if key in info), 0
    )
    if hasattr(told, "timestamp"):
        told = told.timestamp()
    return round(told * 1e9) if isinstance(told, (int, float)) else 0
