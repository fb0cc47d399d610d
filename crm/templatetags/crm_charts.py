"""Charts as inline SVG."""

from __future__ import annotations

from typing import Any

from django import template

from crm.reports.chart import Chart

register = template.Library()


@register.inclusion_tag("crm/reports/_chart.html")
def chart(shown: Chart) -> dict[str, Any]:
    """Draw a chart, for wide screens and for phones, with its legend."""
    return {"chart": shown}
