"""The page that moves the subscriptions of a plan to one of its versions, with their MRR before and after."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from billing.formats import money
from billing.models import Plan
from billing.revenue.move import move_subscriptions, revenue_of_move, to_move
from customers.formats import counted
from customers.sheets import found_row

#: How many subscriptions one press of the button moves, so that the page answers in time.
AT_A_TIME = 200
#: Refusals named on the page.
_MOST_NAMED = 5
PERMISSIONS = ("billing.view_plan", "billing.view_subscription", "billing.change_subscription")


@dataclass(frozen=True, slots=True)
class _Revenue:
    """The MRR of one currency, in words."""

    before: str
    after: str


def move_page(request: HttpRequest, site: UnfoldAdminSite, key: str) -> HttpResponse:
    """Show how many subscriptions would move and what that does to MRR; move them for those who press the button."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    version: Plan = found_row([Plan], key)
    count = to_move(version).count()
    before, after = revenue_of_move(version)
    if request.method == "POST":
        seen = request.POST.get("seen", "")
        if seen != _seen(count, before, after):
            messages.warning(request, "The subscriptions changed. Review and confirm again.")
        else:
            _move(request, version, at_once=request.POST.get("when") == "now")
        return HttpResponseRedirect(reverse("move-plan", args=[version.pk]))
    return TemplateResponse(
        request,
        "billing/move.html",
        {
            **site.each_context(request),
            "title": f"Move to {version}",
            "version": version,
            "count": count,
            "subscriptions": counted(count, "subscription"),
            "next": counted(min(count, AT_A_TIME), "subscription"),
            "revenue": [
                _Revenue(money(before.get(currency, 0), currency), money(after.get(currency, 0), currency))
                for currency in sorted({*before, *after})
            ],
            "seen": _seen(count, before, after),
        },
    )


def _move(request: HttpRequest, version: Plan, *, at_once: bool) -> None:
    by = request.user.get_username()
    moved, refused = 0, []
    for each in move_subscriptions(version, at_once=at_once, done_by=by):
        if each.refusal:
            refused.append(each)
        else:
            moved += 1
        if moved == AT_A_TIME:
            break
    when = "" if at_once else " They change at the end of their periods."
    if moved:
        messages.success(request, f"Moved {counted(moved, 'subscription')} to {version}.{when}")
    for each in refused[:_MOST_NAMED]:
        messages.error(request, f"Couldn't move {each.subscription}. {each.refusal}")
    if len(refused) > _MOST_NAMED:
        messages.error(
            request, f"{counted(len(refused) - _MOST_NAMED, 'more subscription')} couldn't be moved."
        )


def _seen(count: int, before: dict[str, int], after: dict[str, int]) -> str:
    return f"{count} {sorted(before.items())} {sorted(after.items())}"
