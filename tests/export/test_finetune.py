"""Fine-tuning tiny random checkpoints on tones: what learns, what stays, what resumes, what is refused."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")  # this module is collected, though not run, where there is none
pytest.importorskip("transformers")

from safetensors.torch import load_file  # noqa: E402
from transformers import Wav2Vec2ForCTC  # noqa: E402

import malsori  # noqa: E402
from export.common import ExportRefused  # noqa: E402
from export.finetune_ctc import main  # noqa: E402
from export.progress import Reporter  # noqa: E402
from export.training.arguments import total_steps  # noqa: E402
from export.training.batches import ByLength  # noqa: E402
from export.training.callbacks import stale  # noqa: E402
from export.training.command_line import parse  # noqa: E402
from export.training.ctc.learner import Collate, CtcLearner  # noqa: E402
from export.training.ctc.model import Learned, replace_head  # noqa: E402
from export.training.ctc.settings import CtcSettings, ModelOptions, TextOptions  # noqa: E402
from export.training.ctc.subject import Ctc, ErrorRates  # noqa: E402
from export.training.ctc.texts import clean  # noqa: E402
from export.training.ctc.vocabulary import Speller, new_vocabulary  # noqa: E402
from export.training.curve import Curve  # noqa: E402
from export.training.learner import choose_precision  # noqa: E402
from export.training.loop import finetune, learn  # noqa: E402
from export.training.manifest import read_rows  # noqa: E402
from export.training.settings import TrainingOptions  # noqa: E402
from malsori.bundles import read_manifest as read_bundle  # noqa: E402
from malsori.engines.ctc.vocabulary import Vocabulary  # noqa: E402
from tests.export.tones import GROUP, TOKENS, record, save_checkpoint, sing, texts  # noqa: E402

FAST = "--steps 12 --evaluate-every 4 --batch-size 4 --learning-rate 5e-3 --threads 1 --mask-time-length 5".split()
PLAIN = ["--quantize", "none", "--languages", "ko", "--licence", "MIT"]
FRONTEND = "wav2vec2.feature_extractor."
HEAD = "lm_head."


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("source") / "tiny")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty recordings: seven batches of four in an epoch, so that checkpoints fall inside and across epochs."""
    return record(tmp_path_factory.mktemp("speech"), texts(30))


