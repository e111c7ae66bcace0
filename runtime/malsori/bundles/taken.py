"""Whether a model may be the published one that a name means, and whether one to be adopted may have a name.

Family, sizes and vocabulary tell. Two models of one size are told apart by nothing here: a fine-tuned base may be
called base.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from ..errors import OptionError
from .families import FAMILIES
from .find import Found, answering
from .infer.ct2_folder import KIND, MELS_SINCE_V3, MULTILINGUAL, PUBLISHED, SHAPE
from .manifest import Manifest
from .names import PublishedName, known
from .places import ORIGIN, is_within, places

WITH_128_MELS = "large-v3"  # turbo and its distilled ones have it in their names too


def may_be(manifest: Manifest, named: PublishedName) -> bool:
    """Return whether what a manifest says is true of that published model; what it leaves out may be anything."""
    if manifest.kind != KIND:
        return False
    sizes = manifest.sizes
    expected = dict(zip(SHAPE, _shape(named), strict=True))
    expected["num_mel_bins"] = MELS_SINCE_V3 if WITH_128_MELS in named.name else 80
    if any((sizes.get(name) or value) != value for name, value in expected.items()):
        return False
    vocabulary = sizes.get("vocab_size")
    return not vocabulary or (vocabulary < MULTILINGUAL) == named.name.endswith(".en")


def _shape(named: PublishedName) -> tuple[int, int, int]:
    """Return width and layers of a published model, by its name without a version where several share them."""
    name = named.name.removeprefix("whisper-").removesuffix(".en")
    return next(shape for shape, size in PUBLISHED.items() if re.fullmatch(rf"{size}(-v[\d.]+)?", name))


def described(manifest: Manifest) -> str:
    """Return what a model is in a few words: `Whisper, 10 M parameters, 99 languages`."""
    count = manifest.sizes.get("parameters")
    weights = f", {count / 1e6:.0f} M parameters" if count else ""
    languages = manifest.only_language or f"{len(manifest.languages)} languages"
    return f"{FAMILIES[manifest.kind].title}{weights}, {languages}"


def check_name(found: Found, manifest: Manifest, target: Path, *, force: bool) -> None:
    """Raise `OptionError` where `target`, in one of the places, is no good home for what was found.

    That is where an earlier place has the name, where the name is a published model's and this is another one, or,
    without `force`, where the name finds another model now.
    """
    again = f"malsori models adopt {shlex.quote(str(found.folder))} NEW_NAME"
    _check_meaning(found, manifest, again)
    for other in answering(manifest.name):
        if other.folder == target or other.origin == ORIGIN:
            continue
        where = f"{other.folder} ({other.origin})"
        if _comes_before(other, target):
            raise OptionError(_there_already(found, other, again))
        if not force:
            raise OptionError(
                f"the name {manifest.name} finds {where} now and would find this model then: take another, {again}, or "
                "--force to let it have this one"
            )


def _check_meaning(found: Found, manifest: Manifest, again: str) -> None:
    """Refuse a published model's name for another model; what the hub has under such a name goes by it already."""
    named = known(manifest.name)
    if named is None or may_be(manifest, named) or (is_within(found.folder) and known(found.name) is named):
        return
    raise OptionError(
        f"{manifest.name} is what everybody calls {named.name}, and this is another model ({described(manifest)}): "
        f"give it a name of its own, {again}"
    )


def _comes_before(other: Found, target: Path) -> bool:
    """Whether a model has the very name in a place that is looked in before that of `target`."""
    order = [place.folder.resolve() for place in places()]
    first, own = (order.index(folder.parent.resolve()) for folder in (other.folder, target))
    return other.name == target.name and first < own


def _there_already(found: Found, other: Found, again: str) -> str:
    there = f"{other.folder} ({other.origin})"
    if found.folder.resolve() != other.folder.resolve():
        return f"the name {other.name} finds {there}, which is looked in first and stays first: take another, {again}"
    if not other.plain:
        return f"{there} is a bundle and found by its name already: malsori transcribe FILE --model {other.name}"
    folder, parent = (shlex.quote(str(path)) for path in (other.folder, other.folder.parent))
    return (
        f"{there} is found by its name already; this makes a bundle of it where it is: "
        f"malsori models adopt {folder} --output-dir {parent}"
    )
