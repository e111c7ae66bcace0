"""What of a cue's text is spoken: not its markup, nor notes such as [music], nor who speaks."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")  # <i>, <v Ann>, <00:01.500>, {\an8}
RUBY = re.compile(r"<rt\b[^<>]*>.*?(?:</rt>|$)", re.DOTALL)  # how the letters before it are read
NOTES = re.compile(r"\[[^\[\]]*\]|［[^［］]*］|【[^【】]*】")  # [music]
WHOLE_NOTE = re.compile(r"\s*(?:[-–—]\s*)?(?:\([^()]*\)|（[^（）]*）)\s*")  # a line that is (applause) alone
LABEL = re.compile(r"^\s*(?:[-–—]\s*)?[A-Z][A-Z0-9 .'’#&-]*[A-Z0-9.]\s*:(?=\s|$)")  # MRS. SMITH:
DASH = re.compile(r"^\s*(?:[-–—‐]|>>+)\s*")  # another speaker
MUSIC = re.compile(r"[♩♪♫♬#*]+(?=\s|$)|(?:(?<=\s)|^)[♩♪♫♬#*]+")


def spoken(lines: Sequence[str]) -> str:
    """Return what is said in the lines of a cue, in one line; "" where that is nothing.

    Example: "- <i>Well,</i> [sighs]" "- MARY: no &amp; no."  ->  "Well, no & no."
    """
    plain = html.unescape(TAG.sub("", RUBY.sub("", "\n".join(lines)))).replace(r"\N", "\n").replace(r"\h", " ")
    said = (_said(line) for line in NOTES.sub(" ", plain).splitlines())
    return " ".join(" ".join(said).split())


def _said(line: str) -> str:
    if WHOLE_NOTE.fullmatch(line):
        return ""
    return MUSIC.sub(" ", DASH.sub("", LABEL.sub("", line)))
