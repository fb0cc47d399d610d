"""The country of a customer, for phone numbers without a country code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms import ModelForm

from customers.models import Address, Customer
from customers.readings.countries import COUNTRY_CODES

_MOST_ADDRESSES = 1000


def region_of(form: ModelForm) -> str:
    """The country of the default address, or the one country of all addresses; empty if there is none.

    The customer is the form's own or the one that its row belongs to. Addresses in the same submission come first.
    """
    row = form.instance
    if isinstance(row, Customer):
        return _one(_submitted(form.data)) or _one(_saved(row.pk))
    customer = getattr(form, "cleaned_data", {}).get("customer")
    return _one(_saved(customer.pk if customer else getattr(row, "customer_id", None)))


def _submitted(data: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Country and default flag of the addresses on the customer's form."""
    count = str(data.get("addresses-TOTAL_FORMS", ""))
    last = int(count) if count.isascii() and count.isdigit() and len(count) < len(str(_MOST_ADDRESSES)) else 0
    return [
        (str(data.get(f"addresses-{number}-country", "")), bool(data.get(f"addresses-{number}-is_default")))
        for number in range(last)
    ]


def _saved(customer_id: Any) -> list[tuple[str, bool]]:
    if customer_id is None:
        return []
    rows = Address.objects.filter(customer=customer_id).values_list("country", "is_default")
    return [(str(country), is_default) for country, is_default in rows[:_MOST_ADDRESSES]]


def _one(addresses: list[tuple[str, bool]]) -> str:
    known = [each for each in addresses if each[0] in COUNTRY_CODES]
    countries = {country for country, is_default in known if is_default} or {country for country, _ in known}
    return countries.pop() if len(countries) == 1 else ""
