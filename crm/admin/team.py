"""Teams in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import Team
from customers.admin.base import RecordAdmin
from customers.formats import long_text, user_name, when


@admin.register(Team)
class TeamAdmin(RecordAdmin):
    """Teams of users that share customers."""

    list_display = ("shown_name", "people")
    search_fields = ("name",)
    sortable_by = ("shown_name",)
    filter_horizontal = ("members",)
    deletable = True
    readonly_fields = ("changed", "id")
    fields = ("name", "members", "changed", "id")

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

    @display(description="last change")
    def changed(self, team: Team) -> SafeString | str:
        """`Max Mwangi, 2 h ago`; empty for a team that no page has changed."""
        entries = LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(Team), object_id=team.pk
        )
        last = entries.select_related("user").order_by("-action_time", "-pk").first()
        if last is None:
            return ""
        return format_html('<span dir="auto">{}</span>, {}', user_name(last.user), when(last.action_time))
