"""API tokens in the admin. The secret is shown once, on the page that follows the form."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from customers import clock
from customers.admin.base import RecordAdmin
from customers.audit.record import audit
from customers.formats import BAD, GOOD, PLAIN, counted
from customers.logs import log_event
from customers.models import ApiToken, AuditAction

_STATES = {"Active": GOOD, "Expired": PLAIN, "Revoked": BAD}


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    """Tokens that let programs read the JSON documents."""

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
                "description": "You see the secret of a token once, after you create it.",
            },
        ),
    )

    @display(description="status", label=_STATES)
    def state(self, token: ApiToken) -> str:
        """Whether requests with the token are accepted now."""
        if token.revoked_at is not None:
            return "Revoked"
        is_over = token.expires_at is not None and token.expires_at <= clock.now()
        return "Expired" if is_over else "Active"

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save; a new token gets its secret, which `response_add` shows."""
        if change:
            super().save_model(request, obj, form, change)
            log_event("token_changed", token=str(obj.pk), by=request.user.pk)
            audit(AuditAction.TOKEN_CHANGED, subject=str(obj.pk), by=request.user, verb="changed")
            return
        issued, obj.new_secret = ApiToken.issue(obj.name, expires_at=obj.expires_at)
        audit(AuditAction.TOKEN_CHANGED, subject=str(issued.pk), by=request.user, verb="created")
        obj.pk, obj.digest, obj.created_at = issued.pk, issued.digest, issued.created_at
        obj._state.adding = False

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page with the secret. A message after a redirect would put the secret into a cookie."""
        return TemplateResponse(
            request,
            "customers/secret.html",
            {
                **self.admin_site.each_context(request),
                "title": f"Created “{obj.name}”",
                "opts": self.opts,
                "use": format_html(
                    "Programs send it in the header <code>{}</code>", "Authorization: Bearer …"
                ),
                "secret": obj.new_secret,
                "list_url": reverse("admin:customers_apitoken_changelist"),
            },
        )

    @admin.action(description="Revoke tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Refuse requests with the chosen tokens from now on."""
        with transaction.atomic():
            active = queryset.filter(revoked_at=None)
            for token in active:
                audit(AuditAction.TOKEN_CHANGED, subject=str(token.pk), by=request.user, verb="revoked")
            count = active.update(revoked_at=clock.now())
        log_event("tokens_revoked", tokens=count, by=request.user.pk)
        self.message_user(request, f"Revoked {counted(count, 'token')}.", messages.SUCCESS)
