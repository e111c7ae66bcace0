"""The error tree: every class is ours, also the builtin that a caller would catch, and survives a process boundary."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from malsori import errors
from malsori.errors import MalsoriError, brief

EXAMPLES = [
    errors.AudioError("a.wav", "sound", "noise"),
    errors.AudioNotFound("a.wav", "a readable file", "no such file"),
    errors.SoundGone(1, 5, 3, 9),
    errors.ModelNotFound("tiny", ["large"], ["models"], "make it"),
    errors.ModelCorrupt("b/model.onnx", "9 bytes", "8 bytes"),
    errors.ModelIncompatible("b", "too new"),
    errors.OptionError("no task"),
    errors.DeviceUnavailable("no GPU"),
    errors.MissingDependency("kenlm", "scoring"),
    errors.OutputError("no space"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_whole_from_another_process(error: MalsoriError) -> None:
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert again.__dict__ == error.__dict__


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_message_is_one_line(error: MalsoriError) -> None:
    assert len(str(error).splitlines()) == 1


def test_the_drawing_shows_every_class_below_its_parent() -> None:
    drawn = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines()[2:]:
        indent, name = len(line) - len(line.lstrip()), line.split()[0].split("(")[0]
        above = [one for one in above if one[0] < indent]
        drawn[name] = above[-1][1] if above else "Exception"
        above.append((indent, name))
    classes = inspect.getmembers(errors, inspect.isclass)
    ours = {name: kind.__bases__[0].__name__ for name, kind in classes if kind.__module__ == errors.__name__}
    assert drawn == ours


def test_the_words_of_others_are_shortened_to_one_line() -> None:
    assert brief(RuntimeError("first\n  second"), 8) == "first se"


def test_of_many_models_a_message_names_the_first_and_counts_the_rest() -> None:
    error = errors.ModelNotFound("tiny", [f"model-{letter}" for letter in "abcdefghijk"], ["models"])
    assert error.lines[1] == "models here: " + ", ".join(f"model-{letter}" for letter in "abcdefgh") + " and 3 more"
    assert error.known[-1] == "model-k"
