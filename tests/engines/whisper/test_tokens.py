"""Whisper's vocabulary: text and tokens both ways, orders, words; in parity with faster-whisper's Tokenizer."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.engines.whisper.tokenizer import spelled_bytes
from malsori.engines.whisper.tokens import FILE, Tokens, TokenWord
from malsori.errors import ModelCorrupt, ModelIncompatible, OptionError
from tests.shipped import ROOT, whisper_languages

BUNDLE = ROOT / "models" / "nano-whisper"
EOT = 50_257
TEXTS = [
    " 안녕하세요, 반갑습니다. 오늘 날씨가 참 좋네요!",
    "今日は、いい天気ですね。散歩に行きましょう。",
    " Hello, world! Don't (stop) -- it's 3.50 ... \n\n no?",
    " 👩‍👩‍👧 emoji 🎉🎉 mixed 안녕 é ñ ٣ ♪♪ [박수]",
    "สวัสดีครับ ขอบคุณ",
    " � \t  two  spaces ",
    "",
]
ORDERS = ["<|endoftext|>", "<|startoftranscript|>", "<|ko|>", "<|0.00|>", "<|30.00|>", "<|notimestamps|>"]
some_tokens = st.lists(st.one_of(st.integers(0, EOT - 1), st.integers(94, 255)), max_size=12)  # the latter: lone bytes


@cache
def shipped():
    return Tokens.read(BUNDLE)


@pytest.fixture(name="tokens")
def _tokens():
    return shipped()


def peer(language="ko", task="transcribe"):
    import tokenizers
    from faster_whisper.tokenizer import Tokenizer

    return Tokenizer(tokenizers.Tokenizer.from_file(str(BUNDLE / FILE)), True, task=task, language=language)


def write(folder, change):
    """Write the shipped tokenizer.json into `folder`, changed by `change(content, names of the added tokens)`."""
    content = json.loads((BUNDLE / FILE).read_text("utf-8"))
    names = [added["content"] for added in content["added_tokens"]]
    change(content, names)
    first = len(content["model"]["vocab"])
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    content["added_tokens"] = [{"id": first + rank, "content": name, **flags} for rank, name in enumerate(names)]
    content["post_processor"] = None
    (folder / FILE).write_text(json.dumps(content), "utf-8")
    return folder


def large_v3(content, names):
    names.insert(names.index("<|translate|>"), "<|yue|>")
    names[names.index("<|nocaptions|>")] = "<|nospeech|>"  # its name since


def english_only(content, names):
    content["model"]["vocab"].popitem()
    content["model"]["merges"].pop()


def test_text_becomes_the_tokens_that_faster_whisper_makes_of_it_and_comes_back(tokens):
    other = peer()
    for text in TEXTS:
        assert tokens.encode(text) == other.encode(text)
        assert tokens.decode(tokens.encode(text)) == text


def test_any_tokens_decode_as_faster_whisper_decodes_them(tokens):
    other = peer()

    @settings(max_examples=300, deadline=None)
    @given(some_tokens)
    def check(given_tokens):
        assert tokens.decode(given_tokens) == other.decode(given_tokens)

    check()


@pytest.mark.parametrize("language", ["ko", "en", "ja"])
def test_words_are_those_of_faster_whisper_also_when_the_text_breaks_off(tokens, language):
    other = peer(language)
    for text in TEXTS:
        spelled = tokens.encode(text)
        for cut in range(len(spelled) + 1):
            for given_tokens in (spelled[:cut], [*spelled[:cut], tokens.eot]):
                texts, groups = other.split_to_word_tokens(given_tokens)
                if sum(map(len, groups)) < len(given_tokens):
                    continue  # faster-whisper loses a character that breaks off after two or three of its tokens
                found = tokens.words(given_tokens, language)
                assert [(word.text, list(word.tokens)) for word in found] == list(zip(texts, groups, strict=True))


@settings(max_examples=400, deadline=None)
@given(given_tokens=some_tokens, language=st.sampled_from(["ko", "ja"]))
def test_the_words_together_are_the_tokens_and_the_text_given(given_tokens, language):
    tokens = shipped()
    words = tokens.words(given_tokens, language)
    assert [token for word in words for token in word.tokens] == given_tokens
    assert "".join(word.text for word in words) == tokens.decode(given_tokens)


@settings(max_examples=200, deadline=None)
@given(given_tokens=st.lists(st.integers(0, 51_864), max_size=12), language=st.sampled_from(["ko", "ja"]))
def test_no_token_is_lost_among_orders_and_times(given_tokens, language):
    tokens = shipped()
    words = tokens.words(given_tokens, language)
    assert [token for word in words for token in word.tokens] == given_tokens
    assert all(word == TokenWord("", word.tokens) for word in words if word.tokens[-1] >= tokens.eot)


def test_a_character_that_breaks_off_after_several_tokens_is_one_word(tokens):
    spelled = tokens.encode("𓀀")  # four bytes, four tokens
    assert len(spelled) == 4
    assert tokens.words(spelled[:3], "ja") == [TokenWord("\ufffd", tuple(spelled[:3]))]


def test_a_token_outside_of_the_letters_for_bytes_spells_itself():
    assert [spelled_bytes(token) for token in ("Ġì", "말", None)] == [b" \xec", "말".encode(), b""]


def test_languages_without_spaces_are_split_at_characters(tokens):
    assert [word.text for word in tokens.words(tokens.encode("東京 and"), "zh")] == ["東", "京", " and"]
    assert [word.text for word in tokens.words(tokens.encode("東京 and"), "ko")] == ["東京", " and"]


def test_punctuation_is_a_word_of_its_own(tokens):
    assert [word.text for word in tokens.words(tokens.encode(" Hello, world."), "en")] == [" Hello", ",", " world", "."]


def test_a_word_does_not_run_into_the_order_before_it(tokens):
    hello = tokens.encode("Hello")
    assert tokens.words([tokens.timestamp_begin, *hello], "en")[1] == TokenWord("Hello", tuple(hello))


@pytest.mark.parametrize("order", ORDERS)
def test_orders_in_a_text_are_text(tokens, order):
    text = f"say {order} and {order}{order}"
    spelled = tokens.encode(text)
    assert max(spelled) < tokens.eot
    assert tokens.decode(spelled) == text
    assert "".join(word.text for word in tokens.words(spelled, "en")) == text


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(ORDERS))).map("".join))
def test_every_text_is_spelled_without_orders_and_comes_back(text):
    spelled = shipped().encode(text)
    assert all(token < EOT for token in spelled)
    assert shipped().decode(spelled) == text


def test_half_a_surrogate_pair_is_spelled_as_a_question_mark(tokens):
    assert tokens.decode(tokens.encode("a\ud800b")) == "a?b"


def test_decoding_leaves_orders_and_times_out(tokens):
    hello = tokens.encode(" hello")
    assert (
        tokens.decode([*tokens.start("en", "transcribe", True), tokens.timestamp_begin, *hello, 51_864, EOT])
        == " hello"
    )


def test_encoding_gives_the_same_from_many_threads(tokens):
    expected = [tokens.encode(text) for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        rounds = list(pool.map(lambda _: [tokens.encode(text) for text in TEXTS], range(100)))
    assert rounds == [expected] * 100


@pytest.mark.parametrize("task", ["transcribe", "translate"])
@pytest.mark.parametrize("language", ["ko", "en", "yo"])
def test_a_transcript_starts_as_faster_whisper_starts_it(tokens, language, task):
    other = peer(language, task)
    assert tokens.start(language, task, True) == other.sot_sequence
    assert tokens.start(language, task, False) == [*other.sot_sequence, other.no_timestamps]


def test_the_orders_are_those_of_faster_whisper(tokens):
    other = peer()
    for name in "sot eot sot_prev sot_lm no_speech no_timestamps timestamp_begin transcribe translate".split():
        assert getattr(tokens, name) == getattr(other, name), name
    assert (tokens.vocabulary, tokens.multilingual) == (51_865, True)


def test_suppressed_tokens_are_those_of_faster_whisper(tokens):
    from faster_whisper.transcribe import get_suppressed_tokens

    for extra in ([-1], [7, -1, 50_000], [7], []):
        assert tokens.suppressed(extra) == list(get_suppressed_tokens(peer(), list(extra)))
    assert tokens.suppressed() == tokens.suppressed([-1])


@pytest.mark.parametrize("wrong", [-2, 51_865])
def test_suppressing_what_is_no_token_is_an_error_with_the_range(tokens, wrong):
    with pytest.raises(OptionError, match=f"expected -1 to 51864, found {wrong}"):
        tokens.suppressed([-1, wrong])


@pytest.mark.parametrize("code", ["translate", "transcribe", "notimestamps", "0.00", "xx", "yue", "", "endoftext"])
def test_what_is_no_language_of_the_vocabulary_has_no_token(tokens, code):
    assert tokens.language(code) is None
    with pytest.raises(OptionError, match="language"):
        tokens.start(code, "transcribe", True)


def test_every_language_has_its_token(tokens):
    found = {tokens.language(code) for code in whisper_languages() if code != "yue"}
    assert found == set(range(tokens.sot + 1, tokens.sot + 100))


def test_an_unknown_task_is_an_error(tokens):
    with pytest.raises(OptionError, match="expected transcribe or translate, found 'sing'"):
        tokens.start("ko", "sing", True)


def test_the_vocabulary_of_large_v3_has_cantonese_and_all_orders_one_further(tmp_path, tokens):
    large = Tokens.read(write(tmp_path, large_v3))
    assert (large.vocabulary, large.multilingual) == (51_866, True)
    assert (large.language("yue"), large.no_speech) == (50_358, 50_363)
    assert large.timestamp_begin == tokens.timestamp_begin + 1
    assert large.start("yue", "translate", False) == [50_258, 50_358, 50_359, 50_364]


def test_a_vocabulary_of_english_only_starts_without_language_and_task(tmp_path):
    english = Tokens.read(write(tmp_path, english_only))
    assert (english.vocabulary, english.multilingual, english.eot) == (51_864, False, 50_256)
    assert english.start("en", "transcribe", True) == [50_257]
    assert english.start("en", "transcribe", False) == [50_257, 50_362]
    assert english.no_speech == 50_361


def test_a_file_without_timestamps_still_counts_them(tmp_path, tokens):
    def early(content, names):
        del names[names.index("<|0.00|>") :]

    found = Tokens.read(write(tmp_path, early))
    assert (found.vocabulary, found.timestamp_begin) == (51_865, tokens.timestamp_begin)


@pytest.mark.parametrize("missing", ["<|startofprev|>", "<|notimestamps|>", "<|startoftranscript|>"])
def test_a_missing_order_is_named(tmp_path, missing):
    with pytest.raises(ModelIncompatible, match=f"has no token {missing}".replace("|", r"\|")):
        Tokens.read(write(tmp_path, lambda content, names: names.remove(missing)))


def test_a_tokenizer_that_does_not_spell_in_bytes_is_refused(tmp_path):
    with pytest.raises(ModelIncompatible, match="does not spell in bytes"):
        Tokens.read(write(tmp_path, lambda content, names: content.update(decoder={"type": "Fuse"})))


def test_a_missing_file_is_a_corrupt_bundle(tmp_path):
    with pytest.raises(ModelCorrupt, match=r"tokenizer\.json: expected"):
        Tokens.read(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"model": 1}', "\x00"])
def test_a_file_that_is_no_tokenizer_is_incompatible(tmp_path, content):
    (tmp_path / FILE).write_text(content, "utf-8")
    with pytest.raises(ModelIncompatible, match="is not a tokenizer"):
        Tokens.read(tmp_path)
