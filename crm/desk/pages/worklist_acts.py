"""What users decide on the worklist's page, and how they undo it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.timezone import localdate, make_aware

from crm.desk.bulk.actions import set_owner
from crm.desk.bulk.undo import recorded
from crm.desk.form_fields import people_who_act
from crm.desk.sheets.bulk import undo_url
from crm.desk.worklist.decisions import ReasonGone, WrongDecision, decide, decide_accounts, undo
from crm.models import DecisionKind, WorklistDecision
from customers.formats import counted, short_day, user_name
from customers.models import Customer
from customers.typed_ids import to_uuid

DECIDE = "crm.change_worklistdecision"
ASSIGN = "crm.change_relationship"

#: No page of the worklist has more accounts.
_MOST_ACCOUNTS = 100
_LONGEST_SNOOZE = timedelta(days=3660)
_DAY = "day"
_ASSIGN = "assign"


def act(request: HttpRequest, people: Any, rules: Collection[str], page: str) -> HttpResponse:
    """Do what was posted, and redirect to `page`, or to the page of ours that asked.

    `one` names what to do with one account, `all` what to do with those selected, and `reason` one reason to decide
    about. `decided` is a decision to undo; `undo` in the URL undoes what the user decided at that moment. The user sees the
    reasons of `rules`, on the worklist of `people` (None: of everyone).
    """
    if not request.user.has_perm(DECIDE):
        raise PermissionDenied
    asked = request.POST.get("next") or request.GET.get("next", "")
    page = asked if url_has_allowed_host_and_scheme(asked, allowed_hosts=None) else page
    if "undo" in request.GET or "decided" in request.POST:
        return _undo(request, page)
    if "reason" in request.POST:
        return _decide_reason(request, page)
    what, _, key = request.POST.get("one", "").partition(":")
    keys = [key] if key else request.POST.getlist("account")
    what = what or request.POST.get("all", "")
    customers = [each for each in keys[:_MOST_ACCOUNTS] if to_uuid(each, ("cus",)) is not None]
    if not customers:
        messages.warning(request, "Select accounts first.")
        return HttpResponseRedirect(page)
    if what == _ASSIGN:
        return _assign(request, customers, page)
    decision, until = _wanted(what, request.POST.get("day", ""))
    if decision is None:
        messages.error(request, "Choose done, snooze or dismiss.")
        return HttpResponseRedirect(page)
    try:
        written = decide_accounts(
            customers, decision, by=request.user, people=people, rules=rules, until=until
        )
    except WrongDecision as problem:
        messages.warning(request, str(problem))
        return HttpResponseRedirect(page)
    if not written:
        messages.warning(request, "This is no longer on the worklist because it was resolved or has changed.")
        return HttpResponseRedirect(page)
    named = {str(row.customer_id): row.customer for row in written}
    subject = str(next(iter(named.values()))) if len(named) == 1 else counted(len(named), "account")
    _tell(request, f"{_done(decision, until)}: {subject}.", written[0].decided_at, page)
    return HttpResponseRedirect(page)


def _decide_reason(request: HttpRequest, page: str) -> HttpResponse:
    try:
        decision = DecisionKind(request.POST.get("decision", ""))
        reason_id = request.POST.get("reason", "")
        if to_uuid(reason_id, ("wlr",)) is None:
            raise ReasonGone("This reason isn't on the worklist.")
        until = start_of(request.POST.get("until", ""))
        written = decide(reason_id, decision, by=request.user, until=until)
    except ValueError:
        messages.error(request, "Choose done, snooze or dismiss.")
    except (ReasonGone, WrongDecision) as problem:
        messages.warning(request, str(problem))
    else:
        subject = f"{written.customer}, {written.words}"
        _tell(request, f"{_done(decision, written.until)}: {subject}.", written.decided_at, page)
    return HttpResponseRedirect(page)


def _assign(request: HttpRequest, customers: Sequence[str], page: str) -> HttpResponse:
    if not request.user.has_perm(ASSIGN):
        raise PermissionDenied
    asked = request.POST.get("owner", "")
    owner = people_who_act().filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 10 else None
    if owner is None:
        messages.warning(request, "Choose an account manager.")
        return HttpResponseRedirect(page)
    chosen = Customer.objects.current().filter(pk__in=customers)
    with recorded("owner", chosen) as change:
        count = set_owner(chosen, owner, by=request.user)
    undo_it = undo_url(request, change)
    messages.success(
        request,
        f"Assigned {counted(count, 'account')} to {user_name(owner)}.",
        extra_tags=f"undo:{undo_it}" if undo_it else "",
    )
    return HttpResponseRedirect(page)


def _undo(request: HttpRequest, page: str) -> HttpResponse:
    """Undo one decision, or all that the user made at a moment."""
    key = request.POST.get("decided", "")
    made = WorklistDecision.objects.filter(came_with=None)
    at = _moment(request.GET.get("undo", ""))
    if to_uuid(key, ("wld",)) is not None:
        made = made.filter(pk=key)
    elif at is not None:
        made = made.filter(decided_by=request.user.pk, decided_at=at)
    else:
        made = made.none()
    keys = list(made.values_list("pk", flat=True))
    if keys:
        undo(WorklistDecision.objects.filter(pk__in=keys))
        messages.success(request, "Undone. What still applies is back on the worklist.")
    else:
        messages.warning(request, "There is nothing to undo.")
    return HttpResponseRedirect(page)


def _tell(request: HttpRequest, words: str, decided_at: datetime, page: str) -> None:
    """Say what was done, with what undoes it."""
    undo_url = f"{reverse('desk-worklist')}?{urlencode({'undo': decided_at.isoformat(), 'next': page})}"
    messages.success(request, words, extra_tags=f"undo:{undo_url}")


def _wanted(what: str, day: str) -> tuple[DecisionKind | None, datetime | None]:
    """The decision behind a button: `done`, `not_relevant`, `day` for the day of the form, or a day to snooze until."""
    if what in (DecisionKind.DONE, DecisionKind.NOT_RELEVANT):
        return DecisionKind(what), None
    if what == _DAY:
        return DecisionKind.SNOOZED, start_of(day)
    until = start_of(what)
    return (None, None) if until is None else (DecisionKind.SNOOZED, until)


def _done(decision: DecisionKind, until: datetime | None) -> str:
    if until is not None:
        return f"Snoozed until {short_day(until)}"
    return "Marked done" if decision == DecisionKind.DONE else "Dismissed"


def start_of(text: str) -> datetime | None:
    """The start of a day in the current time zone, or None if it can't be snoozed to."""
    day = _day(text)
    if day is None or not localdate() < day <= localdate() + _LONGEST_SNOOZE:
        return None
    return make_aware(datetime.combine(day, time.min))


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and found.utcoffset() is not None else None
