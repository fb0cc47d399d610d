"""The currencies of imported subscriptions: documents say it of invoices only."""

from __future__ import annotations

from billing.catalog.currencies import currencies_of
from billing.document.importer.batch import ImportBatch
from billing.models import Invoice, Subscription
from customers.bulk import update_rows


def note_currencies(batch: ImportBatch) -> None:
    """Note the currency of the account's latest invoice for what the billing platform bills, if the plan is sold in it.

    Only plans with a base price in several currencies are looked at, so that other imports need no query for it.
    """
    several = [plan.pk for plan in batch.plans.values() if plan.additional_currencies]
    if not several:
        return
    subscriptions = list(
        Subscription.objects.running()
        .filter(customer__in=batch.customers, billed_here=False, plan__in=several)
        .select_related("plan")
        .prefetch_related("plan__items")
    )
    invoices = Invoice.objects.billed().filter(customer__in=batch.customers)
    billed_in = {
        (invoice.customer_id, invoice.came_with_id): invoice.currency
        for invoice in invoices.order_by("created_at", "pk").only("customer", "came_with", "currency")
    }
    changed = []
    for subscription in subscriptions:
        code = billed_in.get((subscription.customer_id, subscription.came_with_id))
        is_sold = code in (currencies_of(subscription.plan, subscription.plan.items.all()) or ())
        if code is not None and is_sold and code != subscription.billing_currency:
            subscription.currency = code
            changed.append(subscription)
    update_rows(changed, ["currency"], batch.reason)
