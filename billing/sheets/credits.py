"""Return a credit to the customer in money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.http import QueryDict

from billing.formats import unit_price
from billing.invoices.credits import left_of, return_credit
from billing.invoices.locking import CannotChangeInvoice
from billing.models import Discount
from customers.sheets import Act, Block, Changed, Done, Line, Preview, SheetForm


class ReturnCredit(Act):
    """Return what is left of a credit."""

    name = "return-credit"
    title = "Return credit"
    about = "The credit no longer pays invoices. Clientele doesn't move money, so refund it yourself."
    verb = "Return credit"
    permissions = ("billing.change_discount", "billing.view_discount")
    models = (Discount,)
    refusals = (CannotChangeInvoice,)

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> SheetForm:
        """A form without fields."""
        return SheetForm(data, initial=initial)

    def preview(self, form: SheetForm) -> Preview:
        """What is left of the credit, and what will be."""
        left = self._left(self.row)
        nothing = unit_price(Decimal(0), str(self.row.currency).upper())
        return Preview(
            button=f"Return {left}",
            blocks=[Block("Preview", [Line("Credit left", nothing, was=left)])],
            seen=left,
        )

    def do(self, form: SheetForm, seen: str) -> Done:
        """Return it if it is still as much."""
        with transaction.atomic():
            if self._left(Discount.objects.select_for_update().get(pk=self.row.pk)) != seen:
                raise Changed
            return_credit(self.row, done_by=self.by)
        return Done(message=f"Returned {seen}. Refund it to the customer.")

    def _left(self, discount: Discount) -> str:
        left = left_of(discount)
        if not left:
            raise CannotChangeInvoice("There is no credit left to return.")
        return unit_price(left, str(discount.currency).upper())
