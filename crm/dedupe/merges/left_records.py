"""Records that leave a customer while others are merged into it: undoing such a merge must not bring their values back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from crm.models import Merge
from customers.ingest.precedence import default_of_column, is_empty
from customers.models import Customer, SourceRecord


def forget_values(customers: Iterable[Any], records: Iterable[SourceRecord]) -> None:
    """Note in each standing merge of one of `customers` that the values of `records` went with them."""
    keys = list(customers)
    told = list(records)
    for merge in Merge.objects.standing().filter(Q(survivor__in=keys) | Q(other__in=keys)):
        changes: dict[str, Any] = merge.changes
        gone: dict[str, list[Any]] = changes.get("gone", {})
        for record in told:
            for name, claim in record.claims.items():
                if name in Customer.PINNABLE and not is_empty(claim["value"]):
                    gone.setdefault(name, []).append(claim["value"])
        for each in changes.get("set", ()):
            if each["model"] == Customer._meta.label and each["before"] in gone.get(each["column"], ()):
                each["before"] = default_of_column(each["column"])
        if gone:
            changes["gone"] = gone
            merge.save(update_fields=["changes"])
