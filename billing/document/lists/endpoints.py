"""The lists of invoices, subscriptions, balances, plans and features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from billing.document.lists.documents import ListedBalance, ListedInvoice, ListedSubscription
from billing.document.lists.examples import BALANCE, FEATURE, INVOICE, PLAN, SUBSCRIPTION
from billing.document.lists.filters import (
    BalanceFilter,
    FeatureFilter,
    InvoiceFilter,
    PlanFilter,
    SubscriptionFilter,
    listed_balances,
)
from billing.document.lists.render import (
    render_balances,
    render_features,
    render_invoices,
    render_plans,
    render_subscriptions,
)
from billing.document.schema import Feature, Plan
from billing.models import Balance, Invoice, Subscription
from billing.models import Feature as FeatureRow
from billing.models import Plan as PlanRow
from customers.api.endpoints import ListEndpoint
from customers.api.paging import orders_by_id, orders_by_text, orders_by_time
from customers.api.parameters import expand_parameter
from customers.document.customer_rows import CustomerRowList

_NEWEST_FIRST = tuple(reversed(orders_by_id()))


class InvoiceList(CustomerRowList):
    """Invoices of all customers, raised here or by the billing platform. `items` are the lines of those raised here."""

    tag = "Billing"
    summary = "List invoices"
    permission = "billing.view_invoice"
    document = ListedInvoice
    example = INVOICE
    expandable = ("items",)
    filterset = InvoiceFilter
    orders = (*_NEWEST_FIRST, *reversed(orders_by_time("created_at")))

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Any]:
        return Invoice.objects.filter(removed_at=None).select_related("subscription")

    def render(self, rows: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_invoices(rows, asked.get("expand", ()))


class SubscriptionList(CustomerRowList):
    """Subscriptions of all customers, also those that have ended. Their `id` is the one in the billing document."""

    tag = "Billing"
    summary = "List subscriptions"
    permission = "billing.view_subscription"
    document = ListedSubscription
    example = SUBSCRIPTION
    expandable = ("plan",)
    filterset = SubscriptionFilter
    orders = (*_NEWEST_FIRST, *reversed(orders_by_time("started_at")))

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Any]:
        return Subscription.objects.all()

    def render(self, rows: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_subscriptions(rows, asked.get("expand", ()))


class BalanceList(CustomerRowList):
    """Balances of all customers: what is granted, used and remaining of each feature, now."""

    tag = "Billing"
    summary = "List balances"
    permission = "billing.view_balance"
    document = ListedBalance
    example = BALANCE
    expandable = ("feature",)
    filterset = BalanceFilter
    orders = _NEWEST_FIRST

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Balance]:
        return listed_balances()

    def render(self, rows: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_balances(rows, asked.get("expand", ()))


class PlanList(ListEndpoint):
    """The plans of the catalog. `items.feature` describes the feature of each item."""

    tag = "Billing"
    summary = "List plans"
    permission = "billing.view_plan"
    document = Plan
    example = PLAN
    document_parameters = (expand_parameter(["items.feature"]),)
    filterset = PlanFilter
    orders = (*orders_by_text("id", "plan_id"), *orders_by_text("name"), *orders_by_time("created_at"))

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Any]:
        return PlanRow.objects.all()

    def render(self, rows: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_plans(rows, with_features="items.feature" in asked.get("expand", ()))


class FeatureList(ListEndpoint):
    """The features of the catalog. Those of which only the ID is known are left out."""

    tag = "Billing"
    summary = "List features"
    permission = "billing.view_feature"
    document = Feature
    example = FEATURE
    filterset = FeatureFilter
    orders = (*orders_by_text("id", "feature_id"), *orders_by_text("name"))

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[FeatureRow]:
        return FeatureRow.objects.filter(is_stub=False)

    def render(self, rows: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_features(rows)
