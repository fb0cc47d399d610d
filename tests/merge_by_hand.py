"""Two customers made one by hand, as far as imports see it."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import OneToOneField

from customers.models import Customer, CustomerRow


def merge_by_hand(survivor: Customer, other: Customer) -> None:
    """Give the rows of `other` to `survivor`, each with the customer that it came with.

    What there is one of stays with `other` where the survivor has its own.
    """
    for model in _models_of_customers():
        columns = {field.name for field in model._meta.fields}
        rows = model._default_manager.filter(customer=other)
        ours = model._default_manager.filter(customer=survivor)
        if isinstance(model._meta.get_field("customer"), OneToOneField) and ours.exists():
            rows = rows.none()
        if "is_default" in columns and ours.filter(is_default=True).exists():
            rows.update(is_default=False)
        rows.filter(came_with=None).update(came_with=other)
        rows.update(customer=survivor)
    Customer.objects.filter(pk=other.pk).update(merged_into=survivor)


def _models_of_customers() -> list[Any]:
    models = [model for model in apps.get_models() if issubclass(model, CustomerRow)]
    return [
        model for model in models if any(field.name == "customer" for field in model._meta.concrete_fields)
    ]
