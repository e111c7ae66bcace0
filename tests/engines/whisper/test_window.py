"""Which window a clip gets: by the bundle, by what was asked for, never by the neighbours."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malsori.bundles import read_manifest
from malsori.engines.whisper.features import HOP, WINDOW
from malsori.engines.whisper.window import RUNGS, Context, longer
from tests.shipped import ROOT

RATE = 16_000
BUNDLE = ROOT / "models" / "nano-whisper"


@pytest.fixture(scope="module")
def manifest():
    return replace(read_manifest(BUNDLE), audio_context={})


def test_a_bundle_that_says_nothing_has_full_windows(manifest):
    assert Context.of(manifest, "auto").window(RATE) == WINDOW


def test_auto_is_what_the_bundle_says(manifest):
    kept = replace(manifest, audio_context={"floor_s": 10.0, "margin_s": 2.0})
    context = Context.of(kept, "auto")
    assert (context.window(4 * RATE), context.window(9 * RATE), context.window(29 * RATE)) == (1000, 1100, WINDOW)


def test_full_is_full_whatever_the_bundle_says(manifest):
    assert Context.of(replace(manifest, audio_context={"floor_s": 5.0}), "full").window(RATE) == WINDOW


def test_a_number_is_the_floor_and_the_margin_stays_the_bundles(manifest):
    kept = replace(manifest, audio_context={"floor_s": 10.0, "margin_s": 1.0})
    assert (Context.of(kept, 5.0).window(RATE), Context.of(kept, 5).window(6 * RATE)) == (500, 700)


@pytest.mark.parametrize(("window", "next_one"), [(500, 800), (800, 1200), (1200, 2000), (2000, 3000), (3000, 3000)])
def test_a_reading_that_does_not_stand_gets_a_window_half_as_long_again(window, next_one):
    assert longer(window) == next_one


@given(st.integers(1, 3000))
def test_longer_windows_end_at_thirty_seconds(window):
    steps = 0
    while window < WINDOW:
        assert longer(window) >= window * 1.5 or longer(window) == WINDOW
        window, steps = longer(window), steps + 1
    assert steps <= 2 * len(RUNGS)


@given(st.integers(0, 40 * RATE), st.floats(1, 30), st.floats(0, 29))
def test_a_window_holds_the_clip_and_its_margin_in_whole_seconds_up_to_thirty(samples, floor, margin):
    window = Context(floor, margin).window(samples)
    assert window == WINDOW or (window >= samples / HOP + margin * 100 - 1e-6 and window >= floor * 100 - 1e-6)
    assert window % 100 == 0
    assert window <= WINDOW
