"""Webhooks in the admin: endpoints, with a secret that is shown once, and deliveries, which can be sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from crm.models import WebhookDelivery, WebhookEndpoint
from crm.webhooks.deliveries import TEST, queue_message, send_again
from crm.webhooks.post import problem_with
from crm.webhooks.signature import secret_of
from customers.admin.base import Choices, ReadOnlyAdmin, RecordAdmin, Row
from customers.admin.filters import DaysFilter
from customers.admin.forms import RecordForm
from customers.formats import (
    BAD,
    GOOD,
    PLAIN,
    WAITING,
    badge,
    column_of,
    counted,
    link_out,
    long_text,
    moment,
    preformatted,
)
from customers.logs import log_event
from customers.models import EventKind

_STATES = {"Active": GOOD, "Paused": PLAIN}
_STATUSES = {"Waiting": WAITING, "Delivered": GOOD, "Failed": BAD}


class WebhookForm(RecordForm):
    """A webhook."""

    url = forms.CharField(
        label="URL",
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="Events are posted to this address.",
    )
    events = forms.MultipleChoiceField(
        choices=EventKind.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Only these are sent.",
    )

    def clean_url(self) -> str:
        """Refuse addresses to which nothing may be sent."""
        url = str(self.cleaned_data["url"])
        if problem := problem_with(url):
            raise forms.ValidationError(problem)
        return url


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(RecordAdmin):
    """Where events are sent."""

    form = WebhookForm
    list_display = ("shown_name", "shown_url", "state", "created_at")
    search_fields = ("name",)
    sortable_by = ("shown_name", "created_at")
    actions = ("send_test", "replace_secret")
    deletable = True
    readonly_fields = ("id", "created_at", "created_by")
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "url", "events", "is_paused", "created_at", "created_by", "id"),
                "description": "You see the secret of a webhook once, after you create it.",
            },
        ),
    )

    @display(description="name", ordering="name")
    def shown_name(self, endpoint: WebhookEndpoint) -> SafeString | str:
        """The name."""
        return long_text(endpoint.name)

    @display(description="URL")
    def shown_url(self, endpoint: WebhookEndpoint) -> SafeString | str:
        """The address."""
        return long_text(endpoint.url)

    @display(description="status", label=_STATES)
    def state(self, endpoint: WebhookEndpoint) -> str:
        """Whether events are sent."""
        return "Paused" if endpoint.is_paused else "Active"

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save, and log who did it."""
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)
        log_event("webhook_changed" if change else "webhook_added", webhook=str(obj.pk), by=request.user.pk)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page with the secret. A message after a redirect would put the secret into a cookie."""
        return self._secret_page(request, obj, f"Created “{obj.name}”")

    @admin.action(description="Send test event", permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Queue a test event for each chosen webhook that is not paused."""
        found = list(queryset.filter(is_paused=False))
        for endpoint in found:
            queue_message(endpoint, TEST, {})
        sent = counted(len(found), "test event")
        self.message_user(request, f"Sent {sent}. Webhook deliveries shows the responses.", messages.SUCCESS)

    @admin.action(description="Replace secret", permissions=["change"])
    def replace_secret(
        self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]
    ) -> HttpResponse | None:
        """Give one webhook another secret, and show it."""
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one webhook to replace its secret.", messages.ERROR)
            return None
        [endpoint] = chosen
        endpoint.secret_version += 1
        endpoint.save(update_fields=["secret_version"])
        log_event("webhook_secret_replaced", webhook=str(endpoint.pk), by=request.user.pk)
        return self._secret_page(request, endpoint, f"New secret of “{endpoint.name}”")

    def _secret_page(self, request: HttpRequest, endpoint: WebhookEndpoint, title: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "secret": secret_of(endpoint),
            "use": format_html(
                "The receiver verifies signatures with it, as {} describes.",
                link_out("https://www.standardwebhooks.com", "Standard Webhooks"),
            ),
            "list_url": reverse("admin:crm_webhookendpoint_changelist"),
        }
        return TemplateResponse(request, "customers/secret.html", context)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """Messages to webhooks, and what became of each."""

    list_display = (
        "kind",
        column_of("endpoint"),
        "shown_status",
        "attempts",
        "response_status",
        "made_at",
        "next_attempt",
        "shown_error",
    )
    list_filter = (("status", Choices), ("endpoint", Row), ("made_at", DaysFilter))
    list_select_related = ("endpoint",)
    search_fields = ("message_id__exact",)
    search_help_text = "Enter a complete message ID."
    sortable_by = ("made_at",)
    actions = ("send_again",)
    change_form_outer_before_template = "crm/webhook_send_again.html"
    fields = (
        "kind",
        "endpoint",
        "shown_status",
        "shown_log",
        "next_attempt",
        "response_status",
        "shown_response",
        "shown_body",
        "message_id",
        "made_at",
        "delivered_at",
        "id",
    )
    readonly_fields = ("shown_status", "shown_log", "next_attempt", "shown_response", "shown_body")

    @display(description="status", ordering="status")
    def shown_status(self, delivery: WebhookDelivery) -> SafeString:
        """The status."""
        return badge(delivery.get_status_display(), _STATUSES)

    @display(description="next attempt")
    def next_attempt(self, delivery: WebhookDelivery) -> SafeString | str:
        """When it is sent again, if it is."""
        return moment(delivery.next_at) if delivery.status == WebhookDelivery.Status.WAITING else "-"

    @display(description="problem")
    def shown_error(self, delivery: WebhookDelivery) -> SafeString | str:
        """Why the last attempt failed."""
        return long_text(delivery.error)

    @display(description="attempts")
    def shown_log(self, delivery: WebhookDelivery) -> SafeString | str:
        """The moment and the result of each attempt."""
        attempts = ((moment(datetime.fromisoformat(at)), result) for at, result in delivery.log)
        lines = format_html_join("", "<li>{}: {}</li>", attempts)
        return format_html("<ol>{}</ol>", lines) if delivery.log else "-"

    @display(description="response text")
    def shown_response(self, delivery: WebhookDelivery) -> SafeString:
        """The start of the last response."""
        return preformatted(delivery.response_text)

    @display(description="sent")
    def shown_body(self, delivery: WebhookDelivery) -> SafeString:
        """What is sent."""
        return preformatted(delivery.body)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        """Whether the user may send deliveries again."""
        return request.user.has_perm("crm.change_webhookdelivery")

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Send the chosen deliveries again."""
        count = send_again(queryset)
        self.message_user(request, f"Sent {counted(count, 'message')} again.", messages.SUCCESS)
