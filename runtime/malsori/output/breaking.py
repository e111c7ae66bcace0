"""Where a line or cue may end: the width of letters in cells, and the points of a break between two words.

More points read worse: a break at a full stop has none, one behind an article many.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise

from ..types import Word

CJK = ((0x2E80, 0x312F), (0x3190, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF), (0x20000, 0x3FFFF))  # Hangul has spaces
UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF))  # Thai and Lao, Burmese, Khmer: where words are known
MEDIAL_JAMO = (0x1160, 0x11FF)  # vowels and finals of decomposed Hangul stand in the cells of their initial
HIRAGANA = (0x3041, 0x309F)
# No line begins or ends with these (JIS X 4051).
NEVER_FIRST = frozenset(
    "、。，．,.・：；:;？！?!゛゜ヽヾゝゞ々ー’”\"'）)〕］]｝}〉》」』】〜～…‥％%ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
NEVER_LAST = frozenset("‘“（(〔［[｛{〈《「『【￥＄$£")
SENTENCE, CLAUSE, SEGMENT, PHRASE = 0.0, 1.5, 3.0, 6.0  # points behind a sentence, a comma, a segment, any word
TORN = 8.0  # points more for tearing apart what belongs together
EASY = 2.0  # points less before a word that begins a phrase
HEARD = 0.8  # share of the points that a pause takes away at most
PAUSE = 0.5  # seconds of a pause that takes away that share
STOPS, COMMAS = ".?!…。？！", ",;:，、；：—–"
CLOSING = "\"'”’»)）]］」』】〉》*"
TITLES = frozenset("mr mrs ms dr st prof vs m mme mlle hr fr sr sra srta sig dott bzw z.b d.h".split())

# Words that begin a phrase and so never end a line, by language: articles, prepositions, conjunctions, pronouns before
# their verb.
LEADING = {
    "en": "a an the of to in on at by for with from into onto over under about as than and or but nor so if that "
    "who which when while where because my your his her its our their this these those no not is are was were "
    "be been has have had will would can could should may might must do does did i he she we they very",
    "fr": "le la les un une des du de d au aux à en dans sur sous par pour avec sans chez vers entre et ou mais ni "
    "car que qui dont où si quand comme ce cet cette ces mon ma mes ton ta tes son sa ses notre nos votre vos "
    "leur leurs je tu il elle on nous vous ils elles ne me te se lui y est sont a ont plus très",
    "de": "der die das den dem des ein eine einen einem einer eines kein keine in im an am auf aus bei mit nach von "
    "vom zu zum zur für durch gegen ohne um über unter vor hinter zwischen und oder aber denn dass weil wenn "
    "als wie ob mein dein sein ihr unser euer ich du er sie es wir nicht sehr ist sind war hat haben",
    "es": "el la los las un una unos unas lo de del a al en con por para sin sobre entre hasta desde y e o u pero "
    "ni que quien cuando como donde si mi tu su mis tus sus nuestro nuestra este esta ese esa yo se me te le "
    "les no es son muy",
    "it": "il lo la i gli le un uno una di del dello della dei degli delle a al allo alla ai agli alle da dal dalla "
    "in nel nella nei nelle con su sul sulla per tra fra e ed o ma né che chi cui quando come dove se mio tuo "
    "suo mia tua sua non si mi ti ci vi è sono ha molto",
    "pt": "o a os as um uma uns umas de do da dos das em no na nos nas por pelo pela para com sem sob sobre entre "
    "até e ou mas nem que quem quando como onde se meu minha seu sua teu tua este esta esse essa eu ele ela "
    "não é são muito",
    "nl": "de het een van in op aan te ten ter met voor door bij naar uit over onder om en of maar dat die dit deze "
    "wie als wanneer omdat mijn jouw zijn haar ons onze hun ik je hij ze we niet geen is zijn was heeft",
    "ru": "в во на с со к ко у о об от до из за по под над при для без через между и а но или что чтобы как если "
    "когда где который не ни мой твой его её наш ваш их я ты он она мы вы они это",
    "ko": "제 내 우리 이 그 저 한 두 세 네 몇 각 새 전 안 못 잘 더 덜 꽤 매우 너무 아주 또 및 또는 "
    "그리고 하지만 그런데 그래서",
}
# Words that belong to the one before them: Korean bound nouns and auxiliaries.
LEANING = frozenset(
    "것 것이 것을 것은 것도 수 때 때문에 줄 적 뿐 만큼 대로 채 척 중 후 있다 있는 있습니다 있어요 없다 없는 없습니다 "
    "없어요 합니다 않는 않습니다 않아요 못합니다 주세요 줘 줘요 싶다 싶어요 싶습니다 보다 보세요 했다 했습니다".split()
)
# Endings of Korean sentences, by which sentences end in texts of models without punctuation.
ENDINGS = tuple("니다 니까 어요 아요 세요 예요 에요 해요 네요 군요 지요 데요 고요 래요 까요 죠".split())
# The same of Japanese: polite verbs, unless a particle or more of the ending follows ("ですが", "ませんでした").
POLITE = tuple(
    form + particle
    for form in "です ます でした ました ません ましょう でしょう ください".split()
    for particle in ("", "か", "ね", "よ", "よね", "かね")
)
LONGEST_ENDING = max(map(len, POLITE))
GOING_ON = frozenset("がけのとかねよしもらでなっんわぞ")  # letters with which such an ending goes on
NUMERALS = frozenset("영공일이삼사오육칠팔구십백천만억")  # Korean letters of numbers


def cells(text: str) -> int:
    """Return the width of a text in cells of a fixed-width font."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def is_wide(letter: str) -> bool:
    """Return whether a letter takes two cells."""
    return _cells(letter) > 1


