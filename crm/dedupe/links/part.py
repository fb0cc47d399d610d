"""Take a source record, with the rows that it brought, out of its customer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.db.models import Model, QuerySet

from crm.dedupe.merges.left_records import forget_values
from crm.dedupe.merges.relations import rows_of
from crm.document.reported import resolve_reported
from crm.models import Merge, MergedRecord
from customers.bulk import create_rows, pieces, write_history
from customers.ingest.precedence import (
    IDENTIFIERS,
    IMPORTED,
    begin,
    column,
    default_of_column,
    empty_unclaimed,
    is_empty,
    is_imported,
    resolve,
)
from customers.models import Customer, Source, SourceRecord

#: The models with rows that go along with a record, by source. What a person added to a customer stays with it, except
#: in billing, where it belongs to the account: plans, balances and invoices hang together.
ROWS_OF_SOURCE: dict[str, tuple[str, ...]] = {
    Source.PAYMENTS: ("customers.Address", "customers.Business", "customers.PaymentMethod"),
    Source.BILLING: (
        "billing.AlertFired",
        "billing.AutoTopup",
        "billing.Balance",
        "billing.BillingAccount",
        "billing.Discount",
        "billing.Entity",
        "billing.Flag",
        "billing.Invoice",
        "billing.License",
        "billing.OverageAllowed",
        "billing.Purchase",
        "billing.Referral",
        "billing.SpendLimit",
        "billing.Subscription",
        "billing.TrialUsed",
        "billing.UsageAlert",
        "billing.UsageLimit",
    ),
    Source.CRM: ("crm.Contact", "crm.CustomField", "crm.Domain"),
}


def rows_brought_by(record: SourceRecord) -> Iterator[QuerySet[Any]]:
    """The rows that leave the customer together with `record`, by model."""
    for label in ROWS_OF_SOURCE.get(record.source, ()):
        rows = rows_of(apps.get_model(label)).filter(
            customer=record.customer_id, came_with=record.came_with_id
        )
        yield rows if record.source == Source.BILLING else rows.filter(imported=True)


def records_beside(record: SourceRecord) -> QuerySet[SourceRecord]:
    """The customer's other records that documents are about."""
    return SourceRecord.objects.filter(customer=record.customer_id, is_merged=False).exclude(pk=record.pk)


def part(record: SourceRecord, *, by: Any, reason: str) -> Customer:
    """Give `record` and its rows to a new customer, which is returned. The caller has locked the present one.

    Both customers' columns are then what their records say. A value that only this record claimed leaves the present
    customer with it, unless the field is locked.
    """
    customer = record.customer
    holders = _holders(record)
    new = Customer(env=customer.env)
    begin(new, record.claims)
    create_rows([new], f"{IMPORTED} {record.source}", by=by)
    for rows in list(rows_brought_by(record)):
        _move(rows, new, reason, by)
    if record.source == Source.CRM:
        _part_crm(record, new)
    record.customer, record.came_with = new, None
    record.save(update_fields=["customer", "came_with"])
    _let_go(holders, record, by, reason)
    resolve(new)
    _save(new, by, reason)
    if record.source == Source.CRM:
        resolve_reported([customer, new], reason)
    return new


def _move(rows: QuerySet[Any], new: Customer, reason: str, by: Any) -> None:
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    model: type[Model] = rows.model
    for piece in pieces(keys):
        moved = rows_of(model).filter(pk__in=piece)
        moved.update(customer=new, came_with=None)
        # The history shows which customer had them at what time.
        write_history(list(moved), reason, by=by)


def _part_crm(record: SourceRecord, new: Customer) -> None:
    """Take along the customers that the record's document lists as merged."""
    nested = MergedRecord.objects.filter(
        survivor=record.customer_id, came_with=record.came_with_id, imported=True
    )
    ids = list(nested.values_list("crm_id", flat=True))
    away = Customer.objects.filter(merged_into=record.customer_id, merged_record__in=nested)
    away.update(merged_into=new)
    nested.update(survivor=new, came_with=None)
    listed = SourceRecord.objects.filter(
        source=Source.CRM, env=record.env, is_merged=True, customer=record.customer_id, source_id__in=ids
    )
    listed.update(customer=new, came_with=None)


def _holders(record: SourceRecord) -> list[Customer]:
    """The customers that may hold values of the record: its own, those that one was merged into, the present one last."""
    holders = [record.came_with or record.customer]
    while holders[-1].pk != record.customer_id:
        merge = Merge.objects.standing().filter(other=holders[-1]).first()
        holders.append(record.customer if merge is None else merge.survivor)
    return [*holders[:-1], record.customer]


def _let_go(holders: Sequence[Customer], record: SourceRecord, by: Any, reason: str) -> None:
    """Take what only `record` claims from the customers that may hold it, and from what undoing a merge would restore."""
    others = list(SourceRecord.objects.filter(customer=holders[-1].pk))
    for holder in holders:
        own = others if holder is holders[-1] else [each for each in others if each.came_with_id == holder.pk]
        claimed = {
            name for each in own for name, claim in each.claims.items() if not is_empty(claim["value"])
        }
        for name, claim in record.claims.items():
            is_free = name in Customer.PINNABLE and name not in holder.pinned_fields
            if not is_free or (name in claimed and name not in IDENTIFIERS):
                continue
            if getattr(holder, name) == column(name, claim["value"]):
                setattr(holder, name, default_of_column(name))
        if holder is holders[-1]:
            resolve(holder)
            if is_imported(holder):
                empty_unclaimed(holder)
        _save(holder, by, reason)
    forget_values([holder.pk for holder in holders], [record])


def _save(customer: Customer, by: Any, reason: str) -> None:
    customer._history_user, customer._change_reason = by, reason  # type: ignore[attr-defined]
    customer.save()
