"""The table of docs/formats.md, made by reading every container and codec that PyAV writes. No tests here.

    python -m tests.formats_page            # rewrites the part of the page between <!-- formats --> and <!-- end -->

Each file holds a burst of known shape every second, so that it is seen how late the sound comes: by what encoders put
in front of it (priming), where the container does not say how much that is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from malsori.audio import decode
from malsori.errors import UnsupportedFormat
from tests.containers import SECONDS, Form, burst_times, encoded, forms_of, pairs
from tests.marked import MarkedPage

PAGE = MarkedPage("formats.md", "formats")
_UNEVEN_MS = 1.0  # by which the bursts of one file may lie apart
_NAMES = {  # as the page calls them; others are called as FFmpeg calls them
    "3gp": "3GP",
    "ac3": "AC-3, raw",
    "adts": "AAC, raw (ADTS)",
    "aiff": "AIFF",
    "amr": "AMR",
    "asf": "ASF (WMA)",
    "au": "AU",
    "avi": "AVI",
    "caf": "CAF",
    "eac3": "E-AC-3, raw",
    "flac": "FLAC",
    "flv": "FLV",
    "ircam": "IRCAM",
    "ipod": "M4A",
    "latm": "AAC in LATM",
    "matroska": "Matroska",
    "mov": "QuickTime",
    "mp2": "MP2",
    "mp3": "MP3",
    "mp4": "MP4",
    "mpeg": "MPEG program stream",
    "mpegts": "MPEG-TS",
    "nut": "NUT",
    "ogg": "Ogg",
    "rm": "RealMedia",
    "tta": "TTA",
    "vob": "VOB",
    "w64": "Wave64",
    "wav": "WAV",
    "webm": "WebM",
    "wv": "WavPack",
}


@dataclass(frozen=True, slots=True)
class Found:
    """One form as malsori reads it: ms that the sound comes late and that it is longer; None for one refused."""

    form: Form
    late: float | None = None
    longer: float = 0.0


def read(form: Form) -> Found:
    """Read one form. Raises `ValueError` when a burst is missing or lies otherwise than the others."""
    try:
        clip = decode(encoded(form))
    except UnsupportedFormat:
        return Found(form)
    times = burst_times(clip.samples)
    known = [each for each in times if each is not None]
    if len(known) < len(times) or max(known) - min(known) > _UNEVEN_MS:
        raise ValueError(f"{form}: bursts late by {times} ms")
    if clip.warnings and form.container != "asf":  # whose clock begins with what its decoder keeps
        raise ValueError(f"{form}: {clip.warnings}")
    return Found(form, median(known), 1000 * (len(clip.samples) / 16_000 - SECONDS))


def line(pair: Form, found: list[Found]) -> str:
    """Return the row of a container and codec."""
    forms = [each.form for each in found]
    rates = ", ".join(f"{rate / 1000:g}" for rate in sorted({form.rate for form in forms}))
    layouts = ", ".join(dict.fromkeys(form.layout for form in forms))
    return f"| {title(pair)} | {pair.codec} | {rates} | {layouts} | {_late(found)} | {_longer(found)} |"


def title(pair: Form) -> str:
    """Return what the page calls a container."""
    return _NAMES.get(pair.container, pair.container) + (f", {pair.variant}" if pair.variant else "")


def _late(found: list[Found]) -> str:
    """Return one figure, or those of the highest and the lowest rate."""
    known = [each for each in found if each.late is not None]
    if len(known) < len(found):
        return "refused" if not known else "refused in part"
    low, high = (f(known, key=lambda each: each.late or 0.0) for f in (min, max))
    if (high.late or 0) - (low.late or 0) <= _UNEVEN_MS:
        return _ms(low.late or 0)
    return (
        f"{_ms(low.late or 0)} ({low.form.rate / 1000:g} kHz) to {_ms(high.late or 0)} ({high.form.rate / 1000:g} kHz)"
    )


def _longer(found: list[Found]) -> str:
    if found[0].late is None:
        return ""
    low, high = (round(f(each.longer for each in found)) for f in (min, max))
    return f"{low:+d}" if low == high else f"{low:+d} to {high:+d}"


def _ms(value: float) -> str:
    return f"{value + 0.0:.0f}" if abs(value) >= 0.5 else "0"


def table(wanted: Iterable[Form]) -> str:
    """Return the table of some containers and codecs, a row each."""
    lines = ["| container | codec | rates, kHz | channels | late, ms | longer, ms |", "|---" * 6 + "|"]
    for pair in wanted:
        forms = [pair] if pair.variant else forms_of(pair.container, pair.codec)
        lines.append(line(pair, [read(form) for form in forms]))
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.rewrite(table(pairs()))
