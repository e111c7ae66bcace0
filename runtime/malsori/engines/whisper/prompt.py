"""The decoder's prompt: previous text, the special tokens that start a transcript, and the forced prefix."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import OptionError
from ..base import DecodeOptions
from .options import TEXT_POSITIONS
from .tokens import UNSPACED, Tokens

MOST_LEADING = TEXT_POSITIONS // 2 - 1  # 223 tokens of previous text
MOST_PREFIX = TEXT_POSITIONS // 4  # 112 tokens, so that there is room for the reading
ECHO = 2 / 3  # share of a reading's words, from which on in prompt and hot words, that makes it an echo of them


class Prompts:
    """Makes the prompts of one call. Special tokens spelled out in the caller's texts are encoded as text."""

    def __init__(self, tokens: Tokens, options: DecodeOptions) -> None:
        """Raise `OptionError` for a text with more tokens than there is room for."""
        self._tokens = tokens
        self._options = options
        initial = _encoded(tokens, "initial_prompt", options.initial_prompt, MOST_LEADING)
        carried = options.whisper.carry_initial_prompt
        self.first = [] if carried else initial  # previous text of a clip's first window
        words = ", ".join(word.text.removesuffix("*") for word in options.hotwords)
        self.given = f"{words} {options.initial_prompt or ''}".strip()  # the caller's own
        self._always = _encoded(tokens, "hotwords", words, MOST_LEADING - len(initial)) + (initial if carried else [])
        self._prefix = _encoded(tokens, "prefix", options.whisper.prefix, MOST_PREFIX)

    def leading(self, spoken: Sequence[int]) -> list[int]:
        """Return `<|startofprev|>` and the previous text of a window; nothing where there is no text."""
        room = MOST_LEADING - len(self._always)
        led = [*self._always, *(spoken[-room:] if room else ())]
        return [self._tokens.sot_prev, *led] if led else []

    def start(self, language: str, *, timed: bool) -> list[int]:
        """Return the special tokens for start, language, task, and with or without time tokens."""
        return self._tokens.start(language, self._options.task, timed)

    def prefix(self, *, timed: bool) -> list[int]:
        """Return the forced prefix of the first window, with `timed` behind the time token 0."""
        return [*([self._tokens.timestamp_begin] if self._prefix and timed else []), *self._prefix]

    def echoed(self, text: str, language: str | None) -> bool:
        """Return whether a text is mostly words of the initial prompt and hot words, in any order."""
        given, said = (_words(each, language) for each in (self.given, text))
        known = set(given)
        return bool(said) and sum(word in known for word in said) >= ECHO * len(said)


def _words(text: str, language: str | None) -> list[str]:
    """Return the case-folded words of a text, or its characters in languages without spaces."""
    words = re.findall(r"\w+", text.casefold())
    return list("".join(words)) if language in UNSPACED else words


def _encoded(tokens: Tokens, option: str, text: str | None, most: int) -> list[int]:
    found = tokens.encode(" " + text.strip()) if text and text.strip() else []
    if len(found) > most:
        raise OptionError(f"{option}: expected a text of at most {most} tokens, found one of {len(found)}")
    return found
