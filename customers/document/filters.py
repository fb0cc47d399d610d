"""What lists of customers can be narrowed by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, Q

from customers.api.filtersets import FlagFilter, InstantFilter, ListFilterSet, TextFilter, WordFilter
from customers.api.http import bad_parameter
from customers.models import Address, Customer, Environment, PaymentMethod
from customers.models.customer import CustomerQuerySet

_CODE_LENGTH = 2


def named_like(text: str) -> Q:
    """Customers with `text` in their name, e-mail address or external id, in any case."""
    return Q(name__icontains=text) | Q(email__icontains=text) | Q(external_id__icontains=text)


class CustomerFilter(ListFilterSet):
    """What every list of customers can be narrowed by; archived ones are left out unless asked for.

    `segments` turns the name or id of a segment and the user (None: a token) into a condition on customers; its
    `ValueError` or `LookupError` says what is wrong. The list's address hands it in, as segments lie above this app.
    """

    def __init__(self, *args: Any, segments: Callable[[str, Any], Q] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.segments = segments

    q = TextFilter(
        method="search", help_text="Text in the name, the e-mail address or the external id, in any case."
    )
    env = WordFilter(words=Environment.values, help_text="The environment the customer was created in.")
    archived = FlagFilter(method="accept", help_text="`true`: archived customers are listed, too.")
    segment = TextFilter(
        method="in_segment", help_text="The name or id of a saved segment: a shared one, or one of your own."
    )

    def search(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Those with the text somewhere."""
        return rows.filter(named_like(value))

    def in_segment(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Those in the segment. Raises `Problem`."""
        if self.segments is None:
            raise bad_parameter(name, "names a segment, and there are none here.")
        user = getattr(self.request, "user", None)
        is_token = self.request is None or "Authorization" in self.request.headers
        asker = None if is_token or user is None or not user.is_authenticated else user
        try:
            return rows.filter(self.segments(value, asker))
        except (ValueError, LookupError) as problem:
            raise bad_parameter(name, f"cannot be used. {problem}") from None

    def accept(self, rows: CustomerQuerySet, name: str, value: object) -> CustomerQuerySet:
        """All of them: what the value means is decided at the end."""
        return rows

    def filter_queryset(self, queryset: CustomerQuerySet) -> CustomerQuerySet:
        """Apply the filters."""
        rows: CustomerQuerySet = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data["archived"] else rows.filter(archived_at=None)


class PaymentsCustomerFilter(CustomerFilter):
    """What the list of payments documents can be narrowed by."""

    status = WordFilter(words=Customer.Status.values, help_text="The status of the account.")
    email = TextFilter(help_text="The e-mail address, exactly.")
    country = TextFilter(
        method="in_country", help_text="The country of the default address, such as TZ (ISO 3166-1 alpha-2)."
    )
    created_after = InstantFilter("created_at", "gte", help_text="Created at this time or later.")
    created_before = InstantFilter("created_at", "lt", help_text="Created before this time.")
    updated_after = InstantFilter("updated_at", "gte", help_text="Changed at this time or later.")
    updated_before = InstantFilter("updated_at", "lt", help_text="Changed before this time.")

    def in_country(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Those whose default address is there; a code in small letters is read as one in capitals."""
        country = value.upper() if len(value) == _CODE_LENGTH else value
        addresses = Address.objects.filter(customer=OuterRef("pk"), is_default=True, country=country)
        return rows.filter(Exists(addresses))


class PartFilter(ListFilterSet):
    """What the lists of a customer's addresses and businesses can be narrowed by."""

    status = TextFilter(help_text="The status, exactly, such as active.")


class PaymentMethodFilter(PartFilter):
    """What the list of a customer's payment methods can be narrowed by."""

    type = WordFilter(words=PaymentMethod.Type.values, help_text="The type of payment method.")
