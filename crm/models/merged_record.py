"""CRM documents of merged customers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from customers import clock
from customers.models import Customer, ListItem
from customers.typed_ids import TypedIdField


class MergedRecord(ListItem):
    """A merged customer's own CRM document. The survivor's document nests it under `merged_customers`.

    A merged customer has no rows, so its document is kept here whole. `parent` is the merged record that this one was
    merged into earlier; without one it is nested directly in the survivor's document.
    """

    id = TypedIdField(prefix="mrg", primary_key=True, editable=False)
    survivor = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="merged_records")
    tombstone = models.OneToOneField(
        Customer, on_delete=models.PROTECT, null=True, blank=True, related_name="merged_record"
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="children"
    )
    crm_id = models.CharField("CRM ID", max_length=255)
    document = models.TextField(help_text="The CRM document as JSON, without its own merged customers.")
    merged_at = models.DateTimeField(default=clock.now)

    history = HistoricalRecords(no_db_index=["came_with", "tombstone", "parent"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["survivor", "crm_id"],
                condition=Q(came_with=None),
                name="merged_record_once_per_survivor",
            ),
            models.UniqueConstraint(
                fields=["came_with", "crm_id"], name="merged_record_once_per_survivor_came_with"
            ),
            models.CheckConstraint(
                condition=Q(tombstone=None) | ~Q(tombstone=F("survivor")), name="merged_record_not_of_itself"
            ),
            models.CheckConstraint(
                condition=Q(parent=None) | ~Q(parent=F("id")), name="merged_record_not_its_own_parent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.crm_id} merged into {self.survivor}"
