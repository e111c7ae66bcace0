"""Which clips share a call of the engine: neighbours for files, one window where somebody waits for the words."""

from __future__ import annotations

from malsori.engines.base import DecodeOptions
from malsori.engines.whisper.window import CALLS, Context, calls
from malsori.types import SAMPLE_RATE

CONTEXT = Context(5.0, 1.0)
SHORT, MIDDLE, LONG = (round(seconds * SAMPLE_RATE) for seconds in (2.0, 9.0, 25.0))


def test_the_clips_of_files_fill_several_readings_and_the_longest_come_first():
    lengths = [SHORT, LONG, MIDDLE, SHORT, LONG]
    found = calls(lengths, CONTEXT, DecodeOptions(batch_size=2))
    assert [len(call) for call in found] == [2 * CALLS, 1]
    assert [lengths[index] for call in found for index in call] == sorted(lengths, reverse=True)


def test_where_somebody_waits_a_call_has_one_window_and_is_read_at_once():
    lengths = [SHORT, LONG, SHORT, SHORT, LONG]
    found = calls(lengths, CONTEXT, DecodeOptions(batch_size=2, live=True))
    assert [[lengths[index] for index in call] for call in found] == [[LONG, LONG], [SHORT, SHORT], [SHORT]]
    assert sorted(index for call in found for index in call) == [*range(len(lengths))]
