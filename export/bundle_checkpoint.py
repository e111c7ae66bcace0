"""A bundle back to a Hugging Face checkpoint, to fine-tune a model of which there is only the bundle.

    python export/bundle_checkpoint.py nano-ctc-ko WORK/nano-ctc-ko
    python export/bundle_checkpoint.py nano-whisper WORK/nano-whisper

Weights in int8 become what they stand for, scale times value: the checkpoint computes what the bundle does, and no more
precisely. Languages and licence go into its model card, where an export finds them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # run as a file: this folder must not be searched for modules, its names shadow real packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from huggingface_hub import metadata_save

from export.bundle_wav2vec2 import write_wav2vec2
from export.bundle_whisper import write_whisper
from export.common import ExportRefused, new_folder
from malsori.bundles import open_bundle
from malsori.errors import MalsoriError

WRITERS = {"wav2vec2-ctc": write_wav2vec2, "whisper": write_whisper}


def checkpoint_of(bundle: str | Path, out: Path) -> None:
    """Write the checkpoint `out` from a bundle (name or path).

    Raises `ExportRefused` when `out` exists, and for a bundle of another kind, form or quantization.
    """
    opened = open_bundle(bundle)
    manifest = opened.manifest
    if manifest.kind not in WRITERS:
        raise ExportRefused(f"{bundle}: expected a bundle of kind {' or '.join(WRITERS)}, found {manifest.kind}")
    with new_folder(out) as work:
        WRITERS[manifest.kind](opened.folder, manifest, work)
        metadata_save(work / "README.md", {"language": list(manifest.languages), "license": manifest.licence})


def main(arguments: list[str] | None = None) -> int:
    """Run as a command; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="a wav2vec2 or Whisper bundle, by name or by path")
    parser.add_argument("out", type=Path, help="the checkpoint folder to make; it must not exist")
    asked = parser.parse_args(arguments)
    try:
        checkpoint_of(asked.bundle, asked.out)
    except MalsoriError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(asked.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
