"""Names of rooms and devices as hot words: those of a file, and those that Home Assistant sends with a request."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from ...bundles.families import FAMILIES
from ...bundles.manifest import Manifest
from ...engines.options import HOTWORD_WEIGHT, HotWord, weighted
from ...errors import OptionError
from ...pipeline import TranscribeOptions
from ..registry import Registry

MOST_NAMES = 500  # that a request listens for; a model may bear fewer
# Of a client's for Whisper, which hears names in other words, too: of 24 sentences of LibriSpeech, where none is said,
# stock base got 11.2 % of the words wrong, with 10 names before them 14.0 %, with 30 17.5 %, with 59 20.3 %.
UNWEIGHED = 10
LONGEST = 64  # characters of a name
LOOKED_AT = 10_000  # entries of a client's list, most of which may be no names
ANY_ENDING = "*"
COMMENT = "#"


def names_in_file(path: str | Path | None) -> tuple[HotWord, ...]:
    """Return the names of a file, one a line, each with a weight behind a colon or without; `#` begins a comment.

    Raises `OptionError` for a file that cannot be read or has something else in it.
    """
    if path is None:
        return ()
    try:
        lines = Path(path).read_text("utf-8-sig").splitlines()
        words = weighted(line.partition(COMMENT)[0].replace("\t", " ") for line in lines)
        named = tuple(replace(word, text=unicodedata.normalize("NFC", word.text)) for word in words)
        TranscribeOptions(hotwords=named).check_values()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "something else"
        raise OptionError(f"names: {path}: expected names as UTF-8 text, found {reason}") from error
    except OptionError as error:
        raise OptionError(f"names: {path}: {error}") from error
    if len(named) > MOST_NAMES or any(len(word.text) > LONGEST for word in named):
        raise OptionError(f"names: {path}: expected at most {MOST_NAMES} names of at most {LONGEST} characters")
    return named


def names_sent(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names and then the terms that a `transcribe` brings; what is no name is left out."""
    lists = (data.get(key) for key in ("transcript_names", "transcript_terms"))
    texts = [text for each in lists if isinstance(each, list) for text in islice(each, LOOKED_AT)]
    names = (_plain(text) for text in texts if isinstance(text, str))
    return tuple(islice(dict.fromkeys(name for name in names if 0 < len(name) <= LONGEST), MOST_NAMES))


@dataclass(slots=True)
class HomeNames:
    """The hot words of a service's requests: its own `names`, then those of the client, as many as a model bears."""

    names: tuple[HotWord, ...] = ()
    _borne: dict[tuple[str, tuple[HotWord, ...]], int] = field(default_factory=dict)

    async def put(
        self, registry: Registry, model: str, options: TranscribeOptions, sent: Sequence[str]
    ) -> TranscribeOptions:
        """Return the options with the hot words in them; the model is loaded to see how many it bears.

        Raises `Refusal` as `Registry.lease` does.
        """
        words = self.words(registry.manifest(model), sent)
        if not words:
            return options
        count = self._borne.get((model, words))
        if count is None:
            async with registry.lease(model) as transcriber:
                count = await asyncio.to_thread(borne, transcriber.check, options, words)
            self._borne = {(model, words): count}  # Home Assistant sends the same ones each time
        return options.changed(hotwords=words[:count])

    def words(self, manifest: Manifest, sent: Sequence[str]) -> tuple[HotWord, ...]:
        """Return the hot words for a model. With CTC models a client's name may have any ending (거실 takes 거실을)."""
        family = FAMILIES.get(manifest.kind)
        weighed = family is not None and family.logits
        ending, most = (ANY_ENDING, MOST_NAMES) if weighed else ("", UNWEIGHED)
        own = {word.text.removesuffix(ANY_ENDING) for word in self.names}
        more = [HotWord(name + ending, HOTWORD_WEIGHT) for name in sent if name not in own]
        return (*self.names, *more[:most])[:MOST_NAMES]


def borne(check: Callable[[TranscribeOptions], object], options: TranscribeOptions, words: tuple[HotWord, ...]) -> int:
    """Return how many of the first hot words a model's `check` lets pass: Whisper has room for 223 tokens of them."""
    least, most = 0, len(words)
    count = most
    while least < most:
        try:
            check(options.changed(hotwords=words[:count]))
            least = count
        except OptionError:
            most = count - 1
        count = (least + most + 1) // 2
    return least


def _plain(text: str) -> str:
    """Return a name with composed letters and single spaces; nothing for one with signs that nobody speaks."""
    name = " ".join(unicodedata.normalize("NFC", text[: 4 * LONGEST]).split()).rstrip(ANY_ENDING)
    return name if name.isprintable() else ""
