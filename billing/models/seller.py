"""Who bills: the seller printed on invoices."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from customers import clock

_ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")


class Seller(models.Model):
    """The seller: one row. Each invoice keeps a copy of it from when it is issued."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField("legal name", max_length=400)
    line1 = models.CharField("address", blank=True, max_length=1000)
    line2 = models.CharField("address, second line", blank=True, max_length=1000)
    postal_code = models.CharField(blank=True, max_length=255)
    city = models.CharField(blank=True, max_length=1000)
    state = models.CharField("state or region", blank=True, max_length=1000)
    country = models.CharField(blank=True, max_length=2)
    tax_id = models.CharField(
        "tax ID", blank=True, max_length=255, help_text="The VAT or tax number, with its country prefix."
    )
    company_number = models.CharField(
        blank=True, max_length=255, help_text="The number in the company register."
    )
    email = models.CharField(
        blank=True, max_length=320, help_text="Replies to invoices sent by email go to this address."
    )
    payment_instructions = models.TextField(
        blank=True,
        max_length=2000,
        help_text="Bank details and how to pay, printed on invoices that are due.",
    )
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "seller"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="seller_once")]

    def __str__(self) -> str:
        return self.name

    def as_billed(self) -> dict[str, Any]:
        """The details as an invoice keeps them."""
        return {
            "name": self.name,
            "tax_id": self.tax_id,
            "company_number": self.company_number,
            "email": self.email,
            "payment_instructions": self.payment_instructions,
            "address": {name: getattr(self, name) for name in _ADDRESS},
        }
