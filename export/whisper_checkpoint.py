"""A Whisper checkpoint in PyTorch: where its files are, what it is, and what it says. The reference of the proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizerFast
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from export.common import ExportRefused, loading, model_card
from export.whisper_recipe import ENGLISH_ONLY, POSITIONS
from malsori.bundles.manifest import Manifest
from malsori.engines.whisper.features import FFT, HOP, STRIDE
from malsori.errors import brief
from malsori.types import SAMPLE_RATE

SIZES = (
    "d_model",
    "encoder_layers",
    "encoder_attention_heads",
    "encoder_ffn_dim",
    "decoder_layers",
    "decoder_attention_heads",
    "decoder_ffn_dim",
    "num_mel_bins",
    "vocab_size",
    "max_source_positions",
    "max_target_positions",
)
SOUND = {"sampling_rate": SAMPLE_RATE, "hop_length": HOP, "chunk_length": 30, "n_fft": FFT}


@dataclass(frozen=True)
class Checkpoint:
    """A Whisper model in fp32, its tokenizer and its features; `folder` holds its files."""

    source: str
    revision: str
    folder: Path
    languages: tuple[str, ...]
    model: WhisperForConditionalGeneration
    tokenizer: WhisperTokenizerFast
    extractor: WhisperFeatureExtractor

    @classmethod
    def load(cls, source: str, revision: str | None = None, languages: Sequence[str] | None = None) -> Checkpoint:
        """Load a folder or a hub name. Raises `ExportRefused` for what the runtime could not serve."""
        folder = Path(source) if Path(source).is_dir() else _download(source, revision)
        with loading(source):
            config = AutoConfig.from_pretrained(folder)
            _check_architecture(source, config)
            model, report = WhisperForConditionalGeneration.from_pretrained(
                folder, dtype=torch.float32, output_loading_info=True
            )
            tokenizer = WhisperTokenizerFast.from_pretrained(folder)
            extractor = WhisperFeatureExtractor.from_pretrained(folder)
        if missing := sorted(set(report["missing_keys"]) - {"proj_out.weight"}):  # tied to the embeddings
            raise ExportRefused(f"{source}: has no weights for {', '.join(missing[:3])}")
        _check_features(source, config, extractor)
        known = _languages(source, config.vocab_size, tokenizer, languages)
        commit = "local" if folder == Path(source) else folder.name
        return cls(source, commit, folder, known, model.eval(), tokenizer, extractor)

    @property
    def multilingual(self) -> bool:
        """Whether the model has language and task tokens."""
        return bool(self.model.config.vocab_size > ENGLISH_ONLY)

    def encode(self, clip: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the encoder's output for up to 30 s of sound with silence behind it, float32 `(1500, d_model)`."""
        inputs = self.extractor(clip, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_features
        with torch.no_grad():
            return self.model.model.encoder(inputs).last_hidden_state[0].numpy()

    def logits(self, states: NDArray[np.float32], tokens: Sequence[int]) -> NDArray[np.float32]:
        """Return the logits after the prompt and after each of `tokens`, float32 `(len(tokens) + 1, vocab_size)`."""
        prompt = self.prompt()
        ids = torch.tensor([[*prompt, *tokens]])
        with torch.no_grad():
            output = self.model(encoder_outputs=(torch.from_numpy(states)[None],), decoder_input_ids=ids)
        return output.logits[0, len(prompt) - 1 :].numpy()

    def greedy(self, states: NDArray[np.float32], steps: int) -> list[int]:
        """Return the likeliest text tokens one after another, at most `steps`, up to the first that is not text."""
        tokens: list[int] = []
        following, past = self.prompt(), None
        while len(tokens) < steps:
            with torch.no_grad():
                output = self.model(
                    encoder_outputs=(torch.from_numpy(states)[None],),
                    decoder_input_ids=torch.tensor([following]),
                    past_key_values=past,
                    use_cache=True,
                )
            best, past = int(output.logits[0, -1].argmax()), output.past_key_values
            if best >= self.tokenizer.eos_token_id:
                break
            tokens.append(best)
            following = [best]
        return tokens

    def prompt(self) -> list[int]:
        """Return the tokens that ask for a transcription in the first language, without timestamps."""
        middle = [f"<|{self.languages[0]}|>", "<|transcribe|>"] if self.multilingual else []
        return list(self.tokenizer.convert_tokens_to_ids(["<|startoftranscript|>", *middle, "<|notimestamps|>"]))

    def language_ids(self) -> list[int]:
        """Return the ids of the language tokens, in ascending order; none for an English-only model."""
        codes = self.languages if self.multilingual else ()
        return sorted(self.tokenizer.convert_tokens_to_ids([f"<|{code}|>" for code in codes]))

    def alignment_heads(self, asked: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return the `[layer, head]` pairs to find words by, or all of the last half of the layers for lack of them.

        A model whose decoder was shortened often still names heads of its teacher's layers; CTranslate2 would write
        past the end of its list of layers.
        """
        layers, heads = self.model.config.decoder_layers, self.model.config.decoder_attention_heads
        if asked and all(0 <= layer < layers and 0 <= head < heads for layer, head in asked):
            return [list(pair) for pair in asked]
        return [[layer, head] for layer in range(layers // 2, layers) for head in range(heads)]

    def manifest(self) -> Manifest:
        """Return what the checkpoint says of itself."""
        config = self.model.config
        return Manifest(
            name=Path(self.source).name,
            kind="whisper",
            source=Path(self.source).name if self.revision == "local" else self.source,
            revision=self.revision,
            licence=model_card(str(self.folder), None)["license"],
            languages=self.languages,
            description="",
            quantization="float32",
            sample_rate=SAMPLE_RATE,
            frame_stride=STRIDE,
            files={},
            sizes={name: getattr(config, name) for name in SIZES} | {"parameters": self.model.num_parameters()},
            tasks=("transcribe", "translate") if self.multilingual else ("transcribe",),
        )


def _download(source: str, revision: str | None) -> Path:
    """Fetch one snapshot of a hub repository, weights in one format only; return its folder, named for the commit."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        names = HfApi().list_repo_files(source, revision=revision)
        weights = "model*.safetensors*" if any(name.endswith(".safetensors") for name in names) else "pytorch_model*"
        patterns = ["*.json", "*.txt", "README.md", weights]
        return Path(snapshot_download(source, revision=revision, allow_patterns=patterns, ignore_patterns=["*.fp32*"]))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ExportRefused(f"{source}: no such folder, and not to be had from the hub ({brief(error)})") from error


def _check_architecture(source: str, config: Any) -> None:
    if config.model_type != "whisper":
        raise ExportRefused(f"{source}: expected a Whisper checkpoint, found {config.model_type}")
    if (config.max_source_positions, config.max_target_positions) != POSITIONS:
        found = f"{config.max_source_positions} and {config.max_target_positions}"
        raise ExportRefused(f"{source}: expected 1500 encoder and 448 decoder positions, found {found}")
    if config.vocab_size < ENGLISH_ONLY:
        # CTranslate2 tells English-only from multilingual by this size, and faster-whisper falls back to English
        raise ExportRefused(f"{source}: expected a vocabulary of {ENGLISH_ONLY} or more, found {config.vocab_size}")


def _check_features(source: str, config: Any, extractor: WhisperFeatureExtractor) -> None:
    found = {key: getattr(extractor, key) for key in SOUND}
    if found != SOUND or extractor.feature_size != config.num_mel_bins:
        expected = SOUND | {"feature_size": config.num_mel_bins}
        raise ExportRefused(
            f"{source}: expected features {expected}, found {found | {'feature_size': extractor.feature_size}}"
        )


def _languages(
    source: str, vocab_size: int, tokenizer: WhisperTokenizerFast, asked: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the languages asked for, or all that the tokenizer has a token for, in its order."""
    if vocab_size == ENGLISH_ONLY:
        there: tuple[str, ...] = ("en",)
    else:
        vocabulary = tokenizer.get_vocab()
        there = tuple(code for code in LANGUAGES if f"<|{code}|>" in vocabulary)
    if unknown := [code for code in asked or () if code not in there]:
        raise ExportRefused(f"{source}: has no token for {', '.join(unknown)}; languages it has: {', '.join(there)}")
    return tuple(asked or there)
