"""Charts: round grid lines, bars that stack on both sides of zero, and what a phone shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.reports.chart import Chart, ChartSeries, _ticks

pytestmark = pytest.mark.once


def chart(*values: list[int], is_lines: bool = False) -> Chart:
    return Chart(
        sentence="Figures by month.",
        labels=[f"M{place}" for place in range(len(values[0]))],
        series=[ChartSeries(f"S{place}", "cl-b1", each) for place, each in enumerate(values)],
        text_of=str,
        tick_text=str,
        is_lines=is_lines,
    )


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12))
def test_at_most_five_lines_contain_all_values(low: int, span: int) -> None:
    ticks = _ticks(low, low + span)
    assert len(ticks) <= 5
    assert ticks[0] <= low
    assert low + span <= ticks[-1]


def test_bars_stack_above_and_below_zero() -> None:
    drawing, _ = chart([100], [50], [-50]).drawings
    zero = next(y for y, _, text in drawing.grid if float(text) == 0)
    first, second, third = drawing.bars
    # The first stands on the line, the second on the first, and the third hangs below the line.
    assert first[2] + first[4] == pytest.approx(zero, abs=0.2)
    assert second[2] + second[4] == pytest.approx(first[2], abs=0.2)
    assert third[2] == pytest.approx(zero, abs=0.2)
    assert first[4] == pytest.approx(2 * second[4], abs=0.3)


def test_a_phone_shows_the_last_columns() -> None:
    wide, narrow = chart(list(range(1, 13))).drawings
    assert (len(wide.bars), len(narrow.bars)) == (12, 6)
    assert narrow.labels[0][1] == "M6"


def test_nothing_and_zeros_are_drawn() -> None:
    assert [drawing.bars for drawing in chart([0, 0]).drawings] == [[], []]
    assert chart([], is_lines=True).drawings[0].points == []
