"""Labels of a chart lie on nothing else, whatever the figures are."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.compare.label_places import Box, Dot, place_labels

AREA = Box(50, 16, 640, 330)
DOTS = st.lists(st.builds(Dot, st.floats(60, 680), st.floats(20, 340), st.floats(4, 24)), min_size=1, max_size=8)


@given(DOTS)
@settings(deadline=None, max_examples=60)
def test_no_label_lies_on_another_on_a_mark_or_outside(dots: list[Dot]):
    placed = place_labels(dots, [(110.0, 30.0)] * len(dots), AREA)
    boxes = [box for box in placed if box is not None]
    assert len(boxes) == len(dots)
    assert all(box.within(AREA) for box in boxes)
    assert not any(one.hits(other) for one, other in combinations(boxes, 2))
    assert not any(box.hits(dot.box) for box in boxes for dot in dots)


def test_where_there_is_no_room_a_label_is_left_out():
    dots = [Dot(20, 20, 4)] * 3
    assert place_labels(dots, [(30.0, 12.0)] * 3, Box(0, 0, 40, 40)).count(None) >= 1
