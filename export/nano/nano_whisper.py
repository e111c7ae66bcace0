"""nano-whisper as it is trained: Whisper's own layers from transformers, any window length, and a compact vocabulary.

Of the 51,865 tokens of the multilingual vocabulary only some two thousand ever occur; all others share one row, whose
logit counts as often as there are such tokens. So the softmax that is trained is exactly the softmax of the full-size
model that `save` writes.
"""

from __future__ import annotations

import math
import random
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

from export.nano.grammar import draw
from export.whisper_tokenizer import build_tokenizer

VOCABULARY_SIZE = 51_865
FIRST_SPECIAL = 50_257  # <|endoftext|>; from here on every token is kept
FIRST_TIMESTAMP = 50_364
SIZES = {
    "d_model": 144,
    "encoder_layers": 4,
    "decoder_layers": 3,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 576,
    "decoder_ffn_dim": 576,
}
OFFSETS = [(-3, -1, 1, 3), (-6, -2, 2, 6), (-10, -4, 4, 10), (-4, 0, 4, None)]  # frames; None: starts at random
LONGEST_TEXT = 100  # tokens


class CompactVocabulary:
    """The tokens in use, numbered without gaps; the last number stands for every other token."""

    def __init__(self) -> None:
        self.tokenizer = build_tokenizer(99)
        rng = random.Random(0)
        drawn = [draw(rng, held_out=held_out) for held_out in [False] * 60_000 + [True] * 5_000]
        words = {word for sentence in drawn for word in (sentence.ko + " " + sentence.en).split()}
        self.text = sorted({token for word in words for token in self.tokenize(word)})  # no token spans two words
        self.full = self.text + list(range(FIRST_SPECIAL, VOCABULARY_SIZE))
        self.compact = {token: i for i, token in enumerate(self.full)}
        self.unused = len(self.full)
        self.unused_count = VOCABULARY_SIZE - len(self.full)

    def tokenize(self, text: str) -> list[int]:
        """Return the full-size ids of a sentence, with the leading space that Whisper's texts have."""
        return list(self.tokenizer.encode(" " + text, add_special_tokens=False))

    def encode(self, text: str) -> list[int]:
        """Return compact ids of a sentence."""
        return [self.compact[i] for i in self.tokenize(text)]

    def special(self, token: str) -> int:
        """Return the compact id of a special token such as `<|ko|>`."""
        return self.compact[self.tokenizer.convert_tokens_to_ids(token)]

    def timestamp(self, seconds: float) -> int:
        """Return the compact id of a time, rounded to 0.02 s."""
        return self.compact[FIRST_TIMESTAMP + round(seconds / 0.02)]

    def decode(self, ids: list[int]) -> str:
        """Return the words of compact ids; special tokens and times are dropped."""
        text = [self.full[i] for i in ids if i < len(self.text)]
        return " ".join(self.tokenizer.decode(text).split())


