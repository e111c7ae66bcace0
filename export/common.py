"""What both export scripts share around the model itself: the output folder, the seal and the command line.

The figures that prove a bundle (test audio, differences, tolerances, times) are in `proof.py`.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from export.progress import Reporter
from malsori.bundles import seal
from malsori.bundles.manifest import MANIFEST, Manifest
from malsori.errors import MalsoriError, brief
from malsori.types import SAMPLE_RATE


class ExportRefused(MalsoriError, ValueError):
    """The export stops on purpose and leaves nothing behind; the message is one line, ready to show."""


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside `out` that takes its name when the block ends well and vanishes when it does not.

    Whoever looks at `out` sees the finished bundle or nothing. Raises `ExportRefused` when `out` is already there.
    """
    refuse_existing(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield work
        work.chmod(0o755)  # mkdtemp makes it private
        refuse_existing(out)
        work.rename(out)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def refuse_existing(out: Path) -> None:
    """Raise `ExportRefused` when `out` is there already."""
    if out.exists() or out.is_symlink():
        raise ExportRefused(f"{out}: already there; remove it or choose another folder")


@contextmanager
def loading(source: str) -> Iterator[None]:
    """Load a checkpoint with transformers in this block. Raises `ExportRefused` for what it says against it.

    A folder that is missing or holds a bundle is refused before.
    """
    from safetensors import SafetensorError

    _check_folder(source)
    try:
        yield
    except ExportRefused:
        raise
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        raise ExportRefused(f"{source}: {brief(error)}") from error


def _check_folder(source: str) -> None:
    folder = Path(source)
    if (folder / MANIFEST).is_file():
        raise ExportRefused(
            f"{source}: expected a checkpoint, found a malsori bundle; "
            f"python export/bundle_checkpoint.py {source} OUT makes a checkpoint of it"
        )
    like_a_path = source.startswith((".", "~")) or folder.is_absolute() or len(folder.parts) > 2  # a hub name has two
    if like_a_path and not folder.is_dir():
        raise ExportRefused(f"{source}: no such folder")


def check_rate(source: str, rate: int) -> None:
    """Raise `ExportRefused` for a checkpoint that is made for another sampling rate, in Hz, than the runtime's."""
    if rate != SAMPLE_RATE:
        raise ExportRefused(f"{source}: made for {rate} Hz; the runtime has {SAMPLE_RATE} Hz")


def seal_with(folder: Path, manifest: Manifest, **measured: Any) -> Manifest:
    """Add groups of figures, dated, to `measured`, seal all files with size and sha256, and return the manifest."""
    date = datetime.now(timezone.utc).date().isoformat()
    groups = {name: {"date": date, **figures} for name, figures in measured.items()}
    return seal(folder, replace(manifest, measured={**manifest.measured, **groups}))


def revision_of(config: Any, asked: str | None) -> str:
    """Return the hub commit that transformers resolved, else the revision asked for, else "local" (a folder)."""
    return getattr(config, "_commit_hash", None) or asked or "local"


def model_card(source: str, revision: str | None) -> dict[str, Any]:
    """Return `language` (a tuple of codes) and `license` from the checkpoint's README.md, or ("und",) and "unknown"."""
    from huggingface_hub import metadata_load
    from transformers.utils import cached_file

    options = {"_raise_exceptions_for_missing_entries": False, "_raise_exceptions_for_connection_errors": False}
    path = cached_file(source, "README.md", revision=revision, **options)
    facts = (metadata_load(path) if path else None) or {}
    languages = facts.get("language") or "und"
    return {
        "language": (languages,) if isinstance(languages, str) else tuple(languages),
        "license": str(facts.get("license") or "unknown"),
    }


def arguments(description: str, quantizations: Sequence[str], default: str) -> argparse.ArgumentParser:
    """Return the command line that the export scripts share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("source", help="a checkpoint's folder, or its name on the Hugging Face hub")
    parser.add_argument("out", type=Path, help="the bundle folder to make; it must not exist")
    parser.add_argument("--quantize", choices=quantizations, default=default, help="default: %(default)s")
    parser.add_argument("--revision", help="hub revision: branch, tag or commit")
    parser.add_argument("--name", help="the bundle's name (default: the folder's)")
    parser.add_argument(
        "--languages",
        type=comma_separated,
        help="ISO 639-1 codes, separated by commas (default: what the checkpoint says)",
    )
    parser.add_argument("--licence", help="SPDX identifier of the weights' licence (default: what the model card says)")
    parser.add_argument("--description", default="", help="one sentence for `malsori models show`")
    parser.add_argument(
        "--audio", type=Path, nargs="+", default=[], metavar="DIR|FILE", help="speech to prove the bundle on"
    )
    parser.add_argument("--force", action="store_true", help="keep a bundle that is outside the tolerance")
    return parser


def comma_separated(text: str) -> tuple[str, ...]:
    """Return the parts of `ko,en`, without blanks."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def percent_points(text: str) -> float:
    """Read a number of 0 or more, as an argparse type."""
    with suppress(ValueError):
        if math.isfinite(value := float(text)) and value >= 0:
            return value
    raise argparse.ArgumentTypeError(f"expected a number of 0 or more, found {text!r}")


def run(export: Callable[..., Manifest], asked: argparse.Namespace) -> int:
    """Run one export as a command: its folder on stdout, its proofs or one line of error on stderr; return 0 or 1."""
    options = vars(asked) | {"quantization": asked.quantize}
    del options["quantize"]
    try:
        with Reporter() as reporter:
            manifest = export(**options, say=reporter.say)
    except (MalsoriError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    proofs = {name: manifest.measured[name] for name in ("proof", "speech") if name in manifest.measured}
    print(json.dumps(proofs, indent=2, ensure_ascii=False), file=sys.stderr)
    print(asked.out)
    return 0
