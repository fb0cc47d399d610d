"""What keeps the desk current, for tests that write rows and then read lists."""

from __future__ import annotations

from datetime import datetime

from crm.desk.facts.refresh import refresh_facts
from customers.models import Customer


def refresh_all_facts(at: datetime | None = None) -> None:
    """Bring the facts of all customers up to date, as the job that follows changes does."""
    refresh_facts([str(key) for key in Customer.objects.values_list("pk", flat=True)], at)
