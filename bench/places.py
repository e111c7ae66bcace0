"""Where things lie: the checkout, what ships in it, and the recordings beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models"
SAMPLES = ROOT / "samples"
RECORDINGS = ROOT.parent / "shared" / "speech"  # of real people; INDEX.tsv says what is in each
