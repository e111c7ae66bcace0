"""The sentences that the nano models know: home commands, numbers, times and weather, in Korean and English at once.

A sentence is a pair, one meaning in two languages, spelled in words, lower case, without punctuation, so that what is
spoken and what is written agree letter by letter. `sentence(rng)` draws one; `is_held_out` decides, by the text alone,
which sentences no training run may ever hear.
"""

from __future__ import annotations

import random
import unicodedata
import zlib
from dataclasses import dataclass

HELD_OUT_PERCENT = 5


@dataclass(frozen=True, slots=True)
class Sentence:
    """One meaning in both languages."""

    ko: str
    en: str

    def text(self, language: str) -> str:
        """Return the sentence in `ko` or `en`."""
        return self.ko if language == "ko" else self.en


ROOMS = {
    "거실": "living room", "부엌": "kitchen", "침실": "bedroom", "욕실": "bathroom",
    "서재": "study", "현관": "hallway", "차고": "garage", "정원": "garden",
}  # fmt: skip
SWITCHED = {
    "불": "light", "에어컨": "air conditioner", "난방": "heating", "텔레비전": "television",
    "라디오": "radio", "선풍기": "fan", "스피커": "speaker", "가습기": "humidifier",
}  # fmt: skip
HINGED = {"커튼": "curtain", "창문": "window", "문": "door", "블라인드": "blind"}
DAYS = {
    "오늘": "today", "내일": "tomorrow", "주말": "this weekend", "월요일": "on monday", "화요일": "on tuesday",
    "수요일": "on wednesday", "목요일": "on thursday", "금요일": "on friday",
}  # fmt: skip
CITIES = {
    "서울": "seoul", "부산": "busan", "대구": "daegu", "인천": "incheon",
    "광주": "gwangju", "대전": "daejeon", "제주": "jeju", "수원": "suwon",
}  # fmt: skip
WEATHER = {
    "비가 옵니다": "it will rain", "눈이 옵니다": "it will snow", "바람이 붑니다": "it will be windy",
    "맑습니다": "it will be sunny", "흐립니다": "it will be cloudy", "안개가 낍니다": "it will be foggy",
}  # fmt: skip
HALF_DAYS = {"오전": "in the morning", "오후": "in the afternoon"}
ERRANDS = {
    "깨워": "wake me up", "알려": "remind me", "전화해": "call me", "음악을 틀어": "play music",
}  # fmt: skip

