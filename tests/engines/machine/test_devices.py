"""Devices: the decisions for every combination of what may be there, and probes that really run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from malsori.engines.machine.cpus import cpu_threads, quotas
from malsori.engines.machine.devices import (
    Availability,
    choose_device,
    compute_types,
    cuda,
    decide,
    gpu_lines,
    no_device,
    tensorrt,
    why_not_running,
    with_libraries,
)
from malsori.engines.machine.installed import (
    onnxruntime_fact,
    onnxruntime_owners,
    onnxruntime_state,
    why_not_importable,
)
from malsori.engines.machine.libraries import missing, packaged
from malsori.errors import DeviceUnavailable, OptionError

YES = Availability(True)
NO = Availability(False, "libcublas.so.12 cannot be loaded", "pip install 'malsori[cuda]'")


@pytest.mark.parametrize(
    ("requested", "there", "device"),
    [("auto", YES, "cuda"), ("auto", NO, "cpu"), ("cpu", YES, "cpu"), ("cpu", NO, "cpu"), ("cuda", YES, "cuda")],
)
def test_a_device_is_chosen_from_what_is_there(requested: str, there: Availability, device: str) -> None:
    assert decide(requested, there) == device


def test_cuda_by_name_never_falls_back_and_says_why_and_what_to_type() -> None:
    with pytest.raises(DeviceUnavailable, match=r"libcublas\.so\.12 cannot be loaded; pip install 'malsori\[cuda\]'"):
        decide("cuda", NO)


def test_where_nothing_would_help_the_cpu_is_named_as_the_way() -> None:
    with pytest.raises(DeviceUnavailable, match="no NVIDIA driver on this machine; use --device cpu"):
        decide("cuda", no_device(driver=False, compiled=True, machine="x86_64"))


@pytest.mark.parametrize("requested", ["auto", "cpu", "cuda"])
def test_tensorrt_is_never_chosen_unless_asked_for_by_name(requested: str) -> None:
    assert decide(requested, YES, tensorrt=YES) != "tensorrt"
    assert decide("tensorrt", YES, tensorrt=YES) == "tensorrt"


def test_tensorrt_by_name_never_falls_back_and_says_why_and_what_to_type() -> None:
    absent = Availability(False, "libnvinfer.so.10 cannot be loaded", "pip install 'tensorrt-cu12>=10,<11'")
    with pytest.raises(DeviceUnavailable, match=r"libnvinfer\.so\.10 cannot be loaded; pip install 'tensorrt-cu12"):
        decide("tensorrt", YES, absent)
    with pytest.raises(DeviceUnavailable, match=r"TensorRT cannot be used: built without; use --device cuda"):
        decide("tensorrt", YES, Availability(False, "built without"))


def test_tensorrt_without_cuda_is_told_what_cuda_lacks() -> None:
    with pytest.raises(DeviceUnavailable, match=r"CUDA cannot be used: libcublas"):
        decide("tensorrt", NO, tensorrt=YES)


def test_whisper_is_not_for_tensorrt() -> None:
    assert "CTranslate2" in tensorrt("ctranslate2").reason


def test_tensorrt_on_this_machine_is_usable_or_comes_with_a_reason() -> None:
    there = tensorrt("onnxruntime")
    assert there.usable or there.reason


@pytest.mark.parametrize("there", [YES, NO])
@pytest.mark.parametrize("requested", ["", "gpu", "CUDA", "cuda:0"])
def test_an_unknown_device_is_an_option_error(requested: str, there: Availability) -> None:
    with pytest.raises(OptionError, match="expected auto, cpu, cuda or tensorrt"):
        decide(requested, there)


@pytest.mark.parametrize("library", ["ctranslate2", "onnxruntime"])
def test_on_this_machine_auto_gives_what_the_probe_found(library: str) -> None:
    assert choose_device("auto", library) == ("cuda" if cuda(library).usable else "cpu")  # type: ignore[arg-type]
    assert choose_device("cpu", library) == "cpu"  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["ctranslate2", "onnxruntime"])
def test_on_a_machine_without_cuda_asking_for_it_is_refused(library: str) -> None:
    if cuda(library).usable:  # type: ignore[arg-type]
        pytest.skip("this machine has CUDA")
    with pytest.raises(DeviceUnavailable, match=r"CUDA cannot be used: .+; .+"):
        choose_device("cuda", library)  # type: ignore[arg-type]


def test_without_a_driver_there_is_nothing_to_mend_on_any_machine() -> None:
    assert no_device(driver=False, compiled=False, machine="aarch64") == no_device(
        driver=False, compiled=True, machine="x86_64"
    )
    assert not no_device(driver=False, compiled=False, machine="aarch64").fix


def test_a_jetson_with_the_wheel_from_the_registry_is_told_where_to_read() -> None:
    answer = no_device(driver=True, compiled=False, machine="aarch64")
    assert "built without CUDA" in answer.reason
    assert "Jetson" in answer.fix


def test_hidden_gpus_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES=''" in no_device(driver=True, compiled=True, machine="x86_64").reason


def test_missing_libraries_are_named_with_the_line_that_installs_them() -> None:
    answer = with_libraries(1, ["libcublas.so.12", "libcudnn.so.9"])
    assert not answer.usable
    assert "libcublas.so.12 and libcudnn.so.9" in answer.reason
    assert answer.fix == "pip install 'malsori[cuda]'"
    assert with_libraries(2, []).usable


def test_a_library_that_exists_is_loaded_and_one_that_does_not_is_reported() -> None:
    assert missing(["libc.so.6", "libnothing.so.99"]) == ["libnothing.so.99"]


def test_a_library_from_tensorrts_own_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorrt_libs").mkdir()
    (tmp_path / "tensorrt_libs" / "libnvinfer.so.10").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert [path.parent.name for path in packaged("libnvinfer.so.10")] == ["tensorrt_libs"]
    assert packaged("libnothing.so.99") == []


def test_the_gpu_build_offered_has_wheels_for_the_python_in_use() -> None:
    assert gpu_lines((3, 10)).endswith("onnxruntime-gpu==1.23.2")
    assert gpu_lines((3, 13)).endswith("onnxruntime-gpu==1.24.4")


def test_the_tiny_graph_truly_runs_on_the_cpu() -> None:
    assert why_not_running("CPUExecutionProvider") == ""


def test_a_provider_that_is_not_there_is_told() -> None:
    assert why_not_running("NoSuchExecutionProvider") == "this onnxruntime has no NoSuchExecutionProvider"


def test_a_provider_that_is_listed_but_leaves_the_work_to_the_cpu_does_not_count(
    capfd: pytest.CaptureFixture[str],
) -> None:
    import onnxruntime

    listed = [name for name in onnxruntime.get_available_providers() if name != "CPUExecutionProvider"]
    if not listed:
        pytest.skip("this onnxruntime lists the CPU only")
    for name in listed:  # AzureExecutionProvider in the CPU build: it runs no MatMul
        if name != "CUDAExecutionProvider" or not cuda("onnxruntime").usable:
            assert "does not start" in why_not_running(name)
    assert capfd.readouterr().err == ""


def test_the_cpu_has_compute_types_and_int8_is_among_them() -> None:
    assert "int8" in compute_types("cpu")


def test_the_onnxruntime_of_this_environment_is_well() -> None:
    assert onnxruntime_fact(driver=False).ok
    assert len(onnxruntime_owners()) == 1


@pytest.mark.parametrize(("driver", "wanted"), [(True, "onnxruntime-gpu=="), (False, "pip install onnxruntime")])
def test_the_mixed_state_is_recognised_and_mended_for_the_machine_at_hand(driver: bool, wanted: str) -> None:
    fact = onnxruntime_state({"onnxruntime": "1.32.0", "onnxruntime-gpu": "1.24.4"}, "", driver=driver)
    assert not fact.ok
    assert "mixed state: onnxruntime 1.32.0 and onnxruntime-gpu 1.24.4" in fact.value
    assert fact.fix.startswith("pip uninstall -y onnxruntime onnxruntime-gpu && pip install ")
    assert wanted in fact.fix


def test_a_module_taken_away_by_removing_the_other_distribution_is_recognised() -> None:
    fact = onnxruntime_state({"onnxruntime-gpu": "1.24.4"}, "its files are gone", driver=True)
    assert not fact.ok
    assert fact.fix == "pip install --force-reinstall --no-deps onnxruntime-gpu==1.24.4"


def test_one_distribution_that_works_is_well_and_none_at_all_is_not() -> None:
    assert onnxruntime_state({"onnxruntime-gpu": "1.24.4"}, "", driver=True).ok
    assert onnxruntime_state({}, "", driver=False).ok  # built from source
    assert not onnxruntime_state({}, "ModuleNotFoundError", driver=False).ok


def test_a_distribution_that_only_claims_the_name_owns_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = onnxruntime_owners()
    info = tmp_path / "onnxruntime_gpu-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 9\n")
    (info / "RECORD").write_text("onnxruntime_gpu-9.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert onnxruntime_owners() == before
    (info / "RECORD").write_text("onnxruntime_gpu/__init__.py,,\n")
    assert onnxruntime_owners() == before
    (info / "RECORD").write_text("onnxruntime/LICENSE,,\nonnxruntime/__init__.py,,\n")
    assert onnxruntime_owners() == {**before, "onnxruntime-gpu": "9"}


def test_a_module_that_cannot_be_imported_is_told_in_one_line() -> None:
    assert why_not_importable("json") == ""
    assert why_not_importable("no_such_module") == "ModuleNotFoundError: No module named 'no_such_module'"


def test_a_module_whose_files_were_removed_is_not_taken_for_one_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "emptied_module").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert why_not_importable("emptied_module") == "its files are gone"


def _cgroups(tmp_path: Path, membership: str, files: dict[str, str]) -> tuple[Path, Path]:
    (tmp_path / "membership").write_text(membership)
    for name, content in files.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "membership", tmp_path / "fs"


V1 = "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n"


@pytest.mark.parametrize(
    ("membership", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, [2.0]),
        ("0::/\n", {"cpu.max": "max 100000\n"}, []),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n"}, [1.5]),
        ("0::/a/b\n", {"a/b/cpu.max": "300000 100000\n", "a/cpu.max": "50000 100000\n"}, [3.0, 0.5]),
        ("0::/not/visible/here\n", {"cpu.max": "100000 100000\n"}, [1.0]),
        (V1, {"cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}, [2.5]),
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "100000\n", "cpu/docker/abc/cpu.cfs_period_us": "100000\n"}, [1.0]),
        (V1, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, []),
        (V1, {"cpu/cpu.cfs_quota_us": "1000\n", "cpu/cpu.cfs_period_us": "0\n"}, []),
        ("garbage\n\n0::/\n", {"cpu.max": "100000 100000\n"}, [1.0]),
        ("0::/\n", {"cpu.max": "garbage\n"}, []),
        ("0::/\n", {}, []),
    ],
)
def test_quotas_are_read_from_both_versions_of_cgroups(
    tmp_path: Path, membership: str, files: dict[str, str], cores: list[float]
) -> None:
    assert quotas(*_cgroups(tmp_path, membership, files)) == cores


def test_half_a_core_is_one_thread(tmp_path: Path) -> None:
    assert cpu_threads(*_cgroups(tmp_path, "0::/\n", {"cpu.max": "50000 100000\n"})) == 1


@pytest.mark.parametrize(("quota", "threads"), [(100_000, 1), (150_000, 1), (199_999, 1), (200_000, 2), (250_000, 2)])
def test_a_quota_between_two_numbers_of_cores_is_the_lower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: int, threads: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert cpu_threads(*_cgroups(tmp_path, "0::/\n", {"cpu.max": f"{quota} 100000\n"})) == threads


def test_without_a_quota_the_affinity_mask_decides(tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    assert cpu_threads(tmp_path / "absent", tmp_path) == len(allowed)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cpu_threads(tmp_path / "absent", tmp_path) == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_a_quota_above_the_affinity_mask_adds_nothing(tmp_path: Path) -> None:
    threads = cpu_threads(*_cgroups(tmp_path, "0::/\n", {"cpu.max": "100000000 100000\n"}))
    assert threads == len(os.sched_getaffinity(0))
