"""Speak the recordings under `samples/`: held-out sentences in a held-out voice, each with its exact text beside it
(`NAME.txt`), the Korean ones with their translation too (`NAME.en.txt`).

    python -m export.nano.samples                   # rewrites samples/*.wav and samples/*.txt, the same bytes each time
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from export.nano.grammar import Sentence, is_held_out
from export.nano.speech import HELD_OUT_VOICES, SAMPLE_RATE, synthesize

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PAUSES = (0.9, 1.6, 0.7, 2.5)  # seconds between the sentences of numbers.wav
KOREAN = Sentence("침실 온도를 이십육 도로 맞춰 주세요", "please set the bedroom temperature to twenty six degrees")
ENGLISH = Sentence("내일 제주에는 비가 옵니다", "it will rain in jeju tomorrow")
NUMBERS = (
    Sentence("제 번호는 오 사 칠 삼입니다", "my number is five four seven three"),
    Sentence("답은 이백오십팔입니다", "the answer is two hundred and fifty eight"),
    Sentence("방 번호는 삼 육 칠 팔 일입니다", "the room number is three six seven eight one"),
    Sentence("버스 번호는 일 오 삼 구 오입니다", "the bus number is one five three nine five"),
    Sentence("삼십오 분 뒤에 깨워 주세요", "please wake me up in thirty five minutes"),
)
SILENCE = np.zeros(SAMPLE_RATE // 2, np.int16)  # before the first and after the last sentence


def record(name: str, sentences: tuple[Sentence, ...], language: str, voice: str) -> None:
    """Write `samples/NAME.wav` (16 bit, 16 kHz) and its texts, one sentence a line."""
    assert all(is_held_out(sentence) for sentence in sentences)
    assert voice.split("+")[1] in HELD_OUT_VOICES
    pieces = [SILENCE]
    for sentence, pause in zip(sentences, (*PAUSES[: len(sentences) - 1], 0), strict=True):
        speech = synthesize(sentence.text(language), voice, speed=160, pitch=50)
        pieces += [speech, np.zeros(int(pause * SAMPLE_RATE), np.int16)]
    quiet = (np.concatenate([*pieces, SILENCE]) * 0.5).astype(np.int16)
    SAMPLES.mkdir(exist_ok=True)
    soundfile.write(SAMPLES / f"{name}.wav", quiet, SAMPLE_RATE, subtype="PCM_16")
    texts = {"txt": language, "en.txt": "en"} if language == "ko" else {"txt": language}
    for suffix, written in texts.items():
        lines = "".join(sentence.text(written) + "\n" for sentence in sentences)
        (SAMPLES / f"{name}.{suffix}").write_text(lines, encoding="utf-8")


def main() -> None:
    """Write all three."""
    record("korean", (KOREAN,), "ko", "ko+f5")
    record("english", (ENGLISH,), "en", "en-us+m7")
    record("numbers", NUMBERS, "ko", "ko+m7")


if __name__ == "__main__":
    main()
