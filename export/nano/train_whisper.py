"""Train nano-whisper from nothing: a Whisper of 2.4 M parameters (and its vocabulary) for Korean and English.

    python -m export.nano.train_whisper WORK        # about 80 minutes on one CPU core; then exports models/nano-whisper

Speech is made by `speech.py`, so nothing is downloaded. Checkpoints go to WORK; a run that was stopped goes on from the
last one. What makes so small a Whisper learn in so little time: attention that starts out looking at its neighbours
(`nano_whisper.look_nearby`), letters spelled by CTC from the encoder beside the decoder's loss, and corrupted decoder
inputs, so that it listens instead of guessing the grammar.
"""

from __future__ import annotations

import jiwer
import torch
from torch import Tensor
from torch.nn import functional as F

from export.nano.loop import GLIMPSE, Run, train
from export.nano.nano_whisper import NanoWhisper
from export.nano.speech import Utterance, training_corpus
from export.nano.train_ctc import VOCAB as JAMO_VOCAB
from export.nano.train_ctc import spell
from export.nano.whisper_windows import TokenSequences, Window, Windows, log_mel, stack

LETTERS = {**JAMO_VOCAB, **{letter: len(JAMO_VOCAB) + i for i, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}}
CORRUPTED = 0.2  # share of the decoder's input tokens that are replaced by random ones
WEIGHTS = {"ctc": 0.5, "decoder": 1.0, "language": 0.2}  # the language once more: it is one token of some fifteen


def letters(text: str, language: str) -> list[int]:
    """Return the CTC targets of a sentence: jamo for Korean, letters for English."""
    return spell(text) if language == "ko" else [LETTERS["|" if c == " " else c] for c in text]


def losses(
    model: NanoWhisper, sequences: TokenSequences, windows: list[Window], generator: torch.Generator
) -> dict[str, Tensor]:
    """Return the CTC loss per letter and the decoder's cross-entropy per token, and of the language alone."""
    mel = log_mel()(stack(windows))
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
    language = F.cross_entropy(logits[:, 0].float(), rows.targets[:, 0])
    return {"ctc": ctc, "decoder": entropy, "language": language}


@torch.no_grad()
def error_rates(model: NanoWhisper, utterances: list[Utterance]) -> dict[str, float]:
    """Return word error rates of greedy decoding and the share of right languages, a second around each clip."""
    pairs: dict[str, tuple[list[str], list[str]]] = {"ko": ([], []), "en": ([], []), "ko-en": ([], [])}
    right = 0
    for utterance in utterances:
        states = model.encode(log_mel()(stack([Window.of(utterance)])))
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


def main() -> None:
    """Make the speech, train, export and measure."""
    run = Run.from_command_line(
        "nano-whisper", __doc__, steps=9_000, batch_size=20, clips=28_000, speech=training_corpus
    )
    if run.start:
        raise SystemExit("--start is an option of train_ctc; this training resumes from what is in WORK")
    model = NanoWhisper(len(LETTERS)).train()
    sequences, windows = TokenSequences(model.vocabulary), Windows(run.corpus, run.batch_size, run.seed)

    def step_losses(step: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(run.seed * 1_000_003 + step)
        return losses(model, sequences, windows.draw(step), generator)

    train(
        run,
        model,
        WEIGHTS,
        step_losses,
        lambda: error_rates(model, run.held_out.utterances[:GLIMPSE]),
        model.save,
        every=500,
    )
    if run.export:
        from export.nano.publish import publish_whisper

        publish_whisper(run.checkpoint, run.held_out, run.seed)


if __name__ == "__main__":
    main()
