"""What a merge would do, without doing it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

from django.db.models import CharField, Count, Model, Value

from billing.merges.notes_on_money import notes_on_money
from crm.dedupe.merges.fields import FIELDS, Field, is_empty, joined
from crm.dedupe.merges.relations import Way, models_that, rows_of
from customers.ingest.precedence import speakers
from customers.models import Customer

PERMISSION = "crm.merge_customers"

_CURRENCY = "relationship.currency"
_REVENUES = ("relationship.contract_annual_revenue", "company.annual_revenue")


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One field: each customer's value (by key, survivor first), the winner, and which customers may be chosen."""

    field: Field
    values: Mapping[str, Any]
    winner: str
    choices: Sequence[str]

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def label(self) -> str:
        return self.field.label

    @property
    def value(self) -> Any:
        """The survivor's value after the merge."""
        others = [value for key, value in self.values.items() if key != self.winner]
        return reduce(partial(joined, self.field), others, self.values[self.winner])

    @property
    def differs(self) -> bool:
        """Whether the values are not all equal. An empty value differs from a filled one."""
        first, *others = self.values.values()
        return any(other != first for other in others)


@dataclass(frozen=True, slots=True)
class ListPlan:
    """Rows of one model: the count per customer (by key), and the survivor's count after the merge."""

    label: str
    counts: Mapping[str, int]
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """What `merge` would do. With `refusals`, nothing: each says why, and what to do."""

    survivor: Customer
    others: Sequence[Customer]
    fields: Sequence[FieldPlan] = ()
    lists: Sequence[ListPlan] = ()
    money: Sequence[str] = ()
    refusals: Sequence[str] = ()

    @property
    def customers(self) -> list[Customer]:
        """The survivor first."""
        return [self.survivor, *self.others]

    @property
    def differing(self) -> list[FieldPlan]:
        return [each for each in self.fields if each.differs]

    @property
    def version(self) -> str:
        """A token of all that the plan shows, to notice that it is no longer what a user has seen."""
        shown = [
            *(
                (each.name, sorted((key, str(value)) for key, value in each.values.items()))
                for each in self.fields
            ),
            *((each.label, sorted(each.counts.items())) for each in self.lists),
            *self.money,
        ]
        return hashlib.sha256(repr(shown).encode()).hexdigest()

    @property
    def can_be_done(self) -> bool:
        return not self.refusals


def plan_merge(
    survivor: Customer,
    others: Sequence[Customer],
    *,
    choices: Mapping[str, str] | None = None,
    user: Any = None,
) -> MergePlan:
    """Plan a merge of `others` into `survivor`. Changes nothing.

    `choices` maps a field name (see `FIELDS`) to the key of the customer whose value the survivor gets. Without a choice
    a field has what all records together say (see `winners_of`); where they say nothing, the survivor's value stays, and
    an empty one is filled from the first of the others that has one. `user` is the acting
    user, None for a command, which needs no permission.
    """
    refused = refusals(survivor, others, choices or {}, user)
    if refused:
        return MergePlan(survivor=survivor, others=others, refusals=refused)
    customers = [survivor, *others]
    return MergePlan(
        survivor=survivor,
        others=others,
        fields=_field_plans(customers, choices or {}),
        lists=_list_plans(customers),
        money=notes_on_money(survivor, others),
    )


def refusals(
    survivor: Customer, others: Sequence[Customer], choices: Mapping[str, str], user: Any
) -> list[str]:
    """Why these customers cannot be merged, in sentences. Empty if they can."""
    found = []
    if user is not None and not user.has_perm(PERMISSION):
        found.append("You can't merge customers. Ask an administrator for the permission to merge customers.")
    if not others:
        found.append("Choose at least one other customer to merge.")
    keys = [str(customer.pk) for customer in (survivor, *others)]
    if len(set(keys)) != len(keys):
        found.append("A customer can't be merged into itself. Choose different customers.")
    for customer in (survivor, *others):
        if customer.merged_into_id is not None:
            found.append(
                f"{customer} ({customer.pk}) was merged into {customer.merged_into_id}. Choose that one."
            )
        elif customer.archived_at is not None:
            found.append(f"{customer} ({customer.pk}) is archived. Unarchive it first.")
    found += [
        f"{other} ({other.pk}) is in {other.get_env_display()} and {survivor} in {survivor.get_env_display()}. Customers of"
        " two environments can't be merged."
        for other in others
        if other.env != survivor.env
    ]
    for name, key in choices.items():
        if name not in FIELDS:
            found.append(f"There is no field “{name}”. Choose one of {', '.join(FIELDS)}.")
        elif key not in keys:
            found.append(
                f"For {name}, choose one of the customers that you merge. “{key}” isn't one of them."
            )
    return found


