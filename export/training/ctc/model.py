"""The model that learns: loading any wav2vec2 checkpoint, giving it a new head, freezing parts of it, saving it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from export.common import ExportRefused, check_rate, loading
from export.training.ctc.settings import ModelOptions
from export.training.ctc.vocabulary import SPECIALS
from malsori.bundles.infer.onnx_export import VOCABULARY
from malsori.engines.ctc.frames import Frames
from malsori.engines.ctc.vocabulary import Vocabulary

NEW_HEAD = "--vocabulary syllables, jamo or characters makes a new one"
OPTIONAL = {"wav2vec2.masked_spec_embed"}  # what a masked frame is replaced by; learned anew where there is none


@dataclass
class Learned:
    """A model with its extractor, and its tokenizer and vocabulary where it has them."""

    source: str
    model: Wav2Vec2ForCTC
    extractor: Wav2Vec2FeatureExtractor
    tokenizer: Wav2Vec2CTCTokenizer | None
    vocabulary: Vocabulary | None

    @classmethod
    def load(cls, source: str, revision: str | None, options: ModelOptions, *, new_head: bool) -> Learned:
        """Load a folder or a hub name in fp32; one that was only pretrained needs `new_head`.

        Raises `ExportRefused` for another architecture, for missing weights, and for masks that do not fit.
        """
        with loading(source):
            config = _configured(source, AutoConfig.from_pretrained(source, revision=revision), options)
            model, report = Wav2Vec2ForCTC.from_pretrained(
                source, config=config, revision=revision, dtype=torch.float32, output_loading_info=True
            )
            extractor = Wav2Vec2FeatureExtractor.from_pretrained(source, revision=revision)
        _check_weights(source, set(report["missing_keys"]), new_head)
        check_rate(source, extractor.sampling_rate)
        tokenizer = _tokenizer(source, revision)
        vocabulary = _vocabulary(tokenizer, config.vocab_size) if tokenizer else None
        if vocabulary is None and not new_head:
            raise ExportRefused(f"{source}: has no vocabulary that fits its {config.vocab_size} logits; {NEW_HEAD}")
        if vocabulary is not None:
            config.pad_token_id = vocabulary.blank  # the blank of the loss; some checkpoints name another
        return cls(source, model, extractor, tokenizer, vocabulary)

    @property
    def frames(self) -> Frames:
        """How samples become frames here."""
        return Frames(tuple(self.model.config.conv_kernel), tuple(self.model.config.conv_stride))

    @property
    def masked(self) -> bool:
        """Whether it takes an attention mask: not with a group-norm front-end, see `shape_of` in `export/graph/`."""
        return bool(self.model.config.feat_extract_norm == "layer")

    def respell(self, new: Vocabulary, work: Path) -> int:
        """Give the model a head for `new` and keep the rows of tokens that it had; return how many were kept."""
        kept = replace_head(self.model, self.vocabulary, new)
        path = work / VOCABULARY
        ids = {token: index for index, token in enumerate(new.tokens)}
        path.write_text(json.dumps(ids, ensure_ascii=False, indent=0) + "\n", "utf-8")
        blank, bos, eos, unknown, delimiter = SPECIALS
        self.tokenizer = Wav2Vec2CTCTokenizer(
            str(path), pad_token=blank, bos_token=bos, eos_token=eos, unk_token=unknown, word_delimiter_token=delimiter
        )
        self.vocabulary = new
        return kept

    def save(self, folder: Path) -> None:
        """Write a checkpoint as Hugging Face lays it out."""
        assert self.tokenizer is not None
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        self.extractor.return_attention_mask = self.masked
        self.extractor.save_pretrained(folder)


def replace_head(model: Wav2Vec2ForCTC, old: Vocabulary | None, new: Vocabulary) -> int:
    """Put a head for `new` in the place of the old one; return how many rows were kept.

    A row is kept where the old vocabulary has the token; the blank is the blank and the word delimiter is the word
    delimiter, however they are spelled.
    """
    head = nn.Linear(model.lm_head.in_features, len(new))
    nn.init.normal_(head.weight, std=model.config.initializer_range)
    nn.init.zeros_(head.bias)
    pairs = _common(old, new) if old else {}
    with torch.no_grad():
        for ours, theirs in pairs.items():
            head.weight[ours] = model.lm_head.weight[theirs]
            head.bias[ours] = model.lm_head.bias[theirs]
    model.lm_head = head
    model.config.update({"vocab_size": len(new), "pad_token_id": new.blank})
    model.config.update({"bos_token_id": new.tokens.index("<s>"), "eos_token_id": new.tokens.index("</s>")})
    return len(pairs)


def _common(old: Vocabulary, new: Vocabulary) -> dict[int, int]:
    """Return new id -> old id of the tokens that both have."""
    theirs = {token: index for index, token in enumerate(old.tokens)}
    pairs = {ours: theirs[token] for ours, token in enumerate(new.tokens) if token in theirs}
    pairs[new.blank] = old.blank
    if old.delimiters:
        pairs[min(new.delimiters)] = min(old.delimiters)
    return pairs


def set_learning(model: Wav2Vec2ForCTC, options: ModelOptions, step: int) -> None:
    """Let learn what shall at `step`: the head always, the encoder and perhaps the front-end after the first steps.

    A parameter that must not learn gets no gradient, so no optimizer moves it, not even by weight decay.
    """
    encoder = step >= options.freeze_encoder_steps
    model.wav2vec2.requires_grad_(encoder)
    model.wav2vec2.feature_extractor.requires_grad_(encoder and options.train_frontend)
    model.wav2vec2.feature_extractor._requires_grad = options.train_frontend  # transformers' own note of it


def _configured(source: str, config: Wav2Vec2Config, options: ModelOptions) -> Wav2Vec2Config:
    """Return the configuration for training: SpecAugment as asked for, the loss per token."""
    if config.model_type != "wav2vec2":
        raise ExportRefused(f"{source}: expected a wav2vec2 checkpoint, found {config.model_type}")
    if config.add_adapter:
        raise ExportRefused(f"{source}: has a convolutional adapter behind its encoder, which the runtime has not")
    if options.mask_feature_prob and options.mask_feature_length > config.hidden_size:
        raise ExportRefused(f"--mask-feature-length: at most {config.hidden_size}, the features of {source}")
    config.update(
        {
            "apply_spec_augment": bool(options.mask_time_prob or options.mask_feature_prob),
            "mask_time_prob": options.mask_time_prob,
            "mask_time_length": options.mask_time_length,
            "mask_feature_prob": options.mask_feature_prob,
            "mask_feature_length": options.mask_feature_length,
            "ctc_loss_reduction": "mean",
            "ctc_zero_infinity": False,  # texts that do not fit were left out; an infinite loss is a fault to see
        }
    )
    return config


def _check_weights(source: str, missing: set[str], new_head: bool) -> None:
    head = {name for name in missing if name.startswith("lm_head.")}
    if others := sorted(missing - head - OPTIONAL):
        raise ExportRefused(f"{source}: has no weights for {', '.join(others[:3])}")
    if head and not new_head:
        raise ExportRefused(f"{source}: has no CTC head, so no vocabulary to keep; {NEW_HEAD}")


def _tokenizer(source: str, revision: str | None) -> Wav2Vec2CTCTokenizer | None:
    try:
        return Wav2Vec2CTCTokenizer.from_pretrained(source, revision=revision)
    except (OSError, TypeError, ValueError):
        return None  # only pretrained


def _vocabulary(tokenizer: Wav2Vec2CTCTokenizer, width: int) -> Vocabulary | None:
    """Return the tokens that have a logit, None when some logit has no token or there is no blank."""
    ids = {index: token for token, index in tokenizer.get_vocab().items() if index < width}
    tokens = tuple(ids[index] for index in range(width) if index in ids)
    if len(tokens) != width or tokenizer.pad_token not in tokens:
        return None
    return Vocabulary.build(tokens, tokenizer.pad_token, tokenizer.word_delimiter_token or "")
