"""A bar chart of a figure per day, as shapes for an inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from customers.formats import number, short_day

#: The classes of the parts of a bar, from the bottom up.
SERIES = ("cl-b1", "cl-b2", "cl-b5", "cl-bx")

_LEFT, _TOP, _BOTTOM, _HEIGHT = 48, 14, 190, 220
_LINES = 4
_LABEL_WIDTH = 72


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBar:
    """A day: the parts of its bar from the bottom up, each (class, figure), and what it says."""

    day: date
    parts: Sequence[tuple[str, Decimal]]
    title: str

    @property
    def total(self) -> Decimal:
        return sum((amount for _, amount in self.parts), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A rectangle of a bar. Numbers are texts with a decimal point, whatever the user's language."""

    x: str
    y: str
    width: str
    height: str
    css: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A text at a place, and for grid lines the line."""

    x: str
    y: str
    text: str


@dataclass(slots=True, kw_only=True)
class Chart:
    """What the SVG shows. `pace` is the height of the line of an even pace, `reset` the place of the last reset."""

    width: int
    grid: list[Mark] = field(default_factory=list)
    bars: list[Shape] = field(default_factory=list)
    labels: list[Mark] = field(default_factory=list)
    reset_x: str = ""
    pace_y: str = ""
    pace_from: str = ""
    pace: str = ""


def chart_of(
    days: Sequence[DayBar], width: int, reset: date | None = None, pace: Decimal | None = None
) -> Chart:
    """The chart of these days in a drawing of this width. `pace` per day is shown since the day `reset`."""
    chart = Chart(width=width)
    top = _rounded_up(max([*(each.total for each in days), pace or Decimal(0), Decimal(1)]))
    for line in range(_LINES + 1):
        value = top * line / _LINES
        chart.grid.append(Mark(x=str(_LEFT - 8), y=_text(_y(value, top)), text=short_number(value)))
    step = Decimal(width - _LEFT) / max(len(days), 1)
    every = max(1, int(_LABEL_WIDTH / step) + 1)
    for place, each in enumerate(days):
        x = _LEFT + step * place
        base = Decimal(0)
        for css, amount in each.parts:
            if amount <= 0:
                continue
            y = _y(base + amount, top)
            chart.bars.append(
                Shape(
                    x=_text(x + step / 8),
                    y=_text(y),
                    width=_text(step * 3 / 4),
                    height=_text(_y(base, top) - y),
                    css=css,
                    title=each.title,
                )
            )
            base += amount
        if place % every == 0:
            chart.labels.append(Mark(x=_text(x + step / 2), y="208", text=short_day(each.day)))
        if each.day == reset and place:
            chart.reset_x = _text(x)
    if pace is not None and pace > 0:
        chart.pace_y, chart.pace = _text(_y(pace, top)), short_number(pace)
        chart.pace_from = chart.reset_x or str(_LEFT)
    return chart


def _y(value: Decimal, top: Decimal) -> Decimal:
    return _BOTTOM - (_BOTTOM - _TOP) * value / top


def _rounded_up(value: Decimal) -> Decimal:
    """The next 1, 2, 4 or 8 times a power of ten: its quarters are round too."""
    power = Decimal(10) ** value.adjusted()
    return next(power * factor for factor in (1, 2, 4, 8, 10) if power * factor >= value)


def _text(value: Decimal) -> str:
    return f"{value:.1f}"


def short_number(value: Decimal) -> str:
    """`7,500`, `200K`, `1.5M`: room for at most seven characters."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**5, "K")):
        if value >= size:
            return f"{number((value / (1000 if unit == 'K' else size)).quantize(Decimal('0.1')))}{unit}"
    return number(
        value.quantize(Decimal(1))
        if value >= 100 or value == value.to_integral_value()
        else value.quantize(Decimal("0.01"))
    )


def title_of(day: date, amount: Decimal) -> str:
    """`Nov 19: 9,120`."""
    return f"{short_day(day)}: {number(amount)}"