class NanoWhisper(nn.Module):
    """Encoder, decoder and a CTC head on the encoder that serves training only."""

    def __init__(self, num_letters: int) -> None:
        super().__init__()
        self.vocabulary = CompactVocabulary()
        config = WhisperConfig(
            vocab_size=self.vocabulary.unused + 1,
            dropout=0.0,
            init_std=0.05,
            attn_implementation="eager",  # on a CPU twice as fast as the fused one at these sizes
            **whisper_ids(),
            **SIZES,
        )
        self.whisper = WhisperForConditionalGeneration(config)
        self.letters = nn.Linear(config.d_model, num_letters)
        look_nearby(self.whisper)
        scale_residuals(self.whisper)

    def encode(self, mel: Tensor) -> Tensor:
        """Turn log-mel `(batch, 80, 2 * frames)` into states `(batch, frames, d_model)`, for up to 1500 frames."""
        encoder = self.whisper.model.encoder
        states = F.gelu(encoder.conv2(F.gelu(encoder.conv1(mel)))).transpose(1, 2)
        states = states + encoder.embed_positions.weight[: states.shape[1]]
        for layer in encoder.layers:
            states = layer(states, None, None)[0]
        return encoder.layer_norm(states)

    def decode(self, inputs: Tensor, states: Tensor) -> Tensor:
        """Return next-token logits `(rows, tokens, vocabulary)`, the shared row weighed by the tokens it stands for."""
        decoded = self.whisper.model.decoder(
            input_ids=inputs, encoder_hidden_states=states, use_cache=False
        ).last_hidden_state
        logits = decoded @ self.whisper.proj_out.weight.T
        extra = torch.zeros(logits.shape[-1])
        extra[self.vocabulary.unused] = math.log(self.vocabulary.unused_count)
        return logits + extra

    @torch.no_grad()
    def language(self, states: Tensor) -> str:
        """Return the likelier of Korean and English for one window."""
        logits = self.decode(torch.tensor([[self.vocabulary.special("<|startoftranscript|>")]]), states)[0, -1]
        return max(("ko", "en"), key=lambda code: float(logits[self.vocabulary.special(f"<|{code}|>")]))

    @torch.no_grad()
    def greedy(self, states: Tensor, language: str, task: str) -> str:
        """Return the words of one window, `states (1, frames, d_model)`, greedily and without timestamps."""
        prompt = ["<|startoftranscript|>", f"<|{language}|>", f"<|{task}|>", "<|notimestamps|>"]
        ids = [self.vocabulary.special(token) for token in prompt]
        for _ in range(LONGEST_TEXT):
            best = int(self.decode(torch.tensor([ids]), states)[0, -1].argmax())
            if best == self.vocabulary.special("<|endoftext|>"):
                break
            ids.append(best)
        return self.vocabulary.decode(ids)

    def save(self, folder: Path) -> None:
        """Write the full-size checkpoint, tokenizer and feature settings as Hugging Face lays them out."""
        config = WhisperConfig(vocab_size=VOCABULARY_SIZE, **whisper_ids(), **SIZES)
        full = WhisperForConditionalGeneration(config)
        weights = dict(self.whisper.state_dict())
        rows = weights["model.decoder.embed_tokens.weight"]
        spread = rows[self.vocabulary.unused].repeat(VOCABULARY_SIZE, 1)
        spread[self.vocabulary.full] = rows[: self.vocabulary.unused]
        weights["model.decoder.embed_tokens.weight"] = weights["proj_out.weight"] = spread
        full.load_state_dict(weights)
        generation = full.generation_config
        generation.update(
            suppress_tokens=[],
            begin_suppress_tokens=[220, FIRST_SPECIAL],
            lang_to_id={"<|en|>": 50_259, "<|ko|>": 50_264},
            task_to_id={"transcribe": 50_359, "translate": 50_358},
            no_timestamps_token_id=FIRST_TIMESTAMP - 1,
            is_multilingual=True,
        )
        full.save_pretrained(folder)
        self.vocabulary.tokenizer.save_pretrained(folder)
        WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)


def whisper_ids() -> dict[str, int]:
    """Return the special ids that a config names; with the compact vocabulary they are never looked up."""
    return {
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 0,
        "decoder_start_token_id": 0,
    }


@torch.no_grad()
def look_nearby(whisper: WhisperForConditionalGeneration) -> None:
    """Start each encoder head looking at the frame `OFFSETS[layer][head]` away and its neighbours.

    The position embedding holds (sin wt, cos wt) for many w. A query that copies such pairs turned by w * offset, and a
    key that copies them as they are, give the score sum of cos w(i + offset - j): a bump around j = i + offset. Random
    queries and keys have to find this out first, which takes a small model most of its training. The idea of starting
    attention as a convolution is "mimetic initialization" (arXiv:2305.09828); doing it through the sinusoids is ours.
    """
    encoder = whisper.model.encoder
    width = whisper.config.d_model
    frequencies = width // 2
    speeds = torch.exp(-math.log(10_000) / (frequencies - 1) * torch.arange(frequencies))
    for layer, offsets in zip(encoder.layers, OFFSETS, strict=True):
        attention = layer.self_attn
        pairs = attention.head_dim // 2
        for head, offset in enumerate(offsets):
            if offset is None:
                continue
            first = 0 if abs(offset) < 6 else 6  # a far bump may be wide
            chosen = torch.arange(first, first + pairs)
            sines = head * attention.head_dim + torch.arange(pairs)
            cosines = sines + pairs
            turn = speeds[chosen] * offset
            for projection, angle in ((attention.q_proj, turn), (attention.k_proj, torch.zeros(pairs))):
                rows = projection.weight[head * attention.head_dim : (head + 1) * attention.head_dim]
                rows.mul_(0.2)
                projection.weight[sines, chosen] += angle.cos()
                projection.weight[sines, chosen + frequencies] += angle.sin()
                projection.weight[cosines, chosen + frequencies] += angle.cos()
                projection.weight[cosines, chosen] -= angle.sin()


@torch.no_grad()
def scale_residuals(whisper: WhisperForConditionalGeneration) -> None:
    """Shrink what each layer adds at first by the square root of the number of additions (GPT-2's rule)."""
    for stack in (whisper.model.encoder, whisper.model.decoder):
        for name, weight in stack.named_parameters():
            if name.endswith(("out_proj.weight", "fc2.weight")):
                weight.div_(math.sqrt(2 * len(stack.layers)))
