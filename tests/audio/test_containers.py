"""Every container and codec that PyAV writes: read as docs/formats.md says, or refused by its name."""

from __future__ import annotations

import re

import pytest

from malsori.audio import decode
from malsori.errors import UnsupportedFormat
from tests import formats_page
from tests.containers import Form, encoded, every_form, pairs

CELLS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in formats_page.PAGE.text.splitlines()
    if line.count("|") == 7
]
SAID = {(container, codec): late for container, codec, _, _, late, _ in CELLS}


def said(form: Form) -> str:
    return SAID[formats_page.title(form), form.codec]


@pytest.mark.parametrize("form", pairs(), ids=str)
def test_the_page_of_formats_says_what_is_read_and_how_late_the_sound_comes(form: Form) -> None:
    late = formats_page.read(form).late
    if late is None:
        assert said(form).startswith("refused")
    else:
        figures = [float(each) for each in re.findall(r"-?\d+(?= \(|$)", said(form))]
        assert min(figures) - 1 <= late <= max(figures) + 1


@pytest.mark.parametrize("form", [form for form in pairs() if said(form) == "refused"], ids=str)
def test_what_is_refused_is_named_with_the_line_that_converts_it(form: Form) -> None:
    with pytest.raises(UnsupportedFormat, match="ffmpeg -i"):
        decode(encoded(form), name="sound")


@pytest.mark.slow
@pytest.mark.parametrize("form", every_form(), ids=str)
def test_every_rate_and_layout_of_what_is_read_is_read(form: Form) -> None:
    assert formats_page.read(form).late is not None or said(form) == "refused"
