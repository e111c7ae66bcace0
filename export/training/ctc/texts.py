"""Texts as they are trained on and scored: every change is asked for by name. Spelling in tokens is `vocabulary.py`."""

from __future__ import annotations

import unicodedata

from export.training.ctc.settings import TextOptions

JOINTS = frozenset("/\\_")  # with all dashes: what stands between two words and leaves a space when it goes


def clean(text: str, options: TextOptions) -> str:
    """Return the text composed (NFC), with single spaces, and changed as the options say.

    Punctuation is Unicode's category P; `keep_punctuation` names characters to leave, for example the apostrophe.
    """
    if options.remove_punctuation:
        text = "".join(_without_punctuation(letter, options.keep_punctuation) for letter in text)
    if options.lowercase:
        text = text.lower()
    if options.uppercase:
        text = text.upper()
    return " ".join(unicodedata.normalize("NFC", text).split())


def _without_punctuation(letter: str, kept: str) -> str:
    category = unicodedata.category(letter)
    if not category.startswith("P") or letter in kept:
        return letter
    return " " if category == "Pd" or letter in JOINTS else ""
