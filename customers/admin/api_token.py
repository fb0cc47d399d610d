"""API tokens in the admin. The secret is shown once, on the page that follows the form."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from customers import clock
from customers.admin.base import RecordAdmin
from customers.admin.forms import RecordForm
from customers.audit.record import audit
from customers.formats import BAD, GOOD, PLAIN, counted
from customers.logs import log_event
from customers.models import ApiToken, AuditAction
from customers.models.api_token import TokenScope

_STATES = {"Active": GOOD, "Expired": PLAIN, "Owner inactive": BAD, "Revoked": BAD}


class ApiTokenForm(RecordForm):
    """A token."""

    scopes = forms.MultipleChoiceField(
        label="May read",
        choices=TokenScope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="The token never reads more than its owner may.",
    )


@admin.register(ApiToken)
class ApiTokenAdmin(RecordAdmin):
    """Tokens that let programs read the JSON documents."""

    form = ApiTokenForm
    list_display = ("name", "state", "owner", "last_used_at", "expires_at")
    list_select_related = ("owner",)
    search_fields = ("name",)
    sortable_by = ("name", "last_used_at", "expires_at")
    actions = ("take_over", "revoke")
    readonly_fields = ("id", "owner", "created_at", "last_used_at", "revoked_at")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "scopes",
                    "env",
                    "expires_at",
                    "owner",
                    "last_used_at",
                    "revoked_at",
                    "created_at",
                    "id",
                ),
                "description": "You see the secret of a token once, after you create it.",
            },
        ),
    )

    @display(description="status", label=_STATES)
    def state(self, token: ApiToken) -> str:
        """Whether requests with the token are accepted now."""
        if token.revoked_at is not None:
            return "Revoked"
        if token.expires_at is not None and token.expires_at <= clock.now():
            return "Expired"
        return "Active" if token.owner is None or token.owner.is_active else "Owner inactive"

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save; a new token gets its secret, which `response_add` shows."""
        if change:
            super().save_model(request, obj, form, change)
            log_event("token_changed", token=str(obj.pk), by=request.user.pk)
            _audit(request, obj, "changed")
            return
        issued, obj.new_secret = ApiToken.issue(
            obj.name, obj.expires_at, scopes=obj.scopes, env=obj.env, owner=cast("User", request.user)
        )
        _audit(request, issued, "created")
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

    @admin.action(description="Take over tokens", permissions=["change"])
    def take_over(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Make the user the owner of the chosen tokens, such as those of a colleague who leaves."""
        with transaction.atomic():
            others = queryset.exclude(owner=request.user.pk)
            taken = list(others.filter(revoked_at=None))
            for token in taken:
                _audit(request, token, "taken over")
            ApiToken.objects.filter(pk__in=[token.pk for token in taken]).update(owner=request.user.pk)
        log_event("tokens_taken_over", tokens=len(taken), by=request.user.pk)
        self.message_user(request, f"Took over {counted(len(taken), 'token')}.", messages.SUCCESS)

    @admin.action(description="Revoke tokens", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """Refuse requests with the chosen tokens from now on."""
        with transaction.atomic():
            active = queryset.filter(revoked_at=None)
            for token in active:
                _audit(request, token, "revoked")
            count = active.update(revoked_at=clock.now())
        log_event("tokens_revoked", tokens=count, by=request.user.pk)
        self.message_user(request, f"Revoked {counted(count, 'token')}.", messages.SUCCESS)


def _audit(request: HttpRequest, token: ApiToken, verb: str) -> None:
    audit(
        AuditAction.TOKEN_CHANGED,
        subject=str(token.pk),
        by=request.user,
        verb=verb,
        scopes=token.scopes,
        env=token.env,
    )
