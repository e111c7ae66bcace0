"""A comparison as one HTML file: no script, no network, figures, a picture, and all texts with differences marked."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from .chart import Point, chart
from .comparison import ModelComparison, ModelOutcome
from .conclusions import conclusions, percent, rate, remarks, understanding
from .differences import Difference, differences
from .figure_table import Cell, columns_of, head_of
from .scoring import NORMALISED, ModelFigures, score, text_errors

STYLE = Path(__file__).with_name("comparison.css")
SIZES = {"wide": (720.0, 360.0), "narrow": (350.0, 340.0)}  # of the picture, by the class of its place
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # what HTML cannot hold


def comparison_page(
    comparison: ModelComparison, *, sound: Mapping[int, str] | None = None, notes: Sequence[str] = (), created: str = ""
) -> str:
    """Return the page; `sound` has data URLs by the numbers of recordings, `notes` are lines more to keep in mind."""
    figures = score(comparison)
    style = STYLE.read_text("utf-8")
    sum_of_style = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'sha256-{sum_of_style}'; media-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Models compared: {_text(', '.join(model.label for model in comparison.models))}</title>",
        f"<style>{style}</style>\n</head>\n<body>",
        *_head(comparison, figures, created),
        *_picture(comparison, figures),
        *_table(comparison, figures),
        *_remarks([*remarks(comparison, figures), *notes]),
        *_texts(comparison, sound or {}),
        *_method(comparison),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _head(comparison: ModelComparison, figures: Mapping[str, ModelFigures], created: str) -> Iterator[str]:
    count, host = len(comparison.recordings), comparison.host
    machine = f"{host['cpu']}, {host['threads']} threads" if host else ""
    sound = f"{count} recording{'s' * (count != 1)}, {sum(each.duration for each in comparison.recordings):.1f} s"
    facts = [sound, machine, ", ".join(comparison.asked), created]
    yield "<header>\n<h1>Models compared</h1>"
    yield f"<p class=facts>{_text(' · '.join(filter(None, facts)))}</p>"
    if told := conclusions(comparison, figures):
        yield "<ul class=told>" + "".join(f"<li>{_text(line)}</li>" for line in told) + "</ul>"
    yield "</header>"


def _picture(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> Iterator[str]:
    points = [
        Point(model.label, own.rtfx, 1 - share, model.peak, square=model.kind != "whisper")
        for model in drawn(comparison, figures)
        if (own := figures[model.label]) and (share := rate(comparison, own)) is not None
    ]
    if len(points) < 2:
        return
    base = comparison.baseline.label if comparison.baseline else ""
    up = f"Accuracy, 100 % less {comparison.metric}" if comparison.scored else f"Agreement with {base}"
    across, name = "Times as fast as speech", f"{up}, by speed; the table has the same figures"
    yield "<figure>"
    for place, (width, height) in SIZES.items():
        drawing = chart(points, width=width, height=height, across=f"{across} →", up=f"↑ {up}", name=_clean(name))
        yield f"<div class={place}>{drawing}</div>"
    shapes = {point.square for point in points}
    kinds = " Circles are Whisper models, squares others." if len(shapes) == 2 else ""
    yield (
        "<figcaption>Further up is more accurate, further right quicker; the area of a mark is the memory of the "
        f"process at its peak.{kinds}{_notes(comparison, figures)}</figcaption>\n</figure>"
    )


def _notes(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> str:
    shown = drawn(comparison, figures)
    left_out = [model.label for model in comparison.ready if model not in shown]
    nano = [model.label for model in shown if model.demonstration]
    told = f" Not in the picture: {', '.join(left_out)}, more than half wrong." if left_out else ""
    return _text(told + (f" For demonstration only: {', '.join(nano)}." if nano else ""))


def drawn(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> tuple[ModelOutcome, ...]:
    """Return the models of the picture: those that hear at least half right, or all if those are fewer than two."""
    understood = understanding(comparison, figures)
    return understood if len(understood) > 1 else comparison.ready


def _table(comparison: ModelComparison, figures: Mapping[str, ModelFigures]) -> Iterator[str]:
    yield "<section>\n<h2>Figures</h2>"
    yield '<div class=scroll role=region aria-label="Figures" tabindex=0><table>'
    head = head_of(comparison)
    yield "<thead><tr>" + "".join(f"<th scope=col>{_text(title)}</th>" for title in head) + "</tr></thead><tbody>"
    rows = columns_of(comparison, figures)
    for model in comparison.models:
        name = f"<th scope=row><bdi>{_text(model.label).replace('@', '@<wbr>')}</bdi></th>"
        if model.trouble:
            yield f"<tr>{name}<td class=trouble colspan={len(head) - 1}>{_text(model.trouble)}</td></tr>"
        else:
            yield f"<tr>{name}{''.join(map(_cell, rows[model.label]))}</tr>"
    yield "</tbody></table></div>\n</section>"


def _cell(cell: Cell) -> str:
    shown = _text(cell.text)
    return f"<td>{f'<strong>{shown}</strong>' if cell.best else shown}</td>"


def _remarks(lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield "<section class=remarks>\n<h2>To keep in mind</h2>\n<ul>"
        yield "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>\n</section>"


def _texts(comparison: ModelComparison, sound: Mapping[int, str]) -> Iterator[str]:
    yield "<section>\n<h2>Texts</h2>"
    heard = [model for model in comparison.models if not model.silent]
    other = "what was said" if comparison.scored else "the first model's text"
    yield (
        f"<p class=legend>Against {other}: <del>not heard</del>, <ins>heard besides</ins>, "
        "and <del>this</del> <ins>heard as that</ins>.</p>"
    )
    for number, recording in enumerate(comparison.recordings):
        length = f" <span class=length>{recording.duration:.1f} s</span>" if recording.duration else ""
        yield f"<article>\n<h3><bdi>{_text(recording.name)}</bdi>{length}</h3>"
        if number in sound:
            yield f'<audio controls preload=none src="{escape(sound[number])}"></audio>'
        if recording.said is not None:
            said = _text(recording.said) or "<em>nothing</em>"
            yield f"<p class=said dir=auto{_lang(_language(comparison, number))}><span class=who>Said</span> {said}</p>"
        yield "<div class=heard>" + "".join(_heard(comparison, number, model) for model in heard) + "</div>"
        yield "</article>"
    yield "</section>"


def _heard(comparison: ModelComparison, number: int, model: ModelOutcome) -> str:
    """Return what a model heard in a recording, with what differs from the reference marked."""
    heard, reference = model.of(number), comparison.reference(number)
    name = f"<span class=who><bdi>{_text(model.label)}</bdi>"
    if heard is None or reference is None:
        return f"<div>{name}</span><p class=trouble>{_text(model.error(number))}</p></div>\n"
    first = comparison.recordings[number].said is None and model is comparison.baseline
    text = _text(heard.text) if first else marked(differences(reference, heard.text, characters=comparison.characters))
    count = "" if first else f" <span class=count>{_count(comparison, reference, heard.text)}</span>"
    return f"<div>{name}{count}</span><p dir=auto{_lang(heard.language)}>{text or '<em>nothing</em>'}</p></div>\n"


def _language(comparison: ModelComparison, number: int) -> str:
    """Return the language of a recording as the first model that heard it tells, "" where none did."""
    return next((heard.language for model in comparison.ready if (heard := model.of(number))), "")


def _lang(language: str) -> str:
    return f' lang="{language}"' if re.fullmatch("[a-z]{2,3}", language) else ""


def _count(comparison: ModelComparison, reference: str, heard: str) -> str:
    errors = text_errors(reference, heard)
    own, unit = (errors.unspaced, "characters") if comparison.characters else (errors.words, "words")
    return "the same" if not own.edits else f"{own.edits} of {own.characters} {unit}, {percent(own.rate)}"


def marked(found: Sequence[Difference]) -> str:
    """Return a text with what was not heard in `del` and what was heard besides in `ins`."""
    parts = []
    for each in found:
        if each.kind == "same":
            parts.append(_text(each.heard.rstrip()) + " " * each.spaced)
            continue
        told = [
            f"<{tag}>{_text(text.strip())}</{tag}>" for tag, text in (("del", each.said), ("ins", each.heard)) if text
        ]
        parts.append(" ".join(told) + " " * each.spaced)
    return "".join(parts).strip()


def _method(comparison: ModelComparison) -> Iterator[str]:
    runs = f"Times are the median of {comparison.runs} runs. " if comparison.runs > 1 else "Each was heard once. "
    yield "<footer>\n<h2>How it was measured</h2>\n<p>"
    yield (
        f"Each model had a process of its own, one after another. {runs}Times are from the file to the text, after "
        "some seconds of sound to warm up and without loading. Memory is the most that the process held, weights and "
        "libraries included, without that of a GPU. Size is that of the model's files."
    )
    unit = "characters without spaces" if comparison.characters else "words"
    yield f"</p>\n<p>Differences are marked by {unit}. {NORMALISED}</p>\n</footer>"


def _text(text: str) -> str:
    return escape(_clean(text))


def _clean(text: str) -> str:
    """Return a text without characters that HTML cannot hold."""
    return CONTROLS.sub("�", text)
