"""Calibration: which settings differ, what they cost, which of them is taken; engines that short windows mislead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jiwer
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from malsori.bundles import read_manifest
from malsori.engines.whisper.window import Context
from malsori.errors import AudioError, AudioNotFound, OptionError
from malsori.pipeline.trials import Calibration, CalibrationLimits, calibrate, hearing
from malsori.pipeline.trials.figures import Figures, word_distance
from malsori.pipeline.trials.search import FULL, GRID, choose, distinct, objection
from malsori.pipeline.trials.verdict import Errors
from malsori.types import SAMPLE_RATE, Hypothesis, Segment
from tests.loudness import wav
from tests.shipped import ROOT

MANIFEST = read_manifest(ROOT / "models" / "nano-whisper")
LOOP = "go " * 50
LIMITS = CalibrationLimits()


class Misled:
    """Hears `clip N`, N its tenths of a second; in a window shorter than `needs` and the clip with `beyond` it loops.

    `guarded` it notices that, and its reading does not stand. Hearing takes it as many seconds as the window has.
    """

    device, compute_type = "cpu", "int8"

    def __init__(self, needs: float = 0.0, beyond: float = 0.0, *, guarded: bool = False, deaf: bool = False) -> None:
        self.manifest = MANIFEST
        self.needs, self.beyond, self.guarded, self.deaf = needs, beyond, guarded, deaf
        self.now = 0.0
        self.heard: list[tuple[float, float]] = []
        self.languages: list[str | None] = []

    def check(self, options):
        return ()

    def read_once(self, clip, options):
        return self.hear(len(clip) / SAMPLE_RATE, options)

    def hear(self, seconds, options):
        window = Context.of(self.manifest, "auto").window(round(seconds * SAMPLE_RATE)) / 100
        self.heard.append((seconds, window))
        self.languages.append(options.language)
        self.now += window
        text = f"clip {seconds * 10:.0f}"
        if window < min(30, max(self.needs, seconds + self.beyond)):
            if self.guarded:
                return None
            text = LOOP
        text = "" if self.deaf else text
        return Hypothesis((Segment(text, 0.0, seconds, 1.0),), options.language or "ko", 1.0)


def recordings(folder: Path, *seconds: float, said: str | None = None) -> list[Path]:
    """Write recordings in which no detector finds speech, so that each is one clip of its own length."""
    paths = []
    for number, length in enumerate(seconds):
        path = folder / f"{number:02}.wav"
        path.write_bytes(wav(np.zeros(round(length * SAMPLE_RATE), np.float32)))
        if said is not None:
            path.with_suffix(".txt").write_text(said.format(f"{length * 10:.0f}"))
        paths.append(path)
    return paths


@pytest.fixture
def hear(monkeypatch: pytest.MonkeyPatch):
    """Calibrate a `Misled`, whose clock is its own."""

    def calibrated(engine: Misled, paths: list[Path], **settings) -> Calibration:
        monkeypatch.setattr(hearing, "clock", lambda: engine.now)
        return calibrate(engine, paths, **settings)  # type: ignore[arg-type]

    return calibrated


def figures(floor: float, margin: float = 1.0, *, window: float, loss: float = 0.0, retried: int = 0, at_floor=9):
    """A setting of 20 clips in windows of that mean; the clock says the contrary of what the windows say."""
    nothing = Errors(0, 100)
    return Figures(
        context=Context(floor, margin),
        clips=20,
        at_floor=at_floor,
        at_margin=9,
        retried=retried,
        window=window,
        p50=1 / window,
        p95=1 / window,
        ratio=window / 30,
        loss=loss / 100,
        cer=None,
        wer=None,
        cer_full=nothing,
        wer_full=nothing,
    )


WHOLE = figures(30.0, 2.0, window=30.0)


@given(st.lists(st.integers(1, 40 * SAMPLE_RATE), min_size=1, max_size=5))
def test_settings_that_give_all_clips_one_window_are_one_setting(lengths):
    groups = distinct(lengths)
    windows = [tuple(context.window(length) for length in lengths) for context in groups]
    assert len(set(windows)) == len(groups)
    for context, same in groups.items():
        assert {tuple(each.window(length) for length in lengths) for each in same} == {
            tuple(context.window(length) for length in lengths)
        }
        assert context.floor_s == max(each.floor_s for each in same)
        assert context.margin_s == max(each.margin_s for each in same)
    told = {each for same in groups.values() for each in same}
    assert all(each.window(length) == 3000 for each in set(GRID) - told for length in lengths)


@given(st.text("가나 ", max_size=20), st.text("가나 ", max_size=20))
def test_wrong_words_are_counted_as_jiwer_counts_them(reference, heard):
    reference += " 하나"  # jiwer has no rate for nothing
    assert word_distance(reference, heard) == round(jiwer.wer(reference, heard) * len(reference.split()))


@pytest.mark.parametrize(
    ("tried", "told"),
    [
        (figures(4, window=5), ""),
        (figures(4, window=5, loss=0.5, retried=2), ""),
        (figures(4, window=5, loss=-3), ""),
        (figures(4, window=5, loss=0.6), "loses 0.60 points"),
        (figures(4, window=5, retried=3), "15% read again"),
        (figures(4, window=5, at_floor=2), "too few clips that short"),
        (figures(4, window=5, at_floor=0), "no clip that short"),
    ],
)
def test_a_setting_is_safe_that_loses_little_reads_little_again_and_was_seen(tried, told):
    assert objection(tried, LIMITS) == told


@pytest.mark.parametrize(
    ("settings", "floor"),
    [
        ([], 30),
        ([figures(4, window=5), figures(10, window=12)], 4),
        ([figures(4, window=5, loss=2), figures(10, window=12)], 10),
        ([figures(4, window=5, retried=9), figures(10, window=12)], 10),
        ([figures(4, window=5, at_floor=0), figures(10, window=12)], 10),
        ([figures(4, window=11), figures(10, window=10)], 10),
        ([figures(4, window=10, retried=2), figures(10, window=12)], 10),  # 10 s and 3 s of those read again
        ([figures(4, window=10.0), figures(6, window=10.4)], 6),  # hardly more to encode
        ([figures(4, window=10.0), figures(6, window=10.6)], 4),
        ([figures(4, window=29.0)], 30),
        ([figures(4, window=5, loss=1), figures(10, window=12, loss=1)], 30),
    ],
)
def test_the_safe_setting_that_encodes_least_is_taken_and_of_equals_the_longest(settings, floor):
    assert choose(WHOLE, settings, LIMITS).context.floor_s == floor


def test_of_two_margins_with_as_much_to_encode_the_longer_is_taken():
    settings = [figures(5, 1, window=10), figures(5, 3, window=10)]
    assert choose(WHOLE, settings, LIMITS).context.margin_s == 3


def test_looser_limits_let_more_through():
    settings = [figures(4, window=5, loss=2, retried=9)]
    assert choose(WHOLE, settings, CalibrationLimits(2.0, 45.0)).context.floor_s == 4


def test_a_model_that_bears_anything_gets_the_shortest_floor_that_clips_were_short_enough_for(tmp_path, hear):
    found = hear(Misled(), recordings(tmp_path, 2, 2.2, 2.4, 4.2, 4.4, 4.9))
    assert found.audio_context == {"floor_s": 3.0, "margin_s": 0.5}
    found = hear(Misled(), recordings(tmp_path, 7.1, 7.2, 7.3, 7.4, 7.5, 7.6))
    assert found.audio_context["floor_s"] == 8.0


def test_a_model_that_needs_a_longer_window_gets_it(tmp_path, hear):
    found = hear(Misled(needs=6), recordings(tmp_path, 2, 2.2, 2.4, 2.6))
    assert found.audio_context["floor_s"] == 6.0
    refused = [each for each in found.settings if each.context.floor_s == 5]
    assert refused[0].loss > 1  # a loop is longer than what was said
    assert found.objection(refused[0]).startswith("loses ")


def test_a_model_that_needs_silence_behind_the_speech_gets_a_margin(tmp_path, hear):
    found = hear(Misled(beyond=2), recordings(tmp_path, 3.6, 3.7, 3.8, 6.6, 6.7, 6.8))
    assert found.audio_context == {"floor_s": 6.0, "margin_s": 2.0}


def test_a_model_that_short_windows_mislead_keeps_the_full_one(tmp_path, hear):
    found = hear(Misled(needs=25), recordings(tmp_path, 2, 3, 4, 5))
    assert found.audio_context == {}
    assert found.seen
    assert found.to_dict()["chosen"] == "full, 30 s"


def test_reading_again_is_counted_and_its_time_is_too(tmp_path, hear):
    found = hear(Misled(needs=25, guarded=True), recordings(tmp_path, 2, 2.1, 2.2), every=True)
    assert found.audio_context == {}
    tried = next(each for each in found.settings if each.context.floor_s == 10)
    assert (tried.retries, tried.loss, tried.p50) == (1.0, 0.0, 40.0)
    assert tried.ratio == pytest.approx(30 / 40)
    assert found.objection(tried) == "100% read again"
    assert tried.encoded == 3 * (10 + 30)
    assert found.to_dict()["windows"]["floor 10 s, margin 3 s"]["encoded_s"] == 120.0


def test_a_clock_that_says_otherwise_changes_no_choice(tmp_path, hear):
    class Odd(Misled):
        """The shorter its window, the longer it takes."""

        def hear(self, seconds, options):
            heard = super().hear(seconds, options)
            self.now += 100 - 2 * self.heard[-1][1]
            return heard

    found = hear(Odd(), recordings(tmp_path, 2, 2.2, 2.4))
    assert found.audio_context == {"floor_s": 3.0, "margin_s": 0.5}
    assert found.chosen.ratio < 1


def test_a_clip_is_not_heard_twice_in_one_window(tmp_path, hear):
    engine = Misled()
    hear(engine, recordings(tmp_path, 2, 12), every=True)
    warm, *rest = engine.heard
    assert warm == (2.0, 3.0)
    assert len(rest) == len(set(rest)) == 9 + 3  # 15 (of 12.5 to 15), 20 and 30 s


def test_all_is_heard_at_30_s_first_the_longest_of_a_recording_before_its_others(tmp_path, hear):
    hear(engine := Misled(), recordings(tmp_path, 2, 35, 2.1))
    assert engine.heard[1:5] == [(2.0, 30.0), (30.0, 30.0), (5.0, 30.0), (2.1, 30.0)]
    assert 30.0 not in [window for _, window in engine.heard[5:]]


def test_nothing_is_heard_that_cannot_be_taken_any_more(tmp_path, hear):
    found = hear(engine := Misled(), recordings(tmp_path, 2, 2.2, 2.4))
    assert [each.context for each in found.settings] == [Context(3.0, 0.5)]
    assert engine.heard[4:] == [(2.0, 3.0), (2.2, 3.0), (2.4, 3.0)]
    hear(engine := Misled(needs=5), recordings(tmp_path, 2, 2.2, 2.4))
    assert {window for _, window in engine.heard} == {3.0, 4.0, 5.0, 30.0}


def test_a_setting_that_encodes_about_as_much_in_longer_windows_is_heard_too_and_taken(tmp_path, hear):
    found = hear(Misled(), recordings(tmp_path, *[1.9] * 20, 6.5))
    assert [each.encoded for each in found.settings] == [20 * 3 + 7, 20 * 3 + 8]
    assert found.audio_context == {"floor_s": 3.0, "margin_s": 1.0}


def test_a_setting_that_reads_too_many_clips_again_is_given_up_at_once(tmp_path, hear):
    found = hear(engine := Misled(needs=5, guarded=True), recordings(tmp_path, 2, 2.2, 2.4))
    assert found.given_up == (Context(3.0, 0.5), Context(4.0, 1.0))
    assert [seconds for seconds, window in engine.heard[1:] if window in (3.0, 4.0)] == [2.0, 2.0]
    assert found.audio_context["floor_s"] == 5.0
    assert found.to_dict()["given_up"] == ["floor 3 s, margin 0.5 s", "floor 4 s, margin 1 s"]


@given(
    st.lists(st.floats(0.5, 28).map(lambda seconds: round(seconds, 1)), min_size=1, max_size=8),
    st.floats(0, 25),
    st.floats(0, 4),
    st.booleans(),
    st.sampled_from([0.0, 10.0, 50.0]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_choice_is_the_one_of_hearing_all(tmp_path, hear, lengths, needs, beyond, guarded, most):
    for old in tmp_path.iterdir():
        old.unlink()
    paths = recordings(tmp_path, *lengths)
    settings = {"limits": CalibrationLimits(max_retries=most)}
    few, every = (Misled(needs, beyond, guarded=guarded) for _ in range(2))
    found, all_heard = hear(few, paths, **settings), hear(every, paths, every=True, **settings)
    assert found.audio_context == all_heard.audio_context
    assert found.chosen == all_heard.chosen
    assert found.seen == all_heard.seen
    assert len(few.heard) <= len(every.heard)


def test_how_far_it_is_goes_with_what_is_heard(tmp_path, hear):
    told = []
    hear(Misled(), recordings(tmp_path, 2, 2.2, 2.4), say=lambda label, done, total: told.append((done, total)))
    steps = [done for done, _ in told]
    assert steps == sorted(steps)
    assert all(done <= total for done, total in told)
    assert told[-1][0] == 3 * 30 + 3 * 3


def test_the_texts_beside_recordings_are_what_was_said(tmp_path, hear):
    found = hear(Misled(), recordings(tmp_path, 2, 2.1, 2.2, said="Clip {}, please."))
    assert found.transcripts == 3
    assert found.full.cer == Errors(3 * 7, 3 * 14)  # " please" is missing three times, the rest is as said
    assert found.full.wer == Errors(3, 9)
    assert found.chosen.loss == 0


def test_a_recording_that_the_full_window_does_not_understand_says_nothing(tmp_path, hear):
    paths = recordings(tmp_path, 2, 2.1, 2.2, 2.3, said="clip {}")
    paths[0].with_suffix(".txt").write_text("something that nobody heard")
    found = hear(Misled(), paths)
    assert (found.unread, found.takes, found.full.clips) == (1, 3, 3)
    assert any(line.startswith("1 recording left out") for line in found.warnings())


@pytest.mark.parametrize(("engine", "said"), [(Misled(), "nothing of the kind"), (Misled(deaf=True), None)])
def test_without_anything_understood_nothing_is_told(tmp_path, hear, engine, said):
    with pytest.raises(OptionError, match="understands none of the recordings"):
        hear(engine, recordings(tmp_path, 2, 3, said=said))


def test_clips_as_long_as_the_window_tell_nothing(tmp_path, hear):
    assert not hear(Misled(), recordings(tmp_path, 29.8, 29.9)).seen
    assert not hear(Misled(), recordings(tmp_path, 2, 25, 26)).seen


def test_little_speech_is_said(tmp_path, hear):
    few = hear(Misled(), recordings(tmp_path, 2, 2, 2))
    assert few.warnings()[0].startswith("3 clips with 6 s of speech say little")
    enough = hear(Misled(), recordings(tmp_path, *[2, 6] * 10))
    assert (enough.warnings(), enough.thin) == ([], "")


def test_a_single_clip_is_said_in_the_singular(tmp_path, hear):
    assert hear(Misled(), recordings(tmp_path, 2)).thin.startswith("1 clip with 2 s of speech says little")


def test_a_margin_that_no_clip_was_long_enough_for_is_said(tmp_path, hear):
    found = hear(Misled(), recordings(tmp_path, *[3] * 30))
    assert found.warnings() == [
        "no clip got a window longer than the floor of 4 s, so little is known of the margin of 1 s; recordings longer "
        "than 3 s show it"
    ]
    found = hear(Misled(), recordings(tmp_path, *[3] * 30, 4.2))
    assert found.warnings()[0].startswith("only 1 clip got a window longer than the floor of 4 s")


def test_a_language_given_is_not_told(tmp_path, hear):
    engine = Misled()
    hear(engine, recordings(tmp_path, 2), language="en")
    assert set(engine.languages) == {"en"}
    hear(engine := Misled(), recordings(tmp_path, 2, 35))
    assert engine.languages[1:] == [None, None, "ko"]  # the longest clip of each recording tells it


def test_the_engine_is_left_as_it_was_found(tmp_path, hear):
    engine = Misled()
    engine.manifest = own = replace(MANIFEST, audio_context={"floor_s": 9.0, "margin_s": 1.0})
    hear(engine, recordings(tmp_path, 2))
    assert engine.manifest is own
    with pytest.raises(AudioNotFound):
        hear(engine, [*recordings(tmp_path, 2), tmp_path / "none.wav"])
    assert engine.manifest is own


def test_a_recording_that_cannot_be_read_is_left_out_if_the_caller_says_so(tmp_path, hear):
    paths = recordings(tmp_path, 2, 2.1, 2.2, 2.3)
    paths[1].write_bytes(b"no sound")
    told = []
    found = hear(Misled(), paths, unreadable=lambda path, error: told.append((path, str(error))))
    assert (found.takes, found.full.clips) == (3, 3)
    assert [path for path, _ in told] == [paths[1]]
    assert told[0][1].startswith(f"{paths[1]}: expected ")
    with pytest.raises(OptionError, match="one recording that can be read, found none of 1"):
        hear(Misled(), paths[1:2], unreadable=lambda path, error: None)
    with pytest.raises(AudioError):
        hear(Misled(), paths)


def test_without_recordings_there_is_no_calibration(hear):
    with pytest.raises(OptionError, match="at least one recording"):
        hear(Misled(), [])


def test_full_is_no_setting_of_the_grid():
    assert FULL.window(1) == 3000
    assert all(context.window(1) < 3000 for context in GRID)
