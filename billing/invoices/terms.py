"""Billing terms of customers: recipient, tax, days to pay, discounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.models import BillingAccount, Discount, Seller
from billing.rules import invoice_totals as invoice_sums
from billing.rules.exact import EXACT
from billing.rules.intervals import step
from billing.rules.money import from_minor, is_known
from customers.configuration.table import INVOICE_DUE_DAYS, INVOICE_SELLER
from customers.configuration.values import value_of
from customers.models import Address, Business, Customer, shown_once

#: The columns of a discount that change when it is used.
DISCOUNT_COLUMNS = ("start", "times_used", "spent")

_ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")


@dataclass(slots=True, kw_only=True)
class BillingTerms:
    """The terms of one customer. `bill_to` and `bill_from` are the recipient and the seller as invoices keep them."""

    env: str
    bill_to: dict[str, Any]
    bill_from: dict[str, Any]
    tax_rate: Decimal | None = None
    no_tax_reason: str = ""
    days_to_pay: int = 0
    discounts: list[Discount] = field(default_factory=list)

    def due_at(self, at: datetime) -> datetime | None:
        """The due date of an invoice of that moment; None if it would lie after the year 9999."""
        return due_date(at, self.days_to_pay)

    def discounts_at(self, at: datetime) -> list[invoice_sums.DueDiscount]:
        """The discounts that apply to an invoice of that moment. A discount without a start starts with its first use."""
        return [_as_value(discount) for discount in self.discounts if is_due(discount, at)]

    def use(self, amounts: Mapping[str, int], currency: str, at: datetime) -> list[Discount]:
        """Record that an invoice used discounts, with `amounts` in minor units by discount ID. Returns those changed."""
        used = [discount for discount in self.discounts if str(discount.pk) in amounts]
        for discount in used:
            discount.times_used += 1
            discount.start = discount.start or at
            discount.spent = EXACT.add(
                discount.spent, in_own_currency(discount, amounts[str(discount.pk)], currency)
            )
        return used


def due_date(at: datetime, days: int | None) -> datetime | None:
    """The due date of an invoice of that moment: `days` later, or the default if that is None.

    None if it would lie after the year 9999.
    """
    days = value_of(INVOICE_DUE_DAYS) if days is None else days
    return step(at, "day", days) if days else at


def terms_of(customer_ids: Collection[str], *, to_change: bool = False) -> dict[str, BillingTerms]:
    """Terms by customer ID, in a fixed number of queries.

    With `to_change` their discounts are locked until the caller's transaction ends.
    """
    held = BillingAccount.objects.filter(customer_id__in=customer_ids)
    accounts = {row.customer_id: row for row in shown_once(held, lambda row: row.customer_id)}
    defaults = Address.objects.filter(customer_id__in=customer_ids, is_default=True)
    addresses = {row.customer_id: row for row in shown_once(defaults, lambda row: row.customer_id)}
    businesses = _businesses(Business.objects.filter(customer_id__in=customer_ids, status="active"))
    seller, usual_days = seller_details(), value_of(INVOICE_DUE_DAYS)
    terms: dict[str, BillingTerms] = {}
    for customer in Customer.objects.filter(pk__in=customer_ids):
        key = str(customer.pk)
        account = accounts.get(key)
        days = None if account is None else account.payment_terms_days
        terms[key] = BillingTerms(
            env=customer.env,
            bill_to=_bill_to(customer, addresses.get(key), businesses.get(key)),
            bill_from=seller,
            tax_rate=None if account is None else account.tax_rate,
            no_tax_reason="" if account is None else account.no_tax_reason,
            days_to_pay=usual_days if days is None else days,
        )
    discounts = Discount.objects.filter(customer_id__in=customer_ids)
    for discount in discounts.order_by("pk").select_for_update() if to_change else discounts:
        terms[discount.customer_id].discounts.append(discount)
    for each in terms.values():
        each.discounts.sort(key=lambda discount: (discount.position, str(discount.pk)))
    return terms


def seller_details() -> dict[str, Any]:
    """The seller as invoices issued now keep it: the lines of a setting until the details are filled in, if it has any."""
    seller = Seller.objects.first()
    if seller is not None:
        return seller.as_billed()
    return {"lines": value_of(INVOICE_SELLER)} if value_of(INVOICE_SELLER) else {}


def in_own_currency(discount: Discount, minor: int, currency: str) -> Decimal:
    """`minor` in major units of the discount's currency; 0 for an invoice in another currency."""
    is_same = discount.currency is not None and discount.currency.upper() == currency
    return from_minor(minor, currency) if is_same else Decimal(0)


def is_due(discount: Discount, at: datetime) -> bool:
    """Whether a discount or credit applies to an invoice of that moment."""
    # A discount in an unknown currency would stop all invoices of its batch.
    if discount.currency and not is_known(discount.currency):
        return False
    if discount.type == Discount.Type.INVOICE_CREDITS and discount.spent >= discount.discount_value:
        return False
    return invoice_sums.is_discount_due(
        _DURATIONS[discount.duration_type],
        discount.duration_value,
        discount.start or at,
        discount.end,
        at,
        discount.times_used,
    )


def _as_value(discount: Discount) -> invoice_sums.DueDiscount:
    return invoice_sums.DueDiscount(
        id=str(discount.pk),
        name=discount.name,
        type=_TYPES[discount.type],
        value=discount.discount_value,
        currency=discount.currency or None,
        spent=discount.spent,
        subscription_id=discount.subscription_id or None,
    )


def _businesses(rows: Iterable[Business]) -> dict[str, Business]:
    """The business profile to bill, by customer: the first with a tax ID, else the first."""
    found: dict[str, Business] = {}
    for business in sorted(rows, key=lambda row: (not row.tax_identifier, row.position, str(row.pk))):
        found.setdefault(business.customer_id, business)
    return found


def _bill_to(customer: Customer, address: Address | None, business: Business | None) -> dict[str, Any]:
    return {
        "name": customer.name,
        "email": customer.email,
        "business": business.name if business else "",
        "company_number": business.company_number if business else "",
        "tax_id": business.tax_identifier if business else "",
        "address": {name: getattr(address, name) for name in _ADDRESS} if address else None,
    }


_TYPES: dict[str, invoice_sums.DiscountType] = {
    "free_product": "free_product",
    "percentage_discount": "percentage_discount",
    "fixed_discount": "fixed_discount",
    "invoice_credits": "invoice_credits",
}
_DURATIONS: dict[str, invoice_sums.DurationType] = {
    "one_off": "one_off",
    "months": "months",
    "forever": "forever",
}
