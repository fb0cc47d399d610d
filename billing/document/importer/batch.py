"""A batch of billing documents, and the mapping of the items of their lists to rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db import models
from msgspec import UNSET, UnsetType

from billing.document.importer.catalog import PlanName, PlanVersion, numbered
from billing.document.schema import BillingCustomer
from billing.document.schema import Plan as PlanDocument
from billing.document.schema.invoice import SentTerms
from billing.models import Feature, Plan, Purchase, Subscription
from customers.bulk import sync_rows, update_rows
from customers.ingest.importer import Incoming
from customers.ingest.merged_origins import rows_at_origin
from customers.models import Customer, PartOfList

M = TypeVar("M", bound=PartOfList)
S = TypeVar("S")


@dataclass(slots=True)
class ImportBatch:
    """Documents being imported, with the features and plans that they name.

    `attached` holds, by customer key and plan ID, the subscription or purchase that gives the customer the plan.
    `payment_terms` holds the days until invoices are due, by customer key; None stands for the default. `sent_terms`
    holds what sources add to invoices, by customer key, merged origin and Stripe ID.
    """

    incoming: Sequence[Incoming[BillingCustomer]]
    reason: str
    now: datetime
    features: Mapping[str, Feature]
    plans: Mapping[PlanVersion, Plan]
    attached: dict[tuple[str, str], Subscription | Purchase] = field(default_factory=dict)
    payment_terms: dict[str, int | None] = field(default_factory=dict)
    sent_terms: dict[tuple[str, str | None, str], SentTerms] = field(default_factory=dict)
    _latest: dict[PlanName, Plan] = field(init=False)

    def __post_init__(self) -> None:
        self._latest = {version[:2]: self.plans[version] for version in sorted(self.plans)}

    @property
    def customers(self) -> list[Customer]:
        return [incoming.customer for incoming in self.incoming]

    def feature_key(self, feature_id: str | UnsetType | None) -> str | None:
        return str(self.features[feature_id].pk) if feature_id else None

    def described_key(self, plan: PlanDocument) -> str:
        """The key of a plan that a document describes in full."""
        return str(self.plans[plan.env, plan.id, int(plan.version)].pk)

    def plan_key(
        self, incoming: Incoming[BillingCustomer], plan_id: str | None, ours: Plan | None = None
    ) -> str | None:
        """The key of a plan that a document only names.

        It is the version that the customer has, else `ours` if that has the plan ID, else the latest version.
        """
        if plan_id is None:
            return None
        source = self.attached.get((incoming.customer.pk, plan_id))
        plan = source.plan if source else None
        if plan is None and ours is not None and ours.plan_id == plan_id:
            plan = ours
        if plan is None:
            plan = self._latest[incoming.document.env, plan_id]
        return str(plan.pk)


@dataclass(frozen=True, slots=True)
class Items(Generic[S]):
    """The items of one list in a document.

    `parent` is the row they belong to: the customer or one of its balances.
    """

    incoming: Incoming[BillingCustomer]
    parent: models.Model
    listed: Sequence[S]


def listed(batch: ImportBatch, items: Callable[[BillingCustomer], Iterable[S] | UnsetType]) -> list[Items[S]]:
    """The items of a list, from the documents that have the list."""
    return [
        Items(incoming, incoming.customer, list(found))
        for incoming in batch.incoming
        if (found := items(incoming.document)) is not UNSET
    ]


@dataclass(frozen=True, kw_only=True)
class ListMapping(Generic[M, S]):
    """Maps the items of one list to rows.

    An item matches the row under the same parent whose `key_of_row` equals its `key_of_item`; equal keys are matched
    in order. `columns` returns the values of an item, given the row it matches.

    With `is_shared`, the key is unique in the database, so an item may match a row that a person added; the row then
    counts as imported, unless it `stays_ours`, because our own exports list rows that the billing platform doesn't
    know. Without `is_shared`, rows that people added never change.
    """

    model: type[M]
    key_of_item: Callable[[S], Hashable]
    key_of_row: Callable[[M], Hashable]
    columns: Callable[[ImportBatch, Incoming[BillingCustomer], S, M | None], dict[str, Any]]
    parent: str = "customer"
    is_shared: bool = False
    stays_ours: bool = False
    related: tuple[str, ...] = ()
    order: tuple[Any, ...] = ("position", "pk")

    def sync(
        self,
        batch: ImportBatch,
        lists: Sequence[Items[S]],
        retire: Callable[[list[M]], None] | None = None,
    ) -> list[tuple[S, M]]:
        """Write the rows of `lists` and return each item with its row, in order.

        Rows that are no longer listed are passed to `retire`, or deleted.
        """
        if not lists:
            return []
        parent_id = f"{self.parent}_id"
        rows = self._existing(lists)
        places = numbered((getattr(row, parent_id), self.key_of_row(row)) for row in rows)
        place_of = {row.pk: place for row, place in zip(rows, places, strict=True)}
        ours = {place_of[row.pk]: row for row in rows}
        wanted: list[M] = []
        items: list[S] = []
        fields: tuple[str, ...] = ()
        for each in lists:
            keys = numbered((each.parent.pk, self.key_of_item(item)) for item in each.listed)
            for position, (item, place) in enumerate(zip(each.listed, keys, strict=True)):
                matched = ours.get(place)
                columns = self.columns(batch, each.incoming, item, matched)
                is_ours = self.stays_ours and matched is not None and not matched.imported
                columns |= {"position": position, "imported": not is_ours}
                fields = tuple(columns)
                owner = {parent_id: each.parent.pk}
                if self.parent == "customer":
                    owner["came_with_id"] = each.incoming.came_with_id
                row = self.model(**owner, **columns)
                place_of[row.pk] = place
                wanted.append(row)
                items.append(item)
        written = sync_rows(
            rows,
            wanted,
            key=lambda row: place_of[row.pk],
            fields=fields,
            reason=batch.reason,
            retire=retire,
        )
        return [(item, written[place_of[row.pk]]) for item, row in zip(items, wanted, strict=True)]

    def _existing(self, lists: Sequence[Items[S]]) -> list[M]:
        incoming = {each.incoming.customer.pk: each.incoming for each in lists}
        scope = "customer" if self.parent == "customer" else f"{self.parent}__customer"
        rows = rows_at_origin(self.model._default_manager.all(), incoming.values(), scope)
        if not self.is_shared:
            rows = rows.filter(imported=True)
        return list(rows.select_related(*self.related).order_by(*self.order))


def marking(batch: ImportBatch, column: str) -> Callable[[list[Any]], None]:
    """A `retire` that keeps the rows and sets `column` to the time of the import."""

    def mark(rows: list[Any]) -> None:
        gone = [row for row in rows if getattr(row, column) is None]
        for row in gone:
            setattr(row, column, batch.now)
        update_rows(gone, [column], batch.reason)

    return mark
