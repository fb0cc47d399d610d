"""The prefixes of typed IDs, over all apps."""

from __future__ import annotations

from collections import Counter

from django.apps import apps
from django.db.models import Model

from billing.models import Payment
from customers.typed_ids import TypedIdField, new_typed_id, with_prefix


def keys() -> list[tuple[type[Model], TypedIdField]]:
    return [
        (model, model._meta.pk)
        for model in apps.get_models()
        if isinstance(model._meta.pk, TypedIdField) and not model._meta.proxy
    ]


def test_each_prefix_is_of_one_model() -> None:
    prefixes = Counter(key.prefix for _, key in keys())
    assert [prefix for prefix, count in prefixes.items() if count > 1] == []


def test_no_prefix_is_read_by_two_models_but_the_former_one_of_payments() -> None:
    prefixes = Counter(prefix for _, key in keys() for prefix in (key.prefix, *key.also))
    assert [prefix for prefix, count in prefixes.items() if count > 1] == ["pay"]


def test_a_payment_is_found_by_its_former_prefix() -> None:
    key = new_typed_id("pmt")
    assert Payment._meta.pk.to_python(with_prefix(key, "pay")) == key
