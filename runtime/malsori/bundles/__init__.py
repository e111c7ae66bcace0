"""Bundles: folders with weights, vocabulary and a manifest. Finding, reading, verifying and sealing them."""

from .families import inferred
from .find import Bundle, Found, find_bundle, list_bundles, open_bundle
from .manifest import FORMAT, MANIFEST, FileEntry, Manifest
from .parse import read_manifest
from .places import VARIABLE, Place, cache_folder, places
from .seal import describe_files, seal
from .verify import verify

__all__ = [
    "FORMAT",
    "MANIFEST",
    "VARIABLE",
    "Bundle",
    "FileEntry",
    "Found",
    "Manifest",
    "Place",
    "cache_folder",
    "describe_files",
    "find_bundle",
    "inferred",
    "list_bundles",
    "open_bundle",
    "places",
    "read_manifest",
    "seal",
    "verify",
]
