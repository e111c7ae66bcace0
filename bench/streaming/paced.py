"""Networks of the published sizes with random weights, made to speak at a pace: so many tokens a second of sound.

Such a network never ends and never says the same twice, so nothing would ever be agreed on. Three things are therefore
set alike for both loops, and everything is computed all the same:

- A reading has three tokens for each second of sound that it is of (`PACE`), what is committed among them where that is
  forced. Ours reads what is behind the committed words in its window, the peer's loop all of its buffer.
- All is committed but what was said in the last `BEHIND` seconds, as nano-whisper's median word is.
- Words are spread evenly over the sound where ours asks when they were said. The peer is not asked for word times,
  which its loop needs at each step, and its buffer is cut at what is committed when it is longer than 15 s, where its
  own loop waits for the end of a segment. Both are in its favour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.recordings import RATE, Audio
from bench.streaming.peer import TRIMMED, transcriber
from bench.whisper.clips import check_words
from bench.whisper.ours import forced
from bench.whisper.peers import LANGUAGE, THREADS, half_of
from malsori.bundles import read_manifest
from malsori.engines.base import DecodeOptions
from malsori.engines.session import Commit, SessionOptions
from malsori.engines.whisper.features import LogMel
from malsori.engines.whisper.listening import Look, UtteranceReader
from malsori.engines.whisper.model_files import compute_type_for
from malsori.engines.whisper.network import Network
from malsori.engines.whisper.options import AudioContext, WhisperOptions
from malsori.engines.whisper.tokens import Tokens
from malsori.engines.whisper.whisper_session import WhisperSession
from malsori.engines.whisper.window import Context

PACE = 3.0  # tokens a second
BEHIND = 1.5  # seconds
Push = Callable[[Audio], None]
BLIND = WhisperOptions(
    compression_ratio_threshold=None, log_prob_threshold=None, no_speech_threshold=None, window_guards=False
)


def tokens_in(seconds: float) -> int:
    """Return how many tokens so much sound has, one at least."""
    return max(1, round(PACE * seconds))


class Paced:
    """A network that reads as many tokens as the sound of a window has, and aligns them evenly."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.seconds = 0.0  # of the sound in the window

    def encode(self, features: Any) -> Any:
        """Encode as the network does."""
        return self._network.encode(features)

    def generate(self, encoded: Any, prompts: Sequence[Sequence[int]], options: Any, **how: Any) -> list[Any]:
        """Read on behind the prefix up to the number of tokens that there are."""
        budget = max(1, tokens_in(self.seconds) - how["prefix"])
        found: list[Any] = self._network.generate(encoded, prompts, options, **how | {"budget": budget})
        if len(found[0].tokens) != how["prefix"] + budget:
            raise SystemExit(f"ours read {len(found[0].tokens)} tokens where {how['prefix'] + budget} were forced")
        return found

    def align(self, encoded: Any, start: Any, texts: Sequence[Sequence[int]], frames: Sequence[int]) -> list[Any]:
        """Align, and return an even path instead of what comes out."""
        self._network.align(encoded, start, texts, frames)
        size = len(texts[0])
        path = [(index, round(index * frames[0] / 2 / size)) for index in range(size + 1)]
        return [SimpleNamespace(alignments=path, text_token_probs=[1.0] * size)]


class Behind:
    """Commits all words but those of the last `BEHIND` seconds; asks for the attention if the rule would."""

    def __init__(self, attention: bool) -> None:
        self._attention = attention

    def settled(self, words: Sequence[Any], at: int, behind: Callable[[], Sequence[float]]) -> int:
        """Return how many words are committed."""
        if self._attention and words:
            behind()
        return max(0, len(words) - tokens_in(BEHIND))

    def forget(self, count: int) -> None:
        """Keep nothing."""


class PacedListener(UtteranceReader):
    """A listener that tells its network how much sound the window has."""

    def __init__(self, paced: Paced, *rest: Any) -> None:
        network: Any = paced
        super().__init__(network, *rest)
        self.paced = paced

    def look(self, sound: Audio, given: Sequence[int], said: Sequence[int]) -> Look | None:
        """Read on, as any listener does."""
        self.paced.seconds = len(sound) / RATE
        return super().look(sound, given, said)


def ours(folder: Path, commit: Commit = "agreement", window: AudioContext = "auto") -> Callable[[], Push]:
    """Open a bundle; return what opens a session."""
    manifest = read_manifest(folder)
    compute_type = compute_type_for("default", manifest.quantization, "cpu")
    network = Network(folder, manifest.name, device="cpu", compute_type=compute_type, threads=THREADS)
    tokens, mel, context = Tokens.read(folder), LogMel(network.n_mels), Context.of(manifest, window)
    decoding = DecodeOptions(language=LANGUAGE, whisper=BLIND)

    def opened() -> Push:
        listener = PacedListener(Paced(network), tokens, mel, context, manifest.languages, decoding)
        session = WhisperSession(listener, SessionOptions(step_s=1.0, commit=commit))
        session.rule = Behind(commit == "attention")
        return lambda sound: void(session.push(sound))

    return opened


def theirs(folder: Path, beam: int) -> Callable[[], Push]:
    """Open a bundle with faster-whisper; return what opens a loop."""
    ours_alone = ("window_guards", "max_new_tokens")
    options = {name: value for name, value in forced(1).items() if name not in ours_alone} | {"beam_size": beam}
    read = transcriber(folder, beam, **options)

    def opened() -> Push:
        buffer = np.zeros(0, np.float32)

        def push(sound: Audio) -> None:
            nonlocal buffer
            buffer = np.append(buffer, sound)
            wanted = tokens_in(len(buffer) / RATE)
            segments = read(buffer, max_new_tokens=half_of(wanted))
            check_words("faster-whisper", "".join(each.text for each in segments), wanted)
            if len(buffer) > TRIMMED * RATE:
                buffer = buffer[-round(BEHIND * RATE) :]

        return push

    return opened


def void(result: object) -> None:
    """Return nothing."""
