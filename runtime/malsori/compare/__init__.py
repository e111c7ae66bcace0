"""The same recordings through several models, each in a process of its own: what they hear, how fast, how large."""

from .compared_model import ComparedModel, compared_models, models_here
from .comparing import ComparisonSettings, compare
from .comparison import ComparedRecording, ModelComparison, ModelOutcome
from .comparison_page import comparison_page
from .said import SaidTexts

__all__ = [
    "ComparedModel",
    "ComparedRecording",
    "ComparisonSettings",
    "ModelComparison",
    "ModelOutcome",
    "SaidTexts",
    "compare",
    "compared_models",
    "comparison_page",
    "models_here",
]
