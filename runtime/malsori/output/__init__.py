"""Transcript -> txt, srt, vtt, tsv, json: text made by `render`, files written whole or not at all by `write`."""

from ..formats import FORMATS
from .cues import Cue, CueOptions, cues_of
from .files import atomic_file, write
from .writers import render

__all__ = ["FORMATS", "Cue", "CueOptions", "atomic_file", "cues_of", "render", "write"]