@pytest.fixture(scope="module")
def finished(checkpoint: Path, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from start to bundle, uninterrupted; no test changes it."""
    out = tmp_path_factory.mktemp("finished") / "bundle"
    run(checkpoint, manifest, out)
    return out


def subject(reporter: Reporter, *given: object) -> Ctc:
    return Ctc(parse(CtcSettings, "", [str(word) for word in given]), reporter)


def run(checkpoint: Path, manifest: Path, out: Path, *flags: str) -> None:
    with Reporter(quiet=True) as reporter:
        finetune(subject(reporter, checkpoint, manifest, out, *FAST, *PLAIN, *flags))


def learn_only(checkpoint: Path, manifest: Path, out: Path, *flags: str) -> None:
    """Do what `run` does, up to the bundle."""
    with Reporter(quiet=True) as reporter:
        learn(subject(reporter, checkpoint, manifest, out, *FAST, *flags))


def work(out: Path) -> Path:
    return out.with_name("bundle.work")


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def moved(before: Path, after: Path) -> set[str]:
    """Return which of head, frontend and encoder differ between two checkpoints."""
    old, new = Wav2Vec2ForCTC.from_pretrained(before).state_dict(), Wav2Vec2ForCTC.from_pretrained(after).state_dict()
    different = {name for name in new if not torch.equal(old[name], new[name])}
    parts = {name: "head" if name.startswith(HEAD) else "encoder" for name in different}
    return {"frontend" if name.startswith(FRONTEND) else part for name, part in parts.items()}


def curve(out: Path) -> dict[str, list[dict[str, float]]]:
    return dict(json.loads((work(out) / "curve.json").read_text("utf-8")))


def refusal(capsys: pytest.CaptureFixture[str], *given: object) -> str:
    assert main([str(word) for word in given]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("malsori: ")]
    return line


# A whole run


def test_the_loss_falls_in_training_and_on_clips_held_out(finished: Path) -> None:
    points, scores = curve(finished)["training"], curve(finished)["held_out"]
    assert points[-1]["loss"] < 0.5 * points[0]["loss"]
    assert [score["step"] for score in scores] == [0, 4, 8, 12]
    assert scores[-1]["loss"] < 0.5 * scores[0]["loss"]


def test_it_ends_in_a_bundle_that_opens_with_its_proof_and_its_error_rates(finished: Path) -> None:
    transcriber = malsori.load(str(finished))
    assert transcriber.transcribe(sing("가나 다라", 0)).duration > 0
    measured = read_bundle(finished).measured
    assert measured["proof"]["logits"]["agreement"] == 1.0
    assert measured["proof"]["audio"] == "recordings"
    assert measured["held_out"]["clips"] == 3
    assert {"cer", "wer", "exact"} <= measured["held_out"].keys()
    assert measured["training"]["before"]["cer"] == pytest.approx(curve(finished)["held_out"][0]["cer"], abs=1e-4)
    assert not list(finished.parent.glob(".bundle*"))


def test_the_bundle_says_the_words_of_the_best_checkpoint(finished: Path) -> None:
    held_out, best = read_bundle(finished).measured["held_out"], min(s["cer"] for s in curve(finished)["held_out"][1:])
    assert held_out["cer"] == pytest.approx(best, abs=1e-4)


def test_help_tells_every_default_that_says_something_also_one_of_0(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(CtcSettings, "", ["--help"])
    told = " ".join(capsys.readouterr().out.split())
    for name in ("freeze_encoder_steps", "weight_decay", "seed", "workers"):
        kinds = (ModelOptions, TrainingOptions)
        (default,) = (each.default for kind in kinds for each in fields(kind) if each.name == name)
        flag = told.index(f"--{name.replace('_', '-')} ", told.index("what learns:"))
        assert f"({default})" in told[flag : flag + 120]


def test_the_best_evaluation_is_one_that_has_a_checkpoint() -> None:
    scores = [ErrorRates(step, 1.0, cer, cer, 0.0) for step, cer in ((0, 0.1), (10, 0.4), (20, 0.2), (30, 0.2))]
    assert Curve((), tuple(scores)).best.step == 20
    assert Curve((), (scores[0],)).best.step == 0


def test_the_curve_is_a_picture_too(finished: Path) -> None:
    png = (work(finished) / "curve.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") > 600  # pixels wide


def test_a_stopped_run_goes_on_to_the_very_weights_of_an_uninterrupted_one(
    checkpoint: Path, manifest: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped twice: inside the first epoch and across its end; dropout, masks and batches go on as they would have."""
    step = CtcLearner.training_step
    for stop in (6, 9):

        def stopping(self: CtcLearner, *args: object, stop: int = stop, **more: object) -> torch.Tensor:
            if self.state.global_step == stop:
                raise KeyboardInterrupt
            return step(self, *args, **more)

        monkeypatch.setattr(CtcLearner, "training_step", stopping)
        with pytest.raises(KeyboardInterrupt):
            learn_only(checkpoint, manifest, tmp_path / "bundle")
    (work(tmp_path / "bundle") / "checkpoint-99").mkdir()  # as a kill in the middle of saving leaves it
    monkeypatch.setattr(CtcLearner, "training_step", step)
    learn_only(checkpoint, manifest, tmp_path / "bundle")
    expected, found = (weights(work(out) / "checkpoint-12") for out in (finished, tmp_path / "bundle"))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert curve(tmp_path / "bundle") == curve(finished)


def test_a_finished_run_whose_bundle_is_gone_makes_the_bundle_again_without_training(
    checkpoint: Path, manifest: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CtcLearner, "training_step", None)
    run(checkpoint, manifest, tmp_path / "again", "--work", str(work(finished)))
    assert read_bundle(tmp_path / "again").files == read_bundle(finished).files


def test_a_run_of_other_settings_is_not_taken_up(
    checkpoint: Path, manifest: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["--work", str(work(finished))]
    line = refusal(capsys, checkpoint, manifest, tmp_path / "out", *FAST, *there, "--learning-rate", "1")
    assert "begun with another learning_rate (learning_rate: 0.005, now 1.0)" in line
    assert "--no-resume" in line


# What learns


SHORT = ["--steps", "4", "--evaluate-every", "2"]


def test_the_front_end_stays_and_the_encoder_waits_for_its_step(
    checkpoint: Path, manifest: Path, tmp_path: Path
) -> None:
    learn_only(checkpoint, manifest, tmp_path / "bundle", *SHORT, "--freeze-encoder-steps", "2")
    first, last = (work(tmp_path / "bundle") / f"checkpoint-{step}" for step in (2, 4))
    assert moved(checkpoint, first) == {"head"}
    assert moved(checkpoint, last) == {"head", "encoder"}


def test_the_front_end_learns_when_asked_to(checkpoint: Path, manifest: Path, tmp_path: Path) -> None:
    learn_only(checkpoint, manifest, tmp_path / "bundle", *SHORT, "--train-frontend")
    assert moved(checkpoint, work(tmp_path / "bundle") / "checkpoint-2") == {"head", "encoder", "frontend"}


def test_it_stops_when_nothing_improves(checkpoint: Path, manifest: Path, tmp_path: Path) -> None:
    patience = ["--steps", "50", "--evaluate-every", "1", "--patience", "2"]
    learn_only(checkpoint, manifest, tmp_path / "bundle", *patience, "--learning-rate", "0")
    assert [score["step"] for score in curve(tmp_path / "bundle")["held_out"]] == [0, 1, 2]


@pytest.mark.parametrize(
    ("errors", "losses", "expected"),
    [
        ([0.5, 0.2, 0.3, 0.2], [3, 2, 1, 0], 2),  # equal is not better, and a lower loss is none of its business
        ([2.2, 0.8, 1.0, 1.0], [9, 8, 3, 2], 0),  # a new head that falls silent is learning
        ([2.2, 0.8, 1.0, 1.0], [9, 3, 3, 4], 2),
        ([], [], 0),
    ],
)
def test_patience_goes_by_cer_once_there_are_words(errors: list[float], losses: list[float], expected: int) -> None:
    entries = [{"eval_cer": cer, "eval_loss": loss} for cer, loss in zip(errors, losses, strict=True)]
    assert stale([{"loss": 1.0}, *entries], "cer") == expected


def test_two_small_batches_move_the_weights_as_one_large_batch_does(checkpoint: Path, tmp_path: Path) -> None:
    manifest, still = record(tmp_path / "speech", texts(5)), tmp_path / "still"
    model = Wav2Vec2ForCTC.from_pretrained(checkpoint)
    for name in ("hidden", "attention", "activation", "feat_proj", "final"):
        model.config.update({f"{name}_dropout": 0.0})
    model.config.layerdrop = 0.0
    save_checkpoint(still)
    model.save_pretrained(still)
    steps = ["--steps", "1", "--mask-time-prob", "0", "--weight-decay", "0", "--warmup", "0"]
    learn_only(still, manifest, tmp_path / "one" / "bundle", *steps, "--batch-size", "4")
    learn_only(still, manifest, tmp_path / "two" / "bundle", *steps, "--batch-size", "2", "--accumulate", "2")
    one, two = (weights(work(tmp_path / name / "bundle") / "best") for name in ("one", "two"))
    moves = torch.cat([(now - weights(still)[name]).flatten() for name, now in one.items()])
    differences = torch.cat([(one[name] - two[name]).flatten() for name in one])
    assert differences.abs().mean() < 0.02 * moves.abs().mean()  # the same sums in another order


def test_a_group_norm_model_in_bf16_learns_too(manifest: Path, tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path / "base", **GROUP)
    run(checkpoint, manifest, tmp_path / "bundle", *SHORT, "--precision", "bf16")
    assert read_bundle(tmp_path / "bundle").attention_mask is False


def test_only_models_with_a_layer_norm_front_end_get_a_mask() -> None:
    items = [(np.ones(5, np.float32), (5, 6)), (np.ones(3, np.float32), ())]
    batch = Collate(masked=True)(items)
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert batch["labels"].tolist() == [[5, 6], [-100, -100]]
    assert "attention_mask" not in Collate(masked=False)(items)


def test_batches_hold_clips_of_about_one_length_and_every_clip_once_an_epoch() -> None:
    lengths = np.random.default_rng(0).integers(1_000, 90_000, 203).tolist()
    sampler = ByLength(lengths, 8, seed=3)
    first = list(sampler)
    assert sorted(first) == list(range(203))
    spans = [np.ptp([lengths[i] for i in first[at : at + 8]]) for at in range(0, 200, 8)]
    assert np.median(spans) < 5_000
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert list(ByLength(lengths, 8, seed=3)) == first


@pytest.mark.parametrize(("options", "steps"), [({"epochs": 2.0}, 8), ({"steps": 5}, 5), ({"accumulate": 3}, 60)])
def test_steps_are_those_asked_for_or_what_the_epochs_come_to(options: dict[str, int], steps: int) -> None:
    assert total_steps(TrainingOptions(batch_size=8, **options), clips=30) == steps


def test_a_cpu_trains_in_fp32_unless_told_otherwise_and_never_in_fp16() -> None:
    assert choose_precision("auto", "cpu") == "fp32"
    assert choose_precision("bf16", "cpu") == "bf16"
    with pytest.raises(ExportRefused, match="--precision bf16 or fp32"):
        choose_precision("fp16", "cpu")


# Vocabularies


def test_a_new_vocabulary_keeps_the_rows_of_tokens_that_the_old_one_had(checkpoint: Path) -> None:
    model = Wav2Vec2ForCTC.from_pretrained(checkpoint)
    rows, bias = model.lm_head.weight.detach().clone(), model.lm_head.bias.detach().clone()
    old = Vocabulary.build(("[PAD]", *TOKENS[1:4], " ", *TOKENS[5:]), "[PAD]", " ")
    new = new_vocabulary(["라 하 가"], "syllables")
    assert replace_head(model, old, new) == 7  # five specials, 가, 라
    for token, before in {"가": 5, "라": 8, "<pad>": 0, "|": 4}.items():
        assert torch.equal(model.lm_head.weight[new.tokens.index(token)], rows[before])
        assert torch.equal(model.lm_head.bias[new.tokens.index(token)], bias[before])
    assert not any(torch.equal(model.lm_head.weight[new.tokens.index("하")], row) for row in rows)
    assert model.config.vocab_size == len(new) == 8


def test_jamo_and_syllables_spell_the_same_text_differently() -> None:
    syllables, jamo = (Speller(new_vocabulary(["값 값도 a"], kind)) for kind in ("syllables", "jamo"))
    assert syllables.vocabulary.tokens[5:] == ("값", "도")
    assert jamo.vocabulary.tokens[5:] == ("ᄀ", "ᄃ", "ᅡ", "ᅩ", "ᆹ")
    assert [syllables.vocabulary.tokens[i] for i in syllables.spell("도 값")] == ["도", "|", "값"]
    assert [jamo.vocabulary.tokens[i] for i in jamo.spell("도 값")] == ["ᄃ", "ᅩ", "|", "ᄀ", "ᅡ", "ᆹ"]
    assert jamo.unknown("도a가ab") == {"a": 2, "b": 1}
    assert jamo.without_unknown("도a a 가") == "도 가"


def test_the_longest_token_that_fits_is_taken() -> None:
    speller = Speller(Vocabulary.build(("<pad>", "|", "n", "ng", "g"), "<pad>", "|"))
    assert speller.spell("ngn g") == (3, 2, 1, 4)


def test_a_pretrained_model_gets_a_head_in_jamo_and_needs_no_tokenizer(manifest: Path, tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path / "pretrained", head=False)
    run(checkpoint, manifest, tmp_path / "bundle", "--steps", "1", "--vocabulary", "jamo")
    tokens = malsori.load(str(tmp_path / "bundle")).engine.vocabulary.tokens
    assert set(tokens[5:]) == set("ᄀᄂᄃ라")


def test_a_pretrained_model_has_no_vocabulary_to_keep(tmp_path: Path) -> None:
    checkpoint = save_checkpoint(tmp_path / "pretrained", head=False)
    with pytest.raises(ExportRefused, match=r"has no CTC head.*--vocabulary syllables"):
        Learned.load(str(checkpoint), None, ModelOptions(), new_head=False)


def test_characters_that_the_kept_vocabulary_lacks_are_named_counted_and_refused(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = record(tmp_path / "speech", ["가 B나", "다라 !", "나나", "라가", "B"])
    flags = ["--held-out", record(tmp_path / "speech", ["가나"], "held-out.tsv")]
    line = refusal(capsys, checkpoint, manifest, tmp_path / "bundle", *flags)
    assert line.startswith("error: the training texts hold 2 characters ('B' 2 times, '!' once) without a token; ")
    assert "--remove-punctuation, --drop-unknown" in line
    run(checkpoint, manifest, tmp_path / "bundle", *map(str, flags), "--steps", "1", "--drop-unknown")
    assert read_bundle(tmp_path / "bundle").measured["training"]["clips"] == 4
    left_out = (work(tmp_path / "bundle") / "left-out-train.tsv").read_text("utf-8")
    assert left_out.splitlines()[1].endswith("\tof a text with no known character\tB")


# Texts and manifests


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "Well-known, he's «here»"),
        ({"lowercase": True}, "well-known, he's «here»"),
        ({"uppercase": True, "remove_punctuation": True}, "WELL KNOWN HES HERE"),
        ({"remove_punctuation": True, "keep_punctuation": "'"}, "Well known he's here"),
    ],
)
def test_texts_are_changed_as_asked_and_no_further(options: dict[str, bool], expected: str) -> None:
    assert clean("  Well-known,  he's\t«here» ", TextOptions(**options)) == expected


