"""Actions that open the merge page, on a customer's form and in the list of customers."""

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
    """Open the merge page, which asks for the other customer."""
    return HttpResponseRedirect(merge_url([unquote(object_id)]))


@admin.action(description="Merge …", permissions=["merge_chosen"])
def merge_chosen(
    model_admin: CustomerAdmin, request: HttpRequest, queryset: CustomerQuerySet
) -> HttpResponse | None:
    """Open the merge page with the selected customers."""
    keys = list(queryset.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if 1 < len(keys) <= MOST:
        return HttpResponseRedirect(merge_url(keys))
    words = f"Select 2 to {MOST} customers to merge."
    model_admin.message_user(request, words, messages.WARNING)
    return None


def may_merge(model_admin: CustomerAdmin, request: HttpRequest, object_id: Any = None) -> bool:
    return request.user.has_perm(PERMISSION)
