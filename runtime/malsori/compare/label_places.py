"""Places for the labels of a chart, so that none lies on another, on a mark, or outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

GAP = 3.0  # units between a label and all else
STEP = 8.0  # units between the places that are tried


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; y grows downwards."""

    x: float
    y: float
    width: float
    height: float

    def hits(self, other: Box, gap: float = 0.0) -> bool:
        """Return whether the two overlap, or are nearer than `gap`."""
        return (
            self.x < other.x + other.width + gap
            and other.x < self.x + self.width + gap
            and self.y < other.y + other.height + gap
            and other.y < self.y + self.height + gap
        )

    def within(self, area: Box) -> bool:
        """Return whether it lies in an area as a whole."""
        right, bottom = self.x + self.width, self.y + self.height
        inside = area.x <= self.x and right <= area.x + area.width
        return inside and area.y <= self.y and bottom <= area.y + area.height


@dataclass(frozen=True, slots=True)
class Dot:
    """A mark of a chart, with its radius."""

    x: float
    y: float
    radius: float

    @property
    def box(self) -> Box:
        """The square around it."""
        return Box(self.x - self.radius, self.y - self.radius, 2 * self.radius, 2 * self.radius)


def place_labels(dots: Sequence[Dot], sizes: Sequence[tuple[float, float]], area: Box) -> list[Box | None]:
    """Return a box for the label of each dot, of the given width and height; None where the area has no room left.

    Beside the dot if that is free, else as near as it can be.
    """
    taken = [dot.box for dot in dots]
    lines: list[Box] = []  # points of the lines from dots to labels that are not beside them
    placed: list[Box | None] = [None] * len(dots)
    for index in sorted(range(len(dots)), key=lambda index: (dots[index].y, dots[index].x)):
        labels = [box for box in placed if box is not None]
        free = (box for box in _candidates(dots[index], *sizes[index], area) if _is_free(box, taken, area))
        placed[index] = box = _best(dots[index], free, labels, lines)
        if box is not None:
            taken.append(box)
            lines += _between(dots[index], box)
    return placed


def _best(dot: Dot, free: Iterator[Box], labels: Sequence[Box], lines: Sequence[Box]) -> Box | None:
    """Return the first place that crosses no line and whose line crosses no label, else the first of all."""
    first = None
    for box in free:
        first = first or box
        if not _cross(_between(dot, box), labels) and not _cross(lines, [box]):
            return box
    return first


def _is_free(box: Box, taken: Sequence[Box], area: Box) -> bool:
    return box.within(area) and not any(box.hits(other, GAP) for other in taken)


def _cross(points: Sequence[Box], boxes: Sequence[Box]) -> bool:
    return any(point.hits(box) for point in points for box in boxes)


def _candidates(dot: Dot, width: float, height: float, area: Box) -> Iterator[Box]:
    """Yield places right, left, above and below of a dot, then all of the area, the nearest first."""
    away = dot.radius + GAP + 1
    yield Box(dot.x + away, dot.y - height / 2, width, height)
    yield Box(dot.x - away - width, dot.y - height / 2, width, height)
    yield Box(dot.x - width / 2, dot.y - away - height, width, height)
    yield Box(dot.x - width / 2, dot.y + away, width, height)
    across = (area.x + STEP * step for step in range(int((area.width - width) / STEP) + 1))
    down = (area.y + STEP * step for step in range(int((area.height - height) / STEP) + 1))
    boxes = [Box(x, y, width, height) for x, y in product(across, down)]
    yield from sorted(boxes, key=lambda box: distance_to(dot, box))


def _between(dot: Dot, box: Box) -> list[Box]:
    """Return points on the straight line from a dot's edge to its label, where one may have to be drawn."""
    (x, y), far = nearest_point(dot, box), distance_to(dot, box)
    shares = (at / far for at in range(round(dot.radius) + 1, int(far), 4))
    return [Box(dot.x + share * (x - dot.x), dot.y + share * (y - dot.y), 0, 0) for share in shares]


def distance_to(dot: Dot, box: Box) -> float:
    """Return how far the nearest point of a box is from the middle of a dot."""
    x, y = nearest_point(dot, box)
    return float(((x - dot.x) ** 2 + (y - dot.y) ** 2) ** 0.5)


def nearest_point(dot: Dot, box: Box) -> tuple[float, float]:
    """Return the point of a box that is nearest to a dot."""
    x = min(max(dot.x, box.x), box.x + box.width)
    return x, min(max(dot.y, box.y), box.y + box.height)
