"""JSON of clients: how deep it is nested is found in one pass, whatever it is made of."""

from __future__ import annotations

import json

import pytest

from malsori.service.messages import depth, read_object
from malsori.service.refusal import Refusal
from malsori.service.serve_options import ServiceLimits


@pytest.mark.parametrize(
    ("text", "deep"),
    [
        ("{}", 1),
        ('{"a": [[]]}', 3),
        ('{"a]": "[[[\\"[["}', 1),
        ('{"a": "\\\\"}', 1),
        ('["[[[', 1),  # a string that does not end
        ('["[[[\\', 1),
        ("]]][", 0),
    ],
)
def test_brackets_are_counted_but_those_in_strings(text: str, deep: int) -> None:
    assert depth(text) == deep


@pytest.mark.parametrize("end", ["", "\\"])
def test_strings_that_do_not_end_are_passed_over_once(end: str) -> None:
    # Sought again from each quote, these would take hours.
    assert depth('"' + '\\"' * 2_000_000 + end) == 0


def test_an_object_is_read_within_its_limits() -> None:
    limits = ServiceLimits(text_bytes=100, json_depth=3)
    assert read_object('{"a": [1]}', limits) == {"a": [1]}
    for text, code in [
        ('{"a": [[[]]]}', "invalid_json"),
        (json.dumps({"a": "x" * 100}), "message_too_large"),
        ('{"a": 1e400}', "invalid_json"),
        ('{"a": NaN}', "invalid_json"),
        ("[]", "invalid_json"),
    ]:
        with pytest.raises(Refusal) as caught:
            read_object(text, limits)
        assert caught.value.code == code, text