def test_the_three_kinds_of_manifest_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "m.tsv").write_text('text\taudio\n"가, 나\ta.wav\n', "utf-8")
    (tmp_path / "m.csv").write_text('\ufefftext,audio\n"""가, 나",a.wav\n', "utf-8")
    (tmp_path / "m.jsonl").write_text('{"audio": "a.wav", "text": "\\"가, 나"}\n', "utf-8")
    found = [[(row.audio, row.text) for row in read_rows(tmp_path / name)] for name in ("m.tsv", "m.csv", "m.jsonl")]
    assert found == [[(tmp_path / "a.wav", '"가, 나')]] * 3


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "m.tsv",
            "path\ttext\na.wav\t가\n",
            r"m.tsv line 2: no column 'audio' \(it has path, text\); --audio-column NAME",
        ),
        ("m.tsv", "audio\ttext\na.wav\t가\nb.wav\t나\nc.wav\t나\n", r"line 3: .*b.wav: no such file \(and 1 more\)"),
        ("m.tsv", "audio\ttext\na.wav\n", "line 2: expected words in the column 'text', found nothing"),
        ("m.tsv", "audio\ttext\na.wav\t가\t나\n", "line 2: more fields than columns"),
        ("m.tsv", "audio\ttext\n\t가\n", "line 2: the column 'audio' is empty"),
        ("m.csv", 'audio,text\na.wav,"가\n', "m.csv after line 1: not a CSV"),
        ("m.jsonl", '{"audio": "a.wav", "text": null}\n', "line 1: expected words in the column 'text', found nothing"),
        ("m.jsonl", '{"audio"\n', "m.jsonl line 1: not JSON"),
        ("m.jsonl", "[]\n", r"line 1: expected an object, found \[\]"),
        ("m.tsv", "audio\ttext\n", "m.tsv: holds no rows"),
        ("m.txt", "a.wav 가\n", r"expected a manifest that ends in .tsv, .csv or .jsonl, found .txt"),
    ],
)
def test_a_manifest_that_cannot_be_meant_is_refused_with_its_line(
    name: str, content: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(ExportRefused, match=told):
        read_rows(tmp_path / name)


def test_a_missing_manifest_is_one_line(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(capsys, checkpoint, tmp_path / "none.tsv", tmp_path / "out")
    assert line == f"error: {tmp_path / 'none.tsv'}: the manifest cannot be read (No such file or directory)"


def test_clips_outside_the_limits_are_counted_and_listed_never_silently_dropped(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = record(tmp_path / "speech", [*texts(6), "가", "가나다라 가나다라", "나나나나나나나나나나"])
    (tmp_path / "speech" / "broken.wav").write_bytes(b"RIFF")
    lines = manifest.read_text("utf-8").splitlines()
    lines[-1] = lines[-1].split("\t")[0] + "\t" + "나" * 80
    manifest.write_text("\n".join([*lines, "broken.wav\t가"]) + "\n", "utf-8")
    held_out = record(tmp_path / "speech", ["가나 다"], "held-out.tsv")
    limits = [
        "--min-seconds",
        "0.4",
        "--max-seconds",
        "1.3",
        "--held-out",
        str(held_out),
        "--steps",
        "1",
        "--no-resume",
    ]
    assert main([str(checkpoint), str(manifest), str(tmp_path / "bundle"), *FAST, *PLAIN, *limits]) == 0
    told = capsys.readouterr().err
    for part in ("train: 6 clips", "1 unreadable", "1 shorter than 0.4 s", "2 longer than 1.3 s"):
        assert part in told
    listed = (work(tmp_path / "bundle") / "left-out-train.tsv").read_text("utf-8").splitlines()
    assert [line.split("\t")[0] for line in listed] == ["line", "8", "9", "10", "11"]


def test_no_sentence_is_both_trained_on_and_held_out(checkpoint: Path, tmp_path: Path) -> None:
    manifest = record(tmp_path, texts(10) * 3)
    training, held_out = subject(Reporter(quiet=True), checkpoint, manifest, tmp_path / "out").read()
    assert len(held_out) == 3
    assert not {row.text for row in training} & {row.text for row in held_out}


def test_masks_longer_than_the_shortest_clip_are_refused(
    checkpoint: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(capsys, checkpoint, manifest, tmp_path / "out", "--mask-time-length", "30")
    assert "the shortest clip allowed has 14 frames" in line


def test_a_bundle_that_is_there_is_not_written_over(
    checkpoint: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, checkpoint, manifest, tmp_path).endswith("already there; remove it or choose another folder")


@pytest.mark.slow
def test_nano_learns_words_that_it_never_heard(tmp_path: Path) -> None:
    """Takes six minutes on one core; wants espeak-ng."""
    from export.nano.adapt import Plan, adapt

    figures = adapt(tmp_path, None, replace(Plan(), threads=os.cpu_count() or 1))
    assert figures.new_after["cer"] < figures.new_before["cer"] / 5  # measured: 78.3 % before, 4.5 % after
    assert figures.old_after["cer"] < 0.1  # measured: 0.4 % before, 4.8 % after; rehearsal bounds what is forgotten
