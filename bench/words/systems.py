"""Everybody who hears by `stock.py`, each as one function from a file and its language to words.

All have the same weights and a beam of 5, and are otherwise as they come. Ours and faster-whisper compute in int8;
faster-whisper gets the published file, whose floats it rounds when it loads it, ours the same rounded before, as
`malsori models pull` leaves it. openai-whisper computes in float32, whisper.cpp and CrispASR with weights in f16, and
these three get the samples, decoded by our reader as part of their time. Heavy imports are in the functions, so that a
process pays for the one that it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.whisper.peers import BATCH, BEAM, THREADS, faster_model, plain

Hear = Callable[[str, str | None], str]
"""What is heard in a file, spoken in a language or in one that nobody has told."""


@dataclass(slots=True)
class Effort:
    """How many windows went through an encoder, and how long they were together, in seconds."""

    windows: int = 0
    seconds: float = 0.0

    def add(self, windows: int, seconds: float) -> None:
        """Count one call."""
        self.windows += windows
        self.seconds += windows * seconds


EFFORT = Effort()
"""Of this process."""


def counted() -> None:
    """Make CTranslate2's Whisper count what it encodes, whoever opens one from now on."""
    import ctranslate2

    class Counted(ctranslate2.models.Whisper):  # type: ignore[misc]
        def encode(self, features: Any, *arguments: Any, **options: Any) -> Any:
            EFFORT.add(features.shape[0], features.shape[2] / 100)
            return super().encode(features, *arguments, **options)

    ctranslate2.models.Whisper = Counted


def ours(model: str, *, memory: Any = "normal", **options: Any) -> Hear:
    """Open a folder or a bundle's name in malsori."""
    counted()
    import malsori

    transcriber = malsori.load(model, device="cpu", compute_type="int8", threads=THREADS, memory=memory)
    return lambda path, language: transcriber.transcribe(path, language=language, **options).text


def _faster_model(model: str) -> Any:
    counted()
    return faster_model(model, compute_type="int8")


def faster_whisper(model: str, **options: Any) -> Hear:
    """Open a folder in faster-whisper: one window after another."""
    opened = _faster_model(model)
    return lambda path, language: " ".join(plain(opened, path, language=language, beam_size=BEAM, **options))


def faster_whisper_batched(model: str) -> Hear:
    """Open a folder in faster-whisper's batched pipeline."""
    opened = _faster_model(model)
    from faster_whisper import BatchedInferencePipeline

    pipeline = BatchedInferencePipeline(opened)
    return lambda path, language: " ".join(plain(pipeline, path, language=language, beam_size=BEAM, batch_size=BATCH))


def samples(path: str) -> Any:
    """Return a file's sound for those who read none, or by another program."""
    from malsori.audio import decode

    return decode(path).samples


def openai_whisper(model: str) -> Hear:
    """Open a checkpoint in openai-whisper; beam and temperatures are those of its command."""
    import torch
    import whisper

    torch.set_num_threads(THREADS)
    opened = whisper.load_model(model)
    opened.encoder.register_forward_hook(lambda _, given, __: EFFORT.add(len(given[0]), given[0].shape[-1] / 100))

    def hear(path: str, language: str | None) -> str:
        temperatures = tuple(step / 5 for step in range(6))
        heard = opened.transcribe(
            samples(path), language=language, beam_size=BEAM, best_of=BEAM, temperature=temperatures, fp16=False
        )
        return str(heard["text"])

    return hear


def whisper_cpp(model: str) -> Hear:
    """Open a ggml file in whisper.cpp."""
    from pywhispercpp.model import Model

    opened = Model(
        model,
        params_sampling_strategy=1,
        redirect_whispercpp_logs_to=None,
        n_threads=THREADS,
        beam_search={"beam_size": BEAM, "patience": -1.0},
        print_progress=False,
    )

    def hear(path: str, language: str | None) -> str:
        return " ".join(part.text for part in opened.transcribe(samples(path), language=language or "auto"))

    return hear


def crispasr(model: str) -> Hear:
    """Open a ggml file in CrispASR, beam search as it has it."""
    import crispasr

    opened = crispasr.CrispASR(model)
    options = {"n_threads": THREADS}

    def hear(path: str, language: str | None) -> str:
        parts = opened.transcribe_pcm(samples(path), language=language or "auto", strategy=1, decode_options=options)
        return " ".join(part.text for part in parts)

    return hear


@dataclass(frozen=True, slots=True)
class System:
    """Somebody who hears: how he is opened, which form of the weights he reads, and the modules that he needs.

    `slow` ones hear few clips of each set, and nothing that nobody speaks in: openai-whisper took 17 minutes for 14 s
    of noise, all temperatures through.
    """

    open: Callable[[str], Hear]
    form: str = "folder"
    needs: tuple[str, ...] = ()
    slow: bool = False


SYSTEMS = {
    "ours": System(ours),
    "ours, no gate": System(lambda model: ours(model, vad=False)),
    "ours, low memory": System(lambda model: ours(model, memory="low")),
    "faster-whisper": System(faster_whisper),
    "faster-whisper vad_filter": System(lambda model: faster_whisper(model, vad_filter=True)),
    "faster-whisper batched": System(faster_whisper_batched),
    "faster-whisper2": System(faster_whisper, slow=True),  # the same module in another distribution
    "openai-whisper": System(openai_whisper, "openai", ("whisper", "torch", "numba", "tiktoken"), slow=True),
    "whisper.cpp": System(whisper_cpp, "ggml", ("pywhispercpp",), slow=True),
    "CrispASR": System(crispasr, "ggml", ("crispasr",), slow=True),
}
MODES = ("faster-whisper", "faster-whisper vad_filter", "faster-whisper batched")


def without_torch() -> None:
    """Keep CTranslate2 from importing torch where that happens to be installed: neither ours nor theirs needs it."""
    sys.modules["torch"] = None  # type: ignore[assignment]


def as_pulled(model: str, work: Path) -> Path:
    """Return a model's folder with its weights rounded to int8, made in `work` if it is missing."""
    from malsori.bundles import find_bundle
    from malsori.bundles.adopt import adopt

    folder = work / "int8"
    return folder if folder.is_dir() else adopt(find_bundle(model), work, folder.name, int8=True)


def resolved(model: str) -> Path:
    """Return the folder of a model that is given as a folder or as the name of a bundle."""
    if Path(model).is_dir():
        return Path(model).resolve()
    from malsori.bundles import open_bundle

    return open_bundle(model).folder
