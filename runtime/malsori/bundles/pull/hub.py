"""The hub, or a mirror of it, as a source: `ENDPOINT/OWNER/NAME/resolve/REVISION/FILE`.

A file that has no sum in `published.py` must have the hub's: the sha256 of a large file, git's sha1 of a small one.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...errors import DownloadError
from ..verify import BLOCK, digest
from .model import File, Model
from .web import Lost, Patience, ask, check_status, fetch, final_error
from .work import Origin, Say, Work

ENDPOINT = "https://huggingface.co"
SHA256, GIT_SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub at an address; `patience` is how long it may send nothing."""

    endpoint: str = ENDPOINT
    patience: Patience = field(default_factory=Patience)

    @property
    def name(self) -> str:
        """Its name in messages."""
        return "the hub" if self.endpoint == ENDPOINT else f"the hub ({self.endpoint})"

    def room(self, model: Model, work: Work) -> int:
        """Return how many bytes are yet to be written."""
        return sum(max(0, file.size - work.there(file)) for file in model.files)

    def bring(self, model: Model, work: Work, say: Say) -> Origin:
        """Download all files of a model into `work.files` and check them. Raises `DownloadError`."""
        unpinned, done = [], 0
        for file in model.files:
            url = f"{self.endpoint}/{model.repository}/resolve/{model.revision}/{file.name}"
            git = ""
            if not file.sha256:
                unpinned.append(file.name)
                file, git = self._with_hubs_sum(url, file)
            if not work.has(file):
                self._bring(url, file, git, work, lambda count, before=done: say("pulling", before + count, model.size))
            done += file.size
        return Origin(model.repository, model.revision, tuple(unpinned))

    def _with_hubs_sum(self, url: str, file: File) -> tuple[File, str]:
        """Return a file with the hub's size and sha256 and "", or with the hub's size and git's sha1."""
        try:
            answer = ask(url, self.patience, method="HEAD")
        except Lost as error:
            raise final_error(error) from error
        with closing(answer.body):
            check_status(url, answer.status)
        headers = answer.headers
        size = headers.get("x-linked-size") or headers.get("content-length") or ""
        etag = (headers.get("x-linked-etag") or headers.get("etag") or "").removeprefix("W/").strip('"')
        if not size.isdigit() or int(size) != (file.size or int(size) or None):
            raise DownloadError(
                f"{url}: expected {file.size or 'the number of'} bytes, the server says {size or 'none'}"
            )
        sized = replace(file, size=int(size))
        if SHA256.fullmatch(etag):
            return replace(sized, sha256=etag), ""
        if GIT_SHA1.fullmatch(etag):
            return sized, etag
        raise DownloadError(f"{url}: neither malsori nor this server knows the sum of {file.name}, so it is not taken")

    def _bring(self, url: str, file: File, git: str, work: Work, came: object) -> None:
        part = work.part(file.name, file.sha256 or git)
        fetch(url, part, file.size, self.patience, came)  # type: ignore[arg-type]
        found, expected = (digest(part), file.sha256) if file.sha256 else (_git_sum(part), git)
        if found != expected:
            part.unlink()
            raise DownloadError(f"{url}: expected the sum {expected}, found {found}; it was thrown away")
        work.keep(part, file.name)


def _git_sum(path: Path) -> str:
    sums = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            sums.update(block)
    return sums.hexdigest()
