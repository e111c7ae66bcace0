"""Infers the manifest of a CTranslate2 folder of Whisper that has none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...errors import ModelIncompatible
from ...languages import LANGUAGES
from ...types import SAMPLE_RATE
from ..manifest import Manifest
from ..names import PublishedName, audio_context, known
from .json_fields import card, entries, json_object, json_value
from .model_bin import Header, Variable

KIND = "whisper"
LOOKED_FOR = "model.bin with config.json and vocabulary.json or .txt (Whisper of CTranslate2)"
WEIGHTS = "model.bin"
NEEDED = (WEIGHTS, "config.json")
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
TOKENIZER = "tokenizer.json"
FEATURES = "preprocessor_config.json"
USED = (*NEEDED, *VOCABULARIES, TOKENIZER, FEATURES)
KEPT = ("generation_config.json", "README.md", "LICENSE", "LICENSE.txt")  # not read, but part of what people have
SPEC = "WhisperSpec"
MULTILINGUAL = 51_865  # entries in the vocabulary at least; CTranslate2 tells by it too
STRIDE = 320  # samples per frame of the encoder
ENCODER_OF_LARGE = 32  # layers
SHORTENED = 4  # layers of the decoder: turbo has 4, distil-large 2, and neither was trained to translate
DISTILLED = 2
MELS_SINCE_V3 = 128  # large, large-v2 and the smaller ones have 80
WITH_128_MELS = "large-v3"  # in their names: turbo and its distilled ones have it, too
EMBEDDINGS = ("decoder/embeddings/weight", "decoder/projection/weight")
# Width and layers of the published sizes (arXiv 2212.04356, table 1; turbo and distil by their model cards), the one
# place for them. Several versions have the sizes of large and of distil-large.
SHAPE = ("d_model", "encoder_layers", "decoder_layers")
SIZE_NAMES = {
    (384, 4, 4): "tiny",
    (512, 6, 6): "base",
    (768, 12, 12): "small",
    (768, 12, 4): "distil-small",
    (1024, 24, 24): "medium",
    (1024, 24, 2): "distil-medium",
    (1280, 32, 32): "large",
    (1280, 32, 4): "large-v3-turbo",
    (1280, 32, 2): "distil-large",
}


def is_begun(folder: Path) -> bool:
    """Return whether the folder has the weights of a CTranslate2 model."""
    return (folder / WEIGHTS).is_file()


def is_whole(folder: Path) -> bool:
    """Return whether the folder has all files that such a model needs."""
    return not missing_of(folder)


def missing_of(folder: Path) -> list[str]:
    """Return the names of the files that such a model needs and the folder lacks, as after half a download."""
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    there = any((folder / name).is_file() for name in VOCABULARIES)
    return missing if there else [*missing, " or ".join(VOCABULARIES)]


def manifest(folder: Path, name: str) -> Manifest:
    """Return the inferred manifest, without sums of its files. Raises `ModelError` for a model that cannot run."""
    _check_files(folder)
    header = Header.read(folder / WEIGHTS)
    if header.spec != SPEC:
        raise ModelIncompatible(
            str(folder / WEIGHTS), f"expected CTranslate2's {SPEC}, found {header.spec}, no speech recognition"
        )
    sizes = _sizes(folder, header)
    written, licence = card(folder)
    languages, english = _own_languages(folder, sizes, written), _knows_english_only(name)
    heads = json_object(folder / "config.json").get("alignment_heads") or []
    return Manifest(
        name=name,
        kind=KIND,
        source=name,
        revision="unknown",
        licence=licence,
        languages=("en",) if english else languages,
        description=_description(sizes),
        quantization=stored_in(header),
        sample_rate=SAMPLE_RATE,
        frame_stride=STRIDE,
        files=entries(folder, (*USED, *KEPT)),
        sizes=sizes | ({"alignment_heads": heads} if heads else {}),
        tasks=("transcribe",) if english else _tasks(sizes),
        audio_context=window(sizes),
    )


def _check_files(folder: Path) -> None:
    if missing := missing_of(folder):
        raise ModelIncompatible(
            str(folder),
            f"a CTranslate2 model without {', '.join(missing)}; a Whisper folder has model.bin, config.json, "
            "vocabulary.json or .txt, and mostly tokenizer.json: copy what is missing from where the model is from",
        )


def _sizes(folder: Path, header: Header) -> dict[str, Any]:
    found = header.variables
    try:
        embeddings = _first(found, EMBEDDINGS)
        width, mels, _ = found["encoder/conv1/weight"].shape
        vocab_size, _ = embeddings.shape
        sizes = {"d_model": width, "num_mel_bins": mels, "vocab_size": vocab_size}
        for part in ("encoder", "decoder"):
            sizes[f"{part}_layers"] = _layers(found, part)
            sizes[f"{part}_attention_heads"] = found[f"{part}/num_heads"].value
            sizes[f"{part}_ffn_dim"] = found[f"{part}/layer_0/ffn/linear_0/weight"].shape[0]
        sizes["max_source_positions"] = found["encoder/position_encodings/encodings"].shape[0]
        sizes["max_target_positions"] = found["decoder/position_encodings/encodings"].shape[0]
    except (KeyError, ValueError, IndexError) as error:
        reason = f"has not the arrays of a Whisper model ({error})"
        raise ModelIncompatible(str(folder / WEIGHTS), reason) from error
    return sizes | {"parameters": header.parameters}


def _first(found: dict[str, Variable], names: tuple[str, ...]) -> Variable:
    return next(found[name] for name in (*names, names[0]) if name in found or name is names[0])


def _layers(found: dict[str, Variable], part: str) -> int:
    start = f"{part}/layer_"
    return len({name.removeprefix(start).partition("/")[0] for name in found if name.startswith(start)} - {"norm"})


def stored_in(header: Header) -> str:
    """Return CTranslate2's name of the weights' type; int8 is followed by that of the other arrays, as int8_float16."""
    kind = _first(header.variables, EMBEDDINGS).type
    rest = header.variables["decoder/layer_norm/gamma"].type if "decoder/layer_norm/gamma" in header.variables else ""
    return f"{kind}_{rest}" if kind == "int8" and rest in ("float16", "bfloat16") else kind


def _knows_english_only(name: str) -> bool:
    """Return whether a published model of this name has learned English only, though its vocabulary may have more."""
    named = known(name)
    return named is not None and named.english


def _own_languages(folder: Path, sizes: dict[str, Any], written: tuple[str, ...]) -> tuple[str, ...]:
    """Return the languages of the vocabulary, or those `written` on the card of a distilled model.

    A distilled model has learned the language of its card, and has the vocabulary of all.
    """
    there = _languages(folder, sizes["vocab_size"])
    return written if written and sizes["decoder_layers"] == DISTILLED and set(written) < set(there) else there


def _languages(folder: Path, vocab_size: int) -> tuple[str, ...]:
    """Return the languages that the vocabulary has tokens for; English for that of an English model, which has none."""
    if vocab_size < MULTILINGUAL:
        return ("en",)
    spelled = {token: index for index, token in enumerate(vocabulary(folder))}
    codes = [code for code in LANGUAGES if f"<|{code}|>" in spelled]
    if not codes:
        raise ModelIncompatible(str(folder), "its vocabulary has no token of a language, as multilingual models do")
    return tuple(codes)


def vocabulary(folder: Path) -> list[str]:
    """Return the tokens in the order of their numbers, from vocabulary.json or vocabulary.txt. Raises `ModelError`."""
    path = next(folder / name for name in VOCABULARIES if (folder / name).is_file())
    if path.suffix == ".txt":
        try:
            lines = path.read_bytes().decode().split("\n")  # not splitlines: U+2028 may be a token
        except UnicodeDecodeError as error:
            raise ModelIncompatible(str(path), f"is not UTF-8 text ({error.reason} at {error.start})") from error
        return [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
    tokens = json_value(path)
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise ModelIncompatible(str(path), "expected a list of tokens")
    return tokens


def _tasks(sizes: dict[str, Any]) -> tuple[str, ...]:
    """Return the tasks of a model: English models, and large ones with a shortened decoder, only transcribe."""
    shortened = sizes["encoder_layers"] == ENCODER_OF_LARGE and sizes["decoder_layers"] <= SHORTENED
    return ("transcribe",) if shortened or not _multilingual(sizes) else ("transcribe", "translate")


def published(sizes: dict[str, Any]) -> str:
    """Return the name of the published model of these sizes, "" where there is none; English ones end in `.en`.

    Where several versions have the same sizes the name has no version; large-v3 alone differs in its mels.
    """
    size = SIZE_NAMES.get((sizes["d_model"], sizes["encoder_layers"], sizes["decoder_layers"]), "")
    if size == "large" and sizes.get("num_mel_bins") == MELS_SINCE_V3:
        return "large-v3"
    return f"{size}.en" if size and not _multilingual(sizes) else size


def fits(manifest: Manifest, named: PublishedName) -> bool:
    """Return whether a manifest has the sizes of a published model; a size that it leaves out is not compared."""
    if manifest.kind != KIND:
        return False
    sizes = manifest.sizes
    expected = dict(zip(SHAPE, _shape(named), strict=True))
    expected["num_mel_bins"] = MELS_SINCE_V3 if WITH_128_MELS in named.name else 80
    if any((sizes.get(name) or value) != value for name, value in expected.items()):
        return False
    vocabulary = sizes.get("vocab_size")
    if not isinstance(vocabulary, int) or not vocabulary:
        return True
    return (vocabulary < MULTILINGUAL) == named.name.endswith(".en")


def window(sizes: dict[str, Any]) -> dict[str, float]:
    """Return the `audio_context` of the published model of these sizes, or an empty one, which is the full 30 s."""
    return audio_context(f"whisper-{published(sizes)}")


def _multilingual(sizes: dict[str, Any]) -> bool:
    return bool(sizes["vocab_size"] >= MULTILINGUAL)


def _description(sizes: dict[str, Any]) -> str:
    size = published(sizes).removesuffix(".en")
    of = f"of the size of {size}" if size else f"of {sizes['parameters'] / 1e6:.0f} M parameters"
    return f"a Whisper {of}{'' if _multilingual(sizes) else ', English only'}"


def _shape(named: PublishedName) -> tuple[int, int, int]:
    """Return the width and the numbers of layers of a published model, whatever its version."""
    name = named.name.removeprefix("whisper-").removesuffix(".en")
    return next(shape for shape, size in SIZE_NAMES.items() if re.fullmatch(rf"{size}(-v[\d.]+)?", name))
