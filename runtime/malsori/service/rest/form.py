"""A form (multipart/form-data, RFC 7578) to its texts and its one file, parsed as it arrives, never beyond the limits.

`receiving.py` takes it from a request; what the texts mean is in `fields.py` and `audio_request.py`.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ..refusal import Refusal
from ..serve_options import MIB, ServiceLimits, within

FILE = "file"
PROMPTS = ("prompt", "initial_prompt")  # texts of which a model hears the end, however long they are
PROMPT_BYTES = 2 * MIB
MOST_PARTS = 500
MOST_NAME = 200  # letters of a field's name
MOST_HEADERS, HEADER_BYTES = 8, 4 << 10  # of a part
FORM_BYTES = 4 * MIB  # of everything in a form but its file
IN_MEMORY = MIB  # bytes of a file; a longer one is put on the disk
PIECE = 64 << 10  # bytes that are parsed at a time, so that so many are read beyond a limit at most
PLAIN_CODINGS = (b"", b"binary", b"8bit", b"7bit")


class UploadedFile(tempfile.SpooledTemporaryFile):  # type: ignore[type-arg]  # of bytes
    """A file that was sent, in memory as long as it is short."""

    name = FILE  # in messages

    def seekable(self) -> bool:
        """Return that it can seek; before Python 3.11 its class does not say so."""
        return True


@dataclass(slots=True)
class UploadForm:
    """The texts of a form by name, in the order in which they came, and its file at its beginning."""

    texts: dict[str, list[str]]
    file: BinaryIO

    def close(self) -> None:
        """Give the file back."""
        self.file.close()


@dataclass(slots=True)
class _FormPart:
    """The part that is being read: its headers, and what it holds unless it is the file."""

    name: str = ""
    is_file: bool = False
    headers: dict[bytes, bytes] = field(default_factory=dict)
    header: bytes = b""
    value: bytes = b""
    text: bytearray = field(default_factory=bytearray)


class FormReader:
    """Takes a form in pieces of any size. `close` gives back what it holds, where `flush` has not handed it over."""

    def __init__(self, boundary: bytes, limits: ServiceLimits) -> None:
        """Raise `Refusal` for a boundary that there cannot be."""
        self._limits = limits
        self._texts: dict[str, list[str]] = {}
        self._file: BinaryIO | None = None
        self._part = _FormPart()
        self._parts = self._file_bytes = self._bytes = 0
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._open,
                    "on_part_data": self._data,
                    "on_part_end": self._close_part,
                    "on_end": self._end,
                },
                max_header_count=MOST_HEADERS,
                max_header_size=HEADER_BYTES,
            )
        except FormParserError as error:
            raise malformed(str(error)) from error

    def push(self, data: bytes) -> None:
        """Take the next bytes of the form. Raises `Refusal`: 400 for what is no form, 413 for one that is too long."""
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            self._bytes += len(piece)
            try:
                self._parser.write(piece)
            except FormParserError as error:
                raise malformed(str(error)) from error
            if self._bytes - self._file_bytes > FORM_BYTES:
                raise Refusal(413, "request_too_large", f"the fields of a form may have {FORM_BYTES} bytes in all")

    def flush(self) -> UploadForm:
        """Return the form at its end. Raises `Refusal`, 400, where its end or its file is missing."""
        if not self._ended:
            raise malformed("it ends before its last boundary")
        if self._file is None:
            raise self._without_file()
        form, self._file = UploadForm(self._texts, self._file), None
        form.file.seek(0)
        return form

    def close(self) -> None:
        """Give back the file, if it was not handed over."""
        if self._file is not None:
            self._file.close()

    def _without_file(self) -> Refusal:
        if FILE in self._texts:
            message = "file: expected an uploaded file, found a text field; curl sends a file with -F file=@talk.wav"
            return Refusal(400, "invalid_value", message, FILE)
        return Refusal(400, "missing_required_parameter", "file: there is none; it is a field of the form", FILE)

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise Refusal(400, "invalid_value", f"a form may have {MOST_PARTS} parts")
        self._part = _FormPart()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def _header_end(self) -> None:
        self._part.headers[self._part.header.lower()] = self._part.value
        self._part.header = self._part.value = b""

    def _open(self) -> None:
        """Begin a part whose headers are known."""
        disposition = self._part.headers.get(b"content-disposition", b"")
        kind, named = parse_options_header(disposition)
        if kind.lower() != b"form-data" or b"name" not in named:
            raise malformed('each part wants a header Content-Disposition: form-data; name="..."')
        self._part.name = _text("the name of a field", named[b"name"], None)
        if len(self._part.name) > MOST_NAME:
            raise malformed(f"the name of a field may have {MOST_NAME} letters")
        coding = self._part.headers.get(b"content-transfer-encoding", b"").strip().lower()
        if coding not in PLAIN_CODINGS:
            raise Refusal(400, "invalid_value", "a part comes as it is, without a Content-Transfer-Encoding")
        # The parser passes over `filename*`, which some clients send for names that are not ASCII.
        self._part.is_file = b"filename" in named or b"filename*=" in disposition.lower()
        if self._part.is_file:
            self._open_file()

    def _open_file(self) -> None:
        if self._part.name != FILE:
            found = self._part.name[:40]
            raise Refusal(400, "invalid_value", f"a file is taken in the field 'file' alone, not in {found!r}", FILE)
        if self._file is not None:
            raise Refusal(400, "invalid_value", "file: expected one, found two; send one request for each", FILE)
        self._file = cast(BinaryIO, UploadedFile(IN_MEMORY))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if not self._part.is_file:
            self._part.text += data[start:end]
            self._check_text()
            return
        most = within(self._limits.upload_bytes)
        self._file_bytes += end - start
        if self._file_bytes > most:
            raise too_large(most, f"{self._file_bytes} bytes read")
        assert self._file is not None
        try:
            self._file.write(data[start:end])
        except OSError as error:
            reason = error.strerror or "an error of the disk"
            raise Refusal(503, "storage_full", f"the file cannot be kept: {reason}", retry_after=30.0) from error

    def _check_text(self) -> None:
        name = self._part.name
        most = PROMPT_BYTES if name in PROMPTS else within(self._limits.text_bytes)
        if len(self._part.text) > most:
            raise Refusal(400, "invalid_value", f"{name[:40]}: expected at most {most:.0f} bytes", name)

    def _close_part(self) -> None:
        part = self._part
        if not part.is_file:
            self._texts.setdefault(part.name, []).append(_text(part.name[:40], bytes(part.text), part.name))

    def _end(self) -> None:
        self._ended = True


def too_large(most: float, found: str) -> Refusal:
    """Return the refusal of a file that is too large, in the words of the hosted service."""
    message = f"Maximum content size limit ({most:.0f}) exceeded ({found}); the service's --max-upload-bytes says it"
    return Refusal(413, "request_too_large", message, FILE)


def _text(name: str, data: bytes, param: str | None) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(400, "invalid_value", f"{name}: expected UTF-8, found other bytes", param) from error


def malformed(reason: str) -> Refusal:
    """Return the refusal of a body that is no form."""
    return Refusal(400, "invalid_value", f"no form can be read from the body: {reason}")
