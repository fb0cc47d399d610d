"""The customer's health score."""

from __future__ import annotations

from datetime import datetime

from crm.desk.pages.health import shown_health
from crm.desk.pages.overview.section import Section
from customers.models import Customer


def health_section(customer: Customer, now: datetime) -> Section | None:
    """The score with its signals; None if the customer has no score."""
    shown = shown_health(customer, now)
    if shown is None:
        return None
    return Section(
        key="health",
        title="Health",
        lines=(shown,),
        template="crm/desk/overview/health.html",
    )
