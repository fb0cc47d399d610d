"""Charts as inline SVG: bars that stack above and below zero, or lines. Floats are for drawing only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_WIDE, _NARROW = 1100, 350
#: A phone shows the last columns only.
_NARROW_COLUMNS = 6
_HEIGHT, _TOP, _BOTTOM = 220, 14, 190
_LABEL_Y = 208
_LETTER = 6.6
_WIDEST_BAR = 34
_LINES = 5
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """A name, the class of its color (`cl-b1` to `cl-b4`), and a value for each label; None: no point."""

    name: str
    color: str
    values: Sequence[int | Decimal | None]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What one SVG has. `css` shows it on a wide screen or on a phone."""

    css: str
    width: int
    left: float
    grid: Sequence[tuple[float, float, str]]
    labels: Sequence[tuple[float, str]]
    bars: Sequence[tuple[str, float, float, float, float, str]]
    lines: Sequence[tuple[str, str]]
    points: Sequence[tuple[str, float, float, str]]
    height: int = _HEIGHT
    label_y: int = _LABEL_Y


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Values of series by label. `sentence` says what it shows to those who don't see it."""

    sentence: str
    labels: Sequence[str]
    series: Sequence[ChartSeries]
    text_of: Callable[[Any], str]
    tick_text: Callable[[Any], str]
    is_lines: bool = False

    @property
    def legend(self) -> Sequence[tuple[str, str]]:
        """Color and name of each series; none for a single one."""
        return [(each.color, each.name) for each in self.series] if len(self.series) > 1 else []

    @property
    def drawings(self) -> Sequence[Drawing]:
        """The chart for a wide screen and for a phone."""
        return [
            self._drawn("cl-only-d", _WIDE, len(self.labels)),
            self._drawn("cl-only-m", _NARROW, _NARROW_COLUMNS),
        ]

    def _drawn(self, css: str, width: int, most: int) -> Drawing:
        first = max(0, len(self.labels) - most)
        labels = self.labels[first:]
        shown = [(each, list(each.values[first:])) for each in self.series]
        ticks = _ticks(*self._bounds([values for _, values in shown], len(labels)))
        texts = [self.tick_text(Decimal(str(tick))) for tick in ticks]
        left = max(44.0, max(map(len, texts)) * _LETTER + 12)
        low, high = ticks[0], ticks[-1]

        def y_of(value: float) -> float:
            return round(_BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP), 1)

        step = (width - left) / max(1, len(labels))
        middles = [round(left + step * (place + 0.5), 1) for place in range(len(labels))]
        bars: list[Any] = []
        lines: list[Any] = []
        points: list[Any] = []
        if self.is_lines:
            for each, values in shown:
                at = [
                    (x, y_of(float(value)), f"{label}, {each.name}: {self.text_of(value)}")
                    for x, value, label in zip(middles, values, labels, strict=True)
                    if value is not None
                ]
                lines.append((each.color, " ".join(f"{x},{y}" for x, y, _ in at)))
                points += [(each.color, *point) for point in at]
        else:
            bar = round(min(_WIDEST_BAR, step * 0.7), 1)
            for place, label in enumerate(labels):
                bars += self._column(label, [(s, v[place]) for s, v in shown], middles[place], bar, y_of)
        return Drawing(
            css=css,
            width=width,
            left=round(left, 1),
            grid=[(y_of(tick), y_of(tick) + 4, text) for tick, text in zip(ticks, texts, strict=True)],
            labels=list(zip(middles, labels, strict=True))[:: _every(labels, step)],
            bars=bars,
            lines=lines,
            points=points,
        )

    def _column(
        self,
        label: str,
        values: Sequence[tuple[ChartSeries, int | Decimal | None]],
        middle: float,
        bar: float,
        y_of: Callable[[float], float],
    ) -> list[tuple[str, float, float, float, float, str]]:
        """The stacked bars of one label: color, x, y, width, height, title."""
        found = []
        above = below = 0.0
        for each, value in values:
            if not value:
                continue
            start = above if value > 0 else below
            end = start + float(value)
            above, below = (end, below) if value > 0 else (above, end)
            top = min(y_of(start), y_of(end))
            height = round(max(1.0, abs(y_of(start) - y_of(end))), 1)
            title = f"{label}, {each.name}: {self.text_of(value)}"
            found.append((each.color, round(middle - bar / 2, 1), top, bar, height, title))
        return found

    def _bounds(self, values: Sequence[Sequence[Any]], count: int) -> tuple[float, float]:
        if self.is_lines:
            known = [float(value) for each in values for value in each if value is not None]
            return min(known, default=0.0), max(known, default=0.0)
        columns = [[float(each[place] or 0) for each in values] for place in range(count)]
        low = min((sum(value for value in column if value < 0) for column in columns), default=0.0)
        high = max((sum(value for value in column if value > 0) for column in columns), default=0.0)
        return min(low, 0.0), max(high, 0.0)


def _ticks(low: float, high: float) -> list[float]:
    """At most `_LINES` round values that contain both bounds."""
    if high <= low:
        high = low + 1
    power = 10.0 ** math.floor(math.log10((high - low) / _LINES))
    while True:
        for nice in _NICE:
            step = nice * power
            first, last = math.floor(low / step), math.ceil(high / step)
            if last - first < _LINES:
                return [round(place * step, 12) for place in range(first, last + 1)]
        power *= 10


def _every(labels: Sequence[str], step: float) -> int:
    """Every how many labels one fits."""
    widest = max((len(label) for label in labels), default=1) * _LETTER + 8
    return max(1, math.ceil(widest / step))
