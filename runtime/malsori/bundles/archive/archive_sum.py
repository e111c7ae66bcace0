"""The file beside an archive with its sha256, as `sha256sum -c` takes it: `base.malsori.tar.sha256`."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import ModelCorrupt

ENDING = ".sha256"
LARGEST_LIST = 1 << 20  # bytes
SUM = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])")
ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}


def beside(archive: Path) -> Path:
    """Return the path of the file with an archive's sum."""
    return archive.with_name(archive.name + ENDING)


def sum_line(sha256: str, name: str) -> str:
    """Return the line on a file, as `sha256sum` writes it: a name with a backslash or line break is escaped."""
    escaped = "".join(ESCAPES.get(each, each) for each in name)
    return f"{'' if escaped == name else chr(92)}{sha256}  {escaped}\n"


def expected_sum(archive: Path) -> str:
    """Return the sum that the file beside an archive says, "" where there is none. Raises `ModelCorrupt`."""
    path, expected = beside(archive), f"one sha256, that of {archive.name}"
    if not path.is_file():
        if path.exists():
            raise ModelCorrupt(str(path), expected, "no regular file", "")
        return ""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_LIST).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise ModelCorrupt(str(path), expected, error.strerror or str(error), "") from error
    lines = [line for line in text.splitlines() if archive.name in line] or text.splitlines()
    sums = {found.lower() for line in lines for found in sums_in(line)}
    if len(sums) != 1:
        raise ModelCorrupt(str(path), expected, str(len(sums) or "none"), "")
    return sums.pop()


def sums_in(text: str) -> list[str]:
    """Return all that may be sha256 sums in a text."""
    return [found[0] for found in SUM.finditer(text)]
