"""Archives of small models, right ones and wrong ones, made by Python's tarfile. No tests here."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from malsori.bundles import FileEntry, Manifest

CONTENT = {"config.json": b"{}", "model.bin": bytes(range(256)) * 9, "onnx/graph.onnx": b"graph"}
MANIFEST_OF = Manifest(
    name="mini",
    kind="whisper",
    source="made here",
    revision="1",
    licence="MIT",
    languages=("ko",),
    description="시험",
    quantization="int8",
    sample_rate=16000,
    frame_stride=320,
    files={},
    sizes={"d_model": 8},
)
Parts = Iterable["tuple[str | tarfile.TarInfo, bytes]"]


def manifest(content: Mapping[str, bytes] = CONTENT, **changed: object) -> bytes:
    """Return the manifest of files with this content."""
    files = {name: FileEntry(len(data), hashlib.sha256(data).hexdigest()) for name, data in content.items()}
    return replace(MANIFEST_OF, files=files, **changed).to_json().encode()


def model(name: str = "mini", content: Mapping[str, bytes] = CONTENT) -> list[tuple[str | tarfile.TarInfo, bytes]]:
    """Return the members of one model, its manifest first."""
    files: list[tuple[str | tarfile.TarInfo, bytes]] = [(f"{name}/{file}", data) for file, data in content.items()]
    return [(f"{name}/manifest.json", manifest(content, name=name)), *files]


def archive(parts: Parts, form: int = tarfile.USTAR_FORMAT) -> bytes:
    """Return a tar file of these members; one that is a `TarInfo` is written as it is, with the bytes behind it."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as tar:
        for name, data in parts:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            if isinstance(name, str):
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return target.getvalue()


def of_kind(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """Return a member that is no regular file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def folder(path: Path, name: str = "mini", content: Mapping[str, bytes] = CONTENT, **changed: object) -> Path:
    """Make a bundle's folder."""
    for file, data in content.items():
        (path / file).parent.mkdir(parents=True, exist_ok=True)
        (path / file).write_bytes(data)
    (path / "manifest.json").write_bytes(manifest(content, name=name, **changed))
    return path
