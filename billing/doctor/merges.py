"""Whether merged customers lead to one survivor, own nothing any more, and are known as whom its rows came with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import Count, Exists, OuterRef

from billing.doctor.findings import Advance, Finding
from billing.models import Posting
from customers.models import Customer, CustomerRow

#: What stays under the customer it was written for, because it is written once.
_STAYS = (Posting,)


def check_chains(advance: Advance) -> Iterator[Finding]:
    """Customers that were merged into one that is merged itself, perhaps in a circle."""
    chained = Customer.objects.filter(merged_into__merged_into__isnull=False).order_by("pk")
    for customer in chained.iterator():
        way = _way_from(customer)
        if way[-1].merged_into_id is None:
            what = f"it is merged into {way[1].pk}, which is merged itself"
            remedy = f"Let it be merged into {way[-1].pk} ({way[-1]})."
        else:
            what = "it is merged in a circle: " + " → ".join(
                [*(str(each.pk) for each in way), str(way[-1].merged_into_id)]
            )
            remedy = "Decide which of them stands, and let it be merged into nobody."
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
                f"it is merged into {survivor}, but has {count} {many} of its own",
                "They belong to the survivor: merge the two again, or move them there.",
            )


def check_homes(advance: Advance) -> Iterator[Finding]:
    """Rows that say they came with a customer that is not merged into whom they belong to."""
    for model in apps.get_models():
        if not issubclass(model, CustomerRow):
            continue
        merged = Customer.objects.filter(pk=OuterRef("came_with"), merged_into=OuterRef(_owner_of(model)))
        rows: Any = model._default_manager
        astray = rows.exclude(came_with=None).exclude(Exists(merged)).order_by("pk")
        for key, home in astray.values_list("pk", "came_with").iterator():
            yield Finding(
                str(key),
                str(model._meta.verbose_name),
                f"it says it came with {home}, which is not merged into the customer it belongs to",
                "Find out whose it is: one that has always been this customer's came with nobody.",
            )


def _owner_of(model: type[CustomerRow]) -> str:
    """The way from a row to its customer."""
    names = {field.name for field in model._meta.concrete_fields}
    ways = {"customer": "customer", "survivor": "survivor", "balance": "balance__customer"}
    return next(way for name, way in ways.items() if name in names)


def _way_from(customer: Customer) -> list[Customer]:
    """The customer, the one it is merged into, and so on: to the survivor, or until one comes again."""
    way, passed = [customer], {customer.pk}
    while way[-1].merged_into is not None and way[-1].merged_into_id not in passed:
        way.append(way[-1].merged_into)
        passed.add(way[-1].pk)
    return way
