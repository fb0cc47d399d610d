"""What a merge costs for each row, beside the bare UPDATE with its foreign key checks: `python -m bench.merging`.

Wants PostgreSQL, empty, in DATABASE_URL (`bin/postgresql_cluster.py` makes one). For notes, addresses and invoices, and
for grants with their ledger entries, which are posted away and back.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from decimal import Decimal
from time import perf_counter
from typing import Any

_MILLION = 1_000_000


def main() -> None:
    """Measure each kind of row at each size, and print microseconds a row."""
    parser = argparse.ArgumentParser(prog="bench.merging", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[1000, 10_000, 100_000], metavar="N")
    parser.add_argument("--grants", type=int, nargs="*", default=[100, 1000], metavar="N")
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(f"{'microseconds a row':<24}{'rows':>9}{'bare UPDATE':>13}{'merge':>9}{'more':>8}{'undo':>9}")
    for name, make in _kinds().items():
        for count in options.grants if name == "grants" else options.rows:
            bare, merged, undone = (seconds * _MILLION / count for seconds in _measure(name, make, count))
            more = merged - bare
            print(f"{name:<24}{count:>9}{bare:>13.1f}{merged:>9.1f}{more:>8.1f}{undone:>9.1f}", flush=True)


def _kinds() -> dict[str, Callable[[Any, int], None]]:
    from billing.ledger import Change, Draft, post
    from billing.models import Balance, Feature, Grant, Invoice, Posting
    from crm.models import Note
    from customers import clock
    from customers.models import Address

    def notes(customer: Any, count: int) -> None:
        Note.objects.bulk_create(
            (Note(customer=customer, body=f"Note {number}") for number in range(count)), batch_size=5000
        )

    def addresses(customer: Any, count: int) -> None:
        Address.objects.bulk_create(
            (Address(customer=customer, line1=f"{number} Main Street") for number in range(count)),
            batch_size=5000,
        )

    def invoices(customer: Any, count: int) -> None:
        Invoice.objects.bulk_create(
            (
                Invoice(customer=customer, status="open", currency="USD", total=number)
                for number in range(count)
            ),
            batch_size=5000,
        )

    def grants(customer: Any, count: int) -> None:
        feature, _ = Feature.objects.get_or_create(feature_id="calls", defaults={"name": "Calls"})
        balance = Balance.objects.create(customer=customer, feature=feature)
        rows = [Grant(balance=balance) for _ in range(count)]
        for start in range(0, count, 500):
            changes = [
                Change(row, figure, Decimal(5))
                for row in rows[start : start + 500]
                for figure in ("included_grant", "usage")
            ]
            post(
                Draft(
                    customer_id=str(customer.pk),
                    kind=Posting.Kind.GRANT,
                    occurred_at=clock.now(),
                    done_by="bench",
                    changes=changes,
                )
            )

    return {"notes": notes, "addresses": addresses, "invoices": invoices, "grants": grants}


def _measure(name: str, make: Callable[[Any, int], None], count: int) -> tuple[float, float, float]:
    """Seconds of the bare update, of a merge (its commit included, where foreign keys are checked), of undoing it."""
    from django.db import connection, transaction

    from billing.models import Balance, Grant, Invoice
    from crm.merging.acting import merge
    from crm.merging.undoing import unmerge
    from crm.models import Note
    from customers.models import Address, Customer

    table = {"notes": Note, "addresses": Address, "invoices": Invoice, "grants": Grant}[name]._meta.db_table
    with transaction.atomic():
        customers = [Customer.objects.create(name=f"Customer {number}") for number in range(4)]
        bare, target, other, survivor = customers
        make(bare, count)
        make(other, count)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def update() -> None:
        column, old, new = "customer_id", bare.pk, target.pk
        with connection.cursor() as cursor:
            if name == "grants":
                balance = Balance.objects.get(customer=bare)
                into = Balance.objects.create(customer=target, feature=balance.feature)
                column, old, new = "balance_id", balance.pk, into.pk
            field = (Grant if name == "grants" else Note)._meta.get_field(column.removesuffix("_id"))
            values = [field.get_db_prep_value(key, connection, prepared=False) for key in (new, old)]
            cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {column} = %s", values)

    plain = _seconds(update)
    merged = _seconds(lambda: merge(str(survivor.pk), [str(other.pk)]))
    undone = _seconds(lambda: unmerge(survivor.merges.get()))
    return plain, merged, undone


def _seconds(work: Callable[[], Any]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


if __name__ == "__main__":
    main()
