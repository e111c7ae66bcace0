"""Error rates of what was heard against what was spoken."""

from __future__ import annotations

import jiwer


def rates(spoken: list[str], heard: list[str]) -> dict[str, float]:
    """Return word and character error rate over NFC text, and the share of clips without any error."""
    exact = sum(map(str.__eq__, spoken, heard)) / len(spoken)
    return {"cer": float(jiwer.cer(spoken, heard)), "wer": float(jiwer.wer(spoken, heard)), "exact": exact}
