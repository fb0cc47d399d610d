"""The filters of lists of customers, and of lists of their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from customers.api.endpoints import known_customer
from customers.api.filtersets import FlagFilter, InstantFilter, ListFilterSet, TextFilter, WordFilter
from customers.api.http import bad_parameter
from customers.lookup import LONGEST_IDENTIFIER
from customers.models import Address, Customer, Environment, PaymentMethod, Source, SourceRecord
from customers.models.customer import CustomerQuerySet
from customers.readings import countries
from customers.readings.mailboxes import read_mailbox

#: Converts a text and the user (None for a token) into a condition on customers.
Condition = Callable[[str, Any], Q]


def named_like(text: str) -> Q:
    """Customers with `text` in their name, email address or external ID, ignoring case."""
    return Q(name__icontains=text) | Q(email__icontains=text) | Q(external_id__icontains=text)


class ConditionFilter(ListFilterSet):
    """Filters by conditions of apps above: segments, tags, domains.

    `conditions` has them by the name of the parameter. A `ValueError` or `LookupError` of one says what is wrong.
    """

    def __init__(self, *args: Any, conditions: Mapping[str, Condition] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conditions = conditions or {}

    def meets(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The rows of customers that meet the condition `name`. Raises `Problem`."""
        if name not in self.conditions:
            raise bad_parameter(name, "isn't a filter of this list.")
        user = getattr(self.request, "user", None)
        is_token = self.request is None or "Authorization" in self.request.headers
        asker = None if is_token or user is None or not user.is_authenticated else user
        try:
            return self.of_customers(rows, self.conditions[name](value, asker))
        except (ValueError, LookupError) as problem:
            raise bad_parameter(name, f"can't be used. {problem}") from None

    def of_customers(self, rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
        """The rows of customers that meet `condition`."""
        return rows.filter(condition)

    def accept(self, rows: QuerySet[Any], name: str, value: object) -> QuerySet[Any]:
        """Filter nothing here: `filter_queryset` applies the value."""
        return rows


_SEGMENT = "The name or ID of a saved segment, shared or your own."
_TAG = "The name of a tag of the customer, ignoring case."
_CUSTOM_FIELD = (
    "The name of a custom field and its value, such as `tier:gold`, ignoring case. Of a number or a date also a range, such"
    " as `seats:10..20` or `seats:10..`. `any`, `none` and `misfit` are a value, no value, and one that doesn't fit the type."
)


class CustomerFilter(ConditionFilter):
    """The filters of every list of customers. Archived customers are left out unless `archived` is true."""

    q = TextFilter(
        method="search", help_text="Text in the name, the email address or the external ID, ignoring case."
    )
    env = WordFilter(words=Environment.values, help_text="The environment of the customer.")
    archived = FlagFilter(method="accept", help_text="`true` includes archived customers.")
    segment = TextFilter(method="meets", help_text=_SEGMENT)
    tag = TextFilter(method="meets", help_text=_TAG)
    custom_field = TextFilter(method="meets", help_text=_CUSTOM_FIELD)
    external_id = TextFilter(help_text="The exact external ID.")
    stripe_id = TextFilter(help_text="The exact Stripe ID.")
    payments_id = TextFilter(
        longest=LONGEST_IDENTIFIER,
        method="has_record",
        help_text="The ID of one of the customer's records at the payments platform.",
    )
    billing_id = TextFilter(
        longest=LONGEST_IDENTIFIER,
        method="has_record",
        help_text="The ID of one of the customer's records at the billing platform.",
    )
    crm_id = TextFilter(
        longest=LONGEST_IDENTIFIER,
        method="has_record",
        help_text="The ID of one of the customer's records in the CRM.",
    )
    fingerprint = TextFilter(help_text="The exact fingerprint.")
    email = TextFilter(help_text="The exact email address.")
    mailbox = TextFilter(
        method="has_mailbox",
        help_text="An email address in any spelling of its mailbox, at any source, such as Jane+news@gmail.com.",
    )
    phone = TextFilter(
        method="meets", help_text="A phone number with its country code, in any notation (write + as %2B)."
    )
    domain = TextFilter(
        method="meets", help_text="An internet domain of the company, such as example.com, in any spelling."
    )
    tax_number = TextFilter(
        method="meets", help_text="The tax number of a business profile, in any punctuation."
    )

    def search(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        return rows.filter(named_like(value))

    def has_record(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Customers with a record of this ID at the source that `name` begins with."""
        source = Source(name.removesuffix("_id"))
        return rows.filter(
            pk__in=SourceRecord.objects.filter(source=source, source_id=value).values("customer")
        )

    def has_mailbox(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Customers with the mailbox in a record, or with exactly this email address."""
        mailbox = read_mailbox(value)
        if mailbox is None:
            return rows.filter(email=value)
        records = SourceRecord.objects.filter(mailbox=mailbox.box)
        return rows.filter(Q(email=value) | Q(pk__in=records.values("customer")))

    def filter_queryset(self, queryset: CustomerQuerySet) -> CustomerQuerySet:
        rows: CustomerQuerySet = super().filter_queryset(queryset)
        return rows if self.form.cleaned_data["archived"] else rows.filter(archived_at=None)


class PaymentsCustomerFilter(CustomerFilter):
    """The filters of the list of payments documents."""

    status = WordFilter(words=Customer.Status.values, help_text="The status of the customer.")
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


class CustomerRelationFilter(ConditionFilter):
    """Filters by the customers that rows belong to. All of them apply to one customer of a row."""

    customer = TextFilter(
        longest=LONGEST_IDENTIFIER,
        method="of_customer",
        help_text="Any identifier of the customer; 404 if there is none.",
    )
    env = WordFilter(method="in_env", words=Environment.values, help_text="The environment of the customer.")
    segment = TextFilter(method="meets", help_text=_SEGMENT)
    tag = TextFilter(method="meets", help_text=_TAG)
    custom_field = TextFilter(method="meets", help_text=_CUSTOM_FIELD)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.wanted: list[Q] = []

    def of_customer(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The rows of one customer. Raises `Problem`."""
        customer = known_customer(value, self.form.cleaned_data["env"] or None, param=name)
        return self.of_customers(rows, Q(pk=customer.pk))

    def in_env(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return self.of_customers(rows, Q(env=value))

    def of_customers(self, rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
        """Filter nothing here: `filter_queryset` applies all conditions to one customer."""
        self.wanted.append(condition)
        return rows

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        self.wanted.clear()
        rows: QuerySet[Any] = super().filter_queryset(queryset)
        return self.with_customers(rows, Customer.objects.filter(*self.wanted)) if self.wanted else rows

    def with_customers(self, rows: QuerySet[Any], customers: CustomerQuerySet) -> QuerySet[Any]:
        """The rows of these customers."""
        return rows.filter(customer__in=customers.order_by())


class CustomerRowFilter(CustomerRelationFilter):
    """The filters of every list of rows of customers, such as invoices or notes.

    Rows of archived customers are left out unless `archived` is true or `customer` is given.
    """

    archived = FlagFilter(method="accept", help_text="`true` includes what archived customers have.")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rows = super().filter_queryset(queryset)
        if self.form.cleaned_data["archived"] or self.form.cleaned_data["customer"]:
            return rows
        return rows.filter(customer__archived_at=None)


class PartFilter(ListFilterSet):
    """The filters of the lists of a customer's addresses and businesses."""

    status = TextFilter(help_text="The exact status, such as active.")


class PaymentMethodFilter(PartFilter):
    """The filters of the list of a customer's payment methods."""

    type = WordFilter(words=PaymentMethod.Type.values, help_text="The type of payment method.")
