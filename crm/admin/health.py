"""The history of health scores in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import HealthScore
from customers.admin.base import ReadOnlyAdmin, Row, YesNo
from customers.admin.filters import DaysFilter
from customers.formats import text_of


@admin.register(HealthScore)
class HealthScoreAdmin(ReadOnlyAdmin):
    """Health scores. Each holds from its day until the customer's next one."""

    list_display = (text_of("customer"), "score", "day", "is_latest")
    list_filter = (("is_latest", YesNo), ("day", DaysFilter), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("id",)
    sortable_by = ("score", "day")
    fields = ("customer", "score", "day", "at", "shown_parts", "is_latest", "id")
    readonly_fields = ("shown_parts",)

    @display(description="signals")
    def shown_parts(self, health: HealthScore) -> SafeString | str:
        """Each signal with its points and its sentence."""
        lines = (
            (part["name"], _points(part), part["words"]) for part in health.parts if isinstance(part, dict)
        )
        return format_html_join("", "<div>{}: {}. {}</div>", lines) or "-"


def _points(part: dict[str, Any]) -> str:
    return "no data" if part["points"] is None else f"{part['points']} of {part['most']}"
