"""The worklist page: accounts by urgency, their reasons, and decisions about them."""

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
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.timezone import localdate, make_aware

from billing.formats import money
from crm.desk.facts.queries import amounts_of
from crm.desk.health.queries import scores_of
from crm.desk.scope import Scope
from crm.desk.worklist.decisions import ReasonGone, WrongDecision, decide
from crm.desk.worklist.queries import entries_of, reasons_by_entry
from crm.desk.worklist.refresh import WORKLIST
from crm.desk.worklist.rules import RULES
from crm.models import DecisionKind, DeskRefresh, WorklistEntry, WorklistReason
from customers import clock
from customers.formats import short_day, when
from customers.typed_ids import to_uuid

_SEE = ("customers.view_customer", "crm.view_worklistentry")
_DECIDE = "crm.change_worklistdecision"
_PAGE = 25
_LAST_PAGE = 10_000
_USUAL_SNOOZE = timedelta(days=7)
_LONGEST_SNOOZE = timedelta(days=3660)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistCard:
    """One account on the page."""

    entry: WorklistEntry
    reasons: Sequence[WorklistReason]
    revenue: str
    health: int | None


def worklist_page(request: HttpRequest) -> HttpResponse:
    """One page of the worklist, in a fixed number of queries; a POST decides about one reason."""
    if not request.user.has_perms(_SEE):
        raise PermissionDenied
    if request.method == "POST":
        return _decide(request)
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
        "description": RULES[chosen].description if chosen else "",
        "accounts": _accounts(found[:_PAGE], [rule.name for rule in offered]),
        "previous": f"?{_query(request, page=number - 1)}" if number > 1 else "",
        "next": f"?{_query(request, page=number + 1)}" if len(found) > _PAGE else "",
        "number": number,
        "may_decide": request.user.has_perm(_DECIDE),
        "refreshed": when(refreshed.finished_at) if refreshed and refreshed.finished_at else "",
        "snooze": (today + _USUAL_SNOOZE).isoformat(),
        "tomorrow": (today + timedelta(days=1)).isoformat(),
    }
    return TemplateResponse(request, "crm/desk/worklist.html", context)


def _accounts(entries: list[WorklistEntry], rules: Sequence[str]) -> list[WorklistCard]:
    keys = [str(entry.customer_id) for entry in entries]
    reasons = reasons_by_entry(entries, rules)
    amounts = amounts_of(keys)
    scores = scores_of(keys)
    return [
        WorklistCard(
            entry=entry,
            reasons=reasons[str(entry.pk)],
            revenue=", ".join(
                f"{money(each.mrr, each.currency)}/month" for each in amounts.get(key, ()) if each.mrr
            ),
            health=scores.get(key),
        )
        for key, entry in zip(keys, entries, strict=True)
    ]


def _decide(request: HttpRequest) -> HttpResponse:
    """Decide about the posted reason, and redirect to the same page, or to the customer's page if that asked."""
    if not request.user.has_perm(_DECIDE):
        raise PermissionDenied
    try:
        decision = DecisionKind(request.POST.get("decision", ""))
        reason_id = request.POST.get("reason", "")
        if to_uuid(reason_id, ("wlr",)) is None:
            raise ReasonGone("This reason isn't on the worklist.")
        written = decide(reason_id, decision, by=request.user, until=_until(request.POST.get("until", "")))
    except ValueError:
        messages.error(request, "Choose done, snooze or dismiss.")
    except (ReasonGone, WrongDecision) as problem:
        messages.warning(request, str(problem))
    else:
        messages.success(request, _done(decision, written.until, f"{written.customer}, {written.words}"))
    asked = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(asked, allowed_hosts=None)
    return HttpResponseRedirect(asked if is_ours else f"{request.path}?{_query(request)}")


def _done(decision: DecisionKind, until: datetime | None, subject: str) -> str:
    if until is not None:
        return f"Snoozed until {short_day(until)}: {subject}."
    return f"{'Marked done' if decision == DecisionKind.DONE else 'Dismissed'}: {subject}."


def _until(text: str) -> datetime | None:
    """The start of a day in the current time zone, or None if it can't be snoozed to."""
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
    """The current query with `changes`; any other change than of the page starts at page 1."""
    query = QueryDict(mutable=True)
    current = {name: request.GET[name] for name in ("scope", "rule", "page") if name in request.GET}
    if changes and "page" not in changes:
        current.pop("page", None)
    for name, value in (current | changes).items():
        query[name] = str(value)
    return query.urlencode()
