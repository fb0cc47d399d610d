"""Credit that a customer has left, and giving it back in money. Clientele moves no money."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from billing.formats import unit_price
from billing.invoices.locking import CannotChangeInvoice
from billing.invoices.terms import is_due
from billing.models import Discount
from billing.rules.exact import EXACT
from customers import clock
from customers.bulk import update_rows


def left_of(discount: Discount) -> Decimal:
    """The credit that the next invoice could use, in major units of its currency; 0 of any other discount."""
    is_credit = discount.type == Discount.Type.INVOICE_CREDITS and discount.currency
    if not is_credit or not is_due(discount, clock.now()):
        return Decimal(0)
    return EXACT.subtract(discount.discount_value, discount.spent)


@transaction.atomic
def return_credit(discount: Discount, *, done_by: str) -> Decimal:
    """Take what is left of a credit from the next invoices, because the customer gets it in money. Returns the amount.

    Raises `CannotChangeInvoice` if nothing is left.
    """
    found = Discount.objects.select_for_update().get(pk=discount.pk)
    left = left_of(found)
    if not left:
        raise CannotChangeInvoice("There is no credit left to return.")
    # Not the value, which the next import would set again.
    found.spent = found.discount_value
    amount = unit_price(left, str(found.currency).upper())
    update_rows([found], ["spent"], f"{amount} returned to the customer by {done_by}")
    return left
