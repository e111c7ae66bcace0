"""JSON of clients: what is an object within the limits, and what is refused before it costs anything."""

from __future__ import annotations

import json

import pytest

from malsori.service.messages import depth, read_object
from malsori.service.refusal import Refusal
from malsori.service.serve_options import ServiceLimits

LIMITS = ServiceLimits()


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("{}", 1),
        ('{"a":[[]]}', 3),
        ('{"a":"[[[[{{{{"}', 1),
        ('{"a":"\\"[[["}', 1),
        ("[" * 7, 7),
        ("", 0),
        ('"[', 0),
        ('["\\', 1),
    ],
)
def test_brackets_are_counted_outside_of_strings(text: str, levels: int) -> None:
    assert depth(text) == levels


@pytest.mark.parametrize("end", ["", "\\"])
def test_a_string_that_does_not_end_is_passed_over_once(end: str) -> None:
    # Sought again from each quote in it, its end would take hours.
    assert depth('"' + '\\"' * 2_000_000 + end) == 0


@pytest.mark.parametrize(
    "text",
    ["", "[]", "1", "{", "[" * 250_000, '{"a":1e400}', '{"a":NaN}', '{"a":1,"a":2}', '{"a":' + "9" * 5_000 + "}", "\0"],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_object(text, LIMITS, 10**6)
    assert (refused.value.status, refused.value.code) == (400, "invalid_json")


def test_without_a_limit_of_depth_a_deep_text_is_refused_all_the_same() -> None:
    with pytest.raises(Refusal):
        read_object('{"a":' + "[" * 250_000, ServiceLimits(json_depth=0), 10**6)


def test_a_long_text_is_refused_unread_and_one_of_the_limit_is_not() -> None:
    text = json.dumps({"a": "x" * (LIMITS.text_bytes - 9)})
    assert len(text) == LIMITS.text_bytes
    assert read_object(text, LIMITS)["a"].startswith("x")
    with pytest.raises(Refusal) as refused:
        read_object(text + " ", LIMITS)
    assert refused.value.status == 413
