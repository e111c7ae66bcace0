"""From text to token ids: the checkpoint's vocabulary, or a new one of Hangul syllables, jamo or plain characters.

syllables   불 켜      가 나 ... as written (NFC); whatever is not Hangul has no token
jamo        ᄇ ᅮ ᆯ | ᄏ ᅧ    conjoining jamo (NFD), 67 at most, so that syllables never heard can be spelled too
characters  any script, as written (NFC)
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from export.common import ExportRefused
from export.training.ctc.settings import Kind, VocabularyOptions
from malsori.engines.ctc.vocabulary import Vocabulary

SPECIALS = ("<pad>", "<s>", "</s>", "<unk>", "|")
BLANK, DELIMITER = SPECIALS[0], SPECIALS[-1]
HANGUL = {"syllables": re.compile("[가-힣]"), "jamo": re.compile("[\u1100-\u11ff]")}
SHOWN = 12  # unknown characters that a message names


def new_vocabulary(texts: Iterable[str], kind: Kind) -> Vocabulary:
    """Return the special tokens and those that occur in the texts, in code point order.

    Raises `ExportRefused` when there are none of that kind.
    """
    form = "NFD" if kind == "jamo" else "NFC"
    letters = {letter for text in texts for letter in unicodedata.normalize(form, text)} - {" ", DELIMITER}
    if kind in HANGUL:
        letters = {letter for letter in letters if HANGUL[kind].fullmatch(letter)}
    if not letters:
        others = "characters" if kind in HANGUL else "keep"
        raise ExportRefused(f"the training texts hold no {kind} to make a vocabulary of; --vocabulary {others}")
    return Vocabulary.build((*SPECIALS, *sorted(letters)), BLANK, DELIMITER)


@dataclass(frozen=True)
class Speller:
    """Spell NFC text in the tokens of one vocabulary, the longest that fits first."""

    vocabulary: Vocabulary
    _form: Literal["NFC", "NFD"] = field(init=False)
    _ids: dict[str, int] = field(init=False)
    _pieces: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        roles = self.vocabulary
        spelled = {token: i for i, token in enumerate(roles.tokens) if i not in roles.silent | roles.delimiters}
        form = "NFD" if any(HANGUL["jamo"].fullmatch(token) for token in spelled) else "NFC"
        ids = {unicodedata.normalize(form, token): i for token, i in spelled.items()}
        if roles.delimiters:
            ids[" "] = min(roles.delimiters)
        longest = sorted(ids, key=len, reverse=True)
        object.__setattr__(self, "_form", form)
        object.__setattr__(self, "_ids", ids)
        object.__setattr__(self, "_pieces", re.compile("|".join([*map(re.escape, longest), "."]), re.DOTALL))

    def spell(self, text: str) -> tuple[int, ...]:
        """Return token ids; what has no token is left out."""
        return tuple(self._ids[piece] for piece in self._split(text) if piece in self._ids)

    def unknown(self, text: str) -> Counter[str]:
        """Return the characters that have no token, counted."""
        return Counter(piece for piece in self._split(text) if piece not in self._ids)

    def without_unknown(self, text: str) -> str:
        """Return the text as far as it can be spelled, NFC with single spaces."""
        kept = "".join(piece for piece in self._split(text) if piece in self._ids)
        return " ".join(unicodedata.normalize("NFC", kept).split())

    def _split(self, text: str) -> Iterator[str]:
        return (found[0] for found in self._pieces.finditer(unicodedata.normalize(self._form, text)))


def check_spelling(texts: Iterable[str], speller: Speller, options: VocabularyOptions) -> Counter[str]:
    """Return the characters of the training texts that have no token, counted; none unless they may be dropped.

    Raises `ExportRefused`, naming and counting them, unless `drop_unknown`.
    """
    unknown: Counter[str] = Counter()
    for text in texts:
        unknown += speller.unknown(text)
    if unknown and not options.drop_unknown:
        raise ExportRefused(f"the training texts hold {named(unknown)} without a token; {_advice(unknown, speller)}")
    return unknown


def named(unknown: Counter[str]) -> str:
    """Return `2 characters ('3' 17 times, 'A' once)`."""
    shown = [f"{letter!r} {'once' if times == 1 else f'{times} times'}" for letter, times in unknown.most_common(SHOWN)]
    more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
    return f"{len(unknown)} character{'s' if len(unknown) > 1 else ''} ({', '.join(shown)}{more})"


def _advice(unknown: Counter[str], speller: Speller) -> str:
    """Return the flags that would help, the likeliest first."""
    advice = []
    for flag, change in (("--lowercase", str.lower), ("--uppercase", str.upper)):
        if any(letter != change(letter) and not speller.unknown(change(letter)) for letter in unknown):
            advice.append(flag)
    if any(unicodedata.category(letter).startswith("P") for letter in unknown):
        advice.append("--remove-punctuation")
    advice += ["--drop-unknown leaves them out", "--vocabulary characters gives each a token"]
    return ", ".join(advice)
