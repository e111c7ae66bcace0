"""Which model is chosen for a machine: a pure function over the catalogue."""

from __future__ import annotations

from itertools import pairwise

import pytest

from malsori.bundles.catalog import CATALOG, find
from malsori.bundles.choice import MB, REST_MB, choose
from malsori.errors import OptionError
from malsori.languages import LANGUAGES

GB = 1000 * MB
WHISPER = [known.name for known in CATALOG if known.kind == "whisper"]


def serving(*asked: object, **options: object) -> list[str]:
    return [choice.model.name for choice in choose(*asked, **options) if not choice.against]  # type: ignore[arg-type]


def against(name: str, *asked: object, **options: object) -> str:
    found = choose(*asked, **options)  # type: ignore[arg-type]
    return next(choice.against for choice in found if choice.model.name == name)


def test_with_room_for_all_the_most_accurate_comes_first() -> None:
    assert serving(None, "cpu", "en", any_speed=True) == WHISPER
    assert serving(None, "cpu", "en", threads=64) == WHISPER
    assert serving(None, "cuda", "en") == WHISPER


def test_every_model_is_told_those_that_do_not_serve_last() -> None:
    found = choose(600 * MB, "cpu", "ko")
    assert sorted(choice.model.name for choice in found) == sorted(known.name for known in CATALOG)
    assert [bool(choice.against) for choice in found] == sorted(bool(choice.against) for choice in found)


def test_korean_in_little_memory_has_xlsr_beside_whisper_small() -> None:
    assert serving(600 * MB, "cpu", "ko") == ["whisper-small", "xlsr-ko", "whisper-base", "whisper-tiny"]
    assert serving(590 * MB, "cpu", "ko")[0] == "xlsr-ko"
    assert "xlsr-ko" not in serving(600 * MB, "cpu", "de")


def test_less_memory_never_gives_a_model_more() -> None:
    before = set(serving(10 * GB, "cpu", "ko"))
    for memory in range(3000, 0, -50):
        now = set(serving(memory * MB, "cpu", "ko"))
        assert now <= before
        before = now
    assert not before


@pytest.mark.parametrize("name", WHISPER)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_memory_that_just_suffices_serves_and_a_byte_less_does_not(name: str, device: str) -> None:
    need = memory_of(name, device) * MB
    assert name in serving(need, device, "en")
    most = "up to " if device in find(name).upper_bounds else ""
    assert against(name, need - 1, device, "en") == f"needs {most}{need // MB} MB, there are {need // MB - 1}"


def memory_of(name: str, device: str) -> int:
    found = next(choice for choice in choose(None, device, "en") if choice.model.name == name).memory
    assert found is not None
    return found


@pytest.mark.parametrize("name", WHISPER)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_is_on_the_disk_is_what_a_pull_leaves_on_such_a_device(name: str, device: str) -> None:
    known = find(name)
    choice = next(each for each in choose(None, device, "en") if each.model is known)
    assert choice.bundle == known.bundle_mb["int8" if device == "cpu" else "float16"]
    assert choice.memory == known.memory_mb[device] + REST_MB[device]


def test_what_is_slower_than_speech_here_comes_behind_what_keeps_up() -> None:
    found = [choice for choice in choose(None, "cpu", "en", threads=1) if not choice.against]
    slow = [bool(choice.remark) for choice in found]
    assert slow == sorted(slow)
    assert found[0].model.name == "whisper-small.en"
    assert [each.model.name for each in found if each.remark] == [n for n in WHISPER if find(n).cores > 1]


@pytest.mark.parametrize(("device", "form"), [("cpu", "int8"), ("cuda", "none")])
def test_what_is_pulled_for_another_device_says_in_which_form(device: str, form: str) -> None:
    commands = {choice.model.name: choice.command for choice in choose(None, device, "ko", elsewhere=True)}
    assert commands["whisper-base"] == f"malsori models pull base --quantize {form}"


def test_each_model_has_the_command_that_gets_it() -> None:
    commands = {choice.model.name: choice.command for choice in choose(None, "cpu", "ko")}
    assert commands["whisper-large-v3-turbo"] == "malsori models pull turbo"
    assert commands["whisper-base"] == "malsori models pull base"
    assert commands["xlsr-ko"] == "python export/wav2vec2.py xlsr-ko ./xlsr-ko --quantize int8"


