"""The models that clients may name: a snapshot of what is here at the start, loaded on demand, unloaded when idle.

A name that a client sends is looked up in this snapshot and nowhere else, so it never becomes a path.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ..bundles import Found, Manifest, find_bundle, list_bundles
from ..bundles.choice import best
from ..bundles.names import known
from ..engines.machine.process import release_free_memory
from ..errors import MalsoriError, ModelError, OptionError
from ..pipeline import TranscribeOptions, Transcriber
from ..pipeline.sharing.scheduler import Scheduler
from .refusal import Refusal, busy, refusal_of
from .serve_options import within

# What clients of the hosted service ask for; here it is the default model.
HOSTED = tuple(
    "whisper-1 gpt-4o-transcribe gpt-4o-mini-transcribe gpt-4o-transcribe-latest gpt-transcribe gpt-realtime "
    "gpt-realtime-mini gpt-realtime-whisper default".split()
)
RETRY_S = 5.0  # seconds after which a client may ask again for a model that there was no room for

Loader = Callable[[Found], Transcriber]
clock = time.monotonic


@dataclass(slots=True, eq=False)
class Resident:
    """A model that may be asked for: where it is, what its manifest says, and the loaded model, if it is."""

    found: Found
    manifest: Manifest
    transcriber: Transcriber | None = None
    loading: asyncio.Task[Transcriber] | None = None
    users: int = 0
    used: float = field(default_factory=clock)


@dataclass(slots=True, eq=False)
class Lent:
    """A loaded model that somebody uses; to be given back once."""

    transcriber: Transcriber
    resident: Resident

    def give_back(self) -> None:
        """Say that it is not used any more."""
        self.resident.users -= 1
        self.resident.used = clock()


class Registry:
    """The models by name. Its methods belong to the thread of the event loop; `load` runs in others.

    found: the models that may be asked for; `default` and `partials` are names among them.
    load: loads one of them.
    most: how many are in memory at a time beside the default ones.
    load_seconds: how long a client waits for one; 0 is for ever.
    told: is called with "load" or "unload", a name and seconds.
    """

    def __init__(
        self,
        found: Iterable[tuple[Found, Manifest]],
        default: str,
        partials: str | None,
        scheduler: Scheduler,
        load: Loader,
        *,
        most: int = 2,
        load_seconds: float = 0.0,
        told: Callable[[str, str, float], None] = lambda what, name, seconds: None,
    ) -> None:
        self._residents = {manifest.name: Resident(each, manifest) for each, manifest in found}
        self.default, self.partials = default, partials
        self._scheduler, self._load, self._most, self._load_seconds = scheduler, load, most, load_seconds
        self._told = told
        self._aliases = _aliases(self._residents, default)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that may be asked for, the default one first."""
        return (self.default, *sorted(name for name in self._residents if name != self.default))

    def resolve(self, name: str | None) -> str:
        """Return the model's own name for one that a client sends, the default one's for None or an empty text.

        Raises `Refusal`, 404, for a name that is not of this service; no file is touched.
        """
        if not name:
            return self.default
        found = name if name in self._residents else self._aliases.get(name.lower())
        if found is None:
            shown = name if len(name) <= 80 else f"{name[:80]}..."
            message = f"model: there is no {shown!r} here; there are {', '.join(self.names)}"
            raise Refusal(404, "model_not_found", message, "model")
        return found

    def manifest(self, name: str) -> Manifest:
        """Return the manifest of a model, by its own name."""
        return self._residents[name].manifest

    def is_loaded(self, name: str) -> bool:
        """Return whether a model is in memory."""
        return self._residents[name].transcriber is not None

    @property
    def loaded(self) -> tuple[str, ...]:
        """The models in memory."""
        return tuple(name for name, resident in self._residents.items() if resident.transcriber is not None)

    @asynccontextmanager
    async def lease(self, name: str | None) -> AsyncIterator[Transcriber]:
        """Give a loaded model, which stays in memory meanwhile. Raises as `borrow`."""
        lent = await self.borrow(name)
        try:
            yield lent.transcriber
        finally:
            lent.give_back()

    async def borrow(self, name: str | None) -> Lent:
        """Return a loaded model, which stays in memory until it is given back.

        Raises `Refusal`: 404 for an unknown name, 429 where all models in memory are in use, 503 where loading takes
        too long, 500 where it fails.
        """
        resident = self._residents[self.resolve(name)]
        resident.users += 1
        try:
            return Lent(await self._loaded(resident), resident)
        except BaseException:
            resident.users -= 1
            raise

    def unload_idle(self, seconds: float) -> None:
        """Unload the models that nobody has used for `seconds`; 0 unloads none."""
        for resident in self._residents.values():
            if resident.transcriber is not None and not resident.users and clock() - resident.used >= within(seconds):
                self._unload(resident)

    async def _loaded(self, resident: Resident) -> Transcriber:
        if resident.transcriber is not None:
            return resident.transcriber
        if resident.loading is None:
            self._make_room(resident)
            resident.loading = asyncio.create_task(self._begin(resident))
        # Not `wait_for`: one client that leaves must not end the loading for which others wait; and up to Python 3.11
        # it may lose a cancellation that comes together with the result.
        loading = resident.loading
        await asyncio.wait({loading}, timeout=self._load_seconds or None)
        if not loading.done():
            message = f"model: {resident.manifest.name} is being loaded; try again in some seconds"
            raise Refusal(503, "model_loading", message, "model", RETRY_S)
        try:
            return loading.result()
        except MalsoriError as error:
            raise refusal_of(error) from error

    async def _begin(self, resident: Resident) -> Transcriber:
        began = clock()
        try:
            transcriber = await asyncio.to_thread(self._load, resident.found)
            resident.transcriber, resident.used = transcriber, clock()
            self._told("load", resident.manifest.name, clock() - began)
            return transcriber
        finally:
            resident.loading = None

    def _make_room(self, wanted: Resident) -> None:
        """Unload the model that was used the longest ago, if as many as may be are in memory."""
        if self._is_kept(wanted):
            return
        others = [each for each in self._residents.values() if not self._is_kept(each) and each is not wanted]
        inside = [each for each in others if each.transcriber is not None or each.loading is not None]
        if len(inside) < self._most:
            return
        idle = [each for each in inside if each.transcriber is not None and not each.users]
        if not idle:
            raise busy(f"{self._most} other models are in memory and in use; try again later", RETRY_S)
        self._unload(min(idle, key=lambda each: each.used))

    def _is_kept(self, resident: Resident) -> bool:
        """Return whether it is one of the default models, which have room of their own."""
        return resident.manifest.name in (self.default, self.partials)

    def _unload(self, resident: Resident) -> None:
        assert resident.transcriber is not None
        self._scheduler.release(resident.transcriber.engine)
        resident.transcriber = None
        release_free_memory()
        self._told("unload", resident.manifest.name, clock() - resident.used)


