"""The rows of a manifest to recordings: which columns there may be, and what becomes of each."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..audio.source import name_of
from ..engines.options import DecodeOptions
from ..errors import MalsoriError, OptionError
from ..kinds import FilePath, Seconds
from ..option import Option, nearest, options_of
from ..pipeline.options import ALIASES, TranscribeOptions
from ..sound_options import SourceOptions, SpeechOptions
from ..urls import is_url
from .input_row import InputRow
from .listed import below_of, checked, composed_otherwise, row_at_url
from .manifest_files import MANIFESTS, ManifestRecord, records
from .naming import path_of_id

__all__ = ["AUDIO", "CARRIED", "MANIFESTS", "rows_of"]

AUDIO = ("audio", "audio_filepath", "path", "file", "file_name")  # ours, NeMo's, Common Voice's, Hugging Face's
SHORT = {"lang": "language", "prompt": "initial_prompt"}
PART = ("offset", "duration")  # of NeMo: seconds of the file that the row is about
CARRIED = frozenset(  # what data sets have beside a recording, and a batch does not need
    "text transcript transcription sentence sentence_id sentence_domain pred_text raw_text normalized_text label "
    "client_id speaker speaker_id chapter_id up_votes down_votes age gender accent accents variant locale segment "
    "dataset split source num_samples sample_rate sampling_rate audio_duration taskname pnc source_lang target_lang "
    "itn timestamp diarize bytes size sha256".split()
)
WHOLE_BATCH = ("align_with", "language_model", "sample_rate")  # which a row cannot have
LONGEST_PATH, LONGEST_ID = 4096, 1000  # characters
MOST_CHECKED = 1000  # sets of options that are remembered to be right
_COMMON_VOICE, _CLIPS = {"client_id", "path"}, "clips"


def _row_options() -> dict[str, Option]:
    """Return the options that a row may have, by name."""
    found = options_of(SourceOptions) | options_of(SpeechOptions) | options_of(DecodeOptions)
    usable = {name: kept for name, kept in found.items() if kept.kind.schema and not isinstance(kept.kind, FilePath)}
    usable = {name: kept for name, kept in usable.items() if name not in WHOLE_BATCH}
    return usable | {alias: usable[name] for alias, name in ALIASES.items()}


def rows_of(path: str, *, note: Callable[[str], None] = lambda text: None, remote: bool = False) -> Iterator[InputRow]:
    """Yield the rows of a manifest, whose paths are relative to its folder; `remote` where URLs can be read.

    `note` is told once which columns are not read. Raises as `records` does, and `OptionError` for a column that nobody
    knows.
    """
    reader = _RowReader(path, remote)
    for record in records(path, frozenset(AUDIO)):
        yield reader.row(record)
        if unread := reader.unread():
            note(f"{name_of(path)}: not read are the columns {', '.join(unread)}")


class _RowReader:
    """Makes rows of the records of one manifest."""

    def __init__(self, path: str, remote: bool) -> None:
        self._path, self._name, self._remote = path, name_of(path), remote
        self._folder = os.path.dirname(path)
        self._options = _row_options()
        self._known: set[str] = set()  # columns that were looked up
        self._unread: list[str] = []
        self._right: set[str] = set()  # options that were checked: most rows ask for the same

    def unread(self) -> list[str]:
        """Return the columns that were met since the last call and are not read."""
        found, self._unread = self._unread, []
        return found

    def row(self, record: ManifestRecord) -> InputRow:
        """Return the row of a record, with its trouble if there is any."""
        where = f"{self._name}, line {record.line}"
        try:
            if record.wrong:
                raise OptionError(record.wrong)
            self._check_columns(record.values, where)
            row = self._located(record.values)
        except _Unusable as fatal:
            raise OptionError(str(fatal)) from None
        except OptionError as error:
            return InputRow(where, f"line-{record.line}", trouble=OptionError(f"{where}: {error}"))
        try:
            row = replace(row, id=_id(record.values))
            return replace(row, options=self._asked(record.values))
        except OptionError as error:
            return replace(row, trouble=OptionError(f"{where}: {error}"))

    def _check_columns(self, values: Mapping[str, Any], where: str) -> None:
        for name in values.keys() - self._known:
            self._known.add(name)
            if name.startswith("_") or (name in CARRIED and name not in self._options):
                self._unread.append(name)
            elif name in WHOLE_BATCH:
                raise _Unusable(f"{where}: {name} is for all of a batch; leave the column out")
            elif name not in (*AUDIO, *SHORT, *PART, "id", *self._options):
                hint = nearest(name, [*AUDIO, *SHORT, "id", *self._options])
                raise _Unusable(
                    f"{where}: there is no option {name!r}{hint}; a column that is not to be read is called _{name}"
                )

    def _located(self, values: Mapping[str, Any]) -> InputRow:
        """Return where the recording is. Raises `OptionError` where the row does not say."""
        audio = next((values[name] for name in AUDIO if values.get(name) not in (None, "")), None)
        if isinstance(audio, Mapping):  # as Hugging Face's data sets have it
            audio = audio.get("path")
        if not isinstance(audio, str) or not 0 < len(audio) <= LONGEST_PATH:
            found = "none" if audio is None else repr(audio)[:80]
            raise OptionError(f"{AUDIO[0]}: expected the path of a recording, found {found}")
        if is_url(audio):
            return row_at_url(audio, remote=self._remote)
        clips = os.path.join(self._folder, _CLIPS) if values.keys() >= _COMMON_VOICE else ""
        folder = clips if os.path.isdir(clips) else self._folder
        return checked(InputRow(composed_otherwise(os.path.join(folder, audio)), below_of(audio)))

    def _asked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a row, as plain values. Raises `OptionError` for what they cannot be."""
        asked: dict[str, Any] = {}
        for column, value in values.items():
            name = SHORT.get(column, column)
            name = ALIASES.get(name, name)
            if name not in self._options or value is None or value == "":
                continue
            if name in asked:
                raise OptionError(f"{column} and {name} are two names of one option; give one of them")
            asked[name] = _value(name, value, self._options[name])
        if part := _part(values):
            if "clip_timestamps" in asked:
                raise OptionError("offset and clip_timestamps both say which part is meant; give one of them")
            asked["clip_timestamps"] = part
        if asked and (key := json.dumps(asked)) not in self._right:
            _check(asked)
            self._right = self._right if len(self._right) < MOST_CHECKED else set()
            self._right.add(key)
        return asked