def test_without_a_language_a_model_of_a_single_one_does_not_serve() -> None:
    assert not {"xlsr-ko", "distil-large-v3"} & set(serving(None, "cpu"))
    assert against("xlsr-ko", None, "cpu") == "knows ko only; with --language ko it serves where it fits"


def test_a_language_that_a_model_does_not_know_is_against_it() -> None:
    assert serving(None, "cpu", "yue") == ["whisper-large-v3", "whisper-large-v3-turbo"]
    assert against("whisper-tiny", None, "cpu", "yue") == "does not know yue"


def test_in_real_time_a_cpu_needs_the_cores_and_a_gpu_is_fast_enough() -> None:
    few, many = serving(None, "cpu", "en", realtime=True, threads=1), serving(None, "cpu", "en", threads=1)
    assert "whisper-tiny" in few
    assert "whisper-large-v3" not in few
    assert set(few) < set(many)
    assert "there is 1" in against("whisper-large-v3", None, "cpu", "en", realtime=True, threads=1)
    assert serving(None, "cpu", "en", realtime=True, threads=64) == WHISPER
    assert serving(None, "cuda", "en", realtime=True, threads=1) == WHISPER


def test_what_serves_but_is_slower_than_speech_on_these_cores_is_remarked_on() -> None:
    remarks = {choice.model.name: choice.remark for choice in choose(None, "cpu", "en", threads=1)}
    slow = {name for name, remark in remarks.items() if remark == "slower than speech here"}
    assert slow == {known.name for known in CATALOG if known.cores > 1}
    assert not any(choice.remark for choice in choose(None, "cpu", "en", threads=64))
    assert not any(choice.remark for choice in choose(None, "cuda", "en", threads=1))


def test_memory_that_pytorch_takes_is_an_upper_bound_on_a_gpu_alone() -> None:
    bounds = {choice.model.name for choice in choose(None, "cuda", "en") if choice.upper_bound}
    sizes = ("tiny", "base", "small", "medium")
    assert bounds == {f"whisper-{size}{english}" for size in sizes for english in ("", ".en")}
    assert not any(choice.upper_bound for choice in choose(None, "cpu", "en"))


def test_what_nobody_measured_is_not_recommended() -> None:
    assert against("xlsr-ko", None, "cuda", "ko") == "not measured on cuda"


@pytest.mark.parametrize("language", ["", "xx"])
def test_a_language_that_nobody_knows_is_an_option_error(language: str) -> None:
    with pytest.raises(OptionError, match=r"language: .* is not known to any model; there are 100, "):
        choose(None, "cpu", language)


@pytest.mark.parametrize("device", ["auto", "tensorrt", ""])
def test_a_device_is_one_that_models_run_on(device: str) -> None:
    with pytest.raises(OptionError, match="device: expected cpu or cuda"):
        choose(None, device)


def test_a_larger_whisper_takes_more_of_everything() -> None:
    sizes = [find(f"whisper-{size}") for size in ("tiny", "base", "small", "medium", "large-v3")]
    for less, more in pairwise(sizes):
        assert less.parameters < more.parameters
        assert less.bundle_mb["int8"] < less.bundle_mb["float16"]
        assert less.bundle_mb["int8"] < more.bundle_mb["int8"] < more.memory_mb["cpu"]
        assert less.memory_mb["cpu"] < more.memory_mb["cpu"]
        assert less.cores < more.cores
        assert (less.relative_speed or 0) > (more.relative_speed or 0)


def test_a_float16_bundle_fits_on_the_gpu_it_is_for_and_names_are_unique() -> None:
    assert len({known.name for known in CATALOG}) == len(CATALOG)
    assert len(set(LANGUAGES)) == 100
    for known in CATALOG:
        if "cuda" in known.memory_mb:
            assert known.bundle_mb["float16"] < known.memory_mb["cuda"]


def test_a_name_outside_the_catalogue_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        find("whisper-huge")
