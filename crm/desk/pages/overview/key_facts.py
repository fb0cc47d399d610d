"""The five facts at the head of a customer's pages: plan, MRR, amount due, next renewal, health."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from billing.formats import money
from crm.desk.facts.queries import amounts_of, facts_of, names_of_plans
from crm.desk.facts.refresh import refresh_facts
from crm.desk.refresh import is_refresh_pending
from crm.models import CurrencyFacts, CustomerFacts
from customers.formats import counted, day, days_between, listed
from customers.models import Customer

May = Callable[[str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFact:
    """A fact with its detail, and where its proof is. `color` is that of the detail."""

    label: str
    value: str
    detail: str = ""
    color: str = ""
    url: str


def key_facts(customer: Customer, may: May, now: datetime) -> list[KeyFact]:
    """The facts that the user may see. Fetch `customer` with its facts.

    They come from the customer's row of facts, which is updated first if the customer has just changed.
    """
    key = str(customer.pk)
    facts: CustomerFacts | None = getattr(customer, "facts", None)
    if customer.merged_into_id is None and (facts is None or _is_pending(customer)):
        refresh_facts([key], now)
        facts = facts_of([key]).get(key)
    amounts = sorted(amounts_of([key]).get(key, ()), key=lambda row: (-row.mrr, -row.due))
    facts = facts or CustomerFacts(customer=customer)
    return list(_facts(customer, facts, amounts, may, now))


def _is_pending(customer: Customer) -> bool:
    """Whether a refresh of the facts is pending. Reads it with a query if the customer was fetched without it."""
    known: bool | None = getattr(customer, "is_refresh_pending", None)
    return is_refresh_pending(str(customer.pk)) if known is None else known


def _facts(
    customer: Customer,
    facts: CustomerFacts,
    amounts: Sequence[CurrencyFacts],
    may: May,
    now: datetime,
) -> Iterator[KeyFact]:
    billing = reverse("desk-billing", args=[customer.pk])
    if may("billing.view_subscription"):
        yield _plan(facts, billing)
        yield _mrr(amounts, billing)
    if may("billing.view_invoice"):
        yield _due(facts, amounts, billing, now)
    if may("billing.view_subscription"):
        yield _renewal(facts, billing, now)
    if may("crm.view_healthscore"):
        yield _health(facts.health_score, reverse("desk-health", args=[customer.pk]))


def _plan(facts: CustomerFacts, url: str) -> KeyFact:
    if not facts.plans:
        return KeyFact(label="Plan", value="None", detail="No subscription", url=url)
    names = names_of_plans(facts.plans)
    first, *others = [names.get(key, key) for key in facts.plans]
    state, color = "", ""
    if facts.is_past_due:
        state, color = "Past due", "bad"
    elif facts.trial_ends_at:
        state = f"Trial ends {day(facts.trial_ends_at)}"
    elif facts.is_ending:
        state, color = "Canceling", "warn"
    return KeyFact(
        label="Plan",
        value=f"{first} + {counted(len(others), 'other')}" if others else first,
        detail=state or counted(len(facts.plans), "subscription"),
        color=color,
        url=url,
    )


def _mrr(amounts: Sequence[CurrencyFacts], url: str) -> KeyFact:
    paid = [row for row in amounts if row.mrr]
    if not paid:
        return KeyFact(label="MRR", value="None", detail="No recurring revenue", url=url)
    first, *others = [money(row.mrr, row.currency) for row in paid]
    yearly = f"{money(12 * paid[0].mrr, paid[0].currency)}/yr"
    return KeyFact(label="MRR", value=first, detail=f"and {listed(others)}" if others else yearly, url=url)


def _due(facts: CustomerFacts, amounts: Sequence[CurrencyFacts], url: str, now: datetime) -> KeyFact:
    owed = [row for row in amounts if row.due]
    if not owed:
        return KeyFact(label="Amount due", value="None", detail="All invoices are paid", url=url)
    late = [money(row.past_due, row.currency) for row in owed if row.past_due]
    days = days_between(facts.oldest_due_at, now) if facts.oldest_due_at else 0
    detail, color = "Not due yet", ""
    if late:
        detail, color = f"{listed(late)} past due, {counted(max(days, 0), 'day')}", "bad"
    elif facts.oldest_due_at:
        detail = f"Due {day(facts.oldest_due_at)}"
    return KeyFact(
        label="Amount due",
        value=listed([money(row.due, row.currency) for row in owed]),
        detail=detail,
        color=color,
        url=url,
    )


def _renewal(facts: CustomerFacts, url: str, now: datetime) -> KeyFact:
    if facts.renews_at is None:
        return KeyFact(label="Next renewal", value="None", detail="Nothing renews", url=url)
    left = days_between(now, facts.renews_at)
    detail = f"in {counted(left, 'day')}" if left > 0 else "today"
    return KeyFact(label="Next renewal", value=day(facts.renews_at), detail=detail, url=url)


def _health(score: int | None, url: str) -> KeyFact:
    if score is None:
        return KeyFact(label="Health", value="Not enough data", detail="No signal yet", url=url)
    return KeyFact(label="Health", value=str(score), detail="of 100", url=url)
