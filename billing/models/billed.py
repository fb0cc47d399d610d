"""The currency in which something of a plan is billed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from billing.models.catalog import Plan


class Billed(models.Model):
    """A subscription, purchase or grant of a plan that may have prices in several currencies."""

    currency = models.CharField(
        max_length=3,
        blank=True,
        editable=False,
        help_text="The currency in which it is billed. Blank: that of the plan.",
    )

    #: Grants may be without a plan.
    plan: models.ForeignKey[Plan | None, Plan | None]

    class Meta:
        abstract = True

    @property
    def billing_currency(self) -> str:
        """The currency in which it is billed; blank for a standalone grant."""
        return self.currency or ("" if self.plan is None else self.plan.currency)
