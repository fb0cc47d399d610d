"""Erase a customer: what is personal goes, the ledger, invoices and totals stay under a pseudonym."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from billing.models import Invoice, Subscription
from crm.dedupe.duplicates.review import regroup
from crm.desk.facts.refresh import refresh_facts
from crm.models import DuplicatePair
from crm.privacy.people import people_of
from crm.privacy.personal_words import Finder, values_of_customers, values_of_people
from crm.privacy.places import PLACES, SEARCHED
from crm.privacy.rows import (
    REASON,
    Erased,
    delete_exports,
    delete_files,
    delete_people,
    delete_rows,
    empty_rows,
    history_of,
    overwrite_deleted_pages,
    search,
)
from customers import clock
from customers.audit.record import audit
from customers.bulk import update_rows
from customers.ingest.engine import wait_for_other_imports
from customers.ingest.erased import digest_of, keys_of_customer
from customers.logs import log_event
from customers.models import AuditAction, Customer, ErasedRecord, Erasure, SourceRecord


class CannotErase(Exception):
    """The customer can't be erased. The message says what to do first."""


@transaction.atomic
def erase_customer(customer: Customer, reason: str, done_by: str) -> Erased:
    """Erase a customer and all that were merged into it. All or nothing.

    What is personal is deleted or emptied: rows, histories, received documents, notes, notifications, exports, what
    merges keep. The ledger, invoices and their totals stay with the ID. Imports leave its records out from then on.

    Raises `CannotErase` if the customer was merged or erased, or is billed here.
    """
    wait_for_other_imports()
    overwrite_deleted_pages()
    family = lock_family(customer)
    survivor = family[0]
    check_survivor(survivor)
    _check_not_billed(family)
    ids = [str(each.pk) for each in family]
    people = people_of(ids)
    values = values_of_customers(ids) | values_of_people(people)
    erasure = Erasure.objects.create(customer_id=str(survivor.pk), reason=reason, done_by=done_by)
    done = Erased(erasure, unpaid=_unpaid(ids))
    remember(erasure, ErasedRecord.Kind.RECORD, _keys_of(family))
    clusters = _clusters_of(ids)
    delete_files(done, ids)
    _end_imported_subscriptions(ids)
    for place in PLACES:
        if not place.is_kept:
            delete_rows(done, place, place.rows(ids), history_of(place, ids))
    delete_people(done, people)
    for place in PLACES:
        if place.is_kept:
            empty_rows(done, place, ids)
    regroup(clusters)
    delete_exports(done, set(ids))
    for searched in SEARCHED:
        # An ID of ours is the pseudonym: it stays where the row stays.
        search(done, searched, Finder(values if searched.is_replaced else values.union(ids)))
    Customer.objects.filter(pk__in=ids).update(archived_at=erasure.erased_at)
    refresh_facts([str(survivor.pk)], erasure.erased_at)
    erasure.finished_at = clock.now()
    erasure.save(update_fields=["finished_at"])
    audit(AuditAction.ERASED, str(survivor.pk), str(erasure.pk), details={"reason": reason})
    log_event("customer_erased", customer=str(survivor.pk))
    return done


def lock_family(customer: Customer) -> list[Customer]:
    """The customer and those merged into it, locked, the survivor first."""
    locked = Customer.objects.filter(Q(pk=customer.pk) | Q(merged_into=customer.pk)).order_by("pk")
    return sorted(locked.select_for_update(), key=lambda each: each.pk != customer.pk)


def check_survivor(customer: Customer) -> None:
    """Raise `CannotErase` if the customer was merged or erased."""
    if customer.merged_into_id is not None:
        raise CannotErase(f"{customer.pk} was merged. Erase the primary record, or undo the merge first.")
    if Erasure.objects.filter(customer_id=str(customer.pk), person_id=None).exists():
        raise CannotErase(f"{customer.pk} was erased already.")


def remember(erasure: Erasure, kind: ErasedRecord.Kind, keys: Iterable[Sequence[str]]) -> None:
    """Keep digests of what must not come back."""
    digests = sorted({digest_of(erasure.salt, *key) for key in keys})
    ErasedRecord.objects.bulk_create(
        ErasedRecord(erasure=erasure, kind=kind, digest=digest) for digest in digests
    )


def _check_not_billed(family: Sequence[Customer]) -> None:
    billed = Subscription.objects.filter(customer__in=list(family), billed_here=True)
    if billed.exclude(status=Subscription.Status.ENDED).exists():
        raise CannotErase("The customer has a subscription that is billed here. Cancel it first.")


def _unpaid(customer_ids: Sequence[str]) -> list[str]:
    unpaid = Invoice.objects.unpaid().filter(customer__in=list(customer_ids)).exclude(number="")
    return list(unpaid.order_by("number").values_list("number", flat=True))


def _keys_of(family: Iterable[Customer]) -> Iterator[Sequence[str]]:
    for customer in family:
        records = SourceRecord.objects.filter(Q(customer=customer) | Q(came_with=customer))
        yield from keys_of_customer(customer, records)


def _clusters_of(customer_ids: Any) -> set[Any]:
    pairs = DuplicatePair.objects.filter(Q(a__in=customer_ids) | Q(b__in=customer_ids))
    return set(pairs.exclude(cluster=None).values_list("cluster_id", flat=True))


def _end_imported_subscriptions(customer_ids: Sequence[str]) -> None:
    """End them: no import will."""
    now = clock.now()
    rows = Subscription.objects.filter(customer__in=list(customer_ids)).exclude(
        status=Subscription.Status.ENDED
    )
    ended = list(rows)
    for row in ended:
        row.status, row.expires_at = Subscription.Status.ENDED, now
    update_rows(ended, ["status", "expires_at"], REASON)
