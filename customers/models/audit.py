"""The audit log: who did or saw what, in rows that are never changed, sealed into a chain of hashes."""

from __future__ import annotations

from django.db import models

from customers import clock
from customers.typed_ids import TypedIdField


class AuditAction(models.TextChoices):
    """What was done."""

    SIGNED_IN = "signed_in", "Signed in"
    SIGNED_OUT = "signed_out", "Signed out"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
    CUSTOMER_VIEWED = "customer_viewed", "Viewed a customer"
    EXPORTED = "exported", "Exported customers"
    PERSONAL_DATA_EXPORTED = "personal_data", "Exported personal data"
    IMPORTED = "imported", "Imported customers"
    IMPORT_REVERTED = "import_reverted", "Reverted an import"
    MERGED = "merged", "Merged customers"
    UNMERGED = "unmerged", "Undid a merge"
    LINKED = "linked", "Linked records"
    UNLINKED = "unlinked", "Unlinked a record"
    ERASED = "erased", "Erased a customer or person"
    BALANCE_ADJUSTED = "balance_adjusted", "Adjusted a balance"
    ACCESS_CHANGED = "access_changed", "Changed users, groups or permissions"
    TOKEN_CHANGED = "token_changed", "Created, changed or revoked an API token"
    TOKEN_USED = "token_used", "Used an API token"
    SETTING_CHANGED = "setting_changed", "Changed a setting"


class AuditEntry(models.Model):
    """Someone did something. Both databases refuse to change or delete a row.

    It holds IDs, counts and words of the code. What is personal is in `AuditDetails`, of which the row has a digest.
    Nothing is a foreign key, so that the row outlives what it is about.
    """

    id = TypedIdField(prefix="aud", primary_key=True, editable=False)
    at = models.DateTimeField(default=clock.now, db_index=True)
    action = models.CharField(max_length=20, choices=AuditAction)
    user_id = models.PositiveBigIntegerField("user ID", null=True, db_index=True)
    done_by = models.CharField(blank=True, help_text="The command or the API token, if it was no user.")
    address = models.CharField(max_length=45, blank=True, help_text="The IP address of the visitor.")
    customer_id = TypedIdField(prefix="cus", null=True, db_index=True)
    subject = models.CharField(max_length=100, blank=True, help_text="The ID of what it is about.")
    data = models.JSONField(default=dict, help_text="IDs, counts and words of the code.")
    details_digest = models.CharField(
        max_length=64, blank=True, help_text="Salted SHA-256 of the details. Empty if there are none."
    )
    key = models.CharField(max_length=100, null=True, unique=True, help_text="Recorded once.")

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.pk}"


class AuditDetails(models.Model):
    """What is personal in an entry, such as a reason or a name. Only an erasure may empty it."""

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.PROTECT, primary_key=True, related_name="details"
    )
    values = models.JSONField(default=dict)
    salt = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Details of {self.entry_id}"


class AuditSeal(models.Model):
    """The place of an entry in the chain. The hash covers the entry and the hash before. Never changed or deleted."""

    number = models.PositiveBigIntegerField(primary_key=True)
    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="seal")
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["number"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"Seal {self.number}"
