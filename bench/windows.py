"""Minutes of speech in windows of 30 s against one pass over all of it: what stitching costs in characters.

    python -m bench.windows WORK       # needs espeak-ng; WORK keeps the speech that it makes

Sentences and voices that nano-ctc-ko was never trained on, with short pauses, joined to clips of at most 60 s.
"""

from __future__ import annotations

import sys
from pathlib import Path

import jiwer
import numpy as np

from bench.results import Row, write
from export.nano.speech import SAMPLE_RATE, Utterance, held_out_corpus
from malsori.bundles import read_manifest
from malsori.engines import acoustic
from malsori.engines.wav2vec2 import Wav2Vec2Engine
from malsori.types import Audio

BUNDLE = Path(__file__).resolve().parents[1] / "models" / "nano-ctc-ko"
LONGEST, SHORTEST = 60 * SAMPLE_RATE, 50 * SAMPLE_RATE
PAUSES = (0.1, 0.6)  # seconds between sentences
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
    spoken = clips(held_out_corpus(Path(sys.argv[1])).only("ko").utterances)

    def heard() -> list[str]:
        found = (engine.transcribe([audio])[0] for audio, _ in spoken)
        return [" ".join(segment.text for segment in each.segments) for each in found]

    windows, texts = heard(), [text for _, text in spoken]
    acoustic.WINDOW = ENDLESS
    whole = heard()
    case = f"nano-ctc-ko, {len(spoken)} clips of 50-60 s"
    rows = [
        Row(f"{case}, windows against one pass", "CER", "%", _percent(whole, windows), target="at most 0.5"),
        Row(
            f"{case}, windows against what was said",
            "CER",
            "%",
            _percent(texts, windows),
            {"one pass": _percent(texts, whole)},
        ),
    ]
    print(write("windows", rows))


def _percent(reference: list[str], heard: list[str]) -> float:
    return round(100 * float(jiwer.cer(reference, heard)), 2)


if __name__ == "__main__":
    main()
