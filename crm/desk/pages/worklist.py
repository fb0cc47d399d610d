"""The worklist: accounts in the order in which they need attention, with the reasons, and what to decide of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate, make_aware

from billing.formats import money
from billing.revenue.monthly import revenue_of
from crm.desk.health.queries import scores_of
from crm.desk.scope import Scope
from crm.desk.worklist.decisions import ReasonGone, WrongDecision, decide
from crm.desk.worklist.queries import entries_of, reasons_by_entry
from crm.desk.worklist.refresh import WORKLIST
from crm.desk.worklist.rules import RULES
from crm.models import Decision, DeskRefresh, WorklistEntry, WorklistReason
from customers import clock
from customers.formats import moment
from customers.typed_ids import to_uuid

_SEE = ("customers.view_customer", "crm.view_worklistentry")
_DECIDE = "crm.change_worklistdecision"
_PAGE = 25
_LAST_PAGE = 10_000
_USUAL_SNOOZE = timedelta(days=7)
_LONGEST_SNOOZE = timedelta(days=3660)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistCard:
    """A card of the page."""

    entry: WorklistEntry
    reasons: Sequence[WorklistReason]
    revenue: str
    health: int | None


def worklist_page(request: HttpRequest) -> HttpResponse:
    """One page of the accounts that wait for somebody, in a fixed number of queries; a POST decides of one reason."""
    if not request.user.has_perms(_SEE):
        raise PermissionDenied
    if request.method == "POST":
        return _decided(request)
    scope = Scope.chosen(request.GET.get("scope"))
    offered = [rule for rule in RULES.values() if request.user.has_perm(rule.permission)]
    chosen = request.GET.get("rule", "")
    chosen = chosen if chosen in {rule.name for rule in offered} else ""
    number = _page_number(request.GET.get("page", ""))
    entries = entries_of(scope.owners(request.user), chosen)
    first = (number - 1) * _PAGE
    found = list(entries[first : first + _PAGE + 1])
    refreshed = DeskRefresh.objects.filter(name=WORKLIST).first()
    today = localdate(clock.now())
    context = {
        **admin.site.each_context(request),
        "title": "Worklist",
        "scopes": [(each.label, f"?{_query(request, scope=each.value)}", each is scope) for each in Scope],
        "scope": scope.value,
        "rules": offered,
        "rule": chosen,
        "means": RULES[chosen].means if chosen else "",
        "accounts": _accounts(found[:_PAGE], [rule.name for rule in offered]),
        "back": f"?{_query(request, page=number - 1)}" if number > 1 else "",
        "on": f"?{_query(request, page=number + 1)}" if len(found) > _PAGE else "",
        "number": number,
        "may_decide": request.user.has_perm(_DECIDE),
        "refreshed": moment(refreshed.finished_at) if refreshed and refreshed.finished_at else "",
        "snooze": (today + _USUAL_SNOOZE).isoformat(),
        "tomorrow": (today + timedelta(days=1)).isoformat(),
    }
    return TemplateResponse(request, "crm/desk/worklist.html", context)


def _accounts(entries: list[WorklistEntry], rules: Sequence[str]) -> list[WorklistCard]:
    keys = [str(entry.customer_id) for entry in entries]
    reasons = reasons_by_entry(entries, rules)
    revenue = revenue_of(keys)
    scores = scores_of(keys)
    return [
        WorklistCard(
            entry=entry,
            reasons=reasons[str(entry.pk)],
            revenue=", ".join(
                f"{money(each.mrr, currency)} a month" for currency, each in revenue.get(key, {}).items()
            ),
            health=scores.get(key),
        )
        for key, entry in zip(keys, entries, strict=True)
    ]


def _decided(request: HttpRequest) -> HttpResponse:
    """Decide of the reason that was posted; then show the same page again."""
    if not request.user.has_perm(_DECIDE):
        raise PermissionDenied
    try:
        decision = Decision(request.POST.get("decision", ""))
        reason_id = request.POST.get("reason", "")
        if to_uuid(reason_id, ("wlr",)) is None:
            raise ReasonGone("There is no such reason on the worklist.")
        written = decide(reason_id, decision, by=request.user, until=_until(request.POST.get("until", "")))
    except ValueError:
        messages.error(request, "Nothing was decided: choose done, later or not relevant.")
    except (ReasonGone, WrongDecision) as problem:
        messages.warning(request, str(problem))
    else:
        messages.success(request, _told(decision, written.until, f"{written.customer}: {written.words}"))
    return HttpResponseRedirect(f"{request.path}?{_query(request)}")


def _told(decision: Decision, until: datetime | None, what: str) -> str:
    if until is not None:
        return f"Put off until {moment(until)}: {what}."
    return f"{decision.label}, until it changes: {what}."


def _until(text: str) -> datetime | None:
    """The first moment of a day, in the time zone of the installation; None for what is no day to snooze to."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    if day is None or not localdate() < day <= localdate() + _LONGEST_SNOOZE:
        return None
    return make_aware(datetime.combine(day, time.min))


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _LAST_PAGE else 1


def _query(request: HttpRequest, **changes: Any) -> str:
    """The address's own query with `changes`; another choice begins at the first page."""
    query = QueryDict(mutable=True)
    kept = {name: request.GET[name] for name in ("scope", "rule", "page") if name in request.GET}
    if changes and "page" not in changes:
        kept.pop("page", None)
    for name, value in (kept | changes).items():
        query[name] = str(value)
    return query.urlencode()
