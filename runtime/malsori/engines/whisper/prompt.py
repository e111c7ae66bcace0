"""The decoder's prompt: previous text, the special tokens that start a transcript, and the forced prefix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...errors import OptionError
from ..base import DecodeOptions
from .options import TEXT_POSITIONS
from .tokens import UNSPACED, Tokens

MOST_LEADING = TEXT_POSITIONS // 2 - 1  # 223 tokens of previous text
MOST_PREFIX = TEXT_POSITIONS // 4  # 112 tokens, so that there is room for the reading
LONGEST_TOKEN = 64  # letters; only runs of one mark have tokens as long
ECHO = 2 / 3  # share of a reading's words, from which on in prompt and hot words, that makes it an echo of them


class Prompts:
    """Makes the prompts of one call. Special tokens spelled out in the caller's texts are encoded as text."""

    def __init__(self, tokens: Tokens, options: DecodeOptions) -> None:
        """Raise `OptionError` for a text with more tokens than there is room for."""
        self._tokens = tokens
        self._options = options
        words = ", ".join(word.text.removesuffix("*") for word in options.hotwords)
        said = (options.initial_prompt or "").strip()
        if options.whisper.cut_prompt:
            room = MOST_LEADING - len(_encoded(tokens, "hotwords", words, MOST_LEADING))
            initial, self._cut = _end(tokens, said, room)
        else:
            initial, self._cut = _encoded(tokens, "initial_prompt", said, MOST_LEADING), False
        self._kept = len(initial)
        carried = options.whisper.carry_initial_prompt
        self.first = [] if carried else initial  # previous text of a clip's first window
        said = tokens.decode(initial) if self._cut else said
        self.given = f"{words} {said}".strip()  # the caller's own
        self._always = _encoded(tokens, "hotwords", words, MOST_LEADING - len(initial)) + (initial if carried else [])
        self._prefix = _encoded(tokens, "prefix", options.whisper.prefix, MOST_PREFIX)

    def left_out(self) -> Iterator[str]:
        """Yield a line where the initial prompt was cut."""
        if self._cut:
            yield f"initial_prompt: its last {self._kept} tokens lead, there is no room for those before"

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


def _end(tokens: Tokens, text: str, most: int) -> tuple[list[int], bool]:
    """Return the last `most` tokens of a text, and whether it has more."""
    end = text[-(most + 1) * LONGEST_TOKEN :]
    found = tokens.encode(" " + end) if end else []
    return found[max(0, len(found) - most) :], len(found) > most or len(end) < len(text)
