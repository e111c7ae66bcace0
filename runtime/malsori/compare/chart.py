"""The picture of a comparison: accuracy against speed, memory as the size of a mark, as SVG without any library."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from ..output.breaking import cells
from .label_places import Box, Dot, distance_to, nearest_point, place_labels

CELL = 7.4  # units of a letter's width, on average, at the size of labels
LINE = 15.0  # units of a line's height
LONGEST_LABEL = 27  # cells, and two thirds of it in a picture no wider than NARROW
NARROW = 500.0
TOP, RIGHT, BOTTOM, LEFT = 16.0, 14.0, 48.0, 52.0  # around the plot


@dataclass(frozen=True, slots=True)
class Point:
    """A model: how many times as fast as speech, its accuracy from 0 to 1, its memory in bytes, whether a square."""

    label: str
    speed: float
    accuracy: float
    memory: int | None = None
    square: bool = False


def chart(points: Sequence[Point], *, width: float, height: float, across: str, up: str, name: str) -> str:
    """Return an SVG of this size; `across` and `up` are the titles of its axes, `name` what a screen reader tells."""
    area = Box(LEFT, TOP, width - LEFT - RIGHT, height - TOP - BOTTOM)
    scale = Scale.of(points, area)
    largest = min(width, height) / 16
    most = max((point.memory or 0 for point in points), default=0)
    dots = [Dot(*scale.place(point), _radius(point, most, largest)) for point in points]
    longest = LONGEST_LABEL if width > NARROW else LONGEST_LABEL * 2 // 3
    texts = [(_shortened(point.label, longest), _memory(point)) for point in points]
    sizes = [(max(map(cells, lines)) * CELL, LINE * (2 if lines[1] else 1)) for lines in texts]
    labels = place_labels(dots, sizes, area)
    parts = [
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(name)}">',
        *_axes(scale, across, up),
        *(_leader(dot, box) for dot, box in zip(dots, labels, strict=True) if box is not None),
        *(_mark(point, dot) for point, dot in zip(points, dots, strict=True)),
        *(_label(box, lines) for box, lines in zip(labels, texts, strict=True) if box is not None),
        "</svg>",
    ]
    return "\n".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Scale:
    """From figures to places: speed by its logarithm, accuracy in percent. Marks keep away from the edges."""

    area: Box
    slowest: float
    quickest: float
    least: float
    most: float

    @classmethod
    def of(cls, points: Sequence[Point], area: Box) -> Scale:
        """Return the scale on which all points can be seen, a factor of 8 and 10 percent points wide at least."""
        speeds = [max(point.speed, 1e-3) for point in points] or [1.0]
        middle, half = math.sqrt(min(speeds) * max(speeds)), max(max(speeds) / min(speeds), 3.0) ** 0.5
        shares = [percent_of(point) for point in points] or [100.0]
        least = max(0.0, min(math.floor(min(shares) / 10) * 10 - 5, 85.0))
        return cls(area, middle / half / 1.6, middle * half * 1.6, least, 100.0 + (100 - least) / 12)

    def place(self, point: Point) -> tuple[float, float]:
        """Return where a point is."""
        return self.across(max(point.speed, 1e-3)), self.up(percent_of(point))

    def across(self, speed: float) -> float:
        """Return where a speed is."""
        share = math.log(speed / self.slowest) / math.log(self.quickest / self.slowest)
        return self.area.x + share * self.area.width

    def up(self, percent: float) -> float:
        """Return where an accuracy is."""
        return self.area.y + (self.most - percent) / (self.most - self.least) * self.area.height

    def speeds(self) -> Iterator[float]:
        """Yield the ticks of the axis of speed: 1, 2, 5, 10, ..., or only 1, 10, 100, ... where these are many."""
        steps = (1, 2, 5) if self.quickest / self.slowest < 300 else (1,)
        powers = range(math.floor(math.log10(self.slowest)), math.ceil(math.log10(self.quickest)) + 1)
        yield from (
            at for power in powers for step in steps if self.slowest <= (at := step * 10.0**power) <= self.quickest
        )

    def percents(self) -> Iterator[float]:
        """Yield the ticks of the axis of accuracy."""
        step = next(step for step in (2, 5, 10, 20) if (100 - self.least) / step <= 6)
        yield from (float(at) for at in range(0, 101, step) if at >= self.least)


def percent_of(point: Point) -> float:
    """Return the accuracy in percent; more errors than words count as none right."""
    return min(100.0, max(0.0, 100 * point.accuracy))


def _axes(scale: Scale, across: str, up: str) -> Iterator[str]:
    area = scale.area
    left, right, bottom = area.x, area.x + area.width, area.y + area.height
    for percent in scale.percents():
        y = scale.up(percent)
        yield f'<line class="grid" x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{left - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{percent:g} %</text>'
    for speed in scale.speeds():
        x = scale.across(speed)
        kind = "now" if speed == 1 else "grid"
        yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{area.y:.1f}" y2="{bottom:.1f}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{speed:g}x</text>'
    yield f'<text class="axis" x="{right:.1f}" y="{bottom + 38:.1f}" text-anchor="end">{escape(across)}</text>'
    yield f'<text class="axis" x="{left:.1f}" y="{area.y - 4:.1f}">{escape(up)}</text>'


def _mark(point: Point, dot: Dot) -> str:
    title = f"<title>{escape(point.label)}: {100 * point.accuracy:.1f} %, {point.speed:.3g}x {_memory(point)}</title>"
    if point.square:
        side = dot.radius * math.sqrt(math.pi)  # of the same area as the circle
        corner = f'x="{dot.x - side / 2:.1f}" y="{dot.y - side / 2:.1f}"'
        return f'<rect class="mark square" {corner} width="{side:.1f}" height="{side:.1f}" rx="2">{title}</rect>'
    return f'<circle class="mark" cx="{dot.x:.1f}" cy="{dot.y:.1f}" r="{dot.radius:.1f}">{title}</circle>'


def _label(box: Box, lines: tuple[str, str]) -> str:
    first, second = lines
    text = f'<text class="label" x="{box.x:.1f}" y="{box.y + 12:.1f}">{escape(first)}</text>'
    return text + (f'<text class="tick" x="{box.x:.1f}" y="{box.y + LINE + 11:.1f}">{second}</text>' if second else "")


def _leader(dot: Dot, box: Box) -> str:
    """Return the line from a mark to a label that is not beside it."""
    if distance_to(dot, box) < dot.radius + LINE:
        return ""
    x, y = nearest_point(dot, box)
    return f'<line class="leader" x1="{dot.x:.1f}" y1="{dot.y:.1f}" x2="{x:.1f}" y2="{y:.1f}"/>'


def _radius(point: Point, most: int, largest: float) -> float:
    """Return the radius of a mark whose area goes by memory; never too small to be seen."""
    share = (point.memory or 0) / most if most else 0.0
    return max(4.0, largest * math.sqrt(share))


def _memory(point: Point) -> str:
    return "" if point.memory is None else f"{point.memory / 1e6:.0f} MB"


def _shortened(label: str, longest: int) -> str:
    """Return a label, or as much of its end as fits into some cells: the end of a path says most."""
    if cells(label) <= longest:
        return label
    return next(f"…{label[at:]}" for at in range(1, len(label) + 1) if cells(label[at:]) < longest)
