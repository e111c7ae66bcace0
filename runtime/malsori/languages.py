"""Names of languages: the codes that models have, and the English names, other codes and tags that people type."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from .types import UNKNOWN

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
# ISO 639-3 codes and, where they differ, 639-2/B ones, of the above and of the two in recipes that Whisper does not
# know: pycountry's `alpha_3` and `bibliographic` of each.
_LONGER = """
    en=eng zh=zho,chi de=deu,ger es=spa ru=rus ko=kor fr=fra,fre ja=jpn pt=por tr=tur pl=pol ca=cat nl=nld,dut ar=ara
    sv=swe it=ita id=ind hi=hin fi=fin vi=vie he=heb uk=ukr el=ell,gre ms=msa,may cs=ces,cze ro=ron,rum da=dan hu=hun
    ta=tam no=nor th=tha ur=urd hr=hrv bg=bul lt=lit la=lat mi=mri,mao ml=mal cy=cym,wel sk=slk,slo te=tel fa=fas,per
    lv=lav bn=ben sr=srp az=aze sl=slv kn=kan et=est mk=mkd,mac br=bre eu=eus,baq is=isl,ice hy=hye,arm ne=nep mn=mon
    bs=bos kk=kaz sq=sqi,alb sw=swa gl=glg mr=mar pa=pan si=sin km=khm sn=sna yo=yor so=som af=afr oc=oci ka=kat,geo
    be=bel tg=tgk sd=snd gu=guj am=amh yi=yid lo=lao uz=uzb fo=fao ht=hat ps=pus tk=tuk nn=nno mt=mlt sa=san lb=ltz
    my=mya,bur bo=bod,tib tl=tgl mg=mlg as=asm tt=tat ln=lin ha=hau ba=bak jw=jav su=sun ga=gle gn=grn
"""
# Former and narrower codes of ISO 639 and BCP 47: Whisper writes `he`, `no`, `jw`.
_ALSO = """
    he=iw no=nb,nob id=in yi=ji jw=jv ro=mo,mol tl=fil zh=cmn ar=arb fa=pes,prs et=ekk lv=lvs ne=npi sw=swh uz=uzn
    ms=zsm mn=khk mg=plt az=azj sq=als yi=ydd
"""
SAME = {
    other: code
    for line in (_LONGER, _ALSO)
    for code, others in (pair.split("=") for pair in line.split())
    for other in others.split(",")
}
OTHERS = {  # names of the same languages, and languages of recipes that Whisper does not know
    "bokmal": "no",
    "bokmål": "no",
    "burmese": "my",
    "castilian": "es",
    "farsi": "fa",
    "filipino": "tl",
    "flemish": "nl",
    "guarani": "gn",
    "haitian": "ht",
    "irish": "ga",
    "letzeburgesch": "lb",
    "mandarin": "zh",
    "moldavian": "ro",
    "moldovan": "ro",
    "norwegian bokmal": "no",
    "norwegian bokmål": "no",
    "norwegian nynorsk": "nn",
    "panjabi": "pa",
    "pushto": "ps",
    "sinhalese": "si",
    "valencian": "ca",
}
# A tag of BCP 47 or a locale: the language, then how and where it is written (`zh-Hant-TW`, `es_419`, `ko_KR.UTF-8`).
TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<kind>cmn|yue))?(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?"
    r"(?:-(?:\d[a-z\d]{3}|(?=[a-z]*\d)[a-z\d]{5,8}))*(?:-[a-z\d]-.*)?(?:[.@].*)?"
)
REMARK = re.compile(r"\s*\(.*\)$")  # Chinese (Traditional)
ALIKE, SOMEWHAT_ALIKE = 0.75, 0.5  # of two spellings: "frensh" is like french, and not like english
FEW = 12  # languages that a message lists
CODES = {name: code for code, name in ENGLISH.items()} | OTHERS


def code_of(text: str) -> str:
    """Return the code of a language by its English name, its code or a tag, in any case.

    Codes of three letters and former ones are known as well (`kor`, `iw`); script and country of a tag are ignored
    (`ko-KR`, `pt_BR`, `zh-Hans`). Any other text is returned in lower case: a model may know codes that no table has.
    """
    plain = text.strip().lower()
    name = REMARK.sub("", plain.replace("-", " ").replace("_", " "))
    if name in CODES:
        return CODES[name]
    tag = TAG.fullmatch(plain.replace("_", "-"))
    code = (tag["kind"] or tag["language"]) if tag else plain
    return SAME.get(code, code)


def knows(languages: tuple[str, ...], language: str) -> bool:
    """Return whether a model of these `languages` may be told `language`; one that names none takes any."""
    return language in map(code_of, languages) or languages == (UNKNOWN,)


def did_you_mean(text: object, known: Collection[str] = CODES.values()) -> str:
    """Return, for an error, `; did you mean ...?` where a `known` language has a name like `text`, else ""."""
    close = _like(text, known, ALIKE)[:1]
    return f"; did you mean {close[0]}?" if close else ""


def alternatives_to(text: object, known: Sequence[str], whole: str) -> str:
    """Return, for an error, the `known` languages in place of `text`, of many the likest; `whole` lists them all."""
    if guess := did_you_mean(text, known):
        return guess
    if len(known) <= FEW:
        return f"; it knows {', '.join(known)}"
    near = _like(text, known, SOMEWHAT_ALIKE)
    nearest = f", the nearest {' or '.join(near)}" if near else f", such as {', '.join(known[:3])}"
    return f"; there are {len(known)}{nearest}; {whole} lists them"


def _like(text: object, known: Collection[str], least: float) -> list[str]:
    """Return the names that are like a text, the likest first, with their codes: `french (fr)`."""
    names = [name for name, code in CODES.items() if code in known]
    close = get_close_matches(text.lower(), names, cutoff=least) if isinstance(text, str) else []
    return [f"{name} ({CODES[name]})" for name in close]
