"""Erasures outlive a restore: those made after the backup are made again in what it brings back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core import serializers
from django.db.models import Q

from crm.privacy.erase import CannotErase, erase_customer
from crm.privacy.erase_person import erase_person
from customers.models import Customer, ErasedRecord, Erasure

DONE_BY = "restore"


def list_of_erasures() -> list[Any]:
    """All erasures with the digests that keep imports from bringing anyone back. There is nothing personal in it."""
    rows: Iterable[Any] = [*Erasure.objects.order_by("pk"), *ErasedRecord.objects.order_by("pk")]
    # By the digest, because the number of a row can belong to another one after a restore.
    found: list[Any] = serializers.serialize("python", rows)
    return [
        {
            "model": row["model"],
            "pk": None if "digest" in row["fields"] else str(row["pk"]),
            "fields": row["fields"],
        }
        for row in _plain(found)
    ]


def _plain(rows: Iterable[Any]) -> list[Any]:
    return [
        {
            **row,
            "fields": {
                name: value if value is None or isinstance(value, str) else _text(value)
                for name, value in row["fields"].items()
            },
        }
        for row in rows
    ]


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def erase_again(lists: Iterable[Sequence[Any]]) -> tuple[int, list[str]]:
    """Make the erasures of `lists` that the database doesn't have: how many, and what couldn't be erased.

    Their rows are kept in any case, so that imports don't bring back whom the backup doesn't know.
    """
    rows = [row for each in lists for row in each]
    missing: dict[str, Any] = {row["pk"]: row["fields"] for row in rows if row["pk"]}
    known = set(map(str, Erasure.objects.values_list("pk", flat=True)))
    again, problems = 0, []
    for key in sorted(missing.keys() - known):
        fields = missing[key]
        problem = _erase(fields["customer_id"], fields["person_id"], fields["reason"])
        if problem is None:
            again += 1
        elif problem:
            problems.append(problem)
    _keep(rows, known)
    return again, problems


def _erase(customer_id: str, person_id: str | None, reason: str) -> str | None:
    """None if it was erased; else what is wrong, empty if there is nothing to erase."""
    customer = Customer.objects.filter(pk=customer_id).first()
    done = Erasure.objects.filter(customer_id=customer_id).filter(Q(person_id=None) | Q(person_id=person_id))
    if customer is None or done.exists():
        return ""
    try:
        if person_id is None:
            erase_customer(customer, reason, DONE_BY)
        else:
            erase_person(customer, person_id, reason, DONE_BY)
    except CannotErase as problem:
        whom = customer_id if person_id is None else f"{person_id} of {customer_id}"
        return f"{whom} couldn't be erased again: {problem}"
    return None


def _keep(rows: Iterable[Any], known: set[str]) -> None:
    """Add the erasures that were not known, with their digests."""
    added = {row["pk"]: row["fields"] for row in rows if row["pk"] and row["pk"] not in known}
    Erasure.objects.bulk_create([Erasure(pk=key, **fields) for key, fields in added.items()])
    digests = {
        (fields["erasure"], fields["kind"], fields["digest"])
        for fields in (row["fields"] for row in rows if not row["pk"])
        if fields["erasure"] in added
    }
    ErasedRecord.objects.bulk_create(
        [
            ErasedRecord(erasure_id=erasure, kind=kind, digest=digest)
            for erasure, kind, digest in sorted(digests)
        ]
    )
