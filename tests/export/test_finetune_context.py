"""Tiny random Whisper checkpoints learn to hear short windows: the arithmetic, the losses, whole runs, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
try:
    metadata.distribution("openai-whisper")
except metadata.PackageNotFoundError:
    pytest.skip("the tokenizer's ranks are in the package openai-whisper", allow_module_level=True)

import ctranslate2  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from export.finetune_context import main  # noqa: E402
from export.log_mel import TorchLogMel  # noqa: E402
from export.progress import Reporter  # noqa: E402
from export.proof import synthetic_speech  # noqa: E402
from export.training.callbacks import stale  # noqa: E402
from export.training.clips import Clip  # noqa: E402
from export.training.command_line import parse  # noqa: E402
from export.training.context.learner import ContextLearner  # noqa: E402
from export.training.context.listening import Listener  # noqa: E402
from export.training.context.matching import Matcher, collate  # noqa: E402
from export.training.context.model import Teacher, encode  # noqa: E402
from export.training.context.settings import ContextOptions, ContextSettings  # noqa: E402
from export.training.context.sound import FRAMES, LONGEST, draw, in_window, shortest  # noqa: E402
from export.training.context.subject import Distances, ShortContext  # noqa: E402
from export.training.curve import Curve  # noqa: E402
from export.training.loop import finetune, learn  # noqa: E402
from export.whisper import convert  # noqa: E402
from export.whisper_checkpoint import Checkpoint  # noqa: E402
from malsori.bundles import read_manifest  # noqa: E402
from tests.export.test_whisper_export import layers, save_checkpoint  # noqa: E402

END = 50_257
SHORT = ["--floor", "2", "--margin", "0.5"]
FAST = "--steps 16 --evaluate-every 8 --batch-size 4 --learning-rate 3e-3 --threads 1".split() + SHORT
PLAIN = ["--quantize", "float32", "--languages", "ko,en", "--force"]  # forced: nothing that it says has a meaning
OPTIONS = ContextOptions(floor=2, margin=0.5)


def with_contrasts(model: torch.nn.Module) -> None:
    """Make a random model's tokens depend on the sound and on the place, and let it say the end now and then.

    As it is drawn, it sees the mean of all frames, repeats one token, and has no vector for the end, which is padding.
    """
    encoder, decoder = model.model.encoder, model.model.decoder
    decoder.embed_tokens.weight[END] = 0.2 * torch.randn(decoder.embed_tokens.weight.shape[1])
    decoder.embed_tokens.weight.mul_(0.3)
    decoder.embed_positions.weight.mul_(100)
    decoder.layer_norm.weight.mul_(30)
    for name, weight in encoder.named_parameters():
        if weight.dim() > 1 and "positions" not in name:
            weight.mul_(6)
    for layer in decoder.layers:
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            getattr(layer.encoder_attn, part).weight.mul_(10)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "tiny"
    return save_checkpoint(folder, 80, with_contrasts, sizes=layers(32, 2, 1, 2), contrast=2.0)


@pytest.fixture(scope="module")
def checkpoint(source: Path) -> Checkpoint:
    return Checkpoint.load(str(source), languages=("ko", "en"))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighteen recordings of about a second, without texts."""
    folder = tmp_path_factory.mktemp("speech")
    lines = ["audio"]
    for number in range(18):
        soundfile.write(folder / f"{number}.wav", synthetic_speech(0.6 + 0.07 * number, number), 16_000)
        lines.append(f"{number}.wav")
    path = folder / "speech.tsv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def finished(source: Path, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from start to bundle, uninterrupted; no test changes it."""
    out = tmp_path_factory.mktemp("finished") / "bundle"
    with Reporter(quiet=True) as reporter:
        finetune(subject(reporter, source, manifest, out, *FAST, *PLAIN))
    return out


def subject(reporter: Reporter, *given: object) -> ShortContext:
    return ShortContext(parse(ContextSettings, "", [str(word) for word in given]), reporter)


