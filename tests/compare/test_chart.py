"""The picture of a comparison: well-formed, escaped, and every model in it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from malsori.compare.chart import Point, chart


def drawn(*points: Point) -> ElementTree.Element:
    svg = chart(list(points), width=720, height=400, across="speed", up="accuracy", name='a "chart" & more')
    return ElementTree.fromstring(svg)


def numbers(svg: ElementTree.Element) -> list[float]:
    names = ("x", "y", "cx", "cy", "x1", "x2", "y1", "y2")
    return [float(each.attrib[name]) for each in svg.iter() for name in names if name in each.attrib]


def test_the_more_accurate_is_further_up_the_quicker_further_right_the_larger_has_more_area():
    svg = drawn(Point("big", 2.0, 0.97, 1_600_000_000), Point("small", 20.0, 0.9, 400_000_000))
    big, small = svg.iter("circle")
    assert float(big.attrib["cy"]) < float(small.attrib["cy"])
    assert float(big.attrib["cx"]) < float(small.attrib["cx"])
    assert float(big.attrib["r"]) == pytest.approx(2 * float(small.attrib["r"]), abs=0.2)


def test_names_are_escaped_and_long_ones_keep_their_end():
    svg = drawn(Point("<b>&", 2.0, 0.9), Point("a-model-with-a-very-long-name-indeed", 3.0, 0.8))
    labels = [each.text or "" for each in svg.iter("text") if each.attrib["class"] == "label"]
    assert labels[0] == "<b>&"
    assert labels[1].startswith("…")
    assert labels[1].endswith("long-name-indeed")


@pytest.mark.parametrize(
    "points",
    [
        [Point("a", 5.0, 1.0, 1), Point("b", 5.0, 1.0, 1)],
        [Point("a", 0.0, -3.0, None), Point("b", 5000.0, 1.0, 10**12)],
        [Point(f"m{number}", 1.0 + number, 0.5, 10**8) for number in range(12)],
    ],
)
def test_all_lies_within_the_picture(points: list[Point]):
    svg = drawn(*points)
    assert len([each for each in svg.iter() if each.attrib.get("class") == "mark"]) == len(points)
    assert len([each for each in svg.iter("text") if each.attrib["class"] == "label"]) == len(points)
    assert all(0 <= each <= 720 for each in numbers(svg))
