"""The published models that bundles are made of: size, memory, speed and languages of each.

The one place for these figures; `choice.py` ranks by them, and the recipes in `models/` of a checkout, which say
where a model comes from, show them. Sources:

- `parameters`: counted from the architecture; a model card rounds them up.
- `bundle_mb`: int8 as CTranslate2 4.8.5 writes it, float16 two bytes a weight, with 3 MB of tokenizer; measured.
- `memory_mb["cpu"]`: peak of a process with the model alone, in int8 on 2 threads, that hears a full window of 30 s
  with 5 beams; random weights, CTranslate2 4.8.5, AVX2; measured 2026-11-25. XLSR: `bench/wav2vec2/`, 10 s without a
  pause (30 s: 560).
- `memory_mb["cuda"]`: large-v3, turbo and distil-large-v3 in float16 by faster-whisper (its issue 1030); the smaller
  ones are what openai/whisper's README asks for with PyTorch, and so are upper bounds: `upper_bounds` names them.
- `relative_speed`: openai/whisper's README, large = 1, English on an A100; distil-large-v3: its model card.
- `cores`: how many cores keep it up with speech: the processor's time for 30 s encoded in full and 100 tokens decoded
  with 5 beams, in int8, by 30 s; measured as above on an EPYC 7003 (AVX2, no VNNI), where products in 8 bits are no
  faster than in 32. Large-v3 and distil-large-v3 have turbo's encoder, and its time. XLSR: `bench/wav2vec2/`, 30 s on
  2 threads.

The English models (`.en`) are their siblings with one entry less in the vocabulary (51,864 for 51,865), so the figures
are the siblings' own; openai/whisper's README has one row of parameters, memory and speed for both.

The order is the one of accuracy, best first: within a family the larger ones err less (arXiv 2212.04356, appendix D),
turbo little more than large-v3, an English model less
than its sibling in English (openai/whisper's README), distil-large-v3 more than turbo (the model card of
distil-large-v3.5). XLSR-large among them is our judgement: no table compares the two families in Korean.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..languages import LANGUAGES

ALL_BUT_CANTONESE = LANGUAGES[:-1]


@dataclass(frozen=True, slots=True)
class CatalogModel:
    """One published model under its recipe's name.

    `parameters` in millions; `bundle_mb` by quantization and `memory_mb` by device, in 10^6 bytes, without those not
    measured; on devices in `upper_bounds` the true memory is less. `cores` are kept busy by a stream; `relative_speed`
    is None where none is published; `lacks` is what it was not trained for.
    """

    name: str
    kind: str
    parameters: int
    bundle_mb: dict[str, int]
    memory_mb: dict[str, int]
    relative_speed: float | None
    cores: float
    languages: tuple[str, ...]
    lacks: str = ""
    upper_bounds: tuple[str, ...] = ()


CATALOG = (
    CatalogModel(
        name="whisper-large-v3",
        kind="whisper",
        parameters=1543,
        bundle_mb={"int8": 1557, "float16": 3090},
        memory_mb={"cpu": 2298, "cuda": 4521},
        relative_speed=1,
        cores=2.3,
        languages=LANGUAGES,
    ),
    CatalogModel(
        name="whisper-large-v3-turbo",
        kind="whisper",
        parameters=809,
        bundle_mb={"int8": 821, "float16": 1621},
        memory_mb={"cpu": 1251, "cuda": 2537},
        relative_speed=8,
        cores=1.2,
        languages=LANGUAGES,
        lacks="translation",
    ),
    CatalogModel(
        name="distil-large-v3",
        kind="whisper",
        parameters=756,
        bundle_mb={"int8": 768, "float16": 1516},
        memory_mb={"cpu": 1197, "cuda": 2409},
        relative_speed=6.3,
        cores=1.2,
        languages=("en",),
        lacks="translation; anything but English",
    ),
    CatalogModel(
        name="whisper-medium.en",
        kind="whisper",
        parameters=764,
        bundle_mb={"int8": 775, "float16": 1531},
        memory_mb={"cpu": 1242, "cuda": 5000},
        relative_speed=2,
        cores=1.2,
        languages=("en",),
        lacks="translation; anything but English",
        upper_bounds=("cuda",),
    ),
    CatalogModel(
        name="whisper-medium",
        kind="whisper",
        parameters=764,
        bundle_mb={"int8": 775, "float16": 1531},
        memory_mb={"cpu": 1242, "cuda": 5000},
        relative_speed=2,
        cores=1.2,
        languages=ALL_BUT_CANTONESE,
        lacks="Cantonese",
        upper_bounds=("cuda",),
    ),
    CatalogModel(
        name="whisper-small.en",
        kind="whisper",
        parameters=242,
        bundle_mb={"int8": 250, "float16": 486},
        memory_mb={"cpu": 541, "cuda": 2000},
        relative_speed=4,
        cores=0.41,
        languages=("en",),
        lacks="translation; anything but English",
        upper_bounds=("cuda",),
    ),
    CatalogModel(
        name="whisper-small",
        kind="whisper",
        parameters=242,
        bundle_mb={"int8": 250, "float16": 486},
        memory_mb={"cpu": 541, "cuda": 2000},
        relative_speed=4,
        cores=0.41,
        languages=ALL_BUT_CANTONESE,
        lacks="Cantonese",
        upper_bounds=("cuda",),
    ),
    CatalogModel(
        name="xlsr-ko",
        kind="wav2vec2-ctc",
        parameters=316,
        bundle_mb={"int8": 361},
        memory_mb={"cpu": 476},
        relative_speed=None,
        cores=0.5,
        languages=("ko",),
        lacks="translation; punctuation, digits and Latin letters; anything but Korean",
    ),
    CatalogModel(
        name="whisper-base.en",
        kind="whisper",
        parameters=73,
        bundle_mb={"int8": 79, "float16": 148},
        memory_mb={"cpu": 299, "cuda": 1000},
        relative_speed=7,
        cores=0.12,
        languages=("en",),
        lacks="translation; anything but English",
        upper_bounds=("cuda",),
    ),
    CatalogModel(
        name="whisper-base",
        kind="whisper",
        parameters=73,
        bundle_mb={"int8": 79, "float16": 148},
        memory_mb={"cpu": 299, "cuda": 1000},
        relative_speed=7,
        cores=0.12,
        languages=ALL_BUT_CANTONESE,
        lacks="Cantonese",
        upper_bounds=("cuda",),
    ),
    CatalogModel(
        name="whisper-tiny.en",
        kind="whisper",
        parameters=38,
        bundle_mb={"int8": 43, "float16": 78},
        memory_mb={"cpu": 235, "cuda": 1000},
        relative_speed=10,
        cores=0.07,
        languages=("en",),
        lacks="translation; anything but English",
        upper_bounds=("cuda",),
    ),
    CatalogModel(
        name="whisper-tiny",
        kind="whisper",
        parameters=38,
        bundle_mb={"int8": 43, "float16": 78},
        memory_mb={"cpu": 235, "cuda": 1000},
        relative_speed=10,
        cores=0.07,
        languages=ALL_BUT_CANTONESE,
        lacks="Cantonese",
        upper_bounds=("cuda",),
    ),
)


def find(name: str) -> CatalogModel:
    """Return the model of that name. Raises `KeyError` for one that is not in the catalogue."""
    return {known.name: known for known in CATALOG}[name]
