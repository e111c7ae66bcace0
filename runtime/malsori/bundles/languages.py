"""What languages are called: the codes that models go by, and the English names that people type for them."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

# As many as Whisper's vocabulary names, in its order; Cantonese, the last, only from large-v3 on.
_PAIRS = """
    en=english zh=chinese de=german es=spanish ru=russian ko=korean fr=french ja=japanese pt=portuguese
    tr=turkish pl=polish ca=catalan nl=dutch ar=arabic sv=swedish it=italian id=indonesian hi=hindi fi=finnish
    vi=vietnamese he=hebrew uk=ukrainian el=greek ms=malay cs=czech ro=romanian da=danish hu=hungarian ta=tamil
    no=norwegian th=thai ur=urdu hr=croatian bg=bulgarian lt=lithuanian la=latin mi=maori ml=malayalam cy=welsh
    sk=slovak te=telugu fa=persian lv=latvian bn=bengali sr=serbian az=azerbaijani sl=slovenian kn=kannada
    et=estonian mk=macedonian br=breton eu=basque is=icelandic hy=armenian ne=nepali mn=mongolian bs=bosnian
    kk=kazakh sq=albanian sw=swahili gl=galician mr=marathi pa=punjabi si=sinhala km=khmer sn=shona yo=yoruba
    so=somali af=afrikaans oc=occitan ka=georgian be=belarusian tg=tajik sd=sindhi gu=gujarati am=amharic
    yi=yiddish lo=lao uz=uzbek fo=faroese ht=haitian_creole ps=pashto tk=turkmen nn=nynorsk mt=maltese
    sa=sanskrit lb=luxembourgish my=myanmar bo=tibetan tl=tagalog mg=malagasy as=assamese tt=tatar haw=hawaiian
    ln=lingala ha=hausa ba=bashkir jw=javanese su=sundanese yue=cantonese
"""
ENGLISH = {code: name.replace("_", " ") for code, name in (pair.split("=") for pair in _PAIRS.split())}
LANGUAGES = tuple(ENGLISH)
OTHERS = {  # names of the same languages, and languages of recipes that Whisper does not know
    "burmese": "my",
    "castilian": "es",
    "flemish": "nl",
    "guarani": "gn",
    "haitian": "ht",
    "irish": "ga",
    "letzeburgesch": "lb",
    "mandarin": "zh",
    "moldavian": "ro",
    "moldovan": "ro",
    "panjabi": "pa",
    "pushto": "ps",
    "sinhalese": "si",
    "valencian": "ca",
}
REGION = re.compile(r"([a-z]{2,3})[-_][a-z]{2}")
ALIKE = 0.75  # of two spellings: "frensh" is like french, and not like english
CODES = {name: code for code, name in ENGLISH.items()} | OTHERS


def code_of(text: str) -> str:
    """Return the code of a language that is given by its English name or its code, in whatever case.

    A country behind the code is left out (`ko-KR`, `pt_BR`).

    Any other text comes back in lower case: a model may know a code that stands in no table.
    """
    plain = text.strip().lower()
    if region := REGION.fullmatch(plain):
        plain = region[1]
    return CODES.get(plain.replace("-", " ").replace("_", " "), plain)


def meant(text: object, known: Collection[str] = CODES.values()) -> str:
    """Return what is said of a language that nobody knows where the name of a `known` one is like it, else nothing."""
    names = [name for name, code in CODES.items() if code in known]
    close = get_close_matches(text.lower(), names, n=1, cutoff=ALIKE) if isinstance(text, str) else []
    return f"; did you mean {close[0]} ({CODES[close[0]]})?" if close else ""