def learn_only(source: Path, manifest: Path, out: Path, *flags: str) -> None:
    """Do what `finished` does, up to the bundle."""
    with Reporter(quiet=True) as reporter:
        learn(subject(reporter, source, manifest, out, *FAST, *flags))


def work(out: Path) -> Path:
    return out.with_name("bundle.work")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def moved(before: Path, after: Path) -> set[str]:
    """Return the parts of the model that differ between two checkpoints."""
    old, new = weights(before), weights(after)
    different = {name for name in new if not torch.equal(old[name], new[name])}
    return {".".join(name.split(".")[1:3]).removesuffix(".weight") for name in different}


def curve(out: Path) -> dict[str, list[dict[str, float]]]:
    return dict(json.loads((work(out) / "curve.json").read_text("utf-8")))


# The arithmetic


@pytest.mark.parametrize("mels", [80, 128])
def test_features_are_those_of_transformers(mels: int) -> None:
    extractor = transformers.WhisperFeatureExtractor(feature_size=mels)
    clip = synthetic_speech(3.0)
    expected = extractor(clip, sampling_rate=16_000, return_tensors="np").input_features
    found = TorchLogMel(extractor)(in_window(torch.from_numpy(clip)[None], LONGEST))
    np.testing.assert_allclose(found, expected, atol=1e-4)  # sums in another order


def test_the_full_window_is_encoded_as_transformers_does(checkpoint: Checkpoint) -> None:
    mel = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 80, 3000)).astype(np.float32))
    encoder = checkpoint.model.model.encoder
    with torch.no_grad():
        torch.testing.assert_close(encode(encoder, mel), encoder(mel).last_hidden_state)


def test_a_window_of_5_s_is_encoded_as_ctranslate2_does(checkpoint: Checkpoint, tmp_path: Path) -> None:
    convert(checkpoint, tmp_path, "float32")
    model = ctranslate2.models.Whisper(str(tmp_path), intra_threads=1)
    mel = TorchLogMel(checkpoint.extractor)(in_window(torch.from_numpy(synthetic_speech(3.0))[None], 5 * FRAMES))
    theirs = np.array(model.encode(ctranslate2.StorageView.from_array(mel.numpy())))
    with torch.no_grad():
        ours = encode(checkpoint.model.model.encoder, mel).numpy()
    assert ours.shape == (1, 250, 32)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)  # float32 in another order; values are around 1


@pytest.mark.parametrize(
    ("seconds", "floor", "margin", "expected"),
    [(1, 5, 1, 5), (4.2, 5, 1, 6), (4.0, 5, 1, 5), (16, 5, 1, 20), (29, 5, 1, 30), (30, 1, 0, 30)],
)
def test_the_shortest_window_is_clip_and_margin_in_whole_seconds(seconds, floor, margin, expected) -> None:
    options = ContextOptions(floor=floor, margin=margin)
    assert shortest(int(seconds * 16_000), options) == expected * FRAMES


def test_windows_are_drawn_between_the_shortest_and_the_full_one() -> None:
    drawn = [draw(250, chance) for chance in np.linspace(0, 1, 101)]
    assert (drawn[0], drawn[-1]) == (250, LONGEST)
    assert drawn == sorted(drawn)
    assert drawn[50] < 250 + (LONGEST - 250) / 3


# Teacher and pupil


