"""Credit that a customer has left, and giving it back in money. Clientele moves no money."""

from __future__ import annotations

from decimal import Decimal

from django.db import transaction

from billing.formats import unit_price
from billing.invoices.locking import CannotChangeInvoice
from billing.models import Discount
from billing.rules.exact import EXACT
from customers.bulk import update_rows


def left_of(discount: Discount) -> Decimal:
    """The credit that is left, in major units of its currency; 0 of any other discount."""
    if discount.type != Discount.Type.INVOICE_CREDITS or not discount.currency:
        return Decimal(0)
    left = EXACT.subtract(discount.discount_value, discount.spent)
    return max(Decimal(0), left)


@transaction.atomic
def return_credit(discount: Discount, *, done_by: str) -> Decimal:
    """Take what is left of a credit from the next invoices, because the customer gets it in money. Returns the amount.

    Raises `CannotChangeInvoice` if nothing is left.
    """
    found = Discount.objects.select_for_update().get(pk=discount.pk)
    left = left_of(found)
    if not left:
        raise CannotChangeInvoice("There is no credit left to return.")
    found.discount_value = found.spent
    amount = unit_price(left, str(found.currency).upper())
    update_rows([found], ["discount_value"], f"{amount} returned to the customer by {done_by}")
    return left
