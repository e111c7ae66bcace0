"""Whisper's encoder for windows of any length, the teacher that hears 30 s, and what of the model learns."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import WhisperForConditionalGeneration
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.models.whisper.modeling_whisper import WhisperDecoder, WhisperEncoder

from export.training.context.settings import Learning

DROPOUTS = ("dropout", "attention_dropout", "activation_dropout", "layerdrop")


def encode(encoder: WhisperEncoder, mel: Tensor) -> Tensor:
    """Turn log-mel `(batch, mels, 2 * frames)` into states `(batch, frames, d_model)`, for up to 1500 frames.

    transformers' own forward takes 3000 mel frames and no others; CTranslate2 takes any number and gives the frames the
    first positions, which is what happens here.
    """
    states = F.gelu(encoder.conv2(F.gelu(encoder.conv1(mel)))).transpose(1, 2)
    states = states + encoder.embed_positions.weight[: states.shape[1]]
    for layer in encoder.layers:
        states = layer(states, None, None)[0]
    return encoder.layer_norm(states)


def decode(decoder: WhisperDecoder, tokens: Tensor, states: Tensor) -> Tensor:
    """Return the next-token logits `(batch, tokens, vocabulary)` after each of `tokens`, in float32."""
    hidden = decoder(input_ids=tokens, encoder_hidden_states=states, use_cache=False).last_hidden_state
    return (hidden @ decoder.embed_tokens.weight.T).float()


@dataclass(frozen=True)
class Teacher:
    """The model as it came, frozen; a decoder that nobody teaches is shared with the pupil."""

    encoder: WhisperEncoder
    decoder: WhisperDecoder

    @classmethod
    def of(cls, model: WhisperForConditionalGeneration, learning: Learning) -> Teacher:
        """Copy what of the model will change."""
        encoder, decoder = model.model.encoder, model.model.decoder
        return cls(
            encoder if learning == "decoder" else deepcopy(encoder).requires_grad_(False),
            decoder if learning == "encoder" else deepcopy(decoder).requires_grad_(False),
        )

    def to(self, device: torch.device) -> None:
        """Move it to where the sound is."""
        self.encoder.to(device)
        self.decoder.to(device)

    @torch.no_grad()
    def states(self, mel: Tensor) -> Tensor:
        """Return the encoder's states of windows, `(batch, frames, d_model)`."""
        return encode(self.encoder, mel)

    @torch.no_grad()
    def logits(self, tokens: Tensor, states: Tensor) -> Tensor:
        """Return the next-token logits."""
        return decode(self.decoder, tokens, states)

    @torch.no_grad()
    def greedy(self, prompts: Tensor, states: Tensor, end: int, most: int) -> list[list[int]]:
        """Return the likeliest tokens of each row after its prompt, with `end` where it was found within `most`."""
        rows: list[list[int]] = [[] for _ in prompts]
        past, following = EncoderDecoderCache(DynamicCache(), DynamicCache()), prompts
        for _ in range(most):
            output = self.decoder(
                input_ids=following, encoder_hidden_states=states, past_key_values=past, use_cache=True
            )
            best = (output.last_hidden_state[:, -1] @ self.decoder.embed_tokens.weight.T).argmax(-1)
            past, following = output.past_key_values, best[:, None]
            for row, token in zip(rows, best.tolist(), strict=True):
                if not row or row[-1] != end:
                    row.append(token)
            if all(row[-1] == end for row in rows):
                break
        return rows


def set_learning(model: WhisperForConditionalGeneration, learning: Learning) -> None:
    """Let the encoder learn, the decoder, or both, and switch all chance off: both sides must see the same.

    Positions stay, being sinusoids or worn by nothing here, and so do the vectors of tokens: weight decay would wear
    away those of words that the recordings do not hold.
    """
    model.requires_grad_(False)
    for name, stack in (("encoder", model.model.encoder), ("decoder", model.model.decoder)):
        stack.requires_grad_(learning in (name, "both"))
        stack.embed_positions.requires_grad_(False)
    model.model.decoder.embed_tokens.requires_grad_(False)
    for module in model.modules():
        for name in DROPOUTS:
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def autocast(device: str, precision: str) -> torch.autocast:
    """Return the context in which `precision` (fp32, bf16, fp16) is computed on `device`."""
    dtype = torch.float16 if precision == "fp16" else torch.bfloat16
    return torch.autocast(device, dtype, enabled=precision != "fp32")
