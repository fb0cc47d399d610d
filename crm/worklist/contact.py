"""When somebody was last in contact with a customer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max

from crm.models import Note


def last_contacts(customer_ids: Iterable[str]) -> dict[str, datetime]:
    """By customer, when something was last noted of it; customers of whom nothing was are not in it. In one query."""
    found = Note.objects.filter(customer_id__in=list(customer_ids)).order_by()
    latest = found.values_list("customer_id").annotate(at=Max("created_at"))
    return {str(customer_id): at for customer_id, at in latest}
