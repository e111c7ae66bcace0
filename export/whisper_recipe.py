"""The recipe of a published Whisper checkpoint; `recipes.py` reads the file, with `kind = "whisper"` in it.

What it takes to run, and how fast it is, stands in the runtime's catalogue, `malsori/bundles/catalog.py`, the window
that it bears in `malsori/bundles/names.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from malsori.bundles.catalog import find
from malsori.bundles.names import audio_context

KIND = "whisper"
PARTS = ("licence", "model", "languages", "tasks", "alignment_heads", "audio_context")  # verified, or said not to be
OTHER_TOKENS = 51_766  # 50,257 of text, 8 that order, 1,501 that tell times: the rest of a vocabulary names languages
# Entries: GPT-2's have one token of text less, and name languages that the model does not know. CTranslate2 takes any
# larger vocabulary for multilingual.
ENGLISH_ONLY = 51_864
POSITIONS = (1500, 448)  # of the encoder and of the decoder, the same in every published size


@dataclass(frozen=True, slots=True)
class WhisperRecipe:
    """One file.

    `languages` are those that it was trained for, empty for all that the vocabulary names; `tasks` likewise.
    `audio_context` is as in `Manifest`, from the runtime's table; `alignment_heads` are pairs of a decoder layer and a
    head, counted from 0, whose cross-attention follows the words, empty where none are known. `model` is the part of
    `config.json` that decides the network, in its own spelling.
    """

    HEAD: ClassVar = (
        "recipe", "source", "languages", "licence", "tasks", "size", "mels", "tokens", "parameters", "int8 / float16",
        "memory", "relative speed", "window", "not verified",
    )  # fmt: skip

    name: str
    source: str
    licence: str
    description: str
    languages: tuple[str, ...]
    tasks: tuple[str, ...]
    audio_context: dict[str, float]
    alignment_heads: tuple[tuple[int, int], ...]
    export: dict[str, Any]
    model: dict[str, Any]
    verified: dict[str, str]
    unverified: dict[str, str]

    @classmethod
    def from_facts(cls, name: str, facts: dict[str, Any]) -> WhisperRecipe:
        """Return the recipe that a file's values are. Raises `KeyError`, `TypeError` or `ValueError` for no recipe."""
        facts = {key: value for key, value in facts.items() if key != "kind"}
        evidence, count = facts.pop("evidence"), _languages(facts["model"]["vocab_size"])
        if (languages := facts.pop("languages")) == count:
            languages = []
        elif not isinstance(languages, list):
            raise ValueError(f"languages: expected {count}, as the vocabulary has them, or a list, found {languages!r}")
        heads = tuple((layer, head) for layer, head in facts.pop("alignment_heads"))
        listed = {"languages": tuple(languages), "tasks": tuple(facts.pop("tasks")), "alignment_heads": heads}
        return cls(name=name, **listed, audio_context=audio_context(name), **facts, **evidence)

    @property
    def token_languages(self) -> int:
        """How many languages the vocabulary has tokens for."""
        return _languages(int(self.model["vocab_size"]))

    @property
    def parameters(self) -> int:
        """How many parameters the network has, the output's weights being the embeddings'."""
        width, half = self.model["d_model"], self._layer("encoder")
        mels, tokens = self.model["num_mel_bins"], self.model["vocab_size"]
        convolutions = 3 * width * (mels + width) + 2 * width
        cross = self.model["decoder_layers"] * (_attention(width) + 2 * width)
        return convolutions + half + self._layer("decoder") + cross + width * (tokens + sum(POSITIONS)) + 4 * width

    def options(self) -> dict[str, Any]:
        """Return what the recipe sets on the command line where its user sets nothing."""
        facts = {name: getattr(self, name) for name in ("licence", "description", "tasks", "audio_context")}
        languages = {"languages": self.languages} if self.languages else {}
        return facts | languages | {"alignment_heads": self.alignment_heads} | self.export

    def row(self) -> tuple[str, ...]:
        """Return its line in the table under `HEAD`."""
        model, figures, context = self.model, find(self.name), self.audio_context
        return (
            self.name,
            self.source,
            ", ".join(self.languages) or str(self.token_languages),
            self.licence,
            ", ".join(self.tasks),
            f"{model['encoder_layers']} + {model['decoder_layers']} x {model['d_model']}",
            str(model["num_mel_bins"]),
            str(model["vocab_size"]),
            f"{self.parameters / 1e6:.0f} M",
            f"{figures.bundle_mb['int8']} / {figures.bundle_mb['float16']} MB",
            f"{figures.memory_mb['cpu']} MB",
            f"{figures.relative_speed:g}x",
            f"{context['floor_s']:g} s + {context['margin_s']:g} s" if context else "30 s",
            ", ".join(self.unverified) or "-",
        )

    def _layer(self, half: str) -> int:
        """Return the parameters of all layers of one half, without attention across the halves."""
        width, inner = self.model["d_model"], self.model[f"{half}_ffn_dim"]
        forward = 2 * width * inner + inner + width
        return int(self.model[f"{half}_layers"] * (_attention(width) + forward + 4 * width))


def _languages(entries: int) -> int:
    return entries - OTHER_TOKENS + (entries == ENGLISH_ONLY)


def _attention(width: int) -> int:
    return 4 * width * width + 3 * width  # the keys have no bias
