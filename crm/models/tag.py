"""Tags: words of ours that customers are marked with, to find them together."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from customers import clock
from customers.models import Customer, CustomerRow
from customers.typed_ids import TypedIdField


class Tag(models.Model):
    """A word that customers are marked with. It is written in one way, in capitals or not."""

    id = TypedIdField(prefix="tag", primary_key=True, editable=False)
    name = models.CharField(max_length=50, help_text="A word or two, such as “pilot 2026”.")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"), name="tag_name_once", violation_error_message="There is this tag already."
            ),
            models.CheckConstraint(condition=~Q(name=""), name="tag_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class CustomerTag(CustomerRow):
    """A customer is marked with a tag."""

    id = TypedIdField(prefix="ctag", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="customer_tags")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="customer_tags")
    given_at = models.DateTimeField(default=clock.now, editable=False)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ["tag__name", "id"]
        verbose_name = "tag of a customer"
        verbose_name_plural = "tags of customers"
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "tag"],
                condition=Q(came_with=None),
                name="customer_tag_once",
                violation_error_message="The customer has this tag already.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "tag"],
                name="customer_tag_once_came_with",
                violation_error_message="The customer has this tag already.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.tag)
