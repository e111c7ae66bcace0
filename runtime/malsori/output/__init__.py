"""Transcripts as txt, srt, vtt, tsv and json: `render` returns text, `write` writes a file whole or not at all."""

from ..formats import FORMATS
from .cues import Cue, CueOptions, cues_of
from .files import atomic_file, write
from .writers import render

__all__ = ["FORMATS", "Cue", "CueOptions", "atomic_file", "cues_of", "render", "write"]
