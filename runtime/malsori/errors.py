"""All errors that malsori raises. A class is also the builtin that a caller would catch, and composes its message.

MalsoriError
    AudioError(ValueError)              the sound given
        AudioNotFound(FileNotFoundError)    no such file, or it cannot be read
        UnsupportedFormat                   not audio, or a format outside the allow-list
        CorruptAudio                        a known format whose content breaks its own rules
        EmptyAudio                          no samples
        AudioTooLong                        beyond an explicit limit
        AudioTooShort                       too short for the text that it is to be aligned with
        NoSuchTrack(OptionError)            it lacks the sound track that was asked for
        NoSuchChannel(OptionError)          it lacks the channel that was asked for
        NoMicrophone                        nothing to record with, or it cannot be opened
        MicrophoneLost                      a microphone that was open gives no more sound
        SoundGone(LookupError)              samples of a stream that are no longer held, or not yet there
    ModelError                          the bundle asked for
        ModelNotFound(LookupError)          no bundle of that name
        ModelCorrupt(ValueError)            a file is missing, truncated or altered
        ModelIncompatible(ValueError)       intact, but this runtime cannot serve it
    OptionError(ValueError)             an option that the model or this runtime does not have
        JournalMismatch                     the journal of a batch is of another one
    EngineError(RuntimeError)           an engine failed while running
        DeviceUnavailable                   the device asked for explicitly cannot be used
        ClusterUnreachable                  no cluster answers at the address given, or one of other versions
    StreamClosed(ValueError)            sound for a stream that was ended
    Cancelled                           the caller no longer wants the result
    MissingDependency(ImportError)      an optional package is not installed
    OutputError(OSError)                a result could not be written
        JournalError                        the journal of a batch cannot be read or written
    DownloadError(OSError)              a model could not be fetched
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

NAMED_MODELS = 8  # in a message


class MalsoriError(Exception):
    """Base of all errors that malsori raises on purpose; the message is one line, ready to show."""

    def __reduce__(self) -> tuple[Callable[..., MalsoriError], tuple[Any, ...]]:
        # The built-in one calls the class with the finished message in place of its parts: an error from a worker
        # process could not be unpickled, and `multiprocessing.Pool` would wait for it for ever.
        return _restored, (type(self), self.args, self.__dict__)


class AudioError(MalsoriError, ValueError):
    """The sound given cannot be used. Message: `name: expected ..., found ...`."""

    def __init__(self, name: str, expected: str, found: str) -> None:
        super().__init__(f"{name}: expected {expected}, found {found}")
        self.name, self.found = name, found


class AudioNotFound(AudioError, FileNotFoundError):
    """The path does not lead to a readable regular file."""


class UnsupportedFormat(AudioError):
    """The content is not audio, or in a format, rate or channel count outside the allow-list."""


class CorruptAudio(AudioError):
    """A known format whose content breaks its own rules: cut off, contradictory or not finite."""


class EmptyAudio(AudioError):
    """There are no samples in it."""


class AudioTooLong(AudioError):
    """It is longer than the limit in force."""


class AudioTooShort(AudioError):
    """It is too short for the text that it is to be aligned with."""


class OptionError(MalsoriError, ValueError):
    """An option that the model or this runtime does not have. Message: what was asked, what there is."""


class NoSuchTrack(AudioError, OptionError):
    """It lacks the sound track that was asked for. Message: the tracks that there are."""


class NoSuchChannel(AudioError, OptionError):
    """It lacks the channel that was asked for. Message: how many there are, and of which speakers."""


class NoMicrophone(AudioError):
    """There is nothing to record with, or it cannot be opened. Message: what was tried, what to type next."""


class MicrophoneLost(AudioError):
    """A microphone that was open gives no more sound: unplugged, or its driver hangs."""


class SoundGone(AudioError, LookupError):
    """Samples of a stream that are no longer held, or not yet there. Message: those asked for and those held."""

    def __init__(self, start: int, stop: int, held_start: int, held_stop: int) -> None:
        held = f"samples {held_start} to {held_stop} held" if held_stop > held_start else "no samples held"
        super().__init__("stream", f"samples {start} to {stop}", held)


class ModelError(MalsoriError):
    """The bundle asked for cannot be served."""


class ModelNotFound(ModelError, LookupError):
    """No bundle of that name. Message: what to type next, then the names there are and the places looked in.

    `lines` are the message in parts, what to type next first; `named_by` is what has given the name, for the message.
    """

    def __init__(
        self,
        name: str,
        known: Sequence[str] = (),
        searched: Sequence[str] = (),
        hint: str = "",
        more: Sequence[str] = (),
        named_by: str = "",
    ) -> None:
        names, looked = ", ".join(known[:NAMED_MODELS]) or "none", ", ".join(searched)
        names += f" and {len(known) - NAMED_MODELS} more" if len(known) > NAMED_MODELS else ""
        self.name, self.hint = name, hint
        self.known, self.searched, self.more = tuple(known), tuple(searched), tuple(more)
        none = f"{named_by} is {name!r}: no model of that name" if named_by else f"no model named {name!r}"
        first = "; ".join(filter(None, [none, hint]))
        where = [f"models here: {names}", f"looked in {looked}"] if searched else []
        self.lines = (first, *where, *more)
        super().__init__("; ".join(self.lines))


class ModelCorrupt(ModelError, ValueError):
    """A file of a bundle is missing, truncated or altered. Message: `path: expected ..., found ...; how to mend it`."""

    def __init__(self, path: str, expected: str, found: str, mend: str = "copy or export the bundle again") -> None:
        super().__init__(f"{path}: expected {expected}, found {found}{'; ' if mend else ''}{mend}")


class ModelIncompatible(ModelError, ValueError):
    """The bundle is intact but this runtime cannot serve it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class EngineError(MalsoriError, RuntimeError):
    """An engine failed while running; the engine's own exception is the cause."""


