"""A Hugging Face `Wav2Vec2ForCTC` checkpoint: loading it, refusing what the runtime could not serve, and what it says.

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
from safetensors import SafetensorError
from transformers import AutoConfig, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from export.common import ExportRefused, model_card, revision_of
from malsori.bundles.manifest import Manifest
from malsori.engines.acoustic import normalize
from malsori.types import SAMPLE_RATE

SIZES = (
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
    """A wav2vec2 model with a CTC head, its tokenizer, and how it wants its sound."""

    source: str
    revision: str | None
    model: Wav2Vec2ForCTC
    tokenizer: Wav2Vec2CTCTokenizer
    normalize: bool

    @classmethod
    def load(cls, source: str, revision: str | None = None) -> Checkpoint:
        """Load a folder or a hub name in fp32. Raises `ExportRefused` for what the runtime could not serve."""
        try:
            config = AutoConfig.from_pretrained(source, revision=revision)
            _check_architecture(source, config)
            model, report = Wav2Vec2ForCTC.from_pretrained(
                source,
                revision=revision,
                dtype=torch.float32,
                attn_implementation="eager",  # its additive mask is plain arithmetic that every ONNX runtime has
                output_loading_info=True,
            )
            tokenizer = Wav2Vec2CTCTokenizer.from_pretrained(source, revision=revision)
            extractor = Wav2Vec2FeatureExtractor.from_pretrained(source, revision=revision)
        except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
            if isinstance(error, ExportRefused):
                raise
            raise ExportRefused(f"{source}: {' '.join(str(error).split())[:300]}") from error
        missing = sorted(set(report["missing_keys"]) - {"wav2vec2.masked_spec_embed"})  # a training aid
        if missing:
            raise ExportRefused(f"{source}: has no weights for {', '.join(missing[:3])}; is it fine-tuned with CTC?")
        if extractor.sampling_rate != SAMPLE_RATE:
            raise ExportRefused(f"{source}: made for {extractor.sampling_rate} Hz; the runtime has 16000 Hz")
        return cls(source, revision, model.eval(), tokenizer, bool(extractor.do_normalize))

    def __call__(self, clip: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return logits `(frames, vocabulary)` and last hidden states `(frames, hidden_size)` of a 16 kHz clip."""
        audio = torch.from_numpy(normalize(clip) if self.normalize else clip)[None]
        with torch.no_grad():
            hidden = self.model.wav2vec2(audio).last_hidden_state
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
            sizes={name: getattr(config, name) for name in SIZES} | {"parameters": self.model.num_parameters()},
            normalize=self.normalize,
            attention_mask=config.feat_extract_norm == "layer",
            conv_kernels=tuple(config.conv_kernel),
            conv_strides=tuple(config.conv_stride),
            blank=self.tokenizer.pad_token,
            word_delimiter=self.tokenizer.word_delimiter_token or "",
        )


def _check_architecture(source: str, config: Any) -> None:
    if config.model_type != "wav2vec2":
        raise ExportRefused(f"{source}: expected a wav2vec2 checkpoint, found {config.model_type}")
    if config.add_adapter:
        raise ExportRefused(f"{source}: has a convolutional adapter behind its encoder, which the runtime has not")


def write_vocabulary(checkpoint: Checkpoint, path: Path) -> None:
    """Write the tokens that have a logit; tokenizers add `<s>` and `</s>` behind the last one of some checkpoints."""
    width = checkpoint.model.config.vocab_size
    tokens = {token: index for token, index in checkpoint.tokenizer.get_vocab().items() if index < width}
    if sorted(tokens.values()) != list(range(width)):
        raise ExportRefused(f"{checkpoint.source}: {len(tokens)} tokens in the tokenizer for {width} logits")
    if checkpoint.tokenizer.pad_token not in tokens:
        raise ExportRefused(f"{checkpoint.source}: the blank {checkpoint.tokenizer.pad_token!r} has no logit")
    ordered = dict(sorted(tokens.items(), key=lambda item: item[1]))
    path.write_text(json.dumps(ordered, ensure_ascii=False, indent=0) + "\n", "utf-8")
