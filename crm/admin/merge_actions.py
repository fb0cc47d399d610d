"""From a customer's form, and from the list of customers, to the page that sets them side by side."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action

from crm.dedupe.merges.plan import PERMISSION
from crm.desk.pages.merge import MOST, merge_url
from customers.admin import CustomerAdmin
from customers.models.customer import CustomerQuerySet


@action(description="Merge with …", url_path="merge", permissions=["merge_with"], icon="call_merge")
def merge_with(model_admin: CustomerAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """To the page that asks for the other."""
    return HttpResponseRedirect(merge_url([unquote(object_id)]))


@admin.action(description="Merge …", permissions=["merge_chosen"])
def merge_chosen(
    model_admin: CustomerAdmin, request: HttpRequest, queryset: CustomerQuerySet
) -> HttpResponse | None:
    """Set the chosen ones side by side, and show what merging them would do."""
    keys = list(queryset.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if 1 < len(keys) <= MOST:
        return HttpResponseRedirect(merge_url(keys))
    words = f"Choose from 2 to {MOST} customers to merge: one page sets no more side by side."
    model_admin.message_user(request, words, messages.WARNING)
    return None


def may_merge(model_admin: CustomerAdmin, request: HttpRequest, object_id: Any = None) -> bool:
    """Whoever may merge."""
    return request.user.has_perm(PERMISSION)
