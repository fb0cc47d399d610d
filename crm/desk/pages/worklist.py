"""The worklist page: accounts by urgency, each with its worst reason, and decisions about one or many of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.timezone import localdate

from billing.formats import money
from crm.desk.facts.queries import amounts_of, facts_of, names_of_plans
from crm.desk.form_fields import people_who_act
from crm.desk.pages.reason_steps import Step, step_of
from crm.desk.pages.worklist_acts import ASSIGN, DECIDE, act
from crm.desk.scope import Scope
from crm.desk.worklist.queries import accounts_of, snoozed_of
from crm.desk.worklist.refresh import WORKLIST
from crm.desk.worklist.rows import WorklistRow, color_of, rows_of
from crm.desk.worklist.rules import RULES
from crm.models import DecisionKind, DeskRefresh, Note, WorklistDecision, WorklistReason
from customers import clock
from customers.formats import ago, customer_url, day, number, short_day, user_name, when
from customers.models import Customer

_SEE = ("customers.view_customer", "crm.view_worklistentry")
_PAGE = 25
_LAST_PAGE = 10_000
#: Counting stops here: a larger number is shown as `1,000+`.
_MOST_COUNTED = 1_000
_VIEWS = {"open": "Open", "snoozed": "Snoozed", "history": "History"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """What stands beside the list: the account that is chosen, with all of its reasons."""

    customer: Customer
    url: str
    about: str
    reasons: Sequence[tuple[WorklistReason, str, Step, str]]
    author: str
    said: str
    said_at: str


def worklist_page(request: HttpRequest) -> HttpResponse:
    """One page of the worklist, in a fixed number of queries; a POST decides about reasons."""
    if not request.user.has_perms(_SEE):
        raise PermissionDenied
    offered = [rule for rule in RULES.values() if request.user.has_perm(rule.permission)]
    scope = Scope.chosen(request.GET.get("scope"))
    people = scope.owners(request.user)
    names = [rule.name for rule in offered]
    if request.method == "POST":
        return act(request, people, names, f"{request.path}?{query_of(request)}")
    view = request.GET.get("view", "")
    view = view if view in _VIEWS else "open"
    chosen = request.GET.get("rule", "")
    chosen = chosen if chosen in names else ""
    may_decide = request.user.has_perm(DECIDE)
    refreshed = DeskRefresh.objects.filter(name=WORKLIST).first()
    context = {
        **admin.site.each_context(request),
        "title": "Worklist",
        "view": view,
        "views": [
            (label, f"?{query_of(request, view=name)}", name == view, _count(name, people))
            for name, label in _VIEWS.items()
        ],
        "scopes": [(each.label, f"?{query_of(request, scope=each.value)}", each is scope) for each in Scope],
        "rules": [
            (rule.title, f"?{query_of(request, rule=rule.name)}", rule.name == chosen) for rule in offered
        ],
        "all_rules": f"?{query_of(request, rule='')}",
        "rule": RULES.get(chosen),
        "query": query_of(request),
        "may_decide": may_decide,
        "may_assign": request.user.has_perm(ASSIGN),
        "refreshed": when(refreshed.finished_at) if refreshed and refreshed.finished_at else "",
    }
    page = _page_number(request.GET.get("page", ""))
    first = (page - 1) * _PAGE
    rows: Any = {
        "open": lambda: accounts_of(people, chosen),
        "snoozed": lambda: snoozed_of(people),
        "history": lambda: _decided(people),
    }[view]()
    found = list(rows[first : first + _PAGE + 1])
    shown = found[:_PAGE]
    context |= {
        "previous": f"?{query_of(request, page=page - 1)}" if page > 1 else "",
        "next": f"?{query_of(request, page=page + 1)}" if len(found) > _PAGE else "",
        "first": number(first + 1),
        "last": number(first + len(shown)),
    }
    if view == "history":
        context["decisions"] = [(row, customer_url(row.customer_id), _decided_words(row)) for row in shown]
    else:
        decision = DecisionKind.SNOOZED.value if view == "snoozed" else ""
        accounts = rows_of(shown, people, names, clock.now(), decision)
        context |= {
            "accounts": [
                (row, customer_url(row.entry.customer_id), _pane_url(request, row)) for row in accounts
            ],
            "pane": _pane(_current(accounts, request.GET.get("at", "")), request.user.has_perm),
            "snoozes": _snoozes(localdate(clock.now())),
            "tomorrow": (localdate(clock.now()) + timedelta(days=1)).isoformat(),
            "owners": people_who_act() if context["may_assign"] and may_decide else (),
        }
    return TemplateResponse(request, "crm/desk/worklist.html", context)


def query_of(request: HttpRequest, **changes: Any) -> str:
    """The current query with `changes`; any other change than of the page starts at page 1."""
    query = QueryDict(mutable=True)
    current = {name: request.GET[name] for name in ("view", "scope", "rule", "page") if name in request.GET}
    if changes and not {"page", "at"} & changes.keys():
        current.pop("page", None)
    for name, value in (current | changes).items():
        if value != "":
            query[name] = str(value)
    return query.urlencode()


def _pane_url(request: HttpRequest, row: WorklistRow) -> str:
    return f"?{query_of(request, at=row.entry.customer_id)}"


def _current(rows: Sequence[WorklistRow], asked: str) -> WorklistRow | None:
    """The account that the URL asks for, else the first one."""
    return next((row for row in rows if str(row.entry.customer_id) == asked), rows[0] if rows else None)


def _pane(row: WorklistRow | None, may: Callable[[str], bool]) -> Pane | None:
    if row is None:
        return None
    customer = row.entry.customer
    key = str(customer.pk)
    facts = facts_of([key]).get(key)
    plans = [names_of_plans(facts.plans).get(plan, plan) for plan in facts.plans] if facts else []
    about = [f"{plans[0]} + {len(plans) - 1} more" if len(plans) > 1 else plans[0]] if plans else []
    about += [
        f"{money(each.mrr, each.currency)}/month" for each in amounts_of([key]).get(key, ()) if each.mrr
    ]
    note = (
        Note.objects.filter(customer=customer).select_related("author").order_by("-created_at", "-pk").first()
    )
    return Pane(
        customer=customer,
        url=customer_url(key),
        about=" · ".join(about),
        reasons=[
            (reason, color_of(reason.weight), step_of(reason, may), _since(reason)) for reason in row.reasons
        ],
        author=user_name(note.author) if note else "",
        said=str(note) if note else "",
        said_at=ago(note.created_at) if note else "",
    )


def _since(reason: WorklistReason) -> str:
    if reason.until is not None:
        return f"Snoozed until {short_day(reason.until)}"
    return f"Since {short_day(reason.since)}"


def _decided_words(row: WorklistDecision) -> str:
    """`Snoozed until Dec 1, 2026 by ada, 2 h ago`."""
    until = f" until {day(row.until)}" if row.until else ""
    by = f" by {user_name(row.decided_by)}" if row.decided_by else ""
    return f"{row.get_decision_display()}{until}{by}, {ago(row.decided_at)}"


def _decided(people: Any) -> Any:
    """The decisions about the accounts of these users (None: of all), latest first."""
    rows = WorklistDecision.objects.filter(came_with=None).select_related("customer", "decided_by")
    if people is not None:
        rows = rows.filter(customer__relationship__owner__in=people)
    return rows.order_by("-decided_at", "-pk")


def _count(view: str, people: Any) -> str:
    """How many accounts a view has; nothing for the history."""
    if view == "history":
        return ""
    rows = accounts_of(people) if view == "open" else snoozed_of(people)
    count = rows.order_by().values("pk")[: _MOST_COUNTED + 1].count()
    return number(count) if count <= _MOST_COUNTED else f"{number(_MOST_COUNTED)}+"


def _snoozes(today: date) -> list[tuple[str, str, str]]:
    """Label, day for the form and day for people, of each offered snooze."""
    monday = today + timedelta(days=7 - today.weekday())
    offered = (
        ("Tomorrow", today + timedelta(days=1)),
        ("Next week", monday),
        ("In 30 days", today + timedelta(days=30)),
    )
    return [(label, until.isoformat(), short_day(until)) for label, until in offered]


def _page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _LAST_PAGE else 1
