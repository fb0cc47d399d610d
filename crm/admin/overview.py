"""From a customer's form to its page, and to its timeline."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action

from customers.admin import CustomerAdmin


@action(description="Overview", url_path="overview", permissions=["overview"], icon="contact_page")
def overview(model_admin: CustomerAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Everything about the customer on one page."""
    return HttpResponseRedirect(reverse("desk-customer", args=[unquote(object_id)]))


def may_see_overview(model_admin: CustomerAdmin, request: HttpRequest, object_id: Any = None) -> bool:
    """Whoever may see customers."""
    return model_admin.has_view_permission(request)


@action(description="Timeline", url_path="timeline", permissions=["timeline"], icon="history")
def timeline(model_admin: CustomerAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Everything that happened to the customer."""
    return HttpResponseRedirect(reverse("desk-timeline", args=[unquote(object_id)]))
