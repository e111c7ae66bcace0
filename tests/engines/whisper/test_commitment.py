"""Which words are committed: the rules, one by one."""

import pytest

from malsori.engines.whisper.commitment import APART, LEFT, Attention, LocalAgreement, whole
from malsori.engines.whisper.tokens import TokenWord

STEP = APART


def words(text):
    """Return the words of a text, `,` and `.` as words of their own."""
    return tuple(TokenWord(f" {part}" if part.isalnum() else part, (hash(part),)) for part in text.split())


def never():
    raise AssertionError("agreement asks for no attention")


def test_one_reading_commits_nothing():
    assert LocalAgreement().count_stable(words("it will rain"), STEP, never) == 0


def test_two_readings_commit_what_both_begin_with():
    rule = LocalAgreement()
    rule.count_stable(words("it will rain in seoul"), STEP, never)
    assert rule.count_stable(words("it will rain in jeju today"), 2 * STEP, never) == 4


@pytest.mark.parametrize("kind", [LocalAgreement, Attention])
def test_a_reading_that_was_only_noted_may_be_agreed_with(kind):
    rule = kind()
    rule.note(words("it will rain in seoul"), STEP)
    assert rule.count_stable(words("it will rain"), 2 * STEP, never) == 3


def test_what_was_committed_is_not_compared_again():
    rule = LocalAgreement()
    rule.count_stable(words("it will rain"), STEP, never)
    assert rule.count_stable(words("it will rain in"), 2 * STEP, never) == 3
    assert rule.count_stable(words("in jeju"), 3 * STEP, never) == 1
    assert rule.count_stable(words("jeju"), 4 * STEP, never) == 1


def test_readings_that_differ_in_their_first_word_commit_nothing():
    rule = LocalAgreement()
    rule.count_stable(words("it will rain"), STEP, never)
    assert rule.count_stable(words("will it rain"), 2 * STEP, never) == 0
    assert rule.count_stable(words("will it snow"), 3 * STEP, never) == 2


def test_with_short_steps_all_readings_of_a_second_must_agree():
    rule = LocalAgreement()
    half = STEP // 2
    assert rule.count_stable(words("it will rain"), half, never) == 0
    assert rule.count_stable(words("it was"), 2 * half, never) == 0  # half a second later
    assert rule.count_stable(words("it will rain"), 3 * half, never) == 1
    assert rule.count_stable(words("will rain"), 4 * half, never) == 0  # 1 s before it was "was"
    assert rule.count_stable(words("will rain"), 5 * half, never) == 2


def test_a_reading_older_than_the_one_a_second_ago_is_not_asked():
    rule = LocalAgreement()
    rule.count_stable(words("a b"), STEP, never)
    rule.count_stable(words("b c"), 2 * STEP, never)
    assert rule.count_stable(words("b c d"), 3 * STEP, never) == 2


def test_marks_at_the_end_wait_for_what_is_said_next():
    rule = LocalAgreement()
    rule.count_stable(words("it will rain ."), STEP, never)
    assert rule.count_stable(words("it will rain ."), 2 * STEP, never) == 3
    assert rule.count_stable(words(". tomorrow"), 3 * STEP, never) == 0 + 1


@pytest.mark.parametrize(("text", "count"), [("", 0), (". .", 0), ("a , b .", 3), ("a", 1)])
def test_marks_at_the_end_are_told_from_words(text, count):
    assert whole(words(text)) == count


def test_half_a_character_is_never_committed():
    broken = (*words("it will"), TokenWord(" ra\ufffd", (1,)), *words("today"))
    assert whole(broken) == 2


def test_attention_commits_in_one_reading_what_ended_well_before_the_sound():
    behind = [LEFT + 1, LEFT, LEFT - 0.1, LEFT + 1]
    assert Attention().count_stable(words("it will rain today"), STEP, lambda: behind) == 2


def test_attention_commits_what_readings_agree_on_however_late_it_was_said():
    rule = Attention()
    rule.count_stable(words("it will rain"), STEP, lambda: [0.0] * 3)
    assert rule.count_stable(words("it will snow"), 2 * STEP, lambda: [0.0] * 3) == 2
    assert rule.count_stable(words("snow"), 3 * STEP, never) == 1  # nothing is left to ask for


def test_what_attention_committed_is_not_compared_again():
    rule = Attention()
    rule.count_stable(words("it will rain"), STEP, lambda: [LEFT, 0.0, 0.0])
    assert rule.count_stable(words("will rain in"), 2 * STEP, lambda: [0.0] * 3) == 2


def test_nothing_read_commits_nothing_and_asks_for_nothing():
    assert Attention().count_stable((), STEP, never) == 0


def test_words_committed_for_another_reason_are_not_compared_again():
    rule = LocalAgreement()
    rule.count_stable(words("it will rain"), STEP, never)
    rule.forget(2)
    assert rule.count_stable(words("rain in"), 2 * STEP, never) == 1
