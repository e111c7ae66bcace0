"""Sound files in folders: by the endings of their names; what is in them is found out when they are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

# The format of a file is found by its first bytes; these endings of sound and films only say what to take of a folder.
ENDINGS = frozenset(
    "3g2 3gp aac ac3 adts aif aifc aiff amr ape asf au avi awb caf dts eac3 f4a flac flv gsm m2ts m4a m4b m4v mka mkv "
    "mov mp1 mp2 mp3 mp4 mpeg mpg mpga mts nist oga ogg ogv opus rf64 snd sph spx ts vob w64 wav wave webm wma wmv "
    "wv".split()
)


def is_sound(name: str) -> bool:
    """Return whether the name of a file ends as those of sound and films do, and is not hidden."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower()[1:] in ENDINGS


def sound_files_in(
    folder: str,
    *,
    recursive: bool,
    closed: Callable[[OSError], None] | None = None,
    linked: Callable[[str], None] | None = None,
) -> Iterator[str]:
    """Yield the paths below a folder of its sound files, each folder's own before those of the folders in it.

    Hidden ones are left out, and links to folders, for which `linked` is called. `closed` is called with the errors of
    folders that cannot be read.
    """
    for where, folders, files in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if recursive else []
        if linked is not None:
            for name in folders:
                if os.path.islink(path := os.path.join(where, name)):
                    linked(path)
        below = os.path.relpath(where, folder)
        for name in sorted(filter(is_sound, files)):
            yield os.path.normpath(os.path.join(below, name))
