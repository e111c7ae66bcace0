"""The training run that both nano models share: its command line, resuming, stepping, reporting, checkpoints."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from export.nano.batches import learning_rate
from export.nano.speech import Corpus, held_out_corpus

GLIMPSE = 60  # held-out clips looked at during training; `publish` takes them all


@dataclass(frozen=True, slots=True)
class Run:
    """What a training run was asked for, and the speech it has."""

    name: str
    work: Path
    steps: int
    batch_size: int
    peak: float
    seed: int
    export: bool
    start: Path | None
    corpus: Corpus
    held_out: Corpus

    @classmethod
    def from_command_line(
        cls,
        name: str,
        description: str,
        *,
        steps: int,
        batch_size: int,
        clips: int,
        speech: Callable[[Path, int], Corpus],
    ) -> Run:
        """Read the flags and make that many clips of speech, or read them when they were made before."""
        parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("work", type=Path, help="folder for the corpus and the checkpoints")
        parser.add_argument("--clips", type=int, default=clips, help="to train on (%(default)s)")
        parser.add_argument("--steps", type=int, default=steps, help="(%(default)s)")
        parser.add_argument("--batch-size", type=int, default=batch_size, help="(%(default)s)")
        parser.add_argument("--learning-rate", type=float, default=1.5e-3, help="at its peak (%(default)s)")
        parser.add_argument("--threads", type=int, default=1, help="(%(default)s)")
        parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")
        parser.add_argument("--start", type=Path, metavar="CHECKPOINT", help="begin with these weights (CTC only)")
        parser.add_argument("--no-export", action="store_true", help="stop after training")
        args = parser.parse_args()
        torch.set_num_threads(args.threads)
        torch.manual_seed(args.seed)
        return cls(
            name,
            args.work,
            args.steps,
            args.batch_size,
            args.learning_rate,
            args.seed,
            not args.no_export,
            args.start,
            speech(args.work, args.clips),
            held_out_corpus(args.work),
        )

    @property
    def checkpoint(self) -> Path:
        """The folder of the trained model, as Hugging Face lays it out."""
        return self.work / self.name


def train(
    run: Run,
    model: nn.Module,
    weights: Mapping[str, float],
    losses: Callable[[int], Mapping[str, Tensor]],
    evaluate: Callable[[], Mapping[str, float]],
    save: Callable[[Path], None],
    *,
    every: int,
) -> None:
    """Take `run.steps` steps down the weighted sum of what `losses(step)` names; go on from a state left in `run.work`.

    A line every 50 steps; every `every` steps the error rates on held-out speech, the state, and the checkpoint.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=run.peak, betas=(0.9, 0.98), weight_decay=0.01)
    state, began = run.work / f"{run.name}.pt", time.monotonic()
    start = _resume(state, model, optimizer)
    for step in range(start, run.steps):
        parts = losses(step)
        optimizer.zero_grad()
        sum(weights[name] * loss for name, loss in parts.items()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, run.steps, run.peak)
        optimizer.step()
        if step % 50 == 49:
            pace = (time.monotonic() - began) / (step + 1 - start)
            shown = _shown({name: loss.item() for name, loss in parts.items()})
            print(f"step {step + 1}/{run.steps} {shown} {pace:.2f} s/step", flush=True)
        if step % every == every - 1 or step + 1 == run.steps:
            print(f"step {step + 1}: held-out {_shown(evaluate())}", flush=True)
            save(
                run.checkpoint
            )  # before the state: a run killed in between repeats steps instead of publishing old weights
            _keep(state, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1})


def _resume(state: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Load what an earlier run left, if it did; return the step to go on with."""
    if not state.exists():
        return 0
    stored = torch.load(state)
    model.load_state_dict(stored["model"])
    optimizer.load_state_dict(stored["optimizer"])
    return int(stored["step"])


def _keep(state: Path, stored: dict[str, object]) -> None:
    """Write beside the old state and then take its place: a run killed while saving can still be resumed."""
    fresh = state.with_suffix(".new")
    torch.save(stored, fresh)
    os.replace(fresh, state)


def _shown(figures: Mapping[str, float]) -> str:
    return " ".join(f"{name} {figure:.4f}" for name, figure in figures.items())
