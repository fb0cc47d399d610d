"""The endpoints of the billing document."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from billing.document.as_of import render_known
from billing.document.examples import CUSTOMER
from billing.document.filters import NEWEST_FIRST, OLDEST_FIRST, BillingCustomerFilter, billed_customers
from billing.document.previews import PREVIEWS, with_previews
from billing.document.renderer import render_accounts, render_customers
from billing.document.schema import EXPANDABLE, BillingCustomer, expanded
from billing.models import Subscription
from customers.api.endpoints import CustomerEndpoint, DocumentEndpoint
from customers.api.paging import orders_by_text
from customers.api.parameters import expand_parameter
from customers.as_of import KnownCustomer
from customers.document.api import CustomerListEndpoint
from customers.ingest.accounts import places_of, rows_of_accounts
from customers.ingest.not_understood import accounts_with_not_understood, with_not_understood
from customers.models import Customer, Source
from customers.models.customer import CustomerQuerySet

EXPAND = expand_parameter(EXPANDABLE)


def render_views(customers: Sequence[Customer], expand: Collection[str]) -> list[Any]:
    """The billing documents of `customers`, without the expandable keys that are not in `expand`."""
    documents = [expanded(document, expand) for document in render_customers(customers, expand)]
    views = with_not_understood(documents, customers, Source.BILLING)
    for view in views:
        if isinstance(view, dict):
            _leave_out(view, EXPANDABLE.difference(expand))
    return views


def render_account(account: Customer, expand: Collection[str]) -> Any:
    """The billing document of one account, merged or not, as `render_views`."""
    [document] = render_accounts([account], expand)
    [view] = accounts_with_not_understood([expanded(document, expand)], [account], Source.BILLING)
    if isinstance(view, dict):
        _leave_out(view, EXPANDABLE.difference(expand))
    if PREVIEWS in expand:
        return with_previews(view, rows_of_accounts(Subscription.objects.all(), places_of([account])))
    return view


def read_view(customer: Customer, expand: Collection[str]) -> Any:
    """The billing document of one customer, with previews of the invoices that are raised here if they are in `expand`."""
    view = render_views([customer], expand)[0]
    if PREVIEWS in expand:
        return with_previews(view, customer.subscriptions.all())
    return view


def _leave_out(view: dict[str, Any], names: Collection[str]) -> None:
    """Remove the keys that were not expanded, such as `invoices` and `subscriptions.plan`, from what came back."""
    for name in names:
        outer, _, inner = name.partition(".")
        if not inner:
            view.pop(outer, None)
        elif "." not in inner:
            items = view.get(outer) or ()
            for item in items.values() if isinstance(items, dict) else items:
                item.pop(inner, None)


class _BillingDocument(DocumentEndpoint):
    tag = "Billing"
    permission = "billing.view_billingaccount"
    document = BillingCustomer
    example = CUSTOMER
    document_parameters = (EXPAND,)

    def render(self, rows: Sequence[Customer], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_views(rows, asked.get("expand", frozenset()))


class BillingCustomerList(_BillingDocument, CustomerListEndpoint):
    """Customers as the billing platform shows them: what they pay for and what they may use."""

    summary = "List customers' billing"
    filterset = BillingCustomerFilter
    orders = (NEWEST_FIRST, OLDEST_FIRST, *orders_by_text("name"), *orders_by_text("email"))

    def rows(self, asked: Mapping[str, Any], **path: str) -> CustomerQuerySet:
        return billed_customers()


class BillingCustomerDetail(_BillingDocument, CustomerEndpoint):
    """One customer as the billing platform shows it, by any identifier."""

    summary = "Read a customer's billing"
    source = Source.BILLING
    shows_accounts = True

    def render(self, rows: Sequence[Customer], asked: Mapping[str, Any]) -> Sequence[object]:
        return [read_view(customer, asked.get("expand", frozenset())) for customer in rows]

    def render_account(self, account: Customer, asked: Mapping[str, Any]) -> object:
        return render_account(account, asked.get("expand", frozenset()))

    def render_known(self, known: KnownCustomer, asked: Mapping[str, Any]) -> object:
        expand = asked.get("expand", frozenset())
        return expanded(render_known(known, expand), expand)
