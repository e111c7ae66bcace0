"""Whether a model may have a name: that nobody expects another one by it, and that the name will find this one."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from ..errors import OptionError
from .families import FAMILIES
from .find import Found, answering
from .infer.ct2_folder import fits
from .manifest import Manifest
from .names import known
from .places import ORIGIN, is_within, places


@dataclass(frozen=True, slots=True)
class Claim:
    """A model that is to be put at `target`, in one of the places, where its name shall find it.

    `source` is the folder that it comes from, None for none; `again` is the command line that gives it another name,
    for messages, and `flag` the flag that lets it have a name which finds another model now.
    """

    manifest: Manifest
    target: Path
    again: str
    flag: str
    source: Found | None = None

    def check(self, *, force: bool) -> None:
        """Raise `OptionError` where the name would not find this model.

        That is so where a folder that is searched earlier has the name, where it is the name of another published
        model, and, without `force`, where the name finds another model now.
        """
        self._check_meaning()
        for other in answering(self.target.name):
            if other.folder == self.target or other.origin == ORIGIN:
                continue
            if _comes_before(other, self.target):
                raise OptionError(self._there_already(other))
            if not force:
                raise OptionError(
                    f"the name {self.target.name} finds {other.folder} ({other.origin}) now and would find this model "
                    f"then: take another, {self.again}, or {self.flag} to let it have this one"
                )

    def _check_meaning(self) -> None:
        """Raise `OptionError` where another model would get a published name, unless the hub's cache so calls it."""
        named, source = known(self.target.name), self.source
        if named is None or fits(self.manifest, named):
            return
        if source is not None and is_within(source.folder) and known(source.name) is named:
            return
        raise OptionError(
            f"{self.target.name} is what everybody calls {named.name}, and this is another model "
            f"({_described(self.manifest)}): give it a name of its own, {self.again}"
        )

    def _there_already(self, other: Found) -> str:
        there = f"{other.folder} ({other.origin})"
        if self.source is None or self.source.folder.resolve() != other.folder.resolve():
            finds = f"the name {other.name} finds {there}, which is looked in first and stays first"
            return f"{finds}: take another, {self.again}"
        if not other.plain:
            return f"{there} is a bundle and found by its name already: malsori transcribe FILE --model {other.name}"
        folder, parent = (shlex.quote(str(path)) for path in (other.folder, other.folder.parent))
        return (
            f"{there} is found by its name already; this makes a bundle of it where it is: "
            f"malsori models adopt {folder} --output-dir {parent}"
        )


def _comes_before(other: Found, target: Path) -> bool:
    """Return whether a model has exactly this name in a folder that is searched before the folder of `target`."""
    order = [place.folder.resolve() for place in places()]
    first, own = (order.index(folder.parent.resolve()) for folder in (other.folder, target))
    return other.name == target.name and first < own


def _described(manifest: Manifest) -> str:
    """Return a short description of a model: `Whisper, 10 M parameters, 99 languages`."""
    count = manifest.sizes.get("parameters")
    weights = f", {count / 1e6:.0f} M parameters" if isinstance(count, int) and 0 < count < 1 << 53 else ""
    languages = manifest.only_language or f"{len(manifest.languages)} languages"
    return f"{FAMILIES[manifest.kind].title}{weights}, {languages}"
