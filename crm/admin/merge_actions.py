"""The action on a customer's form that opens the merge page."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action

from crm.dedupe.merges.plan import PERMISSION
from crm.desk.sheets.merge import merge_url
from customers.admin import CustomerAdmin


@action(description="Merge with …", url_path="merge", permissions=["merge_with"], icon="call_merge")
def merge_with(model_admin: CustomerAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Open the merge page, which asks for the other customer."""
    return HttpResponseRedirect(merge_url([unquote(object_id)]))


def may_merge(model_admin: CustomerAdmin, request: HttpRequest, object_id: Any = None) -> bool:
    return request.user.has_perm(PERMISSION)
