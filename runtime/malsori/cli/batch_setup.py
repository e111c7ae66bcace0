"""From the flags of `malsori batch` to the settings of its workers, its journal and its runner."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError
from ..urls import is_url
from .model_flags import loading_of
from .progress import Reporter
from .transcribe_flags import cue_options, options_from, timed, words_wanted

if TYPE_CHECKING:
    from ..batch.batch_items import Runner
    from ..batch.batch_options import BatchOptions
    from ..batch.coordinator import Batch
    from ..batch.settings import WorkerSettings
    from ..bundles import Found

JOURNAL = ".malsori-batch.sqlite"


def settings_of(args: argparse.Namespace, formats: Sequence[str], reporter: Reporter) -> WorkerSettings:
    """Return what the workers are told. Raises as `load` and `transcribe` do for what the model does not have."""
    from ..batch.settings import WorkerSettings
    from ..pipeline.loading import check_wanted

    options = timed(options_from(args), formats)
    loading = loading_of(args)
    found = _model(args, reporter)
    check_wanted(options, found)
    manifest = found.manifest()
    return WorkerSettings(
        model=os.path.abspath(found.folder) if found.origin == "path" else found.name,
        options=options,
        formats=tuple(formats),
        output=args.output if is_url(args.output) else os.path.abspath(args.output),
        model_digest=manifest.digest,
        loading=loading,
        compute_type=args.compute_type,
        cues=cue_options(args),
        words=words_wanted(args),
    )


def journal_path(options: BatchOptions, output: str) -> Path:
    """Return the path of the journal. Raises `OptionError` where results go to a URL and nobody says where it lies."""
    if options.journal is not None:
        return options.journal
    if is_url(output):
        raise OptionError(f"--journal: expected a file on this machine, since {output} cannot hold one, found none")
    return Path(output) / JOURNAL


def runner_of(
    options: BatchOptions, settings: WorkerSettings, batch: Batch, reporter: Reporter, note: Callable[[str], None]
) -> Runner:
    """Return what runs the workers: processes of this machine, or a cluster. `note` is told what happens meanwhile.

    Raises as they do.
    """
    if options.engine == "ray":
        from ..batch.on_ray import RayRunner

        reporter.say(f"reaching the cluster {options.address or 'of this machine'}")
        return RayRunner(settings, address=options.address, workers=options.workers)
    from ..batch.local import LocalRunner, layout_for

    layout = layout_for(settings, batch.first, reporter.warn, workers=options.workers)
    return LocalRunner(settings, layout, report=note)


def _model(args: argparse.Namespace, reporter: Reporter) -> Found:
    from ..bundles import find_bundle

    if args.model:
        return find_bundle(args.model)
    from ..bundles.choice import best

    chosen = best(args.language, task=args.task or "transcribe")
    for line in filter(None, [chosen.line, chosen.warning]):
        reporter.warn(line)
    return chosen.found
