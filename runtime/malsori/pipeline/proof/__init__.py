"""Proof of a bundle on real speech: what it hears, how that differs from another bundle's, and how fast it is here.

Exports and the command `malsori models prove` call the same `prove`. Nothing here needs the checkpoint or PyTorch.
"""

from .recordings import find_recordings
from .results import Agreement, Errors, Limits, Proof, Repeats, Speed
from .run import prove
from .speed import LENGTHS

__all__ = ["LENGTHS", "Agreement", "Errors", "Limits", "Proof", "Repeats", "Speed", "find_recordings", "prove"]
