"""API tokens in the admin: the secret is shown once, when the token is made."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.decorators import display

from customers import clock
from customers.admin.base import RecordAdmin
from customers.formats import BAD, GOOD, PLAIN
from customers.models import ApiToken

_STATES = {"Usable": GOOD, "Expired": PLAIN, "Revoked": BAD}


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    """Tokens that let a program read the JSON documents."""

    list_display = ("name", "state", "created_at", "expires_at", "revoked_at")
    search_fields = ("name",)
    sortable_by = ("name", "created_at", "expires_at")
    actions = ("revoke",)
    readonly_fields = ("id", "created_at", "revoked_at")
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "expires_at", "revoked_at", "created_at", "id"),
                "description": "The secret is shown once, when the token has been made. Only its digest is kept.",
            },
        ),
    )

    @display(description="state", label=_STATES)
    def state(self, token: ApiToken) -> str:
        """Whether the token opens the door now."""
        if token.revoked_at is not None:
            return "Revoked"
        is_over = token.expires_at is not None and token.expires_at <= clock.now()
        return "Expired" if is_over else "Usable"

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save; a new token's secret is shown, once."""
        if change:
            super().save_model(request, obj, form, change)
            return
        issued, secret = ApiToken.issue(obj.name, expires_at=obj.expires_at)
        obj.pk, obj.digest, obj.created_at = issued.pk, issued.digest, issued.created_at
        obj._state.adding = False
        self.message_user(
            request,
            f"The secret of “{obj.name}” is {secret}. Copy it now: it is not kept and cannot be shown again.",
            messages.WARNING,
        )

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Let the chosen tokens open nothing from now on."""
        count = queryset.filter(revoked_at=None).update(revoked_at=clock.now())
        self.message_user(request, f"Revoked: {count}. They open nothing any more.", messages.SUCCESS)
