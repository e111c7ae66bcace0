"""The rebuilt tokenizer against tiktoken, which openai/whisper itself tokenizes with."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.whisper_tokenizer import build_tokenizer, ranks_file, read_ranks, save, special_tokens, split_token

pytestmark = pytest.mark.export
tiktoken = pytest.importorskip("tiktoken")
try:
    metadata.distribution("openai-whisper")
except metadata.PackageNotFoundError:
    pytest.skip("the ranks are in the package openai-whisper", allow_module_level=True)

WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""  # GPT-2's expression
SENTENCES = (
    "거실 불을 켜 주세요.",
    " 내일 서울 날씨는 어때요? 3시 20분에 알려 줘.",
    "Turn on the living-room light, please.",
    " It's 3,400 + 5... I'd say  two   spaces\n\nand lines",
    "뷁 ㅋㅋㅋ 한글과 English 🎧 섞어서",
)


@cache
def rebuilt(languages: int = 99) -> Any:
    return build_tokenizer(languages)


@cache
def original(languages: int = 99) -> Any:
    ranks = read_ranks(ranks_file())
    names = [*special_tokens(languages), *(f"<|{i * 0.02:.2f}|>" for i in range(1501))]
    specials = {name: len(ranks) + i for i, name in enumerate(names)}
    return tiktoken.Encoding("whisper", pat_str=WORDS, mergeable_ranks=ranks, special_tokens=specials)


@pytest.mark.parametrize(("languages", "entries"), [(99, 51_865), (100, 51_866)])
def test_the_vocabulary_has_the_size_of_the_published_checkpoints(languages: int, entries: int) -> None:
    assert len(rebuilt(languages)) == entries


@pytest.mark.parametrize("languages", [99, 100])
def test_every_special_token_has_the_id_of_the_original(languages: int) -> None:
    for name in original(languages).special_tokens_set:
        assert rebuilt(languages).convert_tokens_to_ids(name) == original(languages).encode_single_token(name)


def test_the_ids_of_the_published_multilingual_checkpoints_are_met() -> None:
    published = {"<|endoftext|>": 50257, "<|startoftranscript|>": 50258, "<|en|>": 50259, "<|ko|>": 50264}
    published |= {"<|translate|>": 50358, "<|transcribe|>": 50359, "<|nocaptions|>": 50362, "<|0.00|>": 50364}
    assert {name: rebuilt().convert_tokens_to_ids(name) for name in published} == published


@pytest.mark.parametrize("text", SENTENCES)
def test_sentences_become_the_same_tokens_and_come_back(text: str) -> None:
    tokens = rebuilt().encode(text, add_special_tokens=False)
    assert tokens == original().encode(text)
    assert rebuilt().decode(tokens) == text


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("가힣 \n'ㅋabc019")), max_size=40))
def test_any_text_becomes_the_same_tokens(text: str) -> None:
    assert rebuilt().encode(text, add_special_tokens=False) == original().encode(text, allowed_special="all")


def test_a_saved_tokenizer_is_the_same_after_loading(tmp_path: Path) -> None:
    from tokenizers import Tokenizer
    from transformers import WhisperTokenizerFast

    loaded = WhisperTokenizerFast.from_pretrained(save(tmp_path))
    built = rebuilt()
    assert loaded.get_vocab() == built.get_vocab()
    bare = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert bare.encode(SENTENCES[0], add_special_tokens=False).ids == built.encode(
        SENTENCES[0], add_special_tokens=False
    )
    assert bare.token_to_id("<|30.00|>") == 51_864


def test_timestamps_are_no_special_tokens_so_that_the_special_ones_end_at_notimestamps() -> None:
    assert rebuilt().all_special_ids[-1] == rebuilt().convert_tokens_to_ids("<|notimestamps|>")


def test_a_token_is_split_into_the_pair_that_made_it() -> None:
    assert split_token(b"the", {b"t": 0, b"h": 1, b"e": 2, b"th": 3, b"he": 4, b"the": 5}) == (b"th", b"e")


def test_another_number_of_languages_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 99"):
        build_tokenizer(98)


def test_a_missing_file_of_ranks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        build_tokenizer(99, tmp_path / "multilingual.tiktoken")
