"""Erasures of customers and people, and what keeps imports from bringing them back."""

from __future__ import annotations

import secrets

from django.db import models

from customers import clock
from customers.typed_ids import TypedIdField

_SALT_BYTES = 32


def new_salt() -> str:
    """A salt for digests of erased records."""
    return secrets.token_hex(_SALT_BYTES)


class Erasure(models.Model):
    """The personal data of a customer, or of one person of a customer, was erased.

    While `finished_at` is None the guards of the ledger and of issued invoices let their personal columns change. The
    verb sets it before its transaction ends, so a row without it is never committed.
    The IDs aren't foreign keys, so that the row outlives what it is about.
    """

    id = TypedIdField(prefix="erase", primary_key=True, editable=False)
    customer_id = TypedIdField(prefix="cus", db_index=True, help_text="The customer, now a pseudonym.")
    person_id = TypedIdField(
        prefix="per", null=True, help_text="Set if only one person was erased: their ID, or a new one."
    )
    reason = models.CharField(help_text="Why, such as a request with its date. No personal data.")
    done_by = models.CharField(blank=True, help_text="A user or a command.")
    erased_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    salt = models.CharField(max_length=64, default=new_salt, editable=False)

    class Meta:
        ordering = ["-erased_at", "-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"Erasure of {self.person_id or self.customer_id}"


class ErasedRecord(models.Model):
    """A salted digest of what an erased customer or person was known by: enough to know it again, not to read it."""

    class Kind(models.TextChoices):
        #: A source, an environment and the ID of a record: an import leaves the record out.
        RECORD = "record", "Record"
        #: The record of a customer that stays: an import removes the erased people from it.
        KEPT_RECORD = "kept", "Record without a person"
        #: A name, an address or an ID of an erased person.
        VALUE = "value", "Value of a person"

    id = models.BigAutoField(primary_key=True)
    erasure = models.ForeignKey(Erasure, on_delete=models.PROTECT, related_name="records")
    kind = models.CharField(max_length=10, choices=Kind)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["erasure", "kind", "digest"], name="erased_record_once"),
        ]
        indexes = [models.Index(fields=["digest"], name="erased_record_by_digest")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.digest[:8]}"
