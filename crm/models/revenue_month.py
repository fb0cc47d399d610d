"""How the revenue of an account manager's customers moved in a month."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class RevenueMonth(models.Model):
    """MRR at the end of a month, and what it gained and lost since the month before, in minor units of `currency`.

    Of the customers whom `owner` looks after now (empty: nobody does). Worked out from subscriptions by
    `manage.py refresh_desk`, and never by hand: `mrr` is the month's before, plus `new` and `expansion`, less
    `contraction` and `churn`.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="revenue_months"
    )
    month = models.DateField(help_text="Its first day.")
    currency = models.CharField(max_length=3, help_text="ISO 4217.")
    mrr = models.BigIntegerField(help_text="At the end of the month; of the present one, now.")
    new = models.BigIntegerField(help_text="Of customers who brought in nothing the month before.")
    expansion = models.BigIntegerField(help_text="Of customers who bring in more.")
    contraction = models.BigIntegerField(help_text="Of customers who bring in less.")
    churn = models.BigIntegerField(help_text="Of customers who bring in nothing any more.")
    customers = models.PositiveIntegerField(help_text="How many bring something in.")
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
