"""Read the facts of the customers on a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db.models import F

from billing.models import Plan
from crm.models import CurrencyFacts, CustomerFacts


def facts_of(customer_ids: Sequence[str]) -> dict[str, CustomerFacts]:
    """The facts of each customer that has any. One query."""
    found = CustomerFacts.objects.filter(customer_id__in=customer_ids).order_by()
    return {str(row.customer_id): row for row in found}


def amounts_of(customer_ids: Sequence[str]) -> dict[str, list[CurrencyFacts]]:
    """MRR and amounts due of each customer, by currency code; customers without any are left out. One query."""
    found: dict[str, list[CurrencyFacts]] = defaultdict(list)
    for row in CurrencyFacts.objects.filter(customer_id__in=customer_ids).order_by("currency"):
        found[str(row.customer_id)].append(row)
    return found


def names_of_plans(plan_ids: Collection[str]) -> dict[str, str]:
    """The name of each plan that has one, of its newest version. One query.

    A plan of which no more is known than its ID, in one of the environments, is called by it: that is no name.
    """
    named = Plan.objects.filter(plan_id__in=plan_ids).exclude(name__in=["", F("plan_id")])
    named = named.order_by("version", "pk")
    return dict(named.values_list("plan_id", "name"))
