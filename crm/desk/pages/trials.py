"""Trials of customers that share a device, a company domain or a payment method."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.dedupe.duplicates.trials import SharedTrials, shared_trials
from crm.dedupe.merges.plan import PERMISSION
from crm.desk.sheets.merge import MOST, merge_url
from customers.formats import counted, customer_url
from customers.models import Environment

_SEE = ("customers.view_customer", "billing.view_trialused")
_PAGE = 25
#: How many customers of one card are listed.
_SHOWN = 10


def trials_page(request: HttpRequest) -> HttpResponse:
    """Customers with trials that share something, in one environment."""
    if not request.user.has_perms(_SEE):
        raise PermissionDenied
    given = request.GET.get("env", "")
    env = given if given in Environment.values else Environment.LIVE.value
    page = Paginator(shared_trials(env), _PAGE).get_page(request.GET.get("page"))
    may_merge = request.user.has_perm(PERMISSION)
    url = reverse("desk-trials")
    context = {
        **admin.site.each_context(request),
        "title": "Shared trials",
        "scopes": [(words, f"{url}?env={value}", value == env) for value, words in Environment.choices],
        "env": env,
        "in_all": counted(page.paginator.count, "match", "matches"),
        "page": page,
        "shared": [_shown(each, may_merge=may_merge) for each in page],
    }
    return TemplateResponse(request, "crm/desk/trials.html", context)


def _shown(shared: SharedTrials, *, may_merge: bool) -> dict[str, Any]:
    keys = [taker.customer for taker in shared.takers]
    return {
        "what": shared.what,
        "count": len(keys),
        "takers": [
            (taker, customer_url(taker.customer), ", ".join(taker.plans)) for taker in shared.takers[:_SHOWN]
        ],
        "more": max(0, len(keys) - _SHOWN),
        "merge_url": merge_url(keys) if may_merge and len(keys) <= MOST else "",
    }
