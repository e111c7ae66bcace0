"""What is written down, and above all what is not."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator

import pytest

from malsori.service.service_log import LOG_FORMATS, NOISY, blame, log, start_logging

SECRET = "sk-very-secret"


@pytest.fixture
def log_to() -> Iterator[Callable[..., io.StringIO]]:
    """Sets up the log into a text of its own; afterwards logging is as pytest had it."""
    names = (None, "malsori.service", *NOISY)
    before = [(each, list(each.handlers), each.level, each.propagate) for each in map(logging.getLogger, names)]

    def set_up(form: str = "text", level: str = "info") -> io.StringIO:
        stream = io.StringIO()
        start_logging(form, level, stream)
        return stream

    yield set_up
    logging.captureWarnings(False)
    for logger, handlers, level, propagate in before:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


def _facts(line: str) -> dict[str, object]:
    told = json.loads(line)
    assert told.pop("time").endswith("Z")
    return dict(told)


def test_an_event_is_one_object_with_its_facts(log_to: Callable[..., io.StringIO]) -> None:
    stream = log_to("json")
    log("ready", models="base", streams=8, seconds=1.5, client=None)
    wanted = {"level": "info", "event": "ready", "models": "base", "streams": 8, "seconds": 1.5}
    assert _facts(stream.getvalue()) == wanted


def test_as_text_it_is_one_line_too_with_quotes_only_where_needed(log_to: Callable[..., io.StringIO]) -> None:
    stream = log_to("text")
    log("load", model="my model", seconds=1.235, device="cpu")
    assert stream.getvalue().endswith('Z info load model="my model" seconds=1.235 device=cpu\n')


HOSTILE = 'x\n2026-01-01 info request status=200\r\x1b[31mred\x7f\x9b\u202e\u2028\udc80 "quoted" \\ =\x00'


@pytest.mark.parametrize("form", LOG_FORMATS)
def test_what_a_client_chose_neither_begins_a_line_nor_commands_a_terminal(
    log_to: Callable[..., io.StringIO], form: str
) -> None:
    stream = log_to(form)
    log("ready", way=HOSTILE, model=HOSTILE)
    (line,) = stream.getvalue().split("\n")[:-1]
    assert line.isprintable()
    if form == "json":
        assert json.loads(line)["model"] == HOSTILE


def test_a_value_cannot_close_its_own_quotes(log_to: Callable[..., io.StringIO]) -> None:
    stream = log_to("text")
    log("ready", model='a" status=200 b="')
    assert stream.getvalue().endswith(' model="a\\" status=200 b=\\""\n')


@pytest.mark.parametrize("form", LOG_FORMATS)
def test_a_long_value_is_cut(log_to: Callable[..., io.StringIO], form: str) -> None:
    stream = log_to(form)
    log("ready", model="m" * 100_000)
    assert len(stream.getvalue()) < 500


def test_an_exception_is_told_by_class_and_place_and_never_by_what_it_says(log_to: Callable[..., io.StringIO]) -> None:
    stream = log_to("json", "debug")
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise LookupError(SECRET) from error
    except LookupError as error:
        log("failed", "error", id="id-1", **blame(error))
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n%s", SECRET, exc_info=error)
    assert SECRET not in stream.getvalue()
    ours, other = map(_facts, stream.getvalue().splitlines())
    assert (ours["error"], ours["cause"], ours["id"]) == ("LookupError", "ValueError", "id-1")
    assert str(ours["at"]).startswith("service/test_service_log.py:")
    assert (other["logger"], other["message"]) == ("uvicorn.error", "Exception in ASGI application")
    assert other["error"] == "LookupError"


def test_the_chatter_of_other_libraries_is_left_out_at_any_level(log_to: Callable[..., io.StringIO]) -> None:
    stream = log_to("text", "debug")
    for name in ("uvicorn.error", "uvicorn.access", "websockets.server", "faster_whisper", "asyncio"):
        logging.getLogger(name).info("%s", SECRET)
        logging.getLogger(name).debug("%s", SECRET)
    assert stream.getvalue() == ""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("mind this", stacklevel=1)
    assert "mind this" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_a_level_leaves_out_what_is_below_it(log_to: Callable[..., io.StringIO]) -> None:
    stream = log_to("text", "warning")
    log("load", model="base")
    log("request", "warning", status=500)
    (line,) = stream.getvalue().splitlines()
    assert line.endswith(" warning request status=500")


def test_a_log_that_cannot_be_written_stops_nobody(
    log_to: Callable[..., io.StringIO], capsys: pytest.CaptureFixture[str]
) -> None:
    log_to().close()
    log("load", model="base")
    assert capsys.readouterr() == ("", "")
