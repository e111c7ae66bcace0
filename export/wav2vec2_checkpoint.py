"""A Hugging Face checkpoint with a CTC head: loading it, refusing what the runtime could not serve, what it says.

`wav2vec2.py` makes the bundle from it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoConfig,
    AutoModelForCTC,
    PreTrainedModel,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
)
from transformers.models.auto.tokenization_auto import get_tokenizer_config

from export.common import ExportRefused, check_rate, loading, model_card, revision_of
from export.optimum_graph import ARCHITECTURES
from malsori.bundles.manifest import Manifest
from malsori.engines.wav2vec2.acoustic import normalize
from malsori.types import SAMPLE_RATE

TRAINING_AID = ".masked_spec_embed"  # not in every checkpoint, and not needed to run one
PHONEMES = "Wav2Vec2PhonemeCTCTokenizer"
SIZES = (  # those of them that a config has
    "model_type",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "conv_dim",
    "num_conv_pos_embeddings",
    "feat_extract_norm",
    "do_stable_layer_norm",
)


@dataclass(frozen=True)
class Checkpoint:
    """An encoder with a CTC head, its tokenizer, how it wants its sound, and whether its graph takes a mask."""

    source: str
    revision: str | None
    model: PreTrainedModel
    tokenizer: Wav2Vec2CTCTokenizer
    normalize: bool
    masked: bool

    @classmethod
    def load(cls, source: str, revision: str | None = None, exporter: str = "own") -> Checkpoint:
        """Load a folder or a hub name in fp32. Raises `ExportRefused` for what the runtime could not serve."""
        with loading(source):
            config = AutoConfig.from_pretrained(source, revision=revision)
            _check_architecture(source, config, exporter)
            _check_tokenizer(source, revision)
            model, report = AutoModelForCTC.from_pretrained(
                source,
                revision=revision,
                dtype=torch.float32,
                attn_implementation="eager",  # its additive mask is plain arithmetic that every ONNX runtime has
                output_loading_info=True,
            )
            tokenizer = Wav2Vec2CTCTokenizer.from_pretrained(source, revision=revision)
            extractor = Wav2Vec2FeatureExtractor.from_pretrained(source, revision=revision)
        missing = sorted(key for key in report["missing_keys"] if not key.endswith(TRAINING_AID))
        if missing:
            raise ExportRefused(f"{source}: has no weights for {', '.join(missing[:3])}; is it fine-tuned with CTC?")
        check_rate(source, extractor.sampling_rate)
        masked = exporter == "own" and model.config.feat_extract_norm == "layer"
        return cls(source, revision, model.eval(), tokenizer, bool(extractor.do_normalize), masked)

    def __call__(self, clip: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return logits `(frames, vocabulary)` and last hidden states `(frames, hidden_size)` of a 16 kHz clip."""
        audio = torch.from_numpy(normalize(clip) if self.normalize else clip)[None]
        with torch.no_grad():
            hidden = self.model.base_model(audio).last_hidden_state
            return self.model.lm_head(hidden)[0].numpy(), hidden[0].numpy()

    def features(self, clip: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the front-end makes of a clip, `(1, frames, channels)`."""
        audio = torch.from_numpy(normalize(clip) if self.normalize else clip)[None]
        with torch.no_grad():
            return self.model.wav2vec2.feature_extractor(audio).transpose(1, 2).numpy()

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights by name, the weight norm of the positional convolution folded into its weight."""
        arrays = {name: tensor.numpy() for name, tensor in self.model.state_dict().items()}
        name = "wav2vec2.encoder.pos_conv_embed.conv"
        arrays[f"{name}.weight"] = self.model.get_submodule(name).weight.detach().numpy()
        return arrays

    def manifest(self) -> Manifest:
        """Return what the checkpoint says of itself."""
        config, card = self.model.config, model_card(self.source, self.revision)
        local = Path(self.source)
        return Manifest(
            name=local.name,
            kind="wav2vec2-ctc",
            source=local.name if local.is_dir() else self.source,
            revision=revision_of(config, self.revision),
            licence=card["license"],
            languages=card["language"],
            description="",
            quantization="none",
            sample_rate=SAMPLE_RATE,
            frame_stride=prod(config.conv_stride),
            files={},
            sizes={name: getattr(config, name) for name in SIZES if hasattr(config, name)}
            | {"parameters": self.model.num_parameters()},
            normalize=self.normalize,
            attention_mask=self.masked,
            conv_kernels=tuple(config.conv_kernel),
            conv_strides=tuple(config.conv_stride),
            blank=self.tokenizer.pad_token,
            word_delimiter=self.tokenizer.word_delimiter_token or "",
        )


def _check_architecture(source: str, config: Any, exporter: str) -> None:
    known = ", ".join(ARCHITECTURES)
    if exporter == "own":
        elsewhere = f"; try --exporter optimum, which knows {known}" if config.model_type in ARCHITECTURES else ""
        if config.model_type != "wav2vec2":
            raise ExportRefused(f"{source}: expected a wav2vec2 checkpoint, found {config.model_type}{elsewhere}")
        if getattr(config, "adapter_attn_dim", None) is not None:
            raise ExportRefused(f"{source}: has adapters for its languages inside its layers{elsewhere}")
    elif config.model_type not in ARCHITECTURES:
        raise ExportRefused(f"{source}: expected one of {known}; found {config.model_type}")
    if getattr(config, "add_adapter", False):
        raise ExportRefused(f"{source}: has a convolutional adapter behind its encoder, which the runtime has not")


def _check_tokenizer(source: str, revision: str | None) -> None:
    if get_tokenizer_config(source, revision=revision).get("tokenizer_class") == PHONEMES:
        raise ExportRefused(f"{source}: writes phonemes ({PHONEMES}), which the runtime cannot tell apart in its text")


def write_vocabulary(checkpoint: Checkpoint, path: Path) -> None:
    """Write the tokens that have a logit; tokenizers add `<s>` and `</s>` behind the last one of some checkpoints."""
    width = checkpoint.model.config.vocab_size
    tokens = {token: index for token, index in checkpoint.tokenizer.get_vocab().items() if index < width}
    if sorted(tokens.values()) != list(range(width)):
        raise ExportRefused(f"{checkpoint.source}: {len(tokens)} tokens in the tokenizer for {width} logits")
    if checkpoint.tokenizer.pad_token not in tokens:
        raise ExportRefused(f"{checkpoint.source}: the blank {checkpoint.tokenizer.pad_token!r} has no logit")
    ordered = dict(sorted(tokens.items(), key=lambda item: item[1]))
    if checkpoint.tokenizer.do_lower_case:
        ordered = _lower(ordered, checkpoint)
    path.write_text(json.dumps(ordered, ensure_ascii=False, indent=0) + "\n", "utf-8")


def _lower(tokens: dict[str, int], checkpoint: Checkpoint) -> dict[str, int]:
    """Return the tokens as such a tokenizer writes them: it knows capitals, and lowers the text that it decodes."""
    special = {*checkpoint.tokenizer.all_special_tokens, checkpoint.tokenizer.word_delimiter_token}
    lowered = {token if token in special else token.lower(): index for token, index in tokens.items()}
    if len(lowered) != len(tokens):
        raise ExportRefused(f"{checkpoint.source}: wants lower case, and has the same letter in both cases")
    return lowered