KO_DIGITS = "영일이삼사오육칠팔구"
KO_HOURS = ["열두", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열", "열한"]
EN_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
EN_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def ko_number(n: int) -> str:
    """Spell 0..999 in Sino-Korean: 352 is 삼백오십이."""
    if n == 0:
        return "영"
    hundreds, rest = divmod(n, 100)
    tens, ones = divmod(rest, 10)
    places = [(hundreds, "백"), (tens, "십")]
    head = "".join(("" if digit == 1 else KO_DIGITS[digit]) + place for digit, place in places if digit)
    return head + (KO_DIGITS[ones] if ones else "")


def en_number(n: int) -> str:
    """Spell 0..999 in English: 352 is three hundred and fifty two."""
    if n < 20:
        return EN_ONES[n]
    if n < 100:
        tens, ones = divmod(n, 10)
        return EN_TENS[tens] + (f" {EN_ONES[ones]}" if ones else "")
    hundreds, rest = divmod(n, 100)
    return f"{EN_ONES[hundreds]} hundred" + (f" and {en_number(rest)}" if rest else "")


def with_particle(noun: str, after_consonant: str, after_vowel: str) -> str:
    """Attach the form of a particle that the noun's last sound asks for: 불을, 라디오를."""
    has_final = (ord(noun[-1]) - 0xAC00) % 28 != 0
    return noun + (after_consonant if has_final else after_vowel)


def to_jamo(text: str) -> str:
    """Decompose Hangul into conjoining jamo (NFD), the letters that the CTC models spell with."""
    return unicodedata.normalize("NFD", text)


def _polite(rng: random.Random, verb: str, english: str) -> Sentence:
    if rng.random() < 0.5:
        return Sentence(f"{verb} 주세요", f"please {english}")
    return Sentence(f"{verb} 줘", english)


def _switch(rng: random.Random) -> Sentence:
    return _turned(rng, SWITCHED, [("켜", "turn on"), ("꺼", "turn off")])


def _hinge(rng: random.Random) -> Sentence:
    return _turned(rng, HINGED, [("열어", "open"), ("닫아", "close")])


def _turned(rng: random.Random, things: dict[str, str], verbs: list[tuple[str, str]]) -> Sentence:
    room, room_en = rng.choice(list(ROOMS.items()))
    thing, thing_en = rng.choice(list(things.items()))
    verb, verb_en = rng.choice(verbs)
    end = _polite(rng, verb, f"{verb_en} the {room_en} {thing_en}")
    return Sentence(f"{room} {with_particle(thing, '을', '를')} {end.ko}", end.en)


def _thermostat(rng: random.Random) -> Sentence:
    room, room_en = rng.choice(list(ROOMS.items()))
    degrees = rng.randint(10, 40)
    end = _polite(rng, "맞춰", f"set the {room_en} temperature to {en_number(degrees)} degrees")
    return Sentence(f"{room} 온도를 {ko_number(degrees)} 도로 {end.ko}", end.en)


def _clock(rng: random.Random) -> Sentence:
    half, half_en = rng.choice(list(HALF_DAYS.items()))
    hour, minute = rng.randint(1, 12), rng.choice([0, *range(1, 60)])
    ko = f"{half} {KO_HOURS[hour % 12]} 시" + (f" {ko_number(minute)} 분" if minute else "")
    en = EN_ONES[hour] + (f" {'oh ' if minute < 10 else ''}{en_number(minute)}" if minute else "") + f" {half_en}"
    return Sentence(ko, en)


def _time(rng: random.Random) -> Sentence:
    clock = _clock(rng)
    return Sentence(f"지금은 {clock.ko}입니다", f"it is now {clock.en}")


def _errand(rng: random.Random) -> Sentence:
    clock = _clock(rng)
    errand, errand_en = rng.choice(list(ERRANDS.items()))
    end = _polite(rng, errand, f"{errand_en} at {clock.en}")
    return Sentence(f"{clock.ko}에 {end.ko}", end.en)


def _timer(rng: random.Random) -> Sentence:
    minutes = rng.randint(2, 90)
    errand, errand_en = rng.choice(list(ERRANDS.items()))
    end = _polite(rng, errand, f"{errand_en} in {en_number(minutes)} minutes")
    return Sentence(f"{ko_number(minutes)} 분 뒤에 {end.ko}", end.en)


def _digits(rng: random.Random) -> Sentence:
    digits = [rng.randint(0, 9) for _ in range(rng.randint(3, 6))]
    owner, owner_en = rng.choice([("제", "my"), ("방", "the room"), ("버스", "the bus")])
    ko = " ".join(KO_DIGITS[d] for d in digits)
    return Sentence(f"{owner} 번호는 {ko}입니다", f"{owner_en} number is {' '.join(EN_ONES[d] for d in digits)}")


def _answer(rng: random.Random) -> Sentence:
    number = rng.randint(0, 999)
    return Sentence(f"답은 {ko_number(number)}입니다", f"the answer is {en_number(number)}")


def _forecast(rng: random.Random) -> Sentence:
    day, day_en = rng.choice(list(DAYS.items()))
    city, city_en = rng.choice(list(CITIES.items()))
    weather, weather_en = rng.choice(list(WEATHER.items()))
    return Sentence(f"{day} {city}에는 {weather}", f"{weather_en} in {city_en} {day_en}")


def _ask_weather(rng: random.Random) -> Sentence:
    day, day_en = rng.choice(list(DAYS.items()))
    city, city_en = rng.choice(list(CITIES.items()))
    return Sentence(f"{day} {city} 날씨는 어때요", f"how is the weather in {city_en} {day_en}")


def _degrees(rng: random.Random) -> Sentence:
    day, day_en = rng.choice(list(DAYS.items()))
    city, city_en = rng.choice(list(CITIES.items()))
    below, degrees = rng.random() < 0.3, rng.randint(0, 39)
    ko = f"{day} {city} 기온은 {'영하 ' if below else ''}{ko_number(degrees)} 도입니다"
    return Sentence(
        ko, f"the temperature in {city_en} {day_en} is {'minus ' if below else ''}{en_number(degrees)} degrees"
    )


RULES = (
    _switch, _switch, _hinge, _thermostat, _time, _errand, _timer, _digits, _digits, _answer, _forecast, _ask_weather,
    _degrees,
)  # fmt: skip


def sentence(rng: random.Random) -> Sentence:
    """Draw one sentence; a rule that stands twice in `RULES` is drawn twice as often."""
    return rng.choice(RULES)(rng)


def is_held_out(sentence: Sentence) -> bool:
    """Tell whether a sentence is kept for evaluation: a fixed 5 % by a checksum of its Korean text."""
    return zlib.crc32(sentence.ko.encode()) % 100 < HELD_OUT_PERCENT


def draw(rng: random.Random, *, held_out: bool) -> Sentence:
    """Draw a sentence from the training side or from the held-out side."""
    while True:
        drawn = sentence(rng)
        if is_held_out(drawn) == held_out:
            return drawn
