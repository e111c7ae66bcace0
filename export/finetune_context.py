"""Teach a Whisper checkpoint to hear short windows as it hears 30 s; ends in a bundle with its proof.

    python export/finetune_context.py openai/whisper-small speech.tsv models/small-short --floor 5 --margin 1

The model as it came is the teacher: for windows from the clip and the margin, at least the floor, up to 30 s, the
encoder's states and the decoder's distributions are matched to those it has at 30 s. The manifest (.tsv, .csv, .jsonl)
needs the column `audio` and no texts. Checkpoints, the learning curve, what the teacher heard and what was left out are
kept in the work folder (OUT.work); a run that was stopped goes on from there when the same line is given again. The
checkpoint with the lowest loss on held-out clips becomes the bundle, with the windows it learned in its manifest.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # run as a file: this folder must not be searched for modules, its names shadow real packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from export.training import loop
from export.training.context.subject import ShortContext


def main(given: Sequence[str] | None = None) -> int:
    """Run as a command; return its exit code."""
    return loop.main(ShortContext, __doc__, given)


if __name__ == "__main__":
    sys.exit(main())