@pytest.fixture(scope="module")
def heard(checkpoint: Checkpoint, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    """Some clips with the teacher's tokens."""
    teacher = Teacher.of(checkpoint.model, "both")
    listener = Listener(teacher, checkpoint, TorchLogMel(checkpoint.extractor), "cpu", "fp32")
    clips = [Clip(path, len(soundfile.read(path)[0]), "", ()) for path in sorted(manifest.parent.glob("1*.wav"))]
    return listener.listen(clips, tmp_path_factory.mktemp("heard"))


def test_the_teacher_says_the_tokens_of_its_checkpoint_in_the_likeliest_language(checkpoint, heard) -> None:
    assert len({clip.ids for clip in heard}) > 1
    for clip in heard[:4]:
        states = torch.from_numpy(checkpoint.encode(clip.sound()))[None]
        start = torch.tensor([[50_258]])
        with torch.no_grad():
            first = checkpoint.model(encoder_outputs=(states,), decoder_input_ids=start).logits[0, 0]
            row = torch.tensor([clip.ids])
            logits = checkpoint.model(encoder_outputs=(states,), decoder_input_ids=row[:, :-1]).logits[0]
        assert clip.ids[1] == max((50_264, 50_259), key=lambda token: float(first[token]))
        assert tuple(logits[3:].argmax(-1).tolist()) == clip.ids[4:]


def match(checkpoint: Checkpoint, clips: list[Clip], frames: int, **options: float):
    teacher = Teacher.of(checkpoint.model, "both")
    options = ContextOptions(**options)
    matcher = Matcher(teacher, TorchLogMel(checkpoint.extractor), 4, options, "cpu", "fp32")
    batch = collate([(clip.sound(), clip.ids) for clip in clips])
    with torch.no_grad():
        return matcher(checkpoint.model, **batch, frames=frames)


def test_at_30_s_the_model_matches_itself(checkpoint, heard) -> None:
    found = match(checkpoint, heard, LONGEST)
    assert float(found.loss) == pytest.approx(0, abs=1e-6)
    assert bool(found.same.all())


def test_the_loss_is_the_weighted_sum_of_its_parts(checkpoint, heard) -> None:
    found = match(checkpoint, heard, 2 * FRAMES, hidden_weight=3.0, token_weight=0.5)
    assert float(found.hidden) > 1e-3
    assert float(found.tokens) > 1e-6
    assert float(found.loss) == pytest.approx(3 * float(found.hidden) + 0.5 * float(found.tokens), rel=1e-5)


def test_a_row_is_judged_by_its_own_tokens_whatever_is_beside_it(checkpoint, heard) -> None:
    right, wrong = heard[0], replace(heard[1], ids=(*heard[1].ids, 7, END))
    assert match(checkpoint, [right, wrong], LONGEST).same.tolist() == [True, False]
    together = match(checkpoint, [right, wrong], 100)
    sums = [match(checkpoint, [clip], 100).tokens * (len(clip.ids) - 4) for clip in (right, wrong)]
    count = len(right.ids) + len(wrong.ids) - 8
    assert float(together.tokens) == pytest.approx(float(sum(sums)) / count, rel=1e-3)


# A whole run


def test_the_loss_on_clips_held_out_falls(finished: Path) -> None:
    scores = curve(finished)["held_out"]
    assert [score["step"] for score in scores] == [0, 8, 16]
    assert scores[-1]["loss"] < 0.7 * scores[0]["loss"]
    assert scores[-1]["hidden"] < scores[0]["hidden"]


def test_it_ends_in_a_sealed_bundle_that_says_which_windows_it_learned(finished: Path) -> None:
    manifest = read_manifest(finished)
    assert manifest.audio_context == {"floor_s": 2.0, "margin_s": 0.5}
    assert manifest.measured["proof"]["audio"] == "recordings"
    figures = manifest.measured["audio_context"]
    assert figures["clips"] == 2
    for name in ("short_before", "short_after", "full_after"):
        assert set(figures[name]) == {"same_tokens", "cer"}
    training = manifest.measured["training"]
    assert training["after"]["loss"] < training["before"]["loss"] == curve(finished)["held_out"][0]["loss"]
    assert manifest.source == "tiny, fine-tuned by export/finetune_context.py"
    assert not list(finished.parent.glob(".bundle*"))


def test_only_the_encoder_learns(source: Path, finished: Path) -> None:
    parts = moved(source, work(finished) / "best")
    assert parts == {"encoder.layers", "encoder.layer_norm", "encoder.conv1", "encoder.conv2"}


def test_the_decoder_learns_when_asked_to_but_not_what_its_tokens_are(source, manifest, tmp_path) -> None:
    learn_only(source, manifest, tmp_path / "bundle", "--train", "decoder", "--steps", "2", "--evaluate-every", "2")
    assert moved(source, work(tmp_path / "bundle") / "best") == {"decoder.layers", "decoder.layer_norm"}


def test_a_stopped_run_goes_on_to_the_very_weights_of_an_uninterrupted_one(
    source: Path, manifest: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = ContextLearner.training_step

    def stopping(self: ContextLearner, *args: object, **more: object) -> torch.Tensor:
        if self.state.global_step == 10:
            raise KeyboardInterrupt
        return step(self, *args, **more)

    languages = ("--languages", "ko,en")
    monkeypatch.setattr(ContextLearner, "training_step", stopping)
    with pytest.raises(KeyboardInterrupt):
        learn_only(source, manifest, tmp_path / "bundle", *languages)
    monkeypatch.setattr(ContextLearner, "training_step", step)
    learn_only(source, manifest, tmp_path / "bundle", *languages)
    expected, found = (weights(work(out) / "checkpoint-16") for out in (finished, tmp_path / "bundle"))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert curve(tmp_path / "bundle") == curve(finished)


def test_the_curve_is_a_picture_too(finished: Path) -> None:
    png = (work(finished) / "curve.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") > 600  # pixels wide


def test_the_best_evaluation_is_the_one_with_the_lowest_loss_that_has_a_checkpoint() -> None:
    scores = [Distances(step, loss, loss, 0.0, 1.0) for step, loss in ((0, 0.1), (10, 0.4), (20, 0.2), (30, 0.3))]
    assert Curve((), tuple(scores)).best.step == 20
    assert not Curve((), tuple(scores)).fell
    assert Curve((), tuple(scores[1:])).fell
    assert Curve((), (scores[0],)).best.step == 0


@pytest.mark.parametrize(("losses", "expected"), [([3, 2, 1], 0), ([1, 2, 3], 2), ([2, 1, 1], 1), ([], 0)])
def test_patience_goes_by_the_loss(losses: list[float], expected: int) -> None:
    assert stale([{"loss": 0.1}, *({"eval_loss": loss, "eval_same": 0.0} for loss in losses)], "loss") == expected


# What is refused


def refusal(capsys: pytest.CaptureFixture[str], *given: object) -> str:
    assert main([str(word) for word in given]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("malsori: ")]
    return line


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--floor 0.5", "--floor: expected 1 to 30 seconds, below the full window, found 0.5"),
        ("--floor 30", "--floor: expected 1 to 30 seconds, below the full window, found 30.0"),
        ("--margin 6", "--margin 6 --max-seconds 25: expected a margin of 0 or more, and together at most 30 seconds"),
        ("--margin -1", "expected a margin of 0 or more"),
        ("--hidden-weight 0 --token-weight 0", "expected 0 or more, one of them above 0"),
        ("--token-weight nan", "expected 0 or more, one of them above 0"),
        ("--train decoder --token-weight 0", "the decoder learns from tokens; --token-weight above 0"),
        ("--batch-size 0", "--batch-size: expected 1 or more, found 0"),
        ("--text-column words", "no column 'words' (it has audio); --text-column NAME says which"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_loaded(manifest, tmp_path, capsys, flags, message) -> None:
    line = refusal(capsys, tmp_path / "no-such-checkpoint", manifest, tmp_path / "out", *flags.split())
    assert message in line
    assert not (tmp_path / "out.work").exists()


def test_clips_in_which_the_teacher_finds_no_end_are_left_out(manifest, tmp_path, capsys) -> None:
    """A teacher's repetitions are the fault that short windows are known for; they must not be taught."""
    endless = save_checkpoint(tmp_path / "endless", 80, sizes=layers(32, 1, 1, 2), contrast=2.0)
    few = tmp_path / "few.tsv"
    few.write_text("audio\n" + "".join(f"{manifest.parent}/{number}.wav\n" for number in range(2)), "utf-8")
    line = refusal(capsys, endless, few, tmp_path / "out", *FAST, "--held-out", few)
    assert "2 in which the teacher finds no end" in line
