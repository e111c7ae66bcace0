"""What the teacher hears in every recording at 30 s: the language, and the tokens that the pupil is held against.

Listening costs a pass over everything, so what was heard is kept in the work folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from export.log_mel import TorchLogMel
from export.training.clips import Clip
from export.training.context.model import Teacher, autocast
from export.training.context.sound import LONGEST, in_window
from export.whisper_checkpoint import Checkpoint
from malsori.atomic import write_atomically

MOST_LISTENED = 220  # tokens of a clip; Whisper's own limit is 224
TOGETHER = 8  # clips
KEPT_EVERY = 50  # batches between two writes of what was heard


class Listener:
    """Give clips the rows of tokens that the teacher prefers: prompt, text, and the end where it found one."""

    def __init__(self, teacher: Teacher, checkpoint: Checkpoint, mel: TorchLogMel, device: str, precision: str) -> None:
        self._teacher, self._mel = teacher, mel
        self._device, self._precision = device, precision
        self._prompt = checkpoint.prompt()
        self._languages = checkpoint.language_ids()
        self._kept = f"teacher-{_fingerprint(checkpoint)}.json"
        self.end: int = checkpoint.tokenizer.eos_token_id

    def listen(
        self, clips: Sequence[Clip], work: Path, progress: Callable[[int], None] = lambda done: None
    ) -> list[Clip]:
        """Return the clips with their rows as `ids`, in order; one without an end does not end in `self.end`."""
        path = work / self._kept
        known: dict[str, list[int]] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        keys = [_key(clip) for clip in clips]
        new = [(key, clip) for key, clip in zip(keys, clips, strict=True) if key not in known]
        for number, batch in enumerate(_batches(new)):
            progress(number * TOGETHER)
            known |= zip((key for key, _ in batch), self._hear([clip for _, clip in batch]), strict=True)
            if number % KEPT_EVERY == KEPT_EVERY - 1:
                _keep(path, known)
        _keep(path, known)
        return [replace(clip, ids=tuple(known[key])) for key, clip in zip(keys, clips, strict=True)]

    def _hear(self, clips: Sequence[Clip]) -> list[list[int]]:
        audio = padded([clip.sound() for clip in clips]).to(self._device)
        with torch.no_grad():
            mel = self._mel(in_window(audio, LONGEST))
        with autocast(self._device, self._precision):
            states = self._teacher.states(mel)
            prompts = self._prompts(states)
            heard = self._teacher.greedy(prompts, states, self.end, MOST_LISTENED)
        return [[*prompt, *row] for prompt, row in zip(prompts.tolist(), heard, strict=True)]

    def _prompts(self, states: Tensor) -> Tensor:
        """Return each row's prompt, in the likeliest of the languages."""
        prompts = torch.tensor([self._prompt] * len(states), device=states.device)
        if len(self._languages) > 1:
            logits = self._teacher.logits(prompts[:, :1], states)[:, 0, self._languages]
            prompts[:, 1] = torch.tensor(self._languages, device=states.device)[logits.argmax(-1)]
        return prompts


def padded(sounds: Sequence[np.ndarray]) -> Tensor:
    """Return sounds of different lengths as float32 `(batch, longest)`, with silence behind the shorter ones."""
    longest = max(map(len, sounds))
    return torch.from_numpy(np.stack([np.pad(sound, (0, longest - len(sound))) for sound in sounds]))


def _fingerprint(checkpoint: Checkpoint) -> str:
    """Return what is another for another teacher, or other languages."""
    weights = sorted(path for path in checkpoint.folder.iterdir() if path.suffix in (".safetensors", ".bin"))
    files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in weights]
    facts = [checkpoint.source, checkpoint.revision, checkpoint.languages, files]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def _key(clip: Clip) -> str:
    stat = clip.audio.stat()
    return f"{clip.audio} {stat.st_size} {stat.st_mtime_ns}"


def _batches(items: list[tuple[str, Clip]]) -> Iterator[list[tuple[str, Clip]]]:
    return (items[start : start + TOGETHER] for start in range(0, len(items), TOGETHER))


def _keep(path: Path, known: dict[str, list[int]]) -> None:
    write_atomically(path, json.dumps(known, ensure_ascii=False).encode(), mode=0o644)