def _check(asked: Mapping[str, Any]) -> None:
    """Raise `OptionError` for options that no model has."""
    try:
        TranscribeOptions(**asked).check_values()
    except OptionError:
        raise
    except (MalsoriError, TypeError, ValueError) as error:
        raise OptionError(str(error)) from error


class _Unusable(Exception):
    """What is wrong with a manifest as a whole, so that no work begins."""


def _value(name: str, value: Any, kept: Option) -> Any:
    """Return a value as JSON has it: that of a table is a text, and read unless the option itself takes texts."""
    if not isinstance(value, str) or kept.kind.allows(kept.kind.plain(value)) or isinstance(kept.kind, Seconds):
        return value
    try:
        read = kept.kind.read(value)
    except OptionError as error:
        raise OptionError(f"{name}: {error}") from None
    return list(read) if isinstance(read, tuple) else read


def _part(values: Mapping[str, Any]) -> list[float]:
    """Return from where to where the row goes, as NeMo says it; without an offset a duration is the file's own."""
    if values.get("offset") in (None, ""):
        return []
    offset, duration = (_seconds(name, values.get(name)) for name in PART)
    if duration is None:
        return [offset] if offset else []
    return [offset or 0.0, (offset or 0.0) + duration]


def _seconds(name: str, value: Any) -> float | None:
    if value in (None, ""):
        return None
    try:
        seconds = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not (math.isfinite(seconds) and (seconds > 0 or (name == PART[0] and seconds == 0))):
        raise OptionError(f"{name}: expected seconds, found {value!r}")
    return seconds


def _id(values: Mapping[str, Any]) -> str:
    value = values.get("id")
    if value in (None, ""):
        return ""
    id = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not 0 < len(id) <= LONGEST_ID or not path_of_id(id):
        raise OptionError(f"id: expected a name of at most {LONGEST_ID} characters, found {repr(value)[:80]}")
    return id
