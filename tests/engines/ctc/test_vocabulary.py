"""Reading `vocab.json`: what is accepted, and that what is not is named."""

import json

import pytest

from malsori.engines.ctc.vocabulary import Vocabulary
from malsori.errors import ModelIncompatible


def read(folder, content, blank="<pad>"):
    (folder / "vocab.json").write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return Vocabulary.read(folder, blank, "|")


def test_tokens_are_ordered_by_id_and_sorted_by_role(tmp_path):
    vocabulary = read(tmp_path, {"가": 2, "<pad>": 0, "|": 1, "<unk>": 3})
    assert vocabulary.tokens == ("<pad>", "|", "가", "<unk>")
    assert (vocabulary.blank, vocabulary.delimiters, vocabulary.silent) == (0, {1}, {0, 3})


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "[1, 2]",
        {"<pad>": 0, "a": 2},
        {"<pad>": 0, "a": 0},
        {"<pad>": 0, "a": "1"},
        {"a": 0},
        {"ko": {"<pad>": 0}},
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused_by_name(tmp_path, content):
    with pytest.raises(ModelIncompatible, match=r"vocab\.json"):
        read(tmp_path, content)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(ModelIncompatible, match=r"vocab\.json"):
        Vocabulary.read(tmp_path, "<pad>", "|")
