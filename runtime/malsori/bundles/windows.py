"""How short a window each published Whisper model bears: the one place for it, a line per model.

A bundle that `models pull` makes, and one exported by a recipe in `models/` of a checkout, gets it as `audio_context`,
and so does a plain folder of a model that has the size of one of them (`infer/whisper.py`). `models calibrate` writes
another one into a bundle. A model that is not here hears 30 s each time.
"""

from __future__ import annotations

# Seconds: no window shorter than the first, and at least the second more than the speech.
WINDOWS = {
    "whisper-large-v3": (10.0, 2.0),
    "whisper-large-v3-turbo": (10.0, 2.0),
    "whisper-base": (12.0, 2.0),
    "whisper-tiny.en": (12.0, 2.0),
}


def audio_context(name: str) -> dict[str, float]:
    """Return what a manifest says of the window of the model with this recipe's name; empty for the full 30 s."""
    floor, margin = WINDOWS.get(name, (0.0, 0.0))
    return {"floor_s": floor, "margin_s": margin} if floor else {}
