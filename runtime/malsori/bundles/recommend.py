"""Ranks the published models for a machine: a pure function over the catalogue, best first, with reasons."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..errors import OptionError
from .catalog import CATALOG, CatalogModel
from .families import FAMILIES
from .languages import LANGUAGES, alternatives_to, code_of
from .names import pull_line

QUANTIZATION = {"cpu": "int8", "cuda": "float16"}  # what a device computes in, and below what it is pulled in
PULLED = {"cpu": "int8", "cuda": "none"}
REST_MB = {"cpu": 50, "cuda": 0}  # memory of everything but the model: 287 MB in all with tiny's 235
MB = 1_000_000
SLOW = "slower than speech here"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A model of the catalogue on one device.

    `against` is why it does not serve, "" where it does; `remark` is a remark on one that does. `elsewhere`: it is
    planned for another device than this machine would choose, so that `pull` must be told the quantization.
    """

    model: CatalogModel
    device: str
    against: str = ""
    remark: str = ""
    elsewhere: bool = False

    @property
    def quantization(self) -> str:
        """The quantization it computes in on this device."""
        return QUANTIZATION[self.device]

    @property
    def command(self) -> str:
        """The command that gets it; one that cannot be pulled is made in a checkout, with what `export/` needs."""
        name = self.model.name
        if line := pull_line(name):
            return f"{line} --quantize {PULLED[self.device]}" if self.elsewhere else line
        return f"python {FAMILIES[self.model.kind].script} {name} ./{name} --quantize {self.quantization}"

    @property
    def bundle(self) -> int | None:
        """What `command` writes to the disk, in 10^6 bytes; None if not measured."""
        return self.model.bundle_mb.get(self.quantization)

    @property
    def memory(self) -> int | None:
        """The memory of malsori with this model on this device, in 10^6 bytes; None if not measured."""
        need = self.model.memory_mb.get(self.device)
        return None if need is None else need + REST_MB[self.device]

    @property
    def upper_bound(self) -> bool:
        """Whether `memory` is that of PyTorch, and so more than it takes."""
        return self.device in self.model.upper_bounds


def choose(
    memory: int | None,
    device: str,
    language: str | None = None,
    *,
    realtime: bool = False,
    any_speed: bool = False,
    threads: int = 1,
    elsewhere: bool = False,
) -> list[Recommendation]:
    """Return all models: those that serve, the most accurate first, then the others with what is against them.

    Of those that serve, the ones slower than speech on `threads` cores come last, unless `any_speed`. `memory` is the
    most to take of the device's, in bytes, None for no limit; `device` is `cpu` or `cuda`. Without a `language` models
    of a single one do not serve. With `realtime` a model on the CPU must keep up with speech on `threads` cores;
    without it one that does not gets a remark. A GPU keeps up with any of them (faster-whisper's README: large-v2 is
    12 times as fast as speech on an RTX 3070 Ti). `elsewhere` is as in `Choice`. Raises `OptionError` for an unknown
    device or language.
    """
    if device not in QUANTIZATION:
        raise OptionError(f"device: expected {' or '.join(QUANTIZATION)}, found {device!r}")
    language = None if language is None else code_of(language)
    if language is not None and language not in LANGUAGES:
        others = alternatives_to(language, LANGUAGES, "malsori models recommend --json")
        raise OptionError(f"language: {language!r} is not known to any model{others}")
    cores = threads if device == "cpu" else math.inf
    plain = [
        Recommendation(model, device, remark=SLOW if model.cores > cores else "", elsewhere=elsewhere)
        for model in CATALOG
    ]
    most = cores if realtime else math.inf
    rated = [replace(choice, against=_against(choice, memory, language, most)) for choice in plain]
    return sorted(rated, key=lambda choice: (bool(choice.against), bool(choice.remark) and not any_speed))


def _against(choice: Recommendation, memory: int | None, language: str | None, cores: float) -> str:
    model, need = choice.model, choice.memory
    if language is None and len(model.languages) == 1:
        return f"knows {model.languages[0]} only; with --language {model.languages[0]} it serves where it fits"
    if language is not None and language not in model.languages:
        return f"does not know {language}"
    if need is None:
        return f"not measured on {choice.device}"
    if memory is not None and need * MB > memory:
        most = "up to " if choice.upper_bound else ""
        return f"needs {most}{need} MB, there are {memory // MB}"
    if model.cores > cores:
        return f"keeps {model.cores:g} cores busy, there {'is' if cores == 1 else 'are'} {cores:g}"
    return ""
