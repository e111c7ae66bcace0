"""The bench of GPUs, as far as a machine without one can tell."""

import pytest

from bench.wav2vec2 import gpu
from bench.wav2vec2.gpu import check_agreement, main, noise, rows, rtfx
from malsori.engines.machine.devices import cuda


def test_without_a_gpu_it_says_so_in_one_line_and_leaves_no_result(capsys, monkeypatch):
    if cuda("onnxruntime").usable:
        pytest.skip("this machine has CUDA")
    monkeypatch.setattr(gpu, "write", None)  # a call of it would fail
    assert main([]) == 0
    out = capsys.readouterr().out
    assert out.startswith("no GPU to measure on: ")
    assert out.count("\n") == 1


def test_more_seconds_of_sound_in_one_are_better_and_the_ratio_is_ours_against_the_peer():
    made = rtfx("10 s, batch 4", {"ours": [0.5, 0.4, 0.8], "peer": [1.0, 1.2, 1.6]}, 40.0)
    assert (made.ours, made.peers, made.ratio) == (80.0, {"peer": 33.3}, {"peer": 2.0})
    assert made.spread == (50.0, 100.0)


def test_every_length_and_batch_has_a_row_and_batches_their_targets():
    seen = []
    work = {"ours": lambda clips: seen.append((len(clips), len(clips[0]))) or clips}
    found = list(rows(work, gpu.Plan((0.5, 1), (1, 16), 2)))
    assert [each.case for each in found] == ["0.5 s, batch 1", "0.5 s, batch 16", "1 s, batch 1", "1 s, batch 16"]
    assert ["2x" in each.target for each in found] == [True, False, True, False]
    assert set(seen) == {(1, 8_000), (16, 8_000), (1, 16_000), (16, 16_000)}


def test_what_does_not_fit_the_memory_is_left_out_and_told(capsys):
    def small(clips):
        if len(clips) > 1:
            raise RuntimeError("CUDA out of memory")

    assert [each.case for each in rows({"ours": small}, gpu.Plan((1,), (1, 4), 2))] == ["1 s, batch 1"]
    assert "1 s, batch 4: left out (CUDA out of memory)" in capsys.readouterr().err


def test_two_that_do_not_compute_the_same_are_not_compared():
    with pytest.raises(SystemExit, match="upside down and ours differ"):
        check_agreement({"ours": lambda clips: clips, "upside down": lambda clips: [-clip for clip in clips]})


def test_clips_of_a_batch_are_different():
    one, other = noise(0.5, 2)
    assert (one != other).all()
