"""Exchange rates, for totals of several currencies."""

from __future__ import annotations

from datetime import date
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Max, OuterRef, Q, Subquery
from simple_history.models import HistoricalRecords

from billing.models.figures import figure
from billing.rules.figures import UPPER_BOUND
from customers import clock
from customers.typed_ids import TypedIdField


class ExchangeRateQuerySet(models.QuerySet["ExchangeRate"]):
    def in_force(self, day: date) -> Self:
        """For each pair of currencies, the rate of `day` or of the last day before it."""
        pair = ExchangeRate.objects.filter(
            currency=OuterRef("currency"), to_currency=OuterRef("to_currency"), day__lte=day
        )
        latest = pair.order_by().values("currency", "to_currency").annotate(latest=Max("day"))
        return self.filter(day=Subquery(latest.values("latest")))


class ExchangeRate(models.Model):
    """On `day`, one unit of `currency` was worth `rate` units of `to_currency`. Codes are of ISO 4217."""

    id = TypedIdField(prefix="rate", primary_key=True, editable=False)
    currency = models.CharField(max_length=3)
    to_currency = models.CharField(max_length=3)
    day = models.DateField()
    rate = figure()
    source = models.CharField(blank=True, max_length=100)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    entered_at = models.DateTimeField(default=clock.now, editable=False)

    history = HistoricalRecords()
    objects = ExchangeRateQuerySet.as_manager()

    class Meta:
        ordering = ["currency", "to_currency", "-day"]
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "to_currency", "day"], name="exchange_rate_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(rate__gt=0, rate__lte=UPPER_BOUND), name="exchange_rate_positive"
            ),
            models.CheckConstraint(
                condition=~Q(currency=F("to_currency")), name="exchange_rate_between_currencies"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} in {self.to_currency}"
