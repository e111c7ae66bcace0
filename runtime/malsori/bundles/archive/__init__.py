"""Models in one archive file, for machines without a network: `bundle` writes it, `unbundle` checks and installs it.

An archive is a tar file of regular files alone, readable by any tar: for each model `NAME/manifest.json`, then the
files that it lists. `members.py` has the tar headers, `arrival.py` reads and checks an archive that nobody vouches
for, `archive_sum.py` the file with its sha256.
"""

from .archive_sum import beside, expected_sum, sum_line, sums_in
from .arrival import Arrived, check
from .bundling import Packed, bundle, bundle_to, pack, size_of_archive
from .members import STDIN, ArchiveReader
from .unbundling import Unbundled, unbundle

__all__ = [
    "STDIN",
    "ArchiveReader",
    "Arrived",
    "Packed",
    "Unbundled",
    "beside",
    "bundle",
    "bundle_to",
    "check",
    "expected_sum",
    "pack",
    "size_of_archive",
    "sum_line",
    "sums_in",
    "unbundle",
]
