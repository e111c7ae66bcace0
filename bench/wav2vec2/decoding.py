"""What a beam of 16 costs beside greedy and beside the encoder, and whether what it leaves out changes anything.

    python -m bench.wav2vec2 decoding [BUNDLE]

Ten seconds of sound are 499 frames. Three kinds of logits: real ones (BUNDLE, nano-ctc-ko by default, on the long
sample), peaked ones drawn to look like them (3 of 5 frames surely blank, the others between two tokens), and flat ones,
as a network with random weights gives. Vocabularies of 72 (jamo) and 1205 (Hangul syllables) tokens.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench import command
from bench.places import MODELS
from bench.recordings import sound
from bench.results import Row, alternate, row, seconds, write
from malsori.bundles import open_bundle
from malsori.engines.base import HotWord
from malsori.engines.ctc.beam import LEAST, Scorer, beam_search
from malsori.engines.ctc.decoder import BEAM, greedy
from malsori.engines.ctc.hotwords import hot_words
from malsori.engines.ctc.viterbi import log_softmax
from malsori.engines.ctc.vocabulary import Vocabulary
from malsori.engines.ctc.words import place
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine

SECONDS, FRAMES = 10, 499
VOCABULARIES = (72, 1205)
RUNS = 9
NOISES = (None, 10.0, 5.0, 2.0, 0.0)  # dB below the speech

Logits = NDArray[np.float32]


def peaked_logits(tokens: int, seed: int = 0) -> Logits:
    """Draw logits of a sure model, blank first: `(499, tokens)`, 3 of 5 frames blank, the others between two tokens."""
    rng = np.random.default_rng(seed)
    logits, frames = rng.normal(0, 1, (FRAMES, tokens)).astype(np.float32), np.arange(FRAMES)
    spoken = rng.random(FRAMES) < 0.4
    logits[:, 0] += np.where(spoken, 0, 17)
    for height in (12, 10):
        logits[frames, rng.integers(1, tokens, FRAMES)] += np.where(spoken, height, 0)
    return logits


def flat_logits(tokens: int, seed: int = 0) -> Logits:
    """Draw logits of a network that knows nothing, `(499, tokens)`."""
    return np.random.default_rng(seed).normal(0, 0.1, (FRAMES, tokens)).astype(np.float32)


def search(logits: Logits, blank: int = 0, width: int = BEAM, scorers: tuple[Scorer, ...] = ()) -> None:
    """Do all that a beam costs: the softmax, the search, the alignment of its best."""
    log_probs = log_softmax(logits)
    place(log_probs, beam_search(log_probs, blank, width, scorers)[0].tokens, blank)


def against_greedy(case: str, logits: Logits, blank: int = 0, scorers: tuple[Scorer, ...] = ()) -> Row:
    """Time a beam of 16 beside greedy decoding of the same logits."""
    works = {
        "ours": lambda: seconds(lambda: search(logits, blank, scorers=scorers)),
        "greedy": lambda: seconds(lambda: greedy(logits, blank)),
    }
    return row(f"beam {BEAM}, {case}", "time", "s", alternate(works, RUNS), target="below 0.2", digits=4)


def against_encoder(engine: Wav2Vec2Engine, case: str, logits: Logits, blank: int = 0, runs: int = 5) -> Row:
    """Give the time of a beam of 16 as a share of what the bundle's encoder takes for ten seconds of sound."""
    clip = speech()
    works = {
        "beam": lambda: seconds(lambda: search(logits, blank)),
        "encoder": lambda: seconds(lambda: engine.logits([clip])),
    }
    figures = alternate(works, runs)
    shares = [100 * beam / encoder for beam, encoder in zip(figures["beam"], figures["encoder"], strict=True)]
    case = f"beam {BEAM}, {case}, {engine.manifest.name} {engine.manifest.quantization}"
    return row(case, "share of the encoder's time", "%", {"ours": shares}, target="below 10 with XLSR-large", digits=2)


def left_out(engine: Wav2Vec2Engine) -> Row:
    """Count clips whose four best texts, in order, are others when no token is left out for being improbable."""
    blank = engine.vocabulary.blank
    clips = list(noisy_speech())
    changed = 0
    for logits in engine.logits(clips):
        few, every = (beam_search(log_softmax(logits), blank, BEAM, least=least)[:4] for least in (LEAST, 0.0))
        changed += [prefix.tokens for prefix in few] != [prefix.tokens for prefix in every]
    case = f"tokens below {LEAST:g} left out, {engine.manifest.name}, {len(clips)} clips of 10 s, clean to 0 dB"
    return row(case, "clips with another order of the best four", "clips", {"ours": [changed]}, target="0", digits=0)


def speech() -> NDArray[np.float32]:
    """Return the first ten seconds of the long sample."""
    return sound(SECONDS)


def noisy_speech() -> Iterator[NDArray[np.float32]]:
    """Yield them clean and with white noise at several levels, four times each."""
    clip = speech()
    for noise in NOISES:
        level = 0.0 if noise is None else np.sqrt(np.mean(clip**2)) * 10 ** (-noise / 20)
        for seed in range(4 if noise is not None else 1):
            yield (clip + level * np.random.default_rng(seed).standard_normal(len(clip))).astype(np.float32)


def rows(engine: Wav2Vec2Engine) -> list[Row]:
    """Measure everything with one engine."""
    (real,), blank, found = engine.logits([speech()]), engine.vocabulary.blank, []
    name = f"{engine.manifest.name}'s logits, {len(engine.vocabulary)} tokens"
    found.append(against_greedy(name, real, blank))
    for tokens in VOCABULARIES:
        found.append(against_greedy(f"peaked logits, {tokens} tokens", peaked_logits(tokens)))
        found.append(against_greedy(f"peaked logits, {tokens} tokens, 100 hot words", *with_hot_words(tokens)))
        found.append(against_greedy(f"flat logits, {tokens} tokens", flat_logits(tokens)))
    found.append(against_encoder(engine, "its logits", real, blank))
    for tokens in VOCABULARIES:
        found.append(against_encoder(engine, f"peaked logits, {tokens} tokens", peaked_logits(tokens)))
        found.append(against_encoder(engine, f"flat logits, {tokens} tokens", flat_logits(tokens)))
    return [*found, left_out(engine)]


def with_hot_words(tokens: int) -> tuple[Logits, int, tuple[Scorer, ...]]:
    """Return peaked logits, their blank, and the scorer of 100 hot words of four random tokens."""
    texts = tuple(chr(0xAC00 + index) for index in range(tokens - 2))
    vocabulary = Vocabulary.build(("<pad>", "|", *texts), "<pad>", "|")
    rng = np.random.default_rng(1)
    words = tuple(HotWord("".join(rng.choice(texts, 4)), 8.0) for _ in range(100))
    return peaked_logits(tokens), 0, (hot_words(words, vocabulary)[0],)


def main() -> None:
    """Measure with the bundle given and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("bundle", nargs="?", default=str(MODELS / "nano-ctc-ko"), help="whose encoder is timed")
    bundle = open_bundle(parser.parse_args().bundle)
    print(write("decoding", rows(Wav2Vec2Engine(bundle.folder, bundle.manifest))))
