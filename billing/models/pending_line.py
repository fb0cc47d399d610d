"""Lines that wait for the next invoice of a subscription."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models.balance import Grant
from billing.models.figures import bounded, figure
from billing.models.subscription import Subscription
from customers import clock
from customers.formats import day, number
from customers.typed_ids import TypedIdField


class PendingLine(models.Model):
    """Overage of a period that was billed before this part of it was recorded: the next invoice bills it.

    `quantity` and `amount` are what the invoice of that period would have billed more. They are below zero for a
    refund.
    """

    # No document shows it, and the usage itself changes the balance.
    changes_customer_of = None

    id = TypedIdField(prefix="pend", primary_key=True, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="pending_lines")
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="pending_lines")
    period_end = models.DateTimeField(help_text="The end of the period in which it was used.")
    quantity = figure(help_text="Overage, in units of the feature.")
    amount = models.BigIntegerField(help_text="In minor units of the plan's currency.")
    created_at = models.DateTimeField(default=clock.now)
    billed_at = models.DateTimeField(
        null=True, blank=True, help_text="When an invoice took it up. Blank while it waits."
    )

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [bounded("pending_line_quantity_in_range", "quantity", at_least=None)]
        indexes = [
            models.Index(
                fields=["subscription"], condition=Q(billed_at=None), name="pending_line_by_subscription"
            )
        ]

    def __str__(self) -> str:
        return f"{number(self.quantity)} used before {day(self.period_end)}"
