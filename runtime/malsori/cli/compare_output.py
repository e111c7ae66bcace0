"""A comparison on standard output: texts with differences marked, then a table; or an object for programs."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .console import emit, printable, with_flag
from .tables import columns, on_terminal, table

if TYPE_CHECKING:
    from ..compare import ModelComparison, ModelOutcome
    from ..compare.differences import Difference
    from ..compare.scoring import ModelFigures, TextErrors

FORMS = {"replaced": "[{said} -> {heard}]", "missed": "[-{said}]", "added": "[+{heard}]"}
STYLES = {"replaced": "yellow", "missed": "red", "added": "cyan", "name": "bold", "": ""}
INDENT = "  "

Parts = list[tuple[str, str]]
"""Texts, each with the key of its style."""


def emit_comparison(comparison: ModelComparison) -> None:
    """Print the texts of each recording, then the figures, what they say, and what to keep in mind."""
    from ..compare.conclusions import conclusions, remarks
    from ..compare.scoring import score

    figures = score(comparison)
    for number in range(len(comparison.recordings)):
        for line in _recording(comparison, number):
            emit(_shown(line))
        emit("\n")
    emit(_table(comparison, figures))
    for lines in (conclusions(comparison, figures), remarks(comparison, figures)):
        if lines:
            emit("\n" + "".join(f"{printable(with_flag(line))}\n" for line in lines))


def _recording(comparison: ModelComparison, number: int) -> Iterator[Parts]:
    """Yield the lines of a recording: its name, what was said, and what each model heard."""
    recording = comparison.recordings[number]
    models = [model for model in comparison.models if not model.silent]
    wide = max(map(len, ["said", *(model.label for model in models)])) + 2
    yield [(f"{recording.name} ({recording.duration:.1f} s)", "name")]
    if recording.said is not None:
        yield [(INDENT + "said".ljust(wide), ""), (recording.said, "")]
    for model in models:
        yield [(INDENT + model.label.ljust(wide), ""), *_heard(comparison, number, model)]


def _heard(comparison: ModelComparison, number: int, model: ModelOutcome) -> Parts:
    from ..compare.differences import differences

    heard, reference = model.of(number), comparison.reference(number)
    if heard is None or reference is None:
        return [(f"({model.error(number)})", "missed")]
    if comparison.recordings[number].said is None and model is comparison.baseline:
        return [(heard.text, "")]
    return marked(differences(reference, heard.text, characters=comparison.characters))


def marked(found: list[Difference]) -> Parts:
    """Return a text with its differences in brackets: `[said -> heard]`, `[-not heard]`, `[+heard besides]`."""
    parts: Parts = []
    for each in found:
        if each.kind == "same":
            parts.append((each.heard.rstrip(), ""))
        else:
            form = FORMS[each.kind].format(said=each.said.strip(), heard=each.heard.strip())
            parts.append((form, each.kind))
        parts.append((" " * each.spaced, ""))
    return parts


def _shown(parts: Parts) -> str:
    """Return a line, coloured on a terminal; honours NO_COLOR, as rich does."""
    if not on_terminal():
        return "".join(printable(text) for text, _ in parts).rstrip() + "\n"
    from rich.console import Console
    from rich.text import Text

    target = io.StringIO()
    line = Text.assemble(*((printable(text), STYLES[style]) for text, style in parts))
    Console(file=target, width=columns(), force_terminal=True, highlight=False).print(line)
    return target.getvalue()


def _table(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> str:
    from ..compare.figure_table import Cell, columns_of, head_of

    head, cells = head_of(comparison), columns_of(comparison, figures)
    none = [Cell("-")] * (len(head) - 1)
    rows = [(model.label, *(cell.text for cell in cells.get(model.label, none))) for model in comparison.models]
    return table([tuple(head), *rows])


def summary(comparison: ModelComparison) -> dict[str, Any]:
    """Return the JSON form; rates and shares from 0 to 1, memory and sizes in bytes."""
    from ..compare.conclusions import conclusions, remarks, unsurpassed
    from ..compare.scoring import NORMALISED, score

    figures = score(comparison)
    front = [model.label for model in unsurpassed(comparison, figures)] if comparison.scored else []
    return {
        "metric": comparison.metric,
        "scored": comparison.scored,
        "baseline": comparison.baseline.label if comparison.baseline else None,
        "normalisation": NORMALISED,
        "runs": comparison.runs,
        "asked": list(comparison.asked),
        "host": dict(comparison.host),
        "models": [_model(model, figures.get(model.label)) for model in comparison.models],
        "recordings": [_recorded(comparison, number) for number in range(len(comparison.recordings))],
        "unsurpassed": front,
        "conclusions": conclusions(comparison, figures),
        "remarks": remarks(comparison, figures),
    }


def _model(model: ModelOutcome, figures: ModelFigures | None) -> dict[str, Any]:
    facts = {
        "model": model.label,
        "name": model.model.name,
        "kind": model.kind,
        "demonstration": model.demonstration,
        "quantization": model.quantization,
        "size": model.size,
    }
    if figures is None:
        return {**facts, "error": model.trouble}
    return {
        **facts,
        "compute_type": model.compute_type or model.stored,
        "device": model.device or "cpu",
        **({"errors": _errors(figures.said)} if figures.said else {}),
        **({"differences": _errors(figures.differing)} if figures.differing else {}),
        "real_time_factor": round(figures.rtf, 5),
        "speed": round(figures.rtfx, 3),
        "latency_s": None if model.latency_s is None else round(model.latency_s, 4),
        "latency_of": model.latency_of,
        "load_s": round(model.load_s, 3),
        "peak_memory": model.peak,
    }


def _errors(errors: TextErrors) -> dict[str, Any]:
    """Return the rates, and the counts that they are made of."""
    counted = {"wer": errors.words, "cer": errors.characters, "cer_without_spaces": errors.unspaced}
    rates = {name: None if each.rate is None else round(each.rate, 5) for name, each in counted.items()}
    return {**rates, "wrong_words": errors.words.edits, "words": errors.words.characters}


def _recorded(comparison: ModelComparison, number: int) -> dict[str, Any]:
    recording = comparison.recordings[number]
    heard = {model.label: _text(model, number) for model in comparison.models}
    counted = number in comparison.counted
    length = round(recording.duration, 3)
    return {"name": recording.name, "duration": length, "said": recording.said, "counted": counted, "heard": heard}


def _text(model: ModelOutcome, number: int) -> dict[str, Any]:
    heard = model.of(number)
    if heard is None:
        return {"error": model.error(number)}
    seconds = [round(each, 4) for each in heard.seconds]
    return {"text": heard.text, "language": heard.language, "seconds": seconds, "warnings": list(heard.warnings)}
