"""Columns of the list of customers that are read from their facts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from unfold.decorators import display

from billing.formats import money
from crm.desk.facts.queries import amounts_of, facts_of, names_of_plans
from crm.models import CurrencyFacts, CustomerFacts
from customers import clock
from customers.formats import counted, days_between, long_text, when

_NOTHING = "-"


def load_facts(customers: list[Any]) -> None:
    """Set what the columns read on the customers of a page. Three queries."""
    keys = [str(customer.pk) for customer in customers]
    facts, amounts = facts_of(keys), amounts_of(keys)
    names = names_of_plans({plan_id for each in facts.values() for plan_id in each.plans})
    for customer, key in zip(customers, keys, strict=True):
        customer.known_facts = facts.get(key) or CustomerFacts(plans=[])
        customer.plans = [names.get(plan_id, plan_id) for plan_id in customer.known_facts.plans]
        customer.amounts = amounts.get(key, [])


@display(description="plan")
def plans(customer: Any) -> Any:
    return long_text(", ".join(customer.plans)) or _NOTHING


@display(description="MRR")
def mrr(customer: Any) -> str:
    amounts: list[CurrencyFacts] = customer.amounts
    return ", ".join(money(each.mrr, each.currency) for each in amounts if each.mrr) or _NOTHING


@display(description="amount due")
def amount_due(customer: Any) -> str:
    """What is due on unpaid invoices, and for how many days the oldest of them has been late."""
    amounts: list[CurrencyFacts] = customer.amounts
    due = ", ".join(money(each.due, each.currency) for each in amounts if each.due)
    late = days_late(customer.known_facts, clock.now())
    return (f"{due}, {counted(late, 'day')} late" if late else due) or _NOTHING


@display(description="health")
def health(customer: Any) -> Any:
    score = customer.known_facts.health_score
    return _NOTHING if score is None else score


@display(description="last contact")
def last_contact(customer: Any) -> Any:
    return when(customer.known_facts.last_contact_at) or _NOTHING


def days_late(facts: CustomerFacts, at: datetime) -> int:
    """For how many whole days the oldest unpaid invoice has been past due."""
    oldest = facts.oldest_due_at
    return days_between(oldest, at) if oldest is not None and oldest <= at else 0


COLUMNS = (plans, mrr, amount_due, health, last_contact)
