"""The choices of a report's page: read from its URL, and offered in its form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.http import HttpRequest
from django.utils.dateparse import parse_date
from django.utils.timezone import localdate

from crm.desk.scope import Scope
from crm.desk.segments.filter import BadValue
from crm.desk.segments.saved import UnknownSegment, customers_of, find_segment
from crm.models import Segment, Team
from crm.reports.report import Choices, Report
from crm.reports.scope import ReportScope
from customers import clock
from customers.formats import counted, day, user_name
from customers.models import Customer, Environment
from customers.models.customer import CustomerQuerySet
from customers.typed_ids import to_uuid

SEGMENTS = "crm.view_segment"
_ME, _TEAM, _NONE = "me", "team", "none"
_EVERYONE = ""
_ALL_ENVIRONMENTS = "all"
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Select:
    """A field of the form: its name, label, value, and the values and labels to choose from."""

    name: str
    label: str
    value: str
    options: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ReadChoices:
    """The choices of a URL, the fields to change them, and what couldn't be used, in words."""

    choices: Choices
    selects: Sequence[Select]
    as_of: str
    as_of_from: str
    problem: str


def read_choices(request: HttpRequest, report: Report) -> ReadChoices:
    """The choices in the URL; anything that isn't possible is left out, and said in `problem`."""
    today = localdate(clock.now())
    owner = _text(request, "owner") if "owner" in report.filters else ""
    env = _text(request, "env")
    env = env if env in (*Environment.values, _ALL_ENVIRONMENTS) else Environment.LIVE.value
    segment, customers, problem = _segment(request, report)
    users = _users_of(owner, request.user)
    if owner == _NONE and not report.is_of_users:
        customers = _of(customers).filter(Q(relationship=None) | Q(relationship__owner=None))
    elif users is not None and not report.is_of_users:
        customers = _of(customers).filter(relationship__owner__in=users)
    first = report.first_known() if report.first_known is not None else None
    as_of, late = _as_of(request, first, today)
    choices = Choices(
        scope=ReportScope(
            env="" if env == _ALL_ENVIRONMENTS else env,
            customers=customers,
            as_of=as_of,
        ),
        today=today,
        months=_months(request, report),
        currency=_text(request, "currency"),
        feature=_text(request, "feature"),
        users=users,
    )
    selects = []
    if "owner" in report.filters:
        unowned = [] if report.is_of_users else [(_NONE, "No account manager")]
        selects.append(Select("owner", "Account manager", owner, [*_owners(), *unowned]))
    if "segment" in report.filters and request.user.has_perm(SEGMENTS):
        selects.append(Select("segment", "Segment", segment, _segments(request.user)))
    if len(report.periods) > 1:
        periods = [(str(each), counted(each, "month")) for each in sorted(report.periods)]
        selects.append(Select("months", "Period", str(choices.months), periods))
    selects.append(
        Select("env", "Environment", env, [*Environment.choices, (_ALL_ENVIRONMENTS, "Live and test mode")])
    )
    return ReadChoices(
        choices=choices,
        selects=selects,
        as_of=as_of.isoformat() if as_of else "",
        as_of_from=first.isoformat() if first else "",
        problem=problem or late,
    )


def usual_choices(report: Report) -> Choices:
    """The choices of a page without any filter."""
    scope = ReportScope(env=Environment.LIVE.value)
    return Choices(scope=scope, today=localdate(clock.now()), months=report.periods[0])


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "")[:_LONGEST]


def _of(customers: CustomerQuerySet | None) -> CustomerQuerySet:
    return Customer.objects.unmerged() if customers is None else customers


def _months(request: HttpRequest, report: Report) -> int:
    text = _text(request, "months")
    return int(text) if text in map(str, report.periods) else report.periods[0]


def _segment(request: HttpRequest, report: Report) -> tuple[str, CustomerQuerySet | None, str]:
    """The ID of the chosen segment, its customers, and why it can't be used."""
    chosen = _text(request, "segment")
    if "segment" not in report.filters or not chosen or not request.user.has_perm(SEGMENTS):
        return "", None, ""
    try:
        segment = find_segment(chosen, request.user)
        return str(segment.pk), customers_of(segment, request.user, request.user.has_perm), ""
    except (UnknownSegment, BadValue) as problem:
        return "", None, str(problem)


def _as_of(request: HttpRequest, first: date | None, today: date) -> tuple[date | None, str]:
    """The chosen day if something was kept on it, and else why not."""
    text = _text(request, "as_of")
    if not text or first is None:
        return None, ""
    try:
        chosen = parse_date(text)
    except ValueError:
        chosen = None
    if chosen is None or not first <= chosen <= today:
        return None, f"Choose a day from {day(first)} to {day(today)}. Earlier figures weren't kept."
    return (None if chosen == today else chosen), ""


def _users_of(owner: str, user: Any) -> Sequence[int] | None:
    """The IDs of the users that the choice stands for; None for everyone."""
    if owner == _ME:
        return list(Scope.MINE.owners(user) or [])
    if owner == _TEAM:
        return list(Scope.TEAM.owners(user) or [])
    users = get_user_model()._default_manager.order_by("pk")
    kind, _, key = owner.partition(":")
    if kind == "team" and to_uuid(key, ("team",)) is not None:
        return list(users.filter(teams__in=[key]).values_list("pk", flat=True))
    if kind == "user" and key:
        return list(users.filter(username=key).values_list("pk", flat=True))
    return None


def _owners() -> Sequence[tuple[str, str]]:
    users = get_user_model()._default_manager.filter(is_active=True, is_staff=True).order_by("username")
    return [
        (_EVERYONE, "Everyone"),
        (_ME, "Me"),
        (_TEAM, "My team"),
        *((f"team:{team.pk}", f"Team {team.name}") for team in Team.objects.all()),
        *((f"user:{user.get_username()}", user_name(user)) for user in users),
    ]


def _segments(user: Any) -> Sequence[tuple[str, str]]:
    return [("", "All customers"), *((str(each.pk), each.name) for each in Segment.objects.usable_by(user))]
