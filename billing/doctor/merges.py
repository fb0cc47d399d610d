"""Merged customers: each leads to a survivor, owns no rows, and is the merged origin only of the survivor's rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import Count, Exists, OuterRef

from billing.doctor.findings import Advance, Finding
from billing.models import Posting
from customers.models import Customer, CustomerRow

#: Models with rows that stay with a merged customer, because they never change.
_STAYS = (Posting,)


def check_chains(advance: Advance) -> Iterator[Finding]:
    """Customers that were merged into a merged customer, perhaps in a circle."""
    chained = Customer.objects.filter(merged_into__merged_into__isnull=False).order_by("pk")
    for customer in chained.iterator():
        way = _way_from(customer)
        if way[-1].merged_into_id is None:
            what = f"it is merged into {way[1].pk}, which is itself merged"
            remedy = f"Change its survivor to {way[-1].pk} ({way[-1]})."
        else:
            what = "it is merged in a circle: " + " → ".join(
                [*(str(each.pk) for each in way), str(way[-1].merged_into_id)]
            )
            remedy = "Decide which one is the primary record, and clear its survivor."
        yield Finding(str(customer.pk), str(customer), what, remedy)


def check_owners(advance: Advance) -> Iterator[Finding]:
    """Merged customers that own rows."""
    for relation in Customer._meta.related_objects:
        model = relation.related_model
        if relation.field.name != "customer" or model in _STAYS:
            continue
        rows: Any = model._default_manager
        owners = (
            rows.filter(customer__merged_into__isnull=False)
            .order_by("customer")
            .values_list("customer", "customer__name", "customer__merged_into")
            .annotate(count=Count("pk"))
        )
        for customer, name, survivor, count in owners.iterator():
            many = model._meta.verbose_name if count == 1 else model._meta.verbose_name_plural
            yield Finding(
                customer,
                name or customer,
                f"it is merged into {survivor} but still has {count:,} {many}",
                "Merge the two again, or move the rows to the survivor.",
            )


def check_homes(advance: Advance) -> Iterator[Finding]:
    """Rows whose merged origin is not merged into their customer."""
    for model in apps.get_models():
        if not issubclass(model, CustomerRow):
            continue
        merged = Customer.objects.filter(pk=OuterRef("came_with"), merged_into=OuterRef(_owner_of(model)))
        rows: Any = model._default_manager
        astray = rows.exclude(came_with=None).exclude(Exists(merged)).order_by("pk")
        for key, origin in astray.values_list("pk", "came_with").iterator():
            yield Finding(
                str(key),
                str(model._meta.verbose_name),
                f"its merged origin {origin} isn't merged into the row's customer",
                "Clear the origin if the row was always this customer's; otherwise move it to the right customer.",
            )


def _owner_of(model: type[CustomerRow]) -> str:
    """The lookup from a row to its customer."""
    names = {field.name for field in model._meta.concrete_fields}
    return "customer" if "customer" in names else "survivor"


def _way_from(customer: Customer) -> list[Customer]:
    """The customer, its survivor, that one's survivor, and so on, until one is not merged or appears again."""
    way, passed = [customer], {customer.pk}
    while way[-1].merged_into is not None and way[-1].merged_into_id not in passed:
        way.append(way[-1].merged_into)
        passed.add(way[-1].pk)
    return way