def served(
    model: str | None, partials: str | None, allowed: Iterable[str], language: str | None
) -> tuple[list[tuple[Found, Manifest]], str, str | None]:
    """Return the models that clients may name with their manifests, and the names of the default ones.

    Raises `ModelError` for a named model that is not here or cannot be read, `OptionError` where none fits `language`.
    """
    first = find_bundle(model) if model else best(language).found
    second = find_bundle(partials) if partials else None
    named = [find_bundle(name) for name in allowed]
    chosen = [each for each in (first, second) if each is not None]
    wanted = [(each, each.manifest()) for each in (*chosen, *named)]
    others = [] if named else [pair for each in list_bundles() if (pair := _readable(each)) is not None]
    by_name = {manifest.name: (found, manifest) for found, manifest in (*others, *reversed(wanted))}
    _check_apart(wanted)
    TranscribeOptions(language=language).check(wanted[0][1])  # not at the first request
    return list(by_name.values()), wanted[0][1].name, wanted[1][1].name if second is not None else None


def _check_apart(wanted: list[tuple[Found, Manifest]]) -> None:
    """Raise `OptionError` where two different folders have models of one name."""
    folders: dict[str, Found] = {}
    for found, manifest in wanted:
        other = folders.setdefault(manifest.name, found)
        if other.folder.resolve() != found.folder.resolve():
            raise OptionError(f"two models are called {manifest.name!r}: {other.folder} and {found.folder}")


def _readable(found: Found) -> tuple[Found, Manifest] | None:
    try:
        return found, found.manifest()
    except ModelError:
        return None


def _aliases(residents: dict[str, Resident], default: str) -> dict[str, str]:
    """Return other names of models, in lower case: those of the hosted service, and the usual ones of each model."""
    found = dict.fromkeys(HOSTED, default)
    for name in residents:
        if published := known(name.rpartition("/")[2]):
            found |= {alias.lower(): name for alias in (*published.names, *published.repositories)}
        found[name.lower()] = name
    return found
