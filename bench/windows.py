"""Minutes of speech in windows of 30 s against one pass over all of it: what stitching costs in characters.

    python -m bench.windows WORK       # needs espeak-ng; WORK keeps the speech that it makes

Sentences and voices that nano-ctc-ko was never trained on, with short pauses, joined to clips of at most 60 s: of one
voice each, as a minute of speech without a pause mostly is, and of voices that change with every sentence.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jiwer
import numpy as np

from bench.results import Row, write
from export.nano.speech import SAMPLE_RATE, Corpus, Utterance
from malsori.bundles import read_manifest
from malsori.engines.wav2vec2 import acoustic
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.types import Audio

BUNDLE = Path(__file__).resolve().parents[1] / "models" / "nano-ctc-ko"
LONGEST, SHORTEST = 60 * SAMPLE_RATE, 50 * SAMPLE_RATE
PAUSES = (0.1, 0.6)  # seconds between sentences
SENTENCES = 500
ENDLESS = 1 << 40  # samples: no clip is cut into windows


def clips(utterances: list[Utterance]) -> list[tuple[Audio, str]]:
    """Return clips of 50 to 60 s with what is said in each."""
    rng = np.random.default_rng(0)
    made: list[tuple[Audio, str]] = []
    parts: list[Audio] = []
    texts: list[str] = []
    for utterance in utterances:
        sound = np.pad(utterance.audio.astype(np.float32) / 32_768, (0, int(rng.uniform(*PAUSES) * SAMPLE_RATE)))
        if sum(map(len, parts)) + len(sound) > LONGEST:
            made.append((np.concatenate(parts), " ".join(texts)))
            parts, texts = [], []
        parts.append(sound)
        texts.append(utterance.text)
    return [(audio, text) for audio, text in made if len(audio) >= SHORTEST]


def main() -> None:
    """Hear every clip both ways and write the character error rates."""
    engine = Wav2Vec2Engine(BUNDLE, read_manifest(BUNDLE), device="cpu")
    held_out = Corpus.cached(Path(sys.argv[1]) / "minutes", SENTENCES, ["ko"], held_out=True).utterances
    voices = sorted({utterance.voice for utterance in held_out})
    of_one = [clip for voice in voices for clip in clips([each for each in held_out if each.voice == voice])]
    found = rows("one voice", of_one, engine, target="at most 0.5") + rows("changing voices", clips(held_out), engine)
    print(write("windows", found))


def rows(kind: str, spoken: list[tuple[Audio, str]], engine: Wav2Vec2Engine, target: str = "") -> list[Row]:
    """Hear the clips in windows and in one pass, and compare the two and each with what was said."""
    texts = [text for _, text in spoken]
    windows = heard(engine, spoken, acoustic.WINDOW)
    whole = heard(engine, spoken, ENDLESS)
    case = f"nano-ctc-ko, {len(spoken)} clips of 50-60 s, {kind}"
    said = _percent(texts, windows)
    return [
        Row(f"{case}, windows against one pass", "CER", "%", _percent(whole, windows), target=target),
        Row(f"{case}, windows against what was said", "CER", "%", said, {"one pass": _percent(texts, whole)}),
    ]


def heard(engine: Wav2Vec2Engine, spoken: list[tuple[Audio, str]], window: int) -> list[str]:
    """Return what is heard in each clip, in windows of so many samples."""
    before, acoustic.WINDOW = acoustic.WINDOW, window
    try:
        found = [engine.transcribe([audio])[0] for audio, _ in spoken]
    finally:
        acoustic.WINDOW = before
    return [" ".join(segment.text for segment in each.segments) for each in found]


def _percent(reference: list[str], heard: list[str]) -> float:
    return round(100 * float(jiwer.cer(reference, heard)), 2)


if __name__ == "__main__":
    main()
