"""Sentences for a nano model to be adapted to: rooms, devices, names and towns that it never heard.

None of those words is in `grammar.py`, though their jamo and the endings are; `is_held_out` of that file decides here
too which sentences are never trained on.
"""

from __future__ import annotations

import random

from export.nano.grammar import Sentence, is_held_out, with_particle

ROOMS = "다락방 베란다 옥상 지하실 세탁실 화장실 놀이방 계단".split()
DEVICES = "세탁기 건조기 청소기 냉장고 보일러 환풍기 전기장판 커피포트 식기세척기 공기청정기".split()
NAMES = "김민준 박서연 최지우 정하윤 강도현 윤채원 임준호 한소희".split()
TOWNS = "울산 강릉 전주 춘천 속초 여수 목포 경주".split()
ENDINGS = ("주세요", "줘")


def _device(rng: random.Random) -> str:
    thing = with_particle(rng.choice(DEVICES), "을", "를")
    return f"{rng.choice(ROOMS)} {thing} {rng.choice(['돌려', '멈춰', '예약해'])} {rng.choice(ENDINGS)}"


def _call(rng: random.Random) -> str:
    deed = rng.choice(["문자를 보내", "소식을 전해", "선물을 골라"])
    return f"{rng.choice(TOWNS)} 사는 {rng.choice(NAMES)} 씨에게 {deed} {rng.choice(ENDINGS)}"


def _trip(rng: random.Random) -> str:
    way = rng.choice(["기차표를", "숙소를", "렌터카를"])
    return f"{rng.choice(TOWNS)} 가는 {way} {rng.choice(['찾아', '예매해', '취소해'])} {rng.choice(ENDINGS)}"


def _meeting(rng: random.Random) -> str:
    deed = rng.choice(["잡아", "미뤄"])
    return f"{rng.choice(NAMES)} 씨와 {rng.choice(TOWNS)}에서 만나는 약속을 {deed} {rng.choice(ENDINGS)}"


def draw_new(rng: random.Random, *, held_out: bool) -> Sentence:
    """Draw a sentence from the training side or from the held-out side; there is no English to it."""
    while True:
        drawn = Sentence(rng.choice((_device, _call, _trip, _meeting))(rng), "")
        if is_held_out(drawn) == held_out:
            return drawn
