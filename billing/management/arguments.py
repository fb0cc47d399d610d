"""Parses the arguments of commands into values and rows.

An unreadable argument is a usage error (exit status 2), a row that isn't found an error (exit status 1). Both messages
say what would be accepted.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from django.core.management.base import CommandError
from django.utils.dateparse import parse_datetime

from billing.models import Entity, Feature, Plan, Purchase, Subscription
from billing.rules.figures import amount_problem
from customers.cli import one_line
from customers.ingest.accounts import accounts_named
from customers.lookup import AmbiguousCustomer, UnknownCustomer, find_customer
from customers.models import Customer, Source
from customers.typed_ids import to_uuid

_SHOWN = 100
_LISTED = 8
#: Room on both sides for calculations with periods.
_YEARS = range(1900, 9901)


def moment(text: str) -> datetime:
    """An ISO 8601 time with its zone (`2026-03-01T09:30:00Z`), or a date, which is midnight in UTC."""
    try:
        found = parse_datetime(text) or datetime.fromisoformat(text)
    except ValueError:
        raise _unreadable(text, "a time such as 2026-03-01T09:30:00Z, or a date such as 2026-03-01") from None
    if found.tzinfo is None:
        if len(text) > len("2026-03-01"):
            raise _unreadable(text, "a time with its zone, such as 2026-03-01T09:30:00Z")
        found = found.replace(tzinfo=UTC)
    if found.year not in _YEARS:
        raise _unreadable(text, "a time between the years 1900 and 9900")
    return found.astimezone(UTC)


def amount(text: str) -> Decimal:
    """A number that fits into a figure (see `amount_problem`). It may be negative."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise _unreadable(text, "a number such as 20 or 0.5") from None
    if problem := amount_problem(found):
        raise ArgumentTypeError(f"{text[:_SHOWN]!r} cannot be used. {problem}")
    return found


def positive(text: str) -> Decimal:
    """An `amount` above 0."""
    found = amount(text)
    if found <= 0:
        raise _unreadable(text, "a number above 0")
    return found


def units_of_feature(text: str) -> tuple[str, Decimal]:
    """`FEATURE=AMOUNT`: units of a feature."""
    name, separator, value = text.rpartition("=")
    if not separator or not name:
        raise _unreadable(text, "FEATURE=AMOUNT, such as credits=500")
    found = amount(value)
    if found < 0:
        raise _unreadable(text, "an amount of 0 or more")
    return name, found


def customer_called(identifier: str, env: str | None = None) -> Customer:
    """The customer with this identifier; for a merged customer, the merge survivor."""
    try:
        return find_customer(identifier, env)
    except (UnknownCustomer, AmbiguousCustomer) as problem:
        raise CommandError(one_line(str(problem))) from None


def account_called(identifier: str, customer: Customer) -> str | None:
    """The account of `customer` that the identifier means, as the key of its customer; None if it means all accounts."""
    return accounts_named({identifier: str(customer.pk)}, Source.BILLING).get(identifier)


def feature_called(identifier: str) -> Feature:
    """The feature with this typed ID or feature ID."""
    features = Feature.objects.all()
    wanted = features.filter(feature_id=identifier) if _is_text(identifier) else features.none()
    if to_uuid(identifier, ("feat",)) is not None:
        wanted = features.filter(pk=identifier)
    found = wanted.first()
    if found is None:
        raise CommandError(
            f"No feature “{_shown(identifier)}”. {_known('features', features.values_list('feature_id', flat=True))}"
        )
    return found


def plan_called(identifier: str, env: str, version: int | None = None) -> Plan:
    """The plan with this typed ID or plan ID: its newest version unless `version` is given."""
    plans = Plan.objects.filter(env=env)
    if to_uuid(identifier, ("plan",)) is not None:
        wanted = plans.filter(pk=identifier)
    elif not _is_text(identifier):
        wanted = plans.none()
    elif version is not None:
        wanted = plans.filter(plan_id=identifier, version=version)
    else:
        wanted = plans.filter(plan_id=identifier).latest_versions()
    found = wanted.first()
    if found is None:
        in_version = "" if version is None else f" in version {version}"
        known = plans.filter(archived=False).order_by("plan_id").values_list("plan_id", flat=True).distinct()
        raise CommandError(f"No {env} plan “{_shown(identifier)}”{in_version}. {_known('plans', known)}")
    return found


def entity_called(identifier: str, customer: Customer) -> Entity:
    """The customer's entity with this typed ID or entity ID."""
    entities = Entity.objects.filter(customer=customer, removed_at=None)
    wanted = entities.filter(entity_id=identifier) if _is_text(identifier) else entities.none()
    if to_uuid(identifier, ("ent",)) is not None:
        wanted = entities.filter(pk=identifier)
    found = wanted.first()
    if found is None:
        names = (row.entity_id or str(row.pk) for row in entities)
        raise CommandError(
            f"{one_line(str(customer))} has no entity “{_shown(identifier)}”. {_known('entities', names)}"
        )
    return found


def subscription_called(identifier: str, customer: Customer) -> Subscription:
    """The customer's running subscription with this typed ID or subscription ID, or to the plan with this plan ID."""
    running = Subscription.objects.running().filter(customer=customer).select_related("plan", "customer")
    if to_uuid(identifier, ("sub",)) is not None and running.filter(pk=identifier).exists():
        return running.get(pk=identifier)
    if _is_text(identifier):
        by_id = running.filter(subscription_id=identifier).first()
        if by_id is not None:
            return by_id
        by_plan = list(running.filter(plan__plan_id=identifier).order_by("status", "position"))
        if len(by_plan) == 1 or (by_plan and by_plan[0].status != by_plan[1].status):
            return by_plan[0]
        if by_plan:
            ids = ", ".join(row.subscription_id for row in by_plan[:_LISTED])
            raise CommandError(
                f"{one_line(str(customer))} has several subscriptions to {identifier}. Use one of these IDs: {ids}."
            )
    names = (f"{row.subscription_id} ({row.plan.plan_id})" for row in running)
    raise CommandError(
        f"{one_line(str(customer))} has no running subscription “{_shown(identifier)}”. {_known('subscriptions', names)}"
    )


def scheduled_purchase_called(identifier: str, customer: Customer) -> Purchase | None:
    """The customer's scheduled purchase with this typed ID, or of the plan with this plan ID; None if there is none."""
    scheduled = Purchase.objects.filter(customer=customer, scheduled=True, removed_at=None)
    if to_uuid(identifier, ("pur",)) is not None:
        return scheduled.filter(pk=identifier).select_related("customer").first()
    found = scheduled.filter(plan__plan_id=identifier) if _is_text(identifier) else scheduled.none()
    running = Subscription.objects.running().filter(customer=customer, plan__plan_id=identifier)
    return None if not found or running.exists() else found.select_related("customer").latest("started_at")


def _shown(identifier: str) -> str:
    return one_line(identifier[:_SHOWN])


def _known(what: str, names: object) -> str:
    listed = [str(name) for name in list(names)[: _LISTED + 1]]  # type: ignore[call-overload]
    if not listed:
        return f"No {what} exist."
    more = ", …" if len(listed) > _LISTED else ""
    return f"Known {what}: {', '.join(listed[:_LISTED])}{more}."


def _is_text(identifier: str) -> bool:
    """Whether the database can hold it: no NUL, no lone surrogates."""
    return "\0" not in identifier and not any("\ud800" <= each <= "\udfff" for each in identifier)


def _unreadable(text: str, wanted: str) -> ArgumentTypeError:
    return ArgumentTypeError(f"{text[:_SHOWN]!r} cannot be read: expected {wanted}")
