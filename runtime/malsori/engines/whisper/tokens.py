"""Whisper's vocabulary: text to tokens and back, the special tokens, and tokens to words.

The rules are those of openai/whisper `tokenizer.py`; the vocabulary is a bundle's tokenizer.json.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from ...bundles.infer.ct2_folder import TOKENIZER
from ...errors import ModelIncompatible, OptionError, brief
from .tokenizer import character_ends, rebuilt, spelled_bytes

FILE = TOKENIZER
TIMESTAMPS = 1501  # <|0.00|> to <|30.00|> in steps of 0.02 s
MULTILINGUAL = 51_865  # entries from which on a vocabulary is multilingual, as in CTranslate2 and openai/whisper
UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "km", "bo", "yue"})  # languages without spaces between words
TASKS = ("transcribe", "translate")

# Marks of speaker labels and annotations, which are not spoken: "[DAVID]", "( applause )". Suppressed where they are
# one token, alone or behind a space; notes of music also by the first of their tokens.
MARKS = (
    *'"#()*+/:;<=>@[\\]^_`{|}~「」『』',
    *"<< >> <<< >>> -- --- -( -[ (' (\" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪".split(),
)
NOTES = "♩♪♫♬♭♮♯"
INNER = (" -", " '")  # allowed within a word, not at the beginning of one


@dataclass(frozen=True, slots=True)
class TokenWord:
    """A word with the space before it, and its tokens."""

    text: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The vocabulary of one bundle; safe to use from several threads.

    Token ids from `eot` on are special, from `timestamp_begin` on time tokens in steps of 0.02 s; `vocabulary` is the
    number of tokens.
    """

    sot: int
    eot: int
    sot_prev: int
    sot_lm: int
    no_speech: int
    no_timestamps: int
    timestamp_begin: int
    transcribe: int
    translate: int
    vocabulary: int
    multilingual: bool
    _orders: Any = field(repr=False, compare=False)  # tokenizers' Tokenizer of the file
    _speller: Any = field(
        repr=False, compare=False
    )  # the same without orders, so that "<|endoftext|>" in a text is spelled out

    @classmethod
    def read(cls, folder: Path) -> Tokens:
        """Return the vocabulary of the bundle in `folder`, from its tokenizer.json, else from CTranslate2's list.

        Raises `ModelCorrupt` when there is neither, `ModelIncompatible` when it is not a tokenizer or lacks one of
        Whisper's special tokens.
        """
        orders = _load(folder / FILE) if (folder / FILE).is_file() else rebuilt(folder)

        def find(*names: str) -> int:
            found = next((token for token in map(orders.token_to_id, names) if token is not None), None)
            if found is None:
                raise ModelIncompatible(str(folder / FILE), f"has no token {names[0]}, as every Whisper model does")
            return int(found)

        no_timestamps = find("<|notimestamps|>")
        # Files made before 2023 end at <|notimestamps|>; the network has the time tokens behind it nevertheless.
        usual = no_timestamps + 1 + TIMESTAMPS
        return cls(
            sot=find("<|startoftranscript|>"),
            eot=find("<|endoftext|>"),
            sot_prev=find("<|startofprev|>"),
            sot_lm=find("<|startoflm|>"),
            no_speech=find("<|nospeech|>", "<|nocaptions|>"),
            no_timestamps=no_timestamps,
            timestamp_begin=no_timestamps + 1,
            transcribe=find("<|transcribe|>"),
            translate=find("<|translate|>"),
            vocabulary=max(usual, orders.get_vocab_size()),
            multilingual=usual >= MULTILINGUAL,
            _orders=orders,
            _speller=_speller(orders),
        )

    def language(self, code: str) -> int | None:
        """Return the token of a language (`ko`), or None for one that the vocabulary does not have."""
        token = self._orders.token_to_id(f"<|{code}|>")
        first, end = self.sot + 1, min(self.transcribe, self.translate)  # <|translate|> is no language
        return token if token is not None and first <= token < end else None

    def start(self, language: str, task: str, timestamps: bool) -> list[int]:
        """Return the special tokens that a transcript begins with; English-only models have no language and task.

        Raises `OptionError` for a language or task that the vocabulary does not have.
        """
        orders = [self.sot]
        if self.multilingual:
            orders += [self._language(language), self._task(task)]
        return orders if timestamps else [*orders, self.no_timestamps]

    def encode(self, text: str) -> list[int]:
        """Return the tokens of `text`, all below `eot`, also where it spells special tokens."""
        whole = text.encode("utf-8", "replace").decode("utf-8")  # without lone surrogates
        return list(self._speller.encode(whole, add_special_tokens=False).ids)

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens, without special and time tokens; invalid UTF-8 becomes U+FFFD."""
        return str(self._orders.decode([token for token in tokens if token < self.eot]))

    def words(self, tokens: Sequence[int], language: str) -> list[TokenWord]:
        """Return the tokens as words; together they have all the tokens, in order.

        A word begins at a space, or is a mark of ASCII punctuation; in languages without spaces it is as few tokens as
        give whole characters. A special or time token is a word without text. Example, in English:

            " Hel" "lo" "," " world" <|endoftext|>  ->  " Hello" "," " world" ""
        """
        characters = self._whole_characters(tokens)
        return list(characters) if language in UNSPACED else list(self._joined_to_words(characters))

    def suppressed(self, extra: Sequence[int] = (-1,)) -> list[int]:
        """Return the tokens to suppress in decoding, ascending: `extra` and the special ones that start a transcript.

        -1 in `extra` stands for the marks of music, annotations and speaker labels. Raises `OptionError` for a number
        that is no token.
        """
        wrong = next((token for token in extra if not -1 <= token < self.vocabulary), None)
        if wrong is not None:
            raise OptionError(f"suppress_tokens: expected -1 to {self.vocabulary - 1}, found {wrong}")
        orders = {self.transcribe, self.translate, self.sot, self.sot_prev, self.sot_lm, self.no_speech}
        marks = self._marks() if -1 in extra else set()
        return sorted(orders | marks | set(extra) - {-1})

    def _language(self, code: str) -> int:
        token = self.language(code)
        if token is None:
            raise OptionError(f"language: expected one that the model's vocabulary has, found {code!r}")
        return token

    def _task(self, task: str) -> int:
        if task not in TASKS:
            raise OptionError(f"task: expected {' or '.join(TASKS)}, found {task!r}")
        return self.transcribe if task == "transcribe" else self.translate

    def _marks(self) -> set[int]:
        marks = {self.encode(text)[0] for text in INNER}
        for mark in (*MARKS, *NOTES):
            for tokens in (self.encode(mark), self.encode(f" {mark}")):
                if len(tokens) == 1 or mark in NOTES:
                    marks.add(tokens[0])
        return marks

    def _whole_characters(self, tokens: Sequence[int]) -> Iterator[TokenWord]:
        """Yield the tokens in the shortest runs that end where a character ends."""
        for is_text, run in groupby(tokens, key=lambda token: token < self.eot):
            if is_text:
                yield from self._characters(list(run))
            else:
                yield from (TokenWord("", (token,)) for token in run)

    def _characters(self, tokens: list[int]) -> Iterator[TokenWord]:
        spelled = [spelled_bytes(self._speller.id_to_token(token)) for token in tokens]
        whole = b"".join(spelled)
        ends = character_ends(whole)
        first = begin = end = 0
        for last, part in enumerate(spelled, 1):
            end += len(part)
            if end in ends:
                yield TokenWord(whole[begin:end].decode("utf-8", "replace"), tuple(tokens[first:last]))
                first, begin = last, end

    def _joined_to_words(self, characters: Iterator[TokenWord]) -> Iterator[TokenWord]:
        """Yield whole characters joined to words, which begin at spaces and punctuation."""
        word: TokenWord | None = None
        for character in characters:
            order = character.tokens[0] >= self.eot
            if word is None or order or word.tokens[0] >= self.eot or _begins_word(character.text):
                if word is not None:
                    yield word
                word = character
            else:
                word = TokenWord(word.text + character.text, word.tokens + character.tokens)
        if word is not None:
            yield word


def _begins_word(text: str) -> bool:
    return text.startswith(" ") or text.strip() in string.punctuation


def _load(path: Path) -> Any:
    """Return the tokenizer in a file."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises Exception itself
        raise ModelIncompatible(str(path), f"is not a tokenizer ({brief(error)})") from error
    if type(tokenizer.decoder).__name__ != "ByteLevel":
        raise ModelIncompatible(str(path), "does not spell in bytes, as Whisper's tokenizers do")
    return tokenizer


def _speller(tokenizer: Any) -> Any:
    """Return a tokenizer with the same vocabulary but without the added tokens.

    The library's own switch for this, `encode_special_tokens`, lets time tokens through: they are not marked special.
    """
    speller = type(tokenizer)(tokenizer.model)
    speller.pre_tokenizer = tokenizer.pre_tokenizer
    if tokenizer.normalizer is not None:
        speller.normalizer = tokenizer.normalizer
    return speller