class DeviceUnavailable(EngineError):
    """The device that was asked for explicitly cannot be used. Message: why, and what to type next."""


class ClusterUnreachable(EngineError):
    """No cluster can be worked with at an address. Message: the address that was tried, and why."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"{address}: expected a Ray cluster, found none that can be used ({reason}); `ray status` on its head "
            "says whether it runs, `ray start --address` makes this machine a node of it"
        )
        self.address = address


class StreamClosed(MalsoriError, ValueError):
    """Sound came for a stream that was ended."""

    def __init__(self) -> None:
        super().__init__("the stream was ended by flush and takes no more sound; open another one")


class Cancelled(MalsoriError):
    """The caller's `cancelled` returned True; results not finished by then are lost."""

    def __init__(self) -> None:
        super().__init__("cancelled before the recording was read to its end")


class MissingDependency(MalsoriError, ImportError):
    """An optional package is not installed. Message: the pip line that installs it."""

    def __init__(self, package: str, purpose: str, extra: str = "") -> None:
        line = f"pip install 'malsori[{extra}]'" if extra else f"pip install {package}"
        super().__init__(f"{purpose} needs the package {package}; {line}")


class OutputError(MalsoriError, OSError):
    """A result could not be written; no half-written file is left."""

    @classmethod
    def unwritten(cls, name: object, error: OSError | ValueError) -> OutputError:
        """Return the error for a file, or another place called `name`, that the system cannot write."""
        return cls(f"{name}: cannot be written, {getattr(error, 'strerror', None) or error}")


class JournalError(OutputError):
    """The journal of a batch cannot be read or written, or another run holds it."""


class JournalMismatch(OptionError):
    """A folder has the results of another batch. Message: what differs, and how to start anew."""

    def __init__(self, folder: str, differences: Sequence[str]) -> None:
        super().__init__(
            f"{folder}: the batch there is another one: {'; '.join(differences)}; name another folder, or type "
            "--start-over to do all files anew"
        )


class DownloadError(MalsoriError, OSError):
    """A model could not be fetched, or its bytes are not the expected ones; none is installed then."""


def brief(error: Exception, limit: int = 300) -> str:
    """Return the message of another library's exception on one line of at most `limit` characters."""
    return " ".join(str(error).split())[:limit]


def _restored(kind: type[MalsoriError], args: tuple[Any, ...], attributes: dict[str, Any]) -> MalsoriError:
    layout: Any = kind.__base__  # `kind.__new__` would be ValueError's for one that is also a FileNotFoundError
    error: MalsoriError = layout.__new__(kind)
    error.args = args
    error.__dict__.update(attributes)
    return error
