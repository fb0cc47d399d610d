"""The outbox: which customers changed, in the order of the transactions."""

from __future__ import annotations

from django.db import models

from customers.typed_ids import TypedIdField


class CustomerChange(models.Model):
    """A customer changed. Triggers write the rows (`customers.triggers.outbox`), `customers.changes` reads them.

    `number` is that of the transaction on PostgreSQL, a counter on SQLite. The customer isn't a foreign key, because an
    entry outlives an erased customer.
    """

    pk = models.CompositePrimaryKey("number", "customer_id")
    number = models.BigIntegerField()
    customer_id = TypedIdField(prefix="cus")
    at = models.DateTimeField(help_text="When the transaction began on PostgreSQL, when it wrote on SQLite.")

    class Meta:
        ordering = ["number", "customer_id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.customer_id} in {self.number}"
