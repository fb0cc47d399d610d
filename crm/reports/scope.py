"""Which accounts a report covers, and as of which day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from crm.models.report_figures import KnownFigure
from customers.models import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportScope:
    """The environment ("" for all), the customers (None: all), and the day as of which figures are shown (None: now)."""

    env: str = ""
    customers: QuerySet[Customer] | None = None
    as_of: date | None = None

    def known(self, model: type[KnownFigure]) -> QuerySet[Any]:
        """The figures of a model for these accounts, as they were known."""
        rows: Any = model.objects
        return self.rows_of(rows.current() if self.as_of is None else rows.known_on(self.as_of))

    def rows_of(self, rows: QuerySet[Any], account: str = "account") -> QuerySet[Any]:
        """Only the rows of these accounts: those of the customers, and of customers merged into them."""
        if self.env:
            rows = rows.filter(env=self.env)
        if self.customers is not None:
            keys = self.customers.order_by().values("pk")
            accounts = Customer.objects.filter(Q(pk__in=keys) | Q(merged_into__in=keys))
            rows = rows.filter(**{f"{account}__in": accounts.order_by().values("pk")})
        return rows
