"""Minutes of speech in windows of 30 s against one pass over all of it: what stitching costs in characters.

    python -m bench.windows WORK       # needs espeak-ng; WORK keeps the speech that it makes

Sentences and voices that nano-ctc-ko was never trained on, with short pauses, joined to clips of at most 60 s: of one
voice each, as a minute of speech without a pause mostly is, and of voices that change with every sentence.
"""

from __future__ import annotations

from pathlib import Path

import jiwer

from bench import command
from bench.joined import joined
from bench.places import MODELS
from bench.results import Row, write
from export.nano.speech import SAMPLE_RATE, Corpus
from malsori.bundles import read_manifest
from malsori.engines.wav2vec2 import acoustic
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.types import Audio

BUNDLE = MODELS / "nano-ctc-ko"
SHORTEST, LONGEST = 50 * SAMPLE_RATE, 60 * SAMPLE_RATE
SENTENCES = 500
ENDLESS = 1 << 40  # samples: no clip is cut into windows


def main() -> None:
    """Hear every clip both ways and write the character error rates."""
    parser = command.parser(__doc__)
    parser.add_argument("work", type=Path, help="folder for the speech")
    work = parser.parse_args().work
    engine = Wav2Vec2Engine(BUNDLE, read_manifest(BUNDLE), device="cpu")
    held_out = Corpus.cached(work / "minutes", SENTENCES, ["ko"], held_out=True).utterances
    voices = sorted({utterance.voice for utterance in held_out})
    spoken = ([each for each in held_out if each.voice == voice] for voice in voices)
    of_one = [clip for each in spoken for clip in joined(each, SHORTEST, LONGEST)]
    found = rows("one voice", of_one, engine, target="at most 0.5") + rows(
        "changing voices", joined(held_out, SHORTEST, LONGEST), engine
    )
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
