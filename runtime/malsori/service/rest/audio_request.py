"""What a form asks for: which model, how it is to hear, and in which shape the words are wanted."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ...bundles.manifest import Manifest
from ...engines.options import HotWordsKind, Language
from ...errors import OptionError
from ...formats import CUED
from ...kinds import Choice, Number
from ...output.cues import CueOptions
from ...pipeline.options import TranscribeOptions
from ..refusal import Refusal, refusal_of
from ..registry import Registry
from .chunking import GATE, STRATEGY, gate_of
from .fields import FormFields, invalid, read
from .own_options import CUES, NAMES, OPTIONS, own_options

FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
STREAMED = ("json", "text")  # formats whose text comes as events with `stream`
GRANULARITIES = ("word", "segment")
SPEAKERS = ("known_speaker_names", "known_speaker_references")
LISTS = ("languages", "keywords", "hotwords", "timestamp_granularities", "include", *SPEAKERS)
HOSTED = ("model", "language", "prompt", "response_format", "temperature", "stream", *LISTS)
KNOWN = ("file", STRATEGY, GATE, *HOSTED, *NAMES)
# Read by other services, and of no consequence here.
ELSEWHERES = ("user", "stream_include_usage", "stream_continuous_usage_stats", "seed", "top_p", "detect_language")
ALIKE = 0.8  # of two names; "responce_format" is like response_format, "speaker" is not like "seed"
MOST_NAMED = 5  # fields that a warning names
STREAM_BATCH = 1  # stretches of speech in a call, of Whisper two, so that the first words come soon
MOST_CHOICES = 100  # languages or words of a list
GIVES_WAY = ("prompt", "temperature")  # clients send them whatever the model, so they are told of and left out


@dataclass(frozen=True, slots=True)
class AudioRequest:
    """One request for the words of a file.

    `words` and `segments` are wanted beside the text, in verbose_json; `logprobs` in json; `cues` is how subtitles are
    cut. `warnings` tell what of the request has no effect.
    """

    model: str
    options: TranscribeOptions
    format: str = "json"
    stream: bool = False
    words: bool = False
    segments: bool = True
    logprobs: bool = False
    cues: CueOptions = CueOptions()
    warnings: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        """What is to be done, in the words of the options."""
        return self.options.decoding.task


def audio_request(
    texts: dict[str, list[str]], registry: Registry, *, task: str = "transcribe", language: str | None = None
) -> AudioRequest:
    """Return what the texts of a form ask for. Raises `Refusal` that names the field at fault.

    `language` is taken where a form names none and the model knows it.
    """
    fields = FormFields(texts)
    model = registry.resolve(fields.raw("model"))
    manifest = registry.manifest(model)
    if task not in manifest.tasks:
        message = f"model: {model} cannot {task}, only {', '.join(manifest.tasks)}"
        raise Refusal(400, "unsupported_task", message, "model")
    asked = _shape(fields)
    values, said_by = _values(fields, task)
    values, ignored = _fitting(values, said_by, manifest, task)
    cues = {name: values.pop(name) for name in CUES & values.keys()}
    if language and "language" not in values and "languages" not in values and language in manifest.languages:
        values["language"] = language
    if asked.words or asked.logprobs or asked.format in CUED:
        values["word_timestamps"] = True
    if "initial_prompt" in values:
        values["cut_prompt"] = True
    if asked.stream:
        values["batch_size"] = STREAM_BATCH
    try:
        options = TranscribeOptions(task=task, **{"allow_truncated": True, **values})
        options.check(manifest)
    except OptionError as error:
        raise refusal_of(error) from error
    warnings = (*asked.warnings, *ignored, *_unknown(fields.left))
    return replace(asked, model=model, options=options, cues=CueOptions(**cues), warnings=warnings)


def _shape(fields: FormFields) -> AudioRequest:
    """Return a request with what is said about the reply."""
    format = _chosen("response_format", fields.text("response_format"), FORMATS) or "json"
    stream = fields.switch("stream")
    if stream and format not in STREAMED:
        raise invalid("response_format", f"with stream=true expected {' or '.join(STREAMED)}, found {format!r}")
    wanted = [
        _chosen("timestamp_granularities", each, GRANULARITIES) for each in fields.listed("timestamp_granularities")
    ]
    included = [_chosen("include", each, ("logprobs",)) for each in fields.listed("include")]
    if included and format != "json":
        raise invalid("include", f"logprobs come with response_format json, not with {format}")
    for name in SPEAKERS:
        if fields.listed(name):
            raise Refusal(400, "unsupported_parameter", f"{name}: no model here tells speakers apart", name)
    verbose = format == "verbose_json"
    needless = bool(wanted) and not verbose and format not in CUED
    warning = (f"timestamp_granularities: {format} has no times; verbose_json has",) if needless else ()
    words, segments = verbose and "word" in wanted, verbose and ("segment" in wanted or not wanted)
    return AudioRequest("", TranscribeOptions(), format, stream, words, segments, bool(included), warnings=warning)


def _values(fields: FormFields, task: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the options that a form asks for, and of each the field that said it."""
    values, said_by = own_options(fields)
    for field, name, value in (
        ("language", "language", fields.value("language", Language())),
        ("languages", "languages", _languages(fields)),
        ("prompt", "initial_prompt", _composed(fields.text("prompt", None))),
        ("temperature", "temperature", _temperature(fields)),
        ("keywords", "hotwords", _hot_words(fields)),
        (STRATEGY, "gate", gate_of(fields)),
    ):
        if value is None or value == ():
            continue
        if name in values:
            raise invalid(field, f"the same was said by {said_by[name]}; send one of them")
        values[name], said_by[name] = value, field
    given, among = values.get("language"), values.get("languages", ())
    if given is not None and among:
        if given not in among:
            raise invalid("languages", f"expected {given!r} among them, which is the language given")
        del values["languages"]
    return values, said_by


