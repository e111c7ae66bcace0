"""The same recordings through several models, each in a process of its own: what they hear, how fast, how large."""

from .comparing import ComparisonSettings, compare
from .comparison import ComparedRecording, ModelComparison, ModelOutcome
from .comparison_page import comparison_page
from .contender import Contender, contenders, models_here
from .said import SaidTexts

__all__ = [
    "ComparedRecording",
    "ComparisonSettings",
    "Contender",
    "ModelComparison",
    "ModelOutcome",
    "SaidTexts",
    "compare",
    "comparison_page",
    "contenders",
    "models_here",
]
