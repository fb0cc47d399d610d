"""Teams in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import Team
from customers.admin.base import RecordAdmin
from customers.formats import long_text


@admin.register(Team)
class TeamAdmin(RecordAdmin):
    """Teams of users that share customers."""

    list_display = ("shown_name", "people")
    search_fields = ("name",)
    sortable_by = ("shown_name",)
    filter_horizontal = ("members",)
    deletable = True
    readonly_fields = ("id",)
    fields = ("name", "members", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Annotate the number of members."""
        found: QuerySet[Any] = super().get_queryset(request).annotate(size=Count("members"))
        return found

    @display(description="name", ordering="name")
    def shown_name(self, team: Team) -> SafeString | str:
        """The name."""
        return long_text(team.name)

    @display(description="members")
    def people(self, team: Any) -> int:
        """The number of members."""
        size: int = team.size
        return size
