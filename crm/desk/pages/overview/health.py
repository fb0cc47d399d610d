"""The customer's health score."""

from __future__ import annotations

from crm.desk.pages.health import ShownHealth
from crm.desk.pages.overview.section import Section


def health_section(shown: ShownHealth | None) -> Section | None:
    """The score with its signals; None if the customer has no score."""
    if shown is None:
        return None
    return Section(key="health", title="Health", lines=(shown,), template="crm/desk/overview/health.html")
