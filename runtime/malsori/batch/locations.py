"""Sources and places of results: paths of this machine, or URLs that fsspec reads and writes."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from ..audio.source import check_readable
from ..urls import is_url
from .results import ResultFolder, Results


def opened(source: str) -> Path | BinaryIO:
    """Return a source of an item as `transcribe` takes it: a path, which exists, or what a URL leads to, opened.

    Raises `AudioNotFound`, and `MissingDependency` where fsspec or what it needs for the URL is not installed.
    """
    if is_url(source):
        from .fsspec_places import open_url

        return open_url(source)
    check_readable(source)
    return Path(source)


def results_at(output: str) -> Results:
    """Return the place for results that a path or URL names. Raises `MissingDependency` as `opened` does."""
    if is_url(output):
        from .fsspec_places import UrlResults

        return UrlResults(output)
    return ResultFolder(Path(output))
