"""Train nano-whisper from nothing: a Whisper of 2.4 M parameters (and its vocabulary) for Korean and English.

    python -m export.nano.train_whisper WORK        # about 80 minutes on one CPU core; then exports models/nano-whisper

Speech is made by `speech.py`, so nothing is downloaded. Checkpoints go to WORK; a run that was stopped goes on from the
last one. What makes so small a Whisper learn in so little time: attention that starts out looking at its neighbours
(`nano_whisper.look_nearby`), letters spelled by CTC from the encoder beside the decoder's loss, and corrupted decoder
inputs, so that it listens instead of guessing the grammar.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import jiwer
import torch
from torch import Tensor
from torch.nn import functional as F

from export.nano.batches import learning_rate
from export.nano.nano_whisper import NanoWhisper
from export.nano.speech import Corpus, Utterance
from export.nano.train_ctc import VOCAB as JAMO_VOCAB
from export.nano.train_ctc import spell
from export.nano.whisper_windows import TokenSequences, Window, Windows, log_mel, stack

LETTERS = {**JAMO_VOCAB, **{letter: len(JAMO_VOCAB) + i for i, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}}
CORRUPTED = 0.2  # share of the decoder's input tokens that are replaced by random ones
CTC_WEIGHT = 0.5


def letters(text: str, language: str) -> list[int]:
    """Return the CTC targets of a sentence: jamo for Korean, letters for English."""
    return spell(text) if language == "ko" else [LETTERS["|" if c == " " else c] for c in text]


def losses(
    model: NanoWhisper, sequences: TokenSequences, windows: list[Window], generator: torch.Generator
) -> dict[str, Tensor]:
    """Return the CTC loss per letter and the decoder's cross-entropy per token for one batch of windows."""
    mel = log_mel(stack(windows))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = model.encode(mel)
        spelled = model.letters(states)
    targets = [letters(window.text, window.language) for window in windows]
    lengths = torch.tensor([len(t) for t in targets])
    frames = torch.full((len(windows),), states.shape[1])
    log_probs = spelled.float().log_softmax(-1).transpose(0, 1)
    flat = torch.tensor([i for t in targets for i in t])
    ctc = F.ctc_loss(log_probs, flat, frames, lengths, reduction="none", zero_infinity=True).sum() / lengths.sum()

    rows = sequences.rows(windows, generator)
    corrupt = (torch.rand(rows.inputs.shape, generator=generator) < CORRUPTED) & rows.corruptible
    noise = sequences.random_text(rows.inputs.shape, generator)
    inputs = torch.where(corrupt, noise, rows.inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model.decode(inputs, states[rows.window])
    wanted = rows.targets >= 0
    entropy = F.cross_entropy(logits[wanted].float(), rows.targets[wanted])
    return {"ctc": ctc, "decoder": entropy}


@torch.no_grad()
def error_rates(model: NanoWhisper, sequences: TokenSequences, utterances: list[Utterance]) -> dict[str, float]:
    """Return word error rates of greedy decoding and the share of right languages, a second around each clip."""
    pairs: dict[str, tuple[list[str], list[str]]] = {"ko": ([], []), "en": ([], []), "ko-en": ([], [])}
    right = 0
    for utterance in utterances:
        states = model.encode(log_mel(stack([Window.of(utterance)])))
        language = model.language(states)
        right += language == utterance.language
        for task in ("transcribe", "translate") if utterance.language == "ko" else ("transcribe",):
            heard = model.greedy(states, utterance.language, task)
            spoken = utterance.text if task == "transcribe" else utterance.sentence.en
            key = utterance.language if task == "transcribe" else "ko-en"
            pairs[key][0].append(spoken)
            pairs[key][1].append(heard or "-")
    rates = {key: float(jiwer.wer(spoken, heard)) for key, (spoken, heard) in pairs.items()}
    return {**rates, "language": right / len(utterances)}


def train(work: Path, corpus: Corpus, held_out: Corpus, *, steps: int, batch_size: int, peak: float, seed: int) -> Path:
    """Train for `steps`, resuming from WORK/whisper.pt if there; return the checkpoint folder."""
    torch.manual_seed(seed)
    model = NanoWhisper(len(LETTERS)).train()
    sequences = TokenSequences(model.vocabulary)
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=0.01)
    windows = Windows(corpus, batch_size, seed)
    state, start, first = work / "whisper.pt", 0, time.monotonic()
    if state.exists():
        stored = torch.load(state)
        model.load_state_dict(stored["model"])
        optimizer.load_state_dict(stored["optimizer"])
        start = stored["step"]
    for step in range(start, steps):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        parts = losses(model, sequences, windows.draw(step), generator)
        optimizer.zero_grad()
        (CTC_WEIGHT * parts["ctc"] + parts["decoder"]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak)
        optimizer.step()
        if step % 50 == 49:
            pace = (time.monotonic() - first) / (step + 1 - start)
            shown = " ".join(f"{name} {loss.item():.3f}" for name, loss in parts.items())
            print(f"step {step + 1}/{steps} {shown} {pace:.2f} s/step", flush=True)
        if step % 500 == 499 or step + 1 == steps:
            rates = error_rates(model, sequences, held_out.utterances[:60])
            print(f"step {step + 1}: held-out " + " ".join(f"{k} {v:.3f}" for k, v in rates.items()), flush=True)
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}, state)
            model.save(work / "nano-whisper")
    return work / "nano-whisper"


def main() -> None:
    """Make the speech, train, export and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path, help="folder for the corpus and the checkpoints")
    parser.add_argument(
        "--clips", type=int, default=28_000, help="training clips, both languages (default %(default)s)"
    )
    parser.add_argument("--steps", type=int, default=8_000)
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-export", action="store_true", help="stop after training")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    corpus = Corpus.cached(args.work / "corpus", args.clips, ["ko", "en"])
    held_out = Corpus.cached(args.work / "corpus", 400, ["ko", "en"], held_out=True)
    checkpoint = train(
        args.work,
        corpus,
        held_out,
        steps=args.steps,
        batch_size=args.batch_size,
        peak=args.learning_rate,
        seed=args.seed,
    )
    if not args.no_export:
        from export.nano.publish import publish_whisper

        publish_whisper(checkpoint, held_out)


if __name__ == "__main__":
    main()
