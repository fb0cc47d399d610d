"""Tags that group customers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from customers import clock
from customers.models import Customer, CustomerRow
from customers.typed_ids import TypedIdField


class Tag(models.Model):
    """A tag. Names are unique, ignoring case."""

    id = TypedIdField(prefix="tag", primary_key=True, editable=False)
    name = models.CharField(max_length=50, help_text="For example, “pilot 2026”.")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"), name="tag_name_once", violation_error_message="This tag already exists."
            ),
            models.CheckConstraint(condition=~Q(name=""), name="tag_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class CustomerTag(CustomerRow):
    """A tag of a customer."""

    id = TypedIdField(prefix="ctag", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="customer_tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="customer_tags")
    given_at = models.DateTimeField("added", default=clock.now, editable=False)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ["tag__name", "id"]
        verbose_name = "customer tag"
        verbose_name_plural = "customer tags"
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "tag"],
                condition=Q(came_with=None),
                name="customer_tag_once",
                violation_error_message="The customer already has this tag.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "tag"],
                name="customer_tag_once_came_with",
                violation_error_message="The customer already has this tag.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.tag)
