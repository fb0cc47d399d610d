"""Filters by status, account manager, tag, country, health, contact, environment and creation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef, Q
from django.utils.dateparse import parse_date
from django.utils.timezone import make_aware
from django_countries.data import COUNTRIES

from crm.desk.scope import Scope
from crm.desk.segments.filter import (
    BadValue,
    FilterContext,
    FilterParameter,
    SegmentFilter,
    Values,
    any_of,
    names,
    one_of,
    some_of,
    whole,
)
from crm.models import CustomerTag, Relationship, Tag
from customers.formats import counted, day, user_name
from customers.models import Address, Customer, Environment

_STATUSES = dict(Customer.Status.choices)
_ENVIRONMENTS = dict(Environment.choices)
_RECORDS = {"archived": "Archived", "merged": "Merged", "all": "All"}
_ME, _TEAM, _NOBODY = "me", "team", "nobody"
_OWNERS = {_ME: "Me", _TEAM: "My team", _NOBODY: "None"}
_FARTHEST = 3660
_YEARS = range(1900, 9999)


def _records(values: Values, context: FilterContext) -> Q:
    current = Q(merged_into=None, archived_at=None)
    return {
        "archived": Q(merged_into=None, archived_at__isnull=False),
        "merged": Q(merged_into__isnull=False),
        "all": Q(),
    }.get(values.get("standing", ""), current)


def _owner(values: Values, context: FilterContext) -> Q:
    chosen = set(values["owner"])
    accounts = Relationship.objects.filter(customer=OuterRef("pk"), owner__isnull=False)
    condition = Q()
    if _NOBODY in chosen:
        condition |= ~Q(Exists(accounts))
    keys: list[Any] = []
    if _ME in chosen:
        keys.append(context.signed_in_user().pk)
    if _TEAM in chosen:
        keys += Scope.TEAM.owners(context.signed_in_user()) or []
    if named := chosen - _OWNERS.keys():
        condition |= Q(Exists(accounts.filter(owner__username__in=named)))
    return condition | Q(Exists(accounts.filter(owner__in=keys))) if keys else condition


def _tag(values: Values, context: FilterContext) -> Q:
    return Q(Exists(CustomerTag.objects.filter(customer=OuterRef("pk"), tag__name__in=values["tag"])))


def _country(values: Values, context: FilterContext) -> Q:
    codes = [code.upper() if len(code) == 2 else code for code in values["country"]]
    return Q(Exists(Address.objects.filter(customer=OuterRef("pk"), is_default=True, country__in=codes)))


def _created(values: Values, context: FilterContext) -> Q:
    condition = Q()
    if "created_at_from" in values:
        condition &= Q(created_at__gte=_bound(values["created_at_from"], time.min))
    if "created_at_to" in values:
        condition &= Q(created_at__lte=_bound(values["created_at_to"], time.max))
    return condition


def _bound(of: date, at: time) -> datetime:
    return make_aware(datetime.combine(of, at))


def _created_words(values: Values) -> str:
    sides = (("from", "created_at_from"), ("to", "created_at_to"))
    return "created " + " ".join(f"{word} {day(values[key])}" for word, key in sides if key in values)


def read_day(label: str, texts: Sequence[str]) -> date:
    """Read a day."""
    try:
        found = parse_date(texts[-1])
    except ValueError:
        found = None
    if found is None or found.year not in _YEARS:
        raise BadValue(f"{label}: enter a date such as 2026-03-31, not “{texts[-1][:40]}”.")
    return found


def _health(values: Values, context: FilterContext) -> Q:
    least, most = values.get("health_from", 0), values.get("health_to", 100)
    return Q(facts__health_score__gte=least, facts__health_score__lte=most)


def _health_words(values: Values) -> str:
    low, high = values.get("health_from"), values.get("health_to")
    if low is None:
        return f"health {high} or less"
    return f"health {low} or more" if high is None else f"health from {low} to {high}"


def _contact(values: Values, context: FilterContext) -> Q:
    condition = Q()
    if "contact_within" in values:
        condition &= _in_contact(values["contact_within"], context)
    if "quiet" in values:
        condition &= ~_in_contact(values["quiet"], context)
    return condition


def _in_contact(days: int, context: FilterContext) -> Q:
    """Whether there was a call, meeting, email or written note in the last days."""
    return Q(facts__last_contact_at__gte=context.at - timedelta(days=days))


def _contact_words(values: Values) -> str:
    parts = []
    if "contact_within" in values:
        parts.append(f"contact in the last {counted(values['contact_within'], 'day')}")
    if "quiet" in values:
        parts.append(f"no contact for {counted(values['quiet'], 'day')}")
    return " and ".join(parts)


def _managers() -> list[tuple[str, str]]:
    users = get_user_model()._default_manager.filter(is_active=True, is_staff=True).order_by("username")
    return [*_OWNERS.items(), *((user.get_username(), user_name(user)) for user in users)]


def _tags() -> list[tuple[str, str]]:
    return [(name, name) for name in Tag.objects.values_list("name", flat=True)]


RECORDS = SegmentFilter(
    name="standing",
    label="Records",
    parameters=(
        FilterParameter(name="standing", label="Records", read=one_of(_RECORDS), choices=_RECORDS.items),
    ),
    condition=_records,
    words=lambda values: {"archived": "archived", "merged": "merged", "all": "archived or not"}[
        values["standing"]
    ],
)

#: The filters that lists show first; the billing ones follow.
FIRST = (
    SegmentFilter(
        name="status",
        label="Status",
        parameters=(
            FilterParameter(
                name="status",
                label="Status",
                read=some_of(_STATUSES),
                choices=_STATUSES.items,
                takes_several=True,
            ),
        ),
        condition=lambda values, context: Q(status__in=values["status"]),
        words=lambda values: f"status {any_of(values['status'], _STATUSES)}",
    ),
    SegmentFilter(
        name="owner",
        label="Account manager",
        parameters=(
            FilterParameter(
                name="owner", label="Account manager", read=names, choices=_managers, takes_several=True
            ),
        ),
        condition=_owner,
        words=lambda values: f"account manager {any_of(values['owner'], _OWNERS)}",
    ),
    SegmentFilter(
        name="tag",
        label="Tag",
        parameters=(FilterParameter(name="tag", label="Tag", read=names, choices=_tags, takes_several=True),),
        condition=_tag,
        words=lambda values: f"tagged {any_of(values['tag'])}",
    ),
)

FILTERS = (
    SegmentFilter(
        name="country",
        label="Country",
        parameters=(
            FilterParameter(
                name="country",
                label="Country",
                read=names,
                choices=lambda: ((code, str(words)) for code, words in COUNTRIES.items()),
                takes_several=True,
            ),
        ),
        condition=_country,
        words=lambda values: "in " + any_of(values["country"], {k: str(v) for k, v in COUNTRIES.items()}),
        permission="customers.view_address",
    ),
    SegmentFilter(
        name="health",
        label="Health",
        parameters=(
            FilterParameter(name="health_from", label="Health from", read=whole(0, 100)),
            FilterParameter(name="health_to", label="Health to", read=whole(0, 100)),
        ),
        condition=_health,
        words=_health_words,
        permission="crm.view_healthscore",
    ),
    SegmentFilter(
        name="contact",
        label="Contact",
        parameters=(
            FilterParameter(name="contact_within", label="Contact within (days)", read=whole(1, _FARTHEST)),
            FilterParameter(name="quiet", label="No contact for (days)", read=whole(1, _FARTHEST)),
        ),
        condition=_contact,
        words=_contact_words,
        permission="crm.view_activity",
    ),
    SegmentFilter(
        name="env",
        label="Environment",
        parameters=(
            FilterParameter(
                name="env",
                label="Environment",
                read=one_of(_ENVIRONMENTS),
                choices=_ENVIRONMENTS.items,
            ),
        ),
        condition=lambda values, context: Q(env=values["env"]),
        words=lambda values: f"environment {values['env']}",
    ),
    SegmentFilter(
        name="created",
        label="Created",
        parameters=(
            FilterParameter(name="created_at_from", label="Created from", read=read_day, is_day=True),
            FilterParameter(name="created_at_to", label="Created to", read=read_day, is_day=True),
        ),
        condition=_created,
        words=_created_words,
    ),
)