def may_part(before: str, after: str, *, known: bool) -> bool:
    """Return whether a line may end between two neighbouring letters; `known`: a word is known to end there."""
    if before in NEVER_LAST or after in NEVER_FIRST or not _cells(after):
        return False
    return any(_in_ranges(letter, CJK) or (known and _in_ranges(letter, UNSPACED)) for letter in (before, after))


def parts_words(before: str, after: str) -> bool:
    """Return whether a word of a text without spaces is likely to end between two letters.

    In Japanese it does where hiragana (endings and particles) is followed by other letters.
    """
    return _in_ranges(before, (HIRAGANA,)) and not _in_ranges(after, (HIRAGANA,))


@lru_cache(maxsize=4096)
def _cells(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf") or _in_ranges(letter, (MEDIAL_JAMO,)):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


def _in_ranges(letter: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(letter) <= last for first, last in ranges)


def break_costs(words: Sequence[Word], ends: Collection[int], language: str) -> list[float]:
    """Return for each word the points of a break behind it; `ends` are the indices of the segments' last words."""
    leading = frozenset(LEADING.get(language, "").split())
    closed = closings(words)
    pairs = enumerate(pairwise(words))
    costs = (_cost(before, after, index in ends, closed[index], leading) for index, (before, after) in pairs)
    return [*costs, SENTENCE][: len(words)]


def closings(words: Sequence[Word]) -> list[bool]:
    """Return for each word whether it ends a sentence, by its punctuation or else its last letters."""
    found = [ends_sentence(word) for word in words]
    tail = ""
    for index, (before, after) in enumerate(pairwise(words)):
        tail = (tail * (not before.spaced) + before.text)[-LONGEST_ENDING:]
        found[index] |= tail.endswith(ENDINGS) if after.spaced else tail.endswith(POLITE) and _begins_sentence(after)
    return found


def ends_sentence(word: Word) -> bool:
    """Return whether a word ends a sentence by its punctuation; the full stop of a title or an initial does not."""
    text = word.text.rstrip(CLOSING)
    if not text.endswith(tuple(STOPS)):
        return False
    bare = text[:-1].lstrip(CLOSING + "(“‘«")
    return not text.endswith(".") or not (bare.lower() in TITLES or (len(bare) == 1 and bare.isalpha()))


def _begins_sentence(word: Word) -> bool:
    return word.text[0] not in GOING_ON


def _cost(before: Word, after: Word, last: bool, closed: bool, leading: frozenset[str]) -> float:
    """Return the points of a break between two words; the first is the `last` of its segment, or ends a sentence."""
    if ends_sentence(before):
        return SENTENCE
    if closed or before.text.rstrip(CLOSING).endswith(tuple(COMMAS)):
        base = CLAUSE
    else:
        base = SEGMENT if last else _within(before, after, leading)
    pause = max(0.0, after.start - before.end)
    return base - HEARD * min(base, PHRASE) * min(1.0, pause / PAUSE)


def _within(before: Word, after: Word, leading: frozenset[str]) -> float:
    """Return the points of a break inside a phrase."""
    first, second = before.text[-1], after.text[0]
    if not after.spaced and is_wide(first) and is_wide(second):
        return PHRASE + (0 if parts_words(first, second) else TORN)
    torn = TORN if _torn(before, after, leading) else 0
    return PHRASE + torn - (EASY if _bare(after) in leading else 0)


def _torn(before: Word, after: Word, leading: frozenset[str]) -> bool:
    """Return whether a break parts an article or the like from what follows, or a number from what it counts."""
    if _bare(before) in leading or before.text.endswith(("'", "’", "-", ".")) or after.text in LEANING:
        return True
    return _is_number(before) and (_is_number(after) or cells(after.text) <= 4 or not after.spaced)


def _bare(word: Word) -> str:
    return word.text.strip("\"'“”‘’«»()[]-¿¡…").lower()


def _is_number(word: Word) -> bool:
    return any(letter.isdigit() for letter in word.text) or set(word.text) <= NUMERALS