def _languages(fields: FormFields) -> tuple[str, ...]:
    texts = fields.listed("languages")
    if len(texts) > MOST_CHOICES:
        raise invalid("languages", f"expected at most {MOST_CHOICES}, found {len(texts)}")
    return tuple(dict.fromkeys(found for each in texts if (found := read("languages", Language(), each)) is not None))


def _hot_words(fields: FormFields) -> Any:
    """Return the words to listen for: `keywords` one by one, of `hotwords` also several with commas between."""
    plain, weighted = fields.listed("keywords", parted=False), fields.listed("hotwords")
    if len(plain) + len(weighted) > MOST_CHOICES:
        raise invalid("keywords", f"expected at most {MOST_CHOICES}, found {len(plain) + len(weighted)}")
    kind = HotWordsKind()
    try:
        found = (*kind.plain([_composed(each) for each in plain]), *kind.read(_composed(",".join(weighted)) or ""))
        kind.check("hotwords", found)
    except OptionError as error:
        raise invalid("hotwords", str(error)) from error
    return found


def _temperature(fields: FormFields) -> tuple[float, ...] | None:
    """Return the only temperature, None for 0, which begins a ladder of several as where none was sent."""
    value = fields.value("temperature", Number(0, 1))
    return (value,) if value else None


def _composed(text: str | None) -> str | None:
    # A decomposed Hangul syllable is nine tokens where a composed one is one.
    return None if text is None else unicodedata.normalize("NFC", text)


def _fitting(
    values: dict[str, Any], said_by: dict[str, str], manifest: Manifest, task: str
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the values without those that give way to the model, and a line for each of them.

    Each is tried alone, so that a refusal names its field.
    """
    kept, lines = dict(values), []
    for name, value in values.items():
        if name in CUES:
            continue
        try:
            TranscribeOptions(task=task, **{name: value}).check(manifest)
        except OptionError as error:
            field = said_by[name]
            reason = str(error).removeprefix(f"{name}: ")
            if field not in GIVES_WAY or not OPTIONS[name].family:
                raise invalid(field, reason) from error
            lines.append(f"{field} is left out: {reason}")
            del kept[name]
    return kept, tuple(lines)


def _chosen(name: str, text: str | None, words: tuple[str, ...]) -> str | None:
    """Return one of a few words as it was sent; raises `Refusal` for another."""
    return None if text is None else str(read(name, Choice(*words), text.strip()))


def _unknown(names: Collection[str]) -> Iterable[str]:
    """Yield a line that names the fields which nobody knows. Raises `Refusal` for one that is likely misspelt."""
    strange = [name for name in names if name not in ELSEWHERES]
    for name in strange:
        if near := difflib.get_close_matches(name.lower(), KNOWN, 1, ALIKE):
            message = f"{_shown(name)}: there is no such field; did you mean {near[0]!r}?"
            raise Refusal(400, "unknown_parameter", message, _shown(name))
    if strange:
        more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
        yield f"fields that have no meaning here: {', '.join(map(_shown, strange[:MOST_NAMED]))}{more}"


def _shown(name: str) -> str:
    return ascii(name[:40])[1:-1]
