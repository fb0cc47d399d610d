"""What lists sort by where no column of the row is it: names, places of statuses, and amounts in one currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.utils.timezone import localdate

from billing.formats import invoice_state, subscription_state
from billing.models import Feature, Invoice, Subscription
from billing.rates.convert import Rates, installation_currency
from billing.revenue.monthly import revenue_of_subscription
from billing.rules.money import LARGEST_MINOR
from crm.desk.facts.queries import names_of_plans
from crm.models import CurrencyFacts, CustomerFacts, InvoiceFacts, SubscriptionFacts
from crm.models.facts import NAME_LENGTH
from customers.formats import user_name
from customers.models import Customer

#: The statuses on pages, those that need attention first.
CUSTOMER_PLACES = ("Past due", "Suspended", "Trial", "Active", "Inactive", "Archived", "Merged")
SUBSCRIPTION_PLACES = ("Past due", "Canceling", "Trial", "Active", "Scheduled", "Ended")
INVOICE_PLACES = ("Past due", "Open", "Draft", "Uncollectible", "Paid", "Void")


def status_of(customer: Customer, facts: CustomerFacts, at: datetime) -> str:
    """The one status of a customer that matters most."""
    if customer.merged_into_id:
        return "Merged"
    if customer.archived_at:
        return "Archived"
    if customer.status == Customer.Status.SUSPENDED:
        return "Suspended"
    if facts.is_past_due or (facts.oldest_due_at is not None and facts.oldest_due_at <= at):
        return "Past due"
    if customer.status == Customer.Status.INACTIVE:
        return "Inactive"
    if facts.trial_ends_at is not None and facts.trial_ends_at > at:
        return "Trial"
    return "Active"


def add_customer_orders(
    rows: dict[str, CustomerFacts], currencies: Iterable[CurrencyFacts], at: datetime
) -> None:
    """Set what the list of customers sorts by. Amounts without a rate don't count."""
    names = names_of_plans({row.plans[0] for row in rows.values() if row.plans})
    for customer in Customer.objects.filter(pk__in=rows).select_related("relationship__owner"):
        row = rows[str(customer.pk)]
        row.status_sort = CUSTOMER_PLACES.index(status_of(customer, row, at))
        row.plan_sort = _name(names.get(row.plans[0], row.plans[0])) if row.plans else None
        relationship = getattr(customer, "relationship", None)
        row.owner_sort = _name(user_name(relationship.owner)) if relationship and relationship.owner else None
    mrr: dict[str, dict[str, int]] = defaultdict(dict)
    due: dict[str, dict[str, int]] = defaultdict(dict)
    for each in currencies:
        if each.mrr:
            mrr[str(each.customer_id)][each.currency] = each.mrr
        if each.due:
            due[str(each.customer_id)][each.currency] = each.due
    rates = _rates(at)
    for key, amounts in mrr.items():
        rows[key].mrr_sort = _in_one_currency(rates, amounts)
    for key, amounts in due.items():
        rows[key].due_sort = _in_one_currency(rates, amounts)


def subscription_orders(
    subscriptions: Iterable[Subscription], earning: Iterable[Subscription], at: datetime
) -> list[SubscriptionFacts]:
    """What the list of subscriptions sorts by. `earning` are those of them that earn, from `with_charges`."""
    rates = _rates(at)
    mrr = {}
    for each in earning:
        found = {currency: sums.mrr for currency, sums in revenue_of_subscription(each, at).items()}
        if any(found.values()):
            mrr[str(each.pk)] = _in_one_currency(rates, found)
    return [
        SubscriptionFacts(
            subscription_id=each.pk,
            customer_id=each.customer_id,
            plan_sort=_name(str(each.plan)),
            status_sort=SUBSCRIPTION_PLACES.index(subscription_state(each, at)),
            mrr_sort=mrr.get(str(each.pk)),
        )
        for each in subscriptions
    ]


def invoice_orders(invoices: Iterable[Invoice], at: datetime) -> list[InvoiceFacts]:
    """What the list of invoices sorts by."""
    rates = _rates(at)
    return [
        InvoiceFacts(
            invoice_id=each.pk,
            customer_id=each.customer_id,
            status_sort=INVOICE_PLACES.index(invoice_state(each, at)),
            due_sort=_in_one_currency(rates, {each.currency: each.due})
            if each.is_owed and each.due
            else None,
            total_sort=_in_one_currency(rates, {each.currency: each.total}),
        )
        for each in invoices
    ]


def feature_order(feature: Feature) -> str:
    """What the list of balances sorts by."""
    return _name(str(feature))


def _rates(at: datetime) -> Rates:
    return Rates(localdate(at), installation_currency())


def _in_one_currency(rates: Rates, amounts: dict[str, int]) -> int:
    return max(min(rates.convert(amounts).minor, LARGEST_MINOR), -LARGEST_MINOR)


def _name(text: str) -> str:
    return text.lower()[:NAME_LENGTH]
