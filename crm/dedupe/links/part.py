"""Take a source record, with the rows that it brought, out of its customer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db.models import Model, QuerySet

from crm.dedupe.merges.relations import rows_of
from crm.document.importer import COMPANY_FIELDS, RELATIONSHIP_FIELDS
from crm.models import Company, MergedRecord, Relationship
from customers.bulk import create_rows, delete_rows, pieces, write_history
from customers.ingest.precedence import IDENTIFIERS, begin, column, is_empty, resolve
from customers.models import Customer, Source, SourceRecord

#: The models whose rows go along with a record of each source. What a person added to a customer stays with it, except
#: in billing, where it belongs to the account: plans, balances and invoices hang together.
ROWS_OF_SOURCE: dict[str, tuple[str, ...]] = {
    Source.PAYMENTS: ("customers.Address", "customers.Business", "customers.PaymentMethod"),
    Source.BILLING: (
        "billing.AutoTopup",
        "billing.Balance",
        "billing.BillingAccount",
        "billing.Discount",
        "billing.Entity",
        "billing.Flag",
        "billing.Invoice",
        "billing.License",
        "billing.Purchase",
        "billing.Referral",
        "billing.SpendLimit",
        "billing.Subscription",
        "billing.TrialUsed",
        "billing.UsageAlert",
    ),
    Source.CRM: ("crm.Contact", "crm.CustomField", "crm.Domain"),
}


def rows_brought_by(record: SourceRecord) -> Iterator[QuerySet[Any]]:
    """The rows that leave the customer together with `record`, by model."""
    for label in ROWS_OF_SOURCE[record.source]:
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
    new = Customer(env=customer.env)
    begin(new, record.claims)
    create_rows([new], reason, by=by)
    for rows in list(rows_brought_by(record)):
        _move(rows, new, reason, by)
    if record.source == Source.CRM:
        _part_crm(record, new, reason, by)
    record.customer, record.came_with = new, None
    record.save(update_fields=["customer", "came_with"])
    _let_go(customer, record, by, reason)
    resolve(new)
    _save(new, by, reason)
    return new


def _move(rows: QuerySet[Any], new: Customer, reason: str, by: Any) -> None:
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    model: type[Model] = rows.model
    for piece in pieces(keys):
        moved = rows_of(model).filter(pk__in=piece)
        moved.update(customer=new, came_with=None)
        # The history tells when they were whose.
        write_history(list(moved), reason, by=by)


def _part_crm(record: SourceRecord, new: Customer, reason: str, by: Any) -> None:
    """Take along the record's company, its account facts, and the customers that its document lists as merged."""
    beside = records_beside(record).filter(source=Source.CRM)
    is_alone = not beside.exists()
    # The revenue of the account is in its currency.
    for model, names, with_them in (
        (Company, COMPANY_FIELDS, ()),
        (Relationship, RELATIONSHIP_FIELDS, ("currency",)),
    ):
        row: Any = rows_of(model).filter(customer=record.customer_id).first()
        if row is None:
            continue
        copy: Any = model(customer=new, **{name: getattr(row, name) for name in (*names, *with_them)})
        create_rows([copy], reason, by=by)
        if is_alone and model is Company and not row.pinned_fields:
            delete_rows([row], reason)
        elif is_alone:
            _empty(row, names, reason, by)
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


def _empty(row: Any, names: Iterable[str], reason: str, by: Any) -> None:
    emptied = [name for name in names if name not in row.pinned_fields]
    for name in emptied:
        setattr(row, name, row._meta.get_field(name).get_default())
    row._history_user, row._change_reason = by, reason
    row.save(update_fields=emptied)


def _let_go(customer: Customer, record: SourceRecord, by: Any, reason: str) -> None:
    """Take from the customer, and from one that it was merged from, what only `record` claims."""
    for name in IDENTIFIERS:
        claimed = record.claims.get(name, {}).get("value")
        merged = Customer.objects.filter(merged_into=customer, **{name: claimed})
        for other in merged if claimed else ():
            setattr(other, name, None)
            _save(other, by, reason)
    claimed_elsewhere = {
        name
        for other in customer.source_records.all()
        for name, claim in other.claims.items()
        if not is_empty(claim["value"])
    }
    for name in Customer.PINNABLE:
        if name in customer.pinned_fields or name in claimed_elsewhere or name not in record.claims:
            continue
        if getattr(customer, name) == column(name, record.claims[name]["value"]):
            setattr(customer, name, Customer._meta.get_field(name).get_default())  # type: ignore[union-attr]
    resolve(customer)
    _save(customer, by, reason)


def _save(customer: Customer, by: Any, reason: str) -> None:
    customer._history_user, customer._change_reason = by, reason  # type: ignore[attr-defined]
    customer.save()
