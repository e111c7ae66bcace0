"""Texts put in their places in real sound, through the shipped model: every word comes back, where it is spoken."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import malsori
from malsori import AlignedWord, Alignment
from malsori.errors import AudioNotFound, AudioTooShort, EmptyAudio, OptionError
from tests.shipped import ROOT, model

NUMBERS = ROOT / "samples" / "numbers.wav"
TEXT = (ROOT / "samples" / "numbers.txt").read_text(encoding="utf-8")


def aligned(text: str) -> Alignment:
    return malsori.align(NUMBERS, text, model())


def check_order(found: Alignment) -> None:
    """Every time is at or behind the one before it, and inside the recording; characters fill their word."""
    edges = [edge for word in found.words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= found.duration
    for word in found.words:
        inner = [edge for character in word.characters for edge in (character.start, character.end)]
        assert inner == sorted(inner)
        assert (inner[0], inner[-1]) == (word.start, word.end)


def test_the_words_are_where_the_model_hears_them_by_itself() -> None:
    heard = [word for segment in model().transcribe(NUMBERS, word_timestamps=True).segments for word in segment.words]
    found = aligned(TEXT)
    check_order(found)
    assert [word.text for word in found.words] == [word.text for word in heard]
    for word, near in zip(found.words, heard, strict=True):
        assert word.start < near.end
        assert word.end > near.start
        assert word.score > 0.5


def test_pauses_between_sentences_belong_to_no_word() -> None:
    found = aligned(TEXT)
    lines = found.transcript().segments
    assert [line.text for line in lines] == TEXT.splitlines()
    gaps = [after.start - before.end for before, after in pairwise(lines)]
    assert sum(gap > 0.5 for gap in gaps) >= 3


def test_every_word_comes_back_as_it_was_written() -> None:
    text = "«제 번호는» 5 사… 칠 XYZ\n\n— 답은 258 이백오십팔입니다?! ☃ 😀"
    found = aligned(text)
    check_order(found)
    assert [word.text for word in found.words] == text.split()
    assert ["".join(character.text for character in word.characters) for word in found.words] == text.split()
    assert [word.line for word in found.words] == [0] * 6 + [2] * 6
    assert found.text == text


def test_what_the_model_has_no_letters_for_lies_between_its_neighbours() -> None:
    spelled = aligned(TEXT)
    bridged = aligned(TEXT.replace("사 칠", "4 7").replace("이백오십팔입니다", "258입니다"))
    check_order(bridged)
    for true, found in zip(spelled.words, bridged.words, strict=True):
        assert found.start == pytest.approx(true.start, abs=0.15)
    by_text = {word.text: word for word in bridged.words}
    assert by_text["4"].score == 0.0
    digits = by_text["258입니다"].characters[:3]
    assert [character.score for character in digits] == [0.0] * 3
    assert digits[2].end - digits[0].start > 0.3
    assert by_text["258입니다"].score > 0.5


def test_a_wrong_word_has_a_low_score_and_leaves_the_others_in_place() -> None:
    spelled, wrong = aligned(TEXT), aligned(TEXT.replace("뒤에", "커튼을"))
    scores = {word.text: word.score for word in wrong.words}
    assert scores["커튼을"] < 0.05
    assert scores["번호는"] > 0.9
    assert [word.start for word in wrong.words[:15]] == [word.start for word in spelled.words[:15]]


def test_decomposed_text_is_put_in_the_same_places() -> None:
    composed, decomposed = aligned(TEXT), aligned(unicodedata.normalize("NFD", TEXT))
    assert [(word.start, word.end) for word in composed.words] == [(word.start, word.end) for word in decomposed.words]
    assert decomposed.words[1].text == unicodedata.normalize("NFD", "번호는")


def test_a_comma_has_a_place_and_no_length() -> None:
    (comma,) = (
        character
        for word in aligned(TEXT.replace("답은", "답은,")).words
        for character in word.characters
        if not character.text.isalpha()
    )
    assert comma.text == ","
    assert comma.start == comma.end


def test_spaces_may_be_where_the_model_has_none_and_the_other_way_round() -> None:
    spelled = aligned(TEXT)
    joined = aligned(TEXT.replace("깨워 주세요", "깨워주세요").replace("번호는", "번 호는"))
    assert joined.words[0].start == spelled.words[0].start
    assert joined.words[-1].start == spelled.words[-2].start
    assert min(word.score for word in joined.words) > 0.3


def test_a_name_a_path_and_a_loaded_model_do_the_same() -> None:
    assert malsori.align(NUMBERS, "번호는", str(ROOT / "models" / "nano-ctc-ko")) == aligned("번호는")


def test_a_segment_is_a_line_or_a_word() -> None:
    found = aligned(TEXT)
    by_word = found.transcript(by="word").segments
    assert [segment.text for segment in by_word] == TEXT.split()
    assert [word for segment in by_word for word in segment.words] == [
        word for segment in found.transcript().segments for word in segment.words
    ]


def test_a_line_is_as_sure_as_the_geometric_mean_of_the_words_that_the_model_can_spell() -> None:
    words = tuple(AlignedWord(text, 0.0, 1.0, score, 0, ()) for text, score in (("a", 0.9), ("4", 0.0), ("b", 0.1)))
    found = Alignment("a 4 b", "ko", 1.0, words, "nano")
    assert found.transcript().segments[0].confidence == pytest.approx(0.3)
    assert replace(found, words=words[1:2]).transcript().segments[0].confidence == 0.0


def test_a_language_that_nothing_told_is_not_certain_in_the_transcript() -> None:
    found = aligned("번호는")
    assert found.transcript().language_probability == 1.0
    assert replace(found, language="und").transcript().language_probability == 0.0


def test_the_json_form_has_words_with_characters() -> None:
    found = aligned("번호는,")
    (word,) = found.to_dict()["words"]
    assert word["word"] == "번호는,"
    assert [character["character"] for character in word["characters"]] == list("번호는,")
    assert word["score"] == round(found.words[0].score, 4)
    assert found.to_dict()["language"] == "ko"


def test_a_text_too_long_for_its_sound_is_told_with_both_lengths() -> None:
    with pytest.raises(
        AudioTooShort, match=r"expected 98 frames \(1\.97 s\) or more, for the 98 tokens of the text, found 49 frames"
    ):
        malsori.align(np.zeros(16_000, np.float32), "가나다라마바사 " * 7, model())


def test_repeated_letters_count_for_the_frames_that_a_text_needs() -> None:
    with pytest.raises(AudioTooShort, match=r"expected 5 frames .* for the 3 tokens .* found 4 frames"):
        malsori.align(np.zeros(400 + 3 * 320, np.float32), "ㅋㅋㅋ", model())


def test_one_frame_is_no_frames_in_the_plural() -> None:
    with pytest.raises(AudioTooShort, match=r"expected 2 frames .* for the 2 tokens .* found 1 frame \("):
        malsori.align(np.zeros(400, np.float32), "가", model())
    with pytest.raises(
        AudioTooShort, match=r"expected 1 frame \(0\.03 s\) or more, for the 1 token of the text, found 0"
    ):
        malsori.align(np.zeros(100, np.float32), "ㅏ", model())


def test_sound_shorter_than_a_frame_has_no_room() -> None:
    with pytest.raises(AudioTooShort, match="found 0 frames"):
        malsori.align(np.zeros(399, np.float32), "가", model())


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="at least one word"):
        aligned(text)


@pytest.mark.parametrize("text", ["?!", "— …\n...", '"'])
def test_a_text_of_punctuation_alone_has_no_word(text: str) -> None:
    with pytest.raises(OptionError, match="at least one word"):
        aligned(text)


@pytest.mark.parametrize("text", [None, ["제", "번호는"], b"x"])
def test_a_text_that_is_no_str_is_refused(text: object) -> None:
    with pytest.raises(OptionError, match=f"text: expected a str, found {type(text).__name__}"):
        malsori.align(NUMBERS, text, model())  # type: ignore[arg-type]


def test_punctuation_by_itself_has_no_length_and_stays_with_its_line() -> None:
    plain = aligned(TEXT).words
    lines = TEXT.splitlines()
    found = aligned("\n".join(["- " + lines[0] + " !", "***", "— " + lines[1], *lines[2:], "?!"])).words
    marks = [word for word in found if word.text in ("-", "!", "***", "—", "?!")]
    assert [word for word in found if word not in marks] == [
        replace(word, line=word.line + (word.line > 0)) for word in plain
    ]
    second = next(word for word in plain if word.line == 1)
    last = next(word for word in reversed(plain) if word.line == 0)
    edges = [plain[0].start, last.end, second.start, second.start, plain[-1].end]
    assert [(word.start, word.end) for word in marks] == [(edge, edge) for edge in edges]


@pytest.mark.parametrize("text", ["it will rain in jeju tomorrow", "침실 온도를 이십육 도로 맞춰 주세요"])
def test_a_text_that_was_not_spoken_is_told_with_the_number_of_its_words(text: str) -> None:
    *_, warning = aligned(text).warnings
    assert f"{len(text.split())} words were not found in the sound; do the text and the recording" in warning


def test_a_text_that_was_spoken_is_told_nothing() -> None:
    assert aligned(TEXT.replace("뒤에", "커튼을").replace("답은", "답은 —")).warnings == ()


def test_a_model_that_cannot_align_says_which_can() -> None:
    with pytest.raises(OptionError, match=r"nano-whisper is .* cannot align; .* wav2vec2-ctc can, such as nano-ctc-ko"):
        malsori.align(NUMBERS, "번호는", model("nano-whisper"))


def test_what_is_no_sound_is_an_audio_error() -> None:
    with pytest.raises(AudioNotFound):
        malsori.align("none.wav", "가", model())
    with pytest.raises(EmptyAudio):
        malsori.align(np.zeros(0, np.float32), "가", model())


def test_silence_still_has_a_place_for_every_word() -> None:
    found = malsori.align(np.zeros(32_000, np.float32), "가나 다라", model())
    check_order(found)
    assert [word.text for word in found.words] == ["가나", "다라"]
    assert max(word.score for word in found.words) < 0.1


def test_a_recording_longer_than_the_engine_takes_at_once_is_aligned_alike_in_all_its_parts() -> None:
    clip = malsori.decode(NUMBERS).samples
    times = 1 + 120 * malsori.SAMPLE_RATE // len(clip)
    progress: list[malsori.Progress] = []
    found = malsori.align(np.tile(clip, times), TEXT * times, model(), progress=progress.append)
    check_order(found)
    seconds, count = len(clip) / malsori.SAMPLE_RATE, len(TEXT.split())
    for index, word in enumerate(aligned(TEXT).words):
        for turn in range(times):
            assert found.words[turn * count + index].start == pytest.approx(turn * seconds + word.start, abs=0.1)
    assert progress[-1].heard == pytest.approx(progress[-1].found)
