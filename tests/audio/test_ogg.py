"""Ogg: lost and damaged pages are told of, at the beginning, in the middle and at the end."""

from __future__ import annotations

import numpy as np
import pytest

from malsori.audio import decode
from malsori.errors import CorruptAudio
from tests.audio.test_decode import encoded


def pages(data: bytes) -> list[bytes]:
    starts = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    return [data[start:stop] for start, stop in zip(starts, [*starts[1:], len(data)], strict=True)]


NOISE = np.random.default_rng(0).standard_normal(20 * 16_000).astype(np.float32) * 0.1
WHOLE = encoded("OGG", "VORBIS", NOISE)
PAGES = pages(WHOLE)


def damaged(page: bytes) -> bytes:
    return page[:-1] + bytes([page[-1] ^ 1])


def test_an_intact_stream_has_no_warnings() -> None:
    assert len(PAGES) > 8
    assert decode(WHOLE).warnings == ()


@pytest.mark.parametrize("lost", ["missing", "damaged"])
def test_a_page_that_is_lost_in_the_middle_leaves_a_gap(lost: str) -> None:
    middle = [] if lost == "missing" else [damaged(PAGES[4])]
    clip = decode(b"".join([*PAGES[:4], *middle, *PAGES[5:]]))
    assert len(clip.samples) / 16_000 == pytest.approx(20, abs=0.1)
    assert any("silence stands for gaps" in warning for warning in clip.warnings)


def test_a_last_page_that_is_damaged_or_missing_is_told_of() -> None:
    for data in (b"".join(PAGES[:-1]), b"".join([*PAGES[:-1], damaged(PAGES[-1])])):
        clip = decode(data)
        assert "the OGG stream has no last page; it may be cut short" in clip.warnings


def test_a_first_page_that_is_missing_is_told_of() -> None:
    clip = decode(b"".join([*PAGES[:2], *PAGES[3:]]))
    assert any("the file's own clock begins at" in warning for warning in clip.warnings)


def test_pages_that_are_lost_before_a_good_last_one_are_an_error_or_a_gap() -> None:
    data = b"".join([*PAGES[:3], *PAGES[-1:]])
    try:
        assert decode(data).filled_s > 5
    except CorruptAudio as error:
        assert "--allow-truncated" in str(error)  # noqa: PT017
