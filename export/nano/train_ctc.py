"""Train nano-ctc-ko from nothing: a wav2vec2 of 2.2 M parameters that spells Korean in jamo.

    python -m export.nano.train_ctc WORK            # some two hours on one CPU core; then exports models/nano-ctc-ko

Speech is made by `speech.py`, so nothing is downloaded. Checkpoints go to WORK; a run that was stopped goes on from the
last one.
"""

from __future__ import annotations

import json
from pathlib import Path

import jiwer
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC
from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2LayerNormConvLayer

from export.nano.batches import Batches
from export.nano.grammar import to_jamo
from export.nano.loop import GLIMPSE, Run, train
from export.nano.speech import Corpus, Utterance
from export.nano.timed_speech import speak_with_times
from export.nano.whisper_windows import log_mel
from malsori.engines.wav2vec2.acoustic import normalize
from malsori.types import SAMPLE_RATE

SPECIALS = ["<pad>", "<s>", "</s>", "<unk>", "|"]
JAMO = [
    chr(c) for first, last in ((0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2)) for c in range(first, last + 1)
]
VOCAB = {token: i for i, token in enumerate(SPECIALS + JAMO)}

CONFIG = Wav2Vec2Config(
    vocab_size=len(VOCAB),
    hidden_size=192,
    num_hidden_layers=4,
    num_attention_heads=4,
    intermediate_size=768,
    conv_dim=(32, 48, 64, 96, 128, 128, 128),
    conv_bias=True,
    feat_extract_norm="layer",
    do_stable_layer_norm=True,
    num_conv_pos_embeddings=128,
    num_conv_pos_embedding_groups=16,
    hidden_dropout=0.0,
    attention_dropout=0.0,
    activation_dropout=0.0,
    feat_proj_dropout=0.0,
    final_dropout=0.0,
    layerdrop=0.0,
    apply_spec_augment=False,
    attn_implementation="eager",  # on a CPU faster than the fused one at these sizes
    pad_token_id=VOCAB["<pad>"],
    bos_token_id=VOCAB["<s>"],
    eos_token_id=VOCAB["</s>"],
)

MELS = 80
BFLOAT16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()  # without the instructions it is seven times slower, not faster
WEIGHTS = {"ctc": 1.0, "time": 1.0, "spectrum": 0.5}
JOINED_SHARE = 0.5  # of the steps: without any, a minute of speech in one pass was read badly
STRIDE, FIRST = 320, 200  # samples between frames, and to the middle of the first
NEAR = SAMPLE_RATE // 50  # samples by which a word's letters may leave its time
GAP = (
    SAMPLE_RATE // 10,
    SAMPLE_RATE * 6 // 100,
)  # samples by which a `|` may precede the gap between words and follow it


def spell(text: str) -> list[int]:
    """Turn a sentence into token ids: jamo, and `|` for the space."""
    return [VOCAB["|" if letter == " " else letter] for letter in to_jamo(text)]


def unspell(ids: list[int]) -> str:
    """Turn frame-wise argmax ids into a sentence in jamo: collapse repeats, drop blanks."""
    tokens = list(VOCAB)
    kept = [i for i, previous in zip(ids, [-1, *ids[:-1]], strict=True) if i != previous and i >= len(SPECIALS) - 1]
    return " ".join("".join(tokens[i] for i in kept).replace("|", " ").split())


