"""Buttons of a customer's form that open its page and its activity."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action

from customers.admin import CustomerAdmin
from customers.formats import customer_url


@action(description="Overview", url_path="overview", permissions=["overview"], icon="contact_page")
def overview(model_admin: CustomerAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    return HttpResponseRedirect(customer_url(unquote(object_id)))


def may_see_overview(model_admin: CustomerAdmin, request: HttpRequest, object_id: Any = None) -> bool:
    return model_admin.has_view_permission(request)


@action(description="Activity", url_path="timeline", permissions=["timeline"], icon="history")
def timeline(model_admin: CustomerAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("desk-timeline", args=[unquote(object_id)]))
