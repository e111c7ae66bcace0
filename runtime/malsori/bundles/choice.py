"""Which model to take: the one that serves when none is named, and those that suit a machine, best first."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace

from ..errors import ModelError, ModelNotFound, OptionError
from ..languages import LANGUAGES, alternatives_to, code_of, did_you_mean
from .catalog import CATALOG, CatalogModel
from .families import FAMILIES
from .find import HINT, Found, find_bundle, list_bundles
from .manifest import Manifest
from .names import NAMES, known, pull_line

GET = "malsori models pull base"
PREFERRED = "MALSORI_MODEL"
PLACES = {model.name: place for place, model in enumerate(CATALOG)}
QUANTIZATION = {"cpu": "int8", "cuda": "float16"}  # what a device computes in, and below what it is pulled in
PULLED = {"cpu": "int8", "cuda": "none"}
REST_MB = {"cpu": 50, "cuda": 0}  # memory of everything but the model: 287 MB in all with tiny's 235
MB = 1_000_000
SLOW = "slower than speech here"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The model chosen, its manifest, how many others would have done, and whether `$MALSORI_MODEL` named it."""

    found: Found
    manifest: Manifest
    others: int
    named: bool = False

    @property
    def line(self) -> str:
        """The line on which model was chosen; "" for one that was named, or that `warning` names."""
        if self.named or self.manifest.demonstration:
            return ""
        among = f", the most accurate of {self.others + 1} that are here" if self.others else ""
        return f"model {self.found.name} ({self.found.origin}){among}; --model NAME takes another"

    @property
    def warning(self) -> str:
        """The warning that goes with the text of a demonstration model, "" for a real one."""
        if self.named or not self.manifest.demonstration:
            return ""
        return (
            f"{self.found.name} is a demonstration model: it knows a small grammar of synthetic speech and makes "
            f"nonsense of all other; {GET} gets a real one"
        )


def best(
    language: str | None = None, *, task: str = "transcribe", several: bool = False, cores: float | None = None
) -> Chosen:
    """Return the best model for a language and a task; `several` takes only models that tell languages apart.

    The model that `$MALSORI_MODEL` names, as `--model` takes it, comes first if it has the language and the task.
    Without a language those that know several come before those that know one. With `cores` models known to keep more
    cores busy come last: a stream cannot wait. Models that cannot be read are skipped. Raises `OptionError` where no
    model here fits, `ModelNotFound` where there is none at all.
    """
    language = None if language is None else code_of(language)
    if preferred := os.environ.get(PREFERRED):
        named, own = _preferred(preferred)
        if _serves(own, language, task, several):
            return Chosen(named, own, 0, named=True)
    there = [(found, manifest) for found in list_bundles() if (manifest := _read(found)) is not None]
    if not there:
        raise ModelNotFound("any", hint=HINT)
    serving = [each for each in there if _serves(each[1], language, task, several)]
    if not serving:
        raise OptionError(_nothing(language, task, several, [found.name for found, _ in there]))
    (found, manifest), *rest = sorted(serving, key=lambda each: _order(each[0], each[1], language, cores))
    return Chosen(found, manifest, sum(not each.demonstration for _, each in rest))


def rank(name: str, manifest: Manifest) -> tuple[int, int]:
    """Return the rank of a model by accuracy, best first: by its name, else by its number of parameters."""
    if name in PLACES:
        return PLACES[name], 0
    if named := known(name):
        there = [(PLACES[each.name], index) for index, each in enumerate(NAMES) if each.name in PLACES]
        index = NAMES.index(named)
        return next((place for place, before in reversed(there) if before <= index), 0), index
    size = manifest.sizes.get("parameters") or 0
    smaller = [PLACES[each.name] for each in CATALOG if each.kind == manifest.kind and each.parameters * 1e6 <= size]
    return min(smaller, default=len(CATALOG)), len(NAMES)


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
    12 times as fast as speech on an RTX 3070 Ti). `elsewhere` is as in `Recommendation`. Raises `OptionError` for an
    unknown device or language.
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


def _preferred(name: str) -> tuple[Found, Manifest]:
    """Return the model that `$MALSORI_MODEL` names. Raises `ModelError` whose message names the variable."""
    try:
        found = find_bundle(name)
        return found, found.manifest()
    except ModelNotFound as error:
        hint = f"{error.hint}; set ${PREFERRED} to one that is here, or unset it"
        raise ModelNotFound(name, error.known, error.searched, hint, error.more, named_by=f"${PREFERRED}") from None
    except ModelError as error:
        error.args = (f"${PREFERRED} is {name!r}: {error}",)
        raise


def _read(found: Found) -> Manifest | None:
    try:
        return found.manifest()
    except ModelError:
        return None


def _serves(manifest: Manifest, language: str | None, task: str, several: bool) -> bool:
    if task not in manifest.tasks or (several and manifest.only_language is not None):
        return False
    return language is None or language in map(code_of, manifest.languages)


def _order(
    found: Found, manifest: Manifest, language: str | None, cores: float | None
) -> tuple[bool, bool, bool, tuple[int, int], bool, str]:
    place = rank(found.name, manifest)
    busy = CATALOG[place[0]].cores if place[0] < len(CATALOG) else 0.0
    slow = cores is not None and busy > cores
    single = language is None and manifest.only_language is not None
    if manifest.demonstration:  # the smaller one by name, which is the one of CTC
        return True, False, False, (0, 0), found.plain, found.name
    return False, slow, single, place, found.plain, found.name


def _nothing(language: str | None, task: str, several: bool, names: list[str]) -> str:
    asked = f"the language {language!r}" if language else "several languages" if several else f"the task {task!r}"
    also = f" with the task {task!r}" if language and task != "transcribe" else ""
    line = f"; {_getting(language)} gets one" if language in (None, *LANGUAGES) else ""
    return f"no model here knows {asked}{also}{did_you_mean(language)}; here: {', '.join(names)}{line}"


def _getting(language: str | None) -> str:
    """Return the command line that gets a model for a language: base, or else the best that knows it."""
    able = [model.name for model in CATALOG if pull_line(model.name) and language in (None, *model.languages)]
    return GET if "whisper-base" in able or not able else f"malsori models pull {able[0]}"


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
