"""Fine-tune any wav2vec2/XLSR checkpoint on recordings with their texts; ends in a bundle with its proof.

    python export/finetune_ctc.py kresnik/wav2vec2-large-xlsr-korean train.tsv models/my-xlsr-ko --languages ko

The manifest (.tsv, .csv, .jsonl) has the columns `audio` and `text`. Checkpoints, the learning curve and what was left
out are kept in the work folder (OUT.work); a run that was stopped goes on from there when the same line is given again.
The best checkpoint by CER on the held-out clips becomes the bundle, and stays in the work folder as `best`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # run as a file: this folder must not be searched for modules, its names shadow real packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from export.training import loop
from export.training.ctc.subject import Ctc


def main(given: Sequence[str] | None = None) -> int:
    """Run as a command; return its exit code."""
    return loop.main(Ctc, __doc__, given)


if __name__ == "__main__":
    sys.exit(main())