def convolve_channels_last(layer: Wav2Vec2LayerNormConvLayer, states: Tensor) -> Tensor:
    """Do what `layer.forward` does, `(batch, in, samples)` to `(batch, out, frames)`, as one matmul over slices.

    With bfloat16 and plain attention it makes a training step on a CPU nearly four times as fast (0.30 s against 1.16 s
    for 16 clips of 2.8 s).
    """
    kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
    states = states.transpose(1, 2)
    reach = ((states.shape[1] - kernel) // stride) * stride + 1
    windows = torch.cat([states[:, i : i + reach : stride] for i in range(kernel)], -1)
    weight = layer.conv.weight.permute(2, 1, 0).flatten(0, 1)
    return F.gelu(layer.layer_norm(windows @ weight + layer.conv.bias)).transpose(1, 2)


class Student(nn.Module):
    """The model, and a head that reads a spectrum off the front-end: it serves training only.

    From raw sound the convolutions need most of a short training to become a filter bank; asked for one directly, they
    are one within a few hundred steps, and the letters follow.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ctc = Wav2Vec2ForCTC(CONFIG)
        self.spectrum = nn.Linear(CONFIG.conv_dim[-1], MELS)

    def losses(self, audio: Tensor, mask: Tensor, utterances: list[Utterance]) -> dict[str, Tensor]:
        """Return the losses of one batch: CTC per letter, letters out of their time, squared error of the spectrum.

        CTC alone is content with a word that is named long after it was spoken: with a last word's 줘 half a second
        late. So it sums over the paths that name each word while it is spoken, and what is left to the others is the
        loss `time`.
        """
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=BFLOAT16):
            heard = self.ctc.wav2vec2(audio, attention_mask=mask)
            logits = self.ctc.lm_head(heard.last_hidden_state)
            spectrum = self.spectrum(heard.extract_features)
        allowed = torch.stack([in_time(u, logits.shape[1]) for u in utterances])
        log_probs = logits.float().log_softmax(-1).masked_fill(~allowed, -1e4)
        in_place = log_probs.logsumexp(-1, keepdim=True)
        log_probs = (log_probs - in_place).transpose(0, 1)
        frames = self.ctc._get_feat_extract_output_lengths(mask.sum(-1))
        targets = [spell(u.text) for u in utterances]
        lengths = torch.tensor([len(t) for t in targets])
        flat = torch.tensor([i for t in targets for i in t])
        losses = F.ctc_loss(log_probs, flat, frames, lengths, reduction="none", zero_infinity=True)
        heard = torch.arange(logits.shape[1]) < frames[:, None]
        return {
            "ctc": losses.sum() / lengths.sum(),
            "time": -in_place[..., 0][heard].sum() / lengths.sum(),
            "spectrum": F.mse_loss(spectrum.float(), log_mel_frames(audio)),
        }


def in_time(utterance: Utterance, frames: int) -> Tensor:
    """Return which tokens may stand at which frame, bool `(frames, vocabulary)`: all, where no times are known."""
    if utterance.times is None:
        return torch.ones(frames, len(VOCAB), dtype=torch.bool)
    middle = torch.arange(frames) * STRIDE + FIRST
    allowed = torch.zeros(frames, len(VOCAB), dtype=torch.bool)
    allowed[:, VOCAB["<pad>"]] = True
    before = None
    for word, (start, stop) in zip(utterance.text.split(), utterance.times.tolist(), strict=True):
        spoken = (middle >= start - NEAR) & (middle <= stop + NEAR)
        allowed[:, spell(word)] |= spoken[:, None]
        if before is not None:
            first, last = sorted((before, start))  # of two words spoken as one, `before` is their common end
            allowed[:, VOCAB["|"]] |= (middle >= first - GAP[0]) & (middle <= last + GAP[1])
        before = stop
    return allowed


def log_mel_frames(audio: Tensor) -> Tensor:
    """Return log-mel `(batch, frames, 80)`, about unit scale, of the front-end's own frames: 400 samples every 320."""
    spectrum = torch.stft(audio, 400, 320, window=torch.hann_window(400), center=False, return_complex=True)
    mel = log_mel().filters @ (spectrum.real.square() + spectrum.imag.square())
    return (mel.clamp(min=1e-5).log10().transpose(1, 2) + 1) / 2


@torch.no_grad()
def error_rate(model: Wav2Vec2ForCTC, utterances: list[Utterance]) -> float:
    """Return the character error rate (over jamo) of greedy decoding, one clip at a time."""
    model.eval()
    spoken, heard = [], []
    for utterance in utterances:
        clip = normalize(np.pad(utterance.audio.astype(np.float32) / 32768, SAMPLE_RATE // 10))
        logits = model(torch.from_numpy(clip)[None], attention_mask=torch.ones(1, len(clip), dtype=torch.long)).logits
        spoken.append(to_jamo(utterance.text))
        heard.append(unspell(logits[0].argmax(-1).tolist()))
    model.train()
    return float(jiwer.cer(spoken, heard))


def save(model: Wav2Vec2ForCTC, folder: Path) -> None:
    """Write a checkpoint folder as Hugging Face lays it out."""
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(VOCAB, ensure_ascii=False), encoding="utf-8")
    features = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "padding_value": 0.0}
    features |= {"do_normalize": True, "return_attention_mask": True, "sampling_rate": SAMPLE_RATE}
    (folder / "preprocessor_config.json").write_text(json.dumps(features), encoding="utf-8")
    tokenizer = {"tokenizer_class": "Wav2Vec2CTCTokenizer", "word_delimiter_token": "|", "pad_token": "<pad>"}
    tokenizer |= {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "do_lower_case": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")


def collate(clips: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Normalise each clip and pad with zeros; return audio float32 and mask int64, both `(batch, samples)`."""
    longest = max(map(len, clips))
    audio = np.stack([np.pad(normalize(clip), (0, longest - len(clip))) for clip in clips])
    mask = np.stack([np.arange(longest) < len(clip) for clip in clips])
    return torch.from_numpy(audio), torch.from_numpy(mask).long()


def timed_corpus(work: Path, clips: int) -> Corpus:
    """Read, or make, what to train on: Korean, with the times of its words."""
    return Corpus.cached(work / "corpus", clips, ["ko"], speaking=speak_with_times)


def main() -> None:
    """Make the speech, train, export and measure."""
    run = Run.from_command_line("nano-ctc-ko", __doc__, steps=2_800, batch_size=20, clips=14_000, speech=timed_corpus)
    Wav2Vec2LayerNormConvLayer.forward = convolve_channels_last
    student, held_out = Student().train(), run.held_out.only("ko")
    if run.start:
        student.ctc.load_state_dict(Wav2Vec2ForCTC.from_pretrained(run.start).state_dict())
    batches = Batches(run.corpus, run.batch_size, run.seed, JOINED_SHARE)

    def losses(step: int) -> dict[str, Tensor]:
        utterances, clips = batches.draw(step)
        return student.losses(*collate(clips), utterances)

    train(
        run,
        student,
        WEIGHTS,
        losses,
        lambda: {"CER": error_rate(student.ctc, held_out.utterances[:GLIMPSE])},
        lambda folder: save(student.ctc, folder),
        every=250,
    )
    if run.export:
        from export.nano.publish import publish_ctc

        publish_ctc(run.checkpoint, held_out, run.seed)


if __name__ == "__main__":
    main()
