"""Names of results: the stem of each input, such that no result replaces another, an earlier one or an input."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

from ..urls import is_url

NAME_BYTES = 255  # the longest file name of the usual file systems
STEM_BYTES = NAME_BYTES - len("-99999.json")  # so that any suffix and ending fit behind it
CONTROLS = ("Cc", "Zl", "Zp")  # Unicode categories that break a listing into lines or worse


@dataclass(frozen=True, slots=True)
class Named:
    """An input that results are to be named after: its path or URL, and its path below the folder it was found in.

    One with a `given` name is called `below` as it is, which has no ending then.
    """

    file: str
    below: str
    given: bool = False


def folded(stem: str) -> str:
    """Return a name with what some file systems ignore folded: case, and composed or decomposed letters."""
    return unicodedata.normalize("NFC", stem).casefold()


def stems_of(
    inputs: Sequence[Named],
    hits: Callable[[str], bool] = lambda stem: False,
    taken: Callable[[str], bool] = lambda stem: False,
) -> list[str]:
    """Return a name for each input, as short as possible: names that clash are made longer until none does.

    An input's stem names its results, below the folders that it was found in. Whatever the order of the inputs:

        talk.mp3, talk.wav      -> talk.mp3, talk.wav
        a/talk.mp3, b/talk.mp3  -> a/talk, b/talk

    `hits` tells of a stem whose results would replace an input, `taken` of one that has results already; both get names
    that are not folded.
    """
    naming = _Naming(inputs, hits, taken)
    while naming.lengthen():
        pass
    return naming.numbered()


class RealPaths:
    """Resolves links, those of each folder once: a system call for a file, not one for each part of its path."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def path(self, path: str) -> str:
        """Return the real path of a file, which need not exist; a URL is its own."""
        if is_url(path) or "\0" in path:
            return path
        folder, name = os.path.split(path)
        if name in ("", ".", "..") or os.path.islink(path):
            return os.path.realpath(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.join(self._folders[folder], name)


def replaces(inputs: Iterable[str], place: Callable[[str, str], str], formats: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells of a stem whose results, at `place(stem, format)`, would replace one of the inputs.

    Only an input that ends in one of the formats can be replaced by them, so that few paths need to be resolved.
    """
    endings = tuple(f".{format}" for format in formats)
    real = RealPaths()
    there = {folded(path) for path in map(real.path, inputs) if path.lower().endswith(endings)}
    if not there:
        return lambda stem: False
    return lambda stem: any(folded(real.path(place(stem, format))) in there for format in formats)


class _Naming:
    """The names of inputs while they grow: `level` 0 is the shortest; longer ones have the ending, then the folders.

    Groups hold the indices of inputs that share a name by its hash. Two names of one hash would only get longer.
    """

    def __init__(self, inputs: Sequence[Named], hits: Callable[[str], bool], taken: Callable[[str], bool]) -> None:
        self._inputs, self._hits, self._taken = inputs, hits, taken
        self._levels: dict[int, int] = {}  # of those above 0
        self._names: dict[int, _Names] = {}  # of those that have clashed
        self._groups: dict[int, int | set[int]] = {}  # a set only where several share a name: most do not
        self._changed: set[int] = set()  # hashes of groups to look at
        for index in range(len(inputs)):
            self._join(index)

    def lengthen(self) -> bool:
        """Make names that clash one step longer; return whether there were any."""
        clashing = [index for key in self._changed for index in self._clashing(key)]
        self._changed = set()
        for index in clashing:
            self._leave(index)
        for index in clashing:
            self._levels[index] = self._levels.get(index, 0) + 1
            self._join(index)
        return bool(clashing)

    def numbered(self) -> list[str]:
        """Return the names, with a number behind those that are already taken, in order of their paths."""
        names = [self._name(index) for index in range(len(self._inputs))]
        if not any(self._is_shared(group) for group in self._groups.values()) and not any(map(self._is_barred, names)):
            return names
        taken: set[str] = set()
        last: dict[str, int] = {}  # number by name: all of a thousand equal ones would be tried for each otherwise
        for index in sorted(range(len(names)), key=lambda index: os.fsencode(_encodable(self._inputs[index].file))):
            own = names[index]
            for number in count(last.get(folded(own), 1)):
                stem = own if number == 1 else f"{own}-{number}"
                if folded(stem) not in taken and not self._is_barred(stem):
                    break
            last[folded(own)] = number
            names[index] = stem
            taken.add(folded(stem))
        return names

    @staticmethod
    def _is_shared(group: int | set[int]) -> bool:
        return not isinstance(group, int) and len(group) > 1

    def _is_barred(self, stem: str) -> bool:
        return self._hits(stem) or self._taken(stem)

    def _name(self, index: int) -> str:
        level = self._levels.get(index, 0)
        return self._names_of(index).at(level) if level else _Names(self._inputs[index], shortest=True).at(0)

    def _names_of(self, index: int) -> _Names:
        if index not in self._names:
            self._names[index] = _Names(self._inputs[index])
        return self._names[index]

    def _join(self, index: int) -> None:
        stem = self._name(index)
        key = hash(folded(stem))
        group = self._groups.get(key)
        if group is None:
            self._groups[key] = index
            if self._is_barred(stem):
                self._changed.add(key)
        else:
            members = {group} if isinstance(group, int) else group
            members.add(index)
            self._groups[key] = members
            self._changed.add(key)

    def _leave(self, index: int) -> None:
        key = hash(folded(self._name(index)))
        group = self._groups[key]
        if isinstance(group, int) or len(group) == 1:
            del self._groups[key]
        else:
            group.remove(index)
            self._changed.add(key)

    def _clashing(self, key: int) -> list[int]:
        """Return the inputs of a group whose names are to be longer; those whose longest are equal are numbered."""
        group = self._groups.get(key, set())
        members = {group} if isinstance(group, int) else group
        names = [self._names_of(index) for index in members]
        differ = len({folded(each.at(each.last)) for each in names}) > 1
        return [
            index
            for index in members
            if (differ or self._is_barred(self._name(index)))
            and self._levels.get(index, 0) < self._names_of(index).last
        ]


class _Names:
    """The names that an input may have: the shortest, with its ending, then both with more and more of its folders."""

    __slots__ = ("_leaves", "_outer", "_own")

    def __init__(self, each: Named, *, shortest: bool = False) -> None:
        parts = _parts(each.below)
        self._outer = [] if shortest or each.given else _outer(each.file, len(parts))
        self._own = parts[:-1]
        leaf = parts[-1] if parts else "_"
        dot = 0 if each.given else leaf.rfind(".")
        ends = 0 < dot < len(leaf) - 1
        self._leaves = (safe(leaf[:dot]), safe(leaf[:dot], leaf[dot:])) if ends else (safe(leaf),)

    @property
    def last(self) -> int:
        """The level of the longest name."""
        return (1 + len(self._outer)) * len(self._leaves) - 1

    def at(self, level: int) -> str:
        """Return the name at a level."""
        depth, leaf = divmod(level, len(self._leaves))
        folders = self._outer[-depth:] + self._own if depth else self._own
        return "/".join([*map(safe, folders), self._leaves[leaf]])


def _outer(file: str, inner: int) -> list[str]:
    """Return the folders of a file above the last `inner` parts of its path."""
    if is_url(file):
        return _parts(file.partition("://")[2])[:-inner]
    return _parts(os.path.splitdrive(os.path.abspath(_encodable(file).replace("\0", "_")))[1])[:-inner]


def _parts(path: str) -> list[str]:
    return [part for part in path.replace(os.sep, "/").split("/") if part not in ("", ".")]


def _encodable(path: str) -> str:
    return path if path.isascii() else path.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def safe(name: str, ending: str = "") -> str:
    """Return part of a path without control characters, short enough for any format's ending behind its own."""
    if name.isascii() and name.isprintable() and not ending and len(name) <= STEM_BYTES:
        return name
    kept, tail = _printing(name), _printing(ending)
    room = STEM_BYTES - len(os.fsencode(_encodable(tail)))
    encoded = os.fsencode(_encodable(kept))
    if len(encoded) > room:
        # The cut may have split a character of up to four bytes, the rest of which is removed.
        kept = re.sub("[\udc80-\udcff]{1,3}$", "", os.fsdecode(encoded[:room]))
    return kept + tail


def _printing(text: str) -> str:
    if text.isprintable():
        return text
    return "".join("_" if unicodedata.category(character) in CONTROLS else character for character in text)
