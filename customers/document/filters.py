"""The filters of lists of customers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, Q

from customers.api.filtersets import FlagFilter, InstantFilter, ListFilterSet, TextFilter, WordFilter
from customers.api.http import bad_parameter
from customers.models import Address, Customer, Environment, PaymentMethod
from customers.models.customer import CustomerQuerySet
from customers.readings import countries


def named_like(text: str) -> Q:
    """Customers with `text` in their name, email address or external ID, ignoring case."""
    return Q(name__icontains=text) | Q(email__icontains=text) | Q(external_id__icontains=text)


class CustomerFilter(ListFilterSet):
    """The filters of every list of customers. Archived customers are left out unless `archived` is true.

    `segments` converts the name or ID of a segment and the user (None for a token) into a condition on customers; its
    `ValueError` or `LookupError` says what is wrong. It is passed in, because segments lie in an app above.
    """

    def __init__(self, *args: Any, segments: Callable[[str, Any], Q] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.segments = segments

    q = TextFilter(
        method="search", help_text="Text in the name, the email address or the external ID, ignoring case."
    )
    env = WordFilter(words=Environment.values, help_text="The environment of the customer.")
    archived = FlagFilter(method="accept", help_text="`true` includes archived customers.")
    segment = TextFilter(
        method="in_segment", help_text="The name or ID of a saved segment, shared or your own."
    )

    def search(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        return rows.filter(named_like(value))

    def in_segment(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Customers in the segment. Raises `Problem`."""
        if self.segments is None:
            raise bad_parameter(name, "can't be used, because there are no segments here.")
        user = getattr(self.request, "user", None)
        is_token = self.request is None or "Authorization" in self.request.headers
        asker = None if is_token or user is None or not user.is_authenticated else user
        try:
            return rows.filter(self.segments(value, asker))
        except (ValueError, LookupError) as problem:
            raise bad_parameter(name, f"can't be used. {problem}") from None

    def accept(self, rows: CustomerQuerySet, name: str, value: object) -> CustomerQuerySet:
        """Filter nothing here: `filter_queryset` applies the value."""
        return rows

    def filter_queryset(self, queryset: CustomerQuerySet) -> CustomerQuerySet:
        rows: CustomerQuerySet = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data["archived"] else rows.filter(archived_at=None)


class PaymentsCustomerFilter(CustomerFilter):
    """The filters of the list of payments documents."""

    status = WordFilter(words=Customer.Status.values, help_text="The status of the account.")
    email = TextFilter(help_text="The exact email address.")
    country = TextFilter(
        method="in_country",
        help_text="The country of the default address, such as TZ (ISO 3166-1 alpha-2), or its name.",
    )
    created_after = InstantFilter("created_at", "gte", help_text="Created at or after this time.")
    created_before = InstantFilter("created_at", "lt", help_text="Created before this time.")
    updated_after = InstantFilter(
        "updated_at", "gte", help_text="Changed by the payments platform at or after this time."
    )
    updated_before = InstantFilter(
        "updated_at", "lt", help_text="Last changed by the payments platform before this time."
    )

    def in_country(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Customers whose default address is in the country, which is read as at import."""
        known = {value, countries.country(value)[0]}
        addresses = Address.objects.filter(customer=OuterRef("pk"), is_default=True, country__in=known)
        return rows.filter(Exists(addresses))


class PartFilter(ListFilterSet):
    """The filters of the lists of a customer's addresses and businesses."""

    status = TextFilter(help_text="The exact status, such as active.")


class PaymentMethodFilter(PartFilter):
    """The filters of the list of a customer's payment methods."""

    type = WordFilter(words=PaymentMethod.Type.values, help_text="The type of payment method.")