def proposed_survivor(customers: Sequence[Customer]) -> Customer:
    """The most complete customer: most fields filled, then most rows, then the oldest."""

    rows = Counter[str]()
    for (customer_id, _), count in row_counts(customers, _listed()).items():
        rows[customer_id] += count

    def completeness(customer: Customer) -> tuple[int, int, float, str]:
        filled = sum(not is_empty(each.of(customer)) for each in FIELDS.values())
        return -filled, -rows[str(customer.pk)], customer.created_at.timestamp(), str(customer.pk)

    return min(customers, key=completeness)


def winners_of(customers: Sequence[Customer], choices: Mapping[str, str]) -> dict[str, str]:
    """By field, the key of the customer whose value the survivor gets. One query.

    A locked field of a customer keeps its value, the survivor's first. Any other field of the customer gets what its
    records say together, as after each import.
    """
    said = speakers(customers)
    winners = {}
    for name, each in FIELDS.items():
        if each.model is Customer and name not in choices:
            locked = next((str(one.pk) for one in customers if name in one.pinned_fields), None)
            if key := locked or said.get(name):
                winners[name] = key
                continue
        winners[name] = winner_of(each, customers, choices)
    return winners


def winner_of(each: Field, customers: Sequence[Customer], choices: Mapping[str, str]) -> str:
    """The key of the customer whose value the survivor gets, where neither locks nor records decide.

    Revenues are in the currency of the account details, so they come from one customer together with it. A
    revenue in another currency does not fill an empty one.
    """
    if each.name in choices:
        return choices[each.name]
    able = customers
    if each.name in (_CURRENCY, *_REVENUES):
        leading = next((one for one in customers if _has_revenue(one)), customers[0])
        if each.name == _CURRENCY:
            return str(leading.pk)
        currency = FIELDS[_CURRENCY].of(leading)
        able = [one for one in customers if FIELDS[_CURRENCY].of(one) == currency]
    filled = (customer for customer in able if not is_empty(each.of(customer)))
    return str(next(filled, customers[0]).pk)


def _has_revenue(customer: Customer) -> bool:
    return any(not is_empty(FIELDS[name].of(customer)) for name in _REVENUES)


def _field_plans(customers: Sequence[Customer], choices: Mapping[str, str]) -> list[FieldPlan]:
    winners = winners_of(customers, choices)
    plans = []
    for name, each in FIELDS.items():
        values = {str(customer.pk): each.of(customer) for customer in customers}
        able = [key for key, value in values.items() if not is_empty(value)]
        plans.append(FieldPlan(each, values, winners[name], able))
    return plans


def _listed() -> list[Any]:
    return models_that(Way.MOVES)


#: Models whose rows are joined where this column is equal.
_SHOWN_ONCE = {
    "crm.Domain": "name",
    "crm.Contact": "person",
    "crm.CustomField": "key",
    "crm.FieldValue": "field",
    "billing.Flag": "feature",
}


def _list_plans(customers: Sequence[Customer]) -> list[ListPlan]:
    """A plan for each model in which any of the customers has rows.

    One query, and one more for each model of `_SHOWN_ONCE`.
    """
    models = _listed()
    plain = row_counts(customers, [each for each in models if each._meta.label not in _SHOWN_ONCE])
    plans = []
    for model in models:
        label = model._meta.label
        if label in _SHOWN_ONCE:
            values = _values_by_customer(model, customers, _SHOWN_ONCE[label])
            counts = {key: len(held) for key, held in values.items()}
            after = len(set().union(*values.values()))
        else:
            counts = {str(customer.pk): plain[str(customer.pk), label] for customer in customers}
            after = sum(counts.values())
        if after:
            plans.append(ListPlan(str(model._meta.verbose_name_plural), counts, after))
    return plans


def row_counts(customers: Sequence[Customer], models: Sequence[type[Model]]) -> Counter[tuple[str, str]]:
    """Rows by customer key and model label, in one query."""
    counts = [
        rows_of(model)
        .filter(customer__in=customers)
        .order_by()
        .values("customer")
        .annotate(label=Value(model._meta.label, CharField()), rows=Count("pk"))
        .values_list("customer", "label", "rows")
        for model in models
    ]
    first, *others = counts
    return Counter({(str(key), label): count for key, label, count in first.union(*others, all=True)})


def _values_by_customer(
    model: type[Model], customers: Sequence[Customer], column: str
) -> dict[str, set[Any]]:
    values: dict[str, set[Any]] = {str(customer.pk): set() for customer in customers}
    for key, value in rows_of(model).filter(customer__in=customers).values_list("customer", column):
        values[str(key)].add(value)
    return values
