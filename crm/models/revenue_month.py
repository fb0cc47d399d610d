"""How the MRR of an account manager's customers changed in a month."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class RevenueMonth(models.Model):
    """MRR at the end of a month and its movement since the month before, in minor units of `currency`.

    It covers the live customers that `owner` manages now (None: those without an account manager). `refresh_desk`
    computes it from subscriptions: `mrr` = previous `mrr` + `new` + `expansion` - `contraction` - `churn`.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="revenue_months"
    )
    month = models.DateField(help_text="The first day of the month.")
    currency = models.CharField(max_length=3, help_text="Three-letter code.")
    mrr = models.BigIntegerField("MRR", help_text="At the end of the month, or now for the current month.")
    new = models.BigIntegerField(help_text="From customers without MRR in the month before.")
    expansion = models.BigIntegerField(help_text="From customers whose MRR rose.")
    contraction = models.BigIntegerField(help_text="From customers whose MRR fell.")
    churn = models.BigIntegerField(help_text="From customers whose MRR fell to 0.")
    customers = models.PositiveIntegerField(help_text="Customers with MRR.")
    won = models.PositiveIntegerField(default=0, help_text="Customers without MRR in the month before.")
    lost = models.PositiveIntegerField(default=0, help_text="Customers whose MRR fell to 0.")
    year_start = models.BigIntegerField(
        default=0, help_text="MRR when the history begins; for the latest month, else 0."
    )
    year_end = models.BigIntegerField(default=0, help_text="What the same customers pay now.")
    year_kept = models.BigIntegerField(default=0, help_text="The same without what their MRR rose by.")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["month", "currency", "owner"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "month", "currency"], name="revenue_month_once"),
            models.UniqueConstraint(
                fields=["month", "currency"], condition=Q(owner=None), name="revenue_month_once_of_nobody"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="revenue_month_currency_iso"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} in {self.month:%B %Y}"
