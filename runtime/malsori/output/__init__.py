"""Transcript -> txt, srt, vtt, tsv, json: text made by `render`, files written whole or not at all by `write`."""

from .files import atomic_file, write
from .writers import FORMATS, render

__all__ = ["FORMATS", "atomic_file", "render", "write"]
