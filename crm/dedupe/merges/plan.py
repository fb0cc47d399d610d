"""What merging customers would do, before it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import CharField, Count, Model, Value

from billing.merges.notes_on_money import notes_on_money
from crm.dedupe.merges.fields import FIELDS, Field, is_empty
from crm.dedupe.merges.relations import Way, models_that, rows_of
from customers.models import Customer

PERMISSION = "crm.merge_customers"

_CURRENCY = "relationship.currency"
_REVENUES = ("relationship.contract_annual_revenue", "company.annual_revenue")


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """One value: what each customer has (by key, the survivor first), whose wins, and who may be chosen."""

    field: Field
    values: Mapping[str, Any]
    winner: str
    choices: Sequence[str]

    @property
    def name(self) -> str:
        """The name to choose it by."""
        return self.field.name

    @property
    def label(self) -> str:
        """What it is, in words."""
        return self.field.label

    @property
    def value(self) -> Any:
        """What the survivor has afterwards."""
        return self.values[self.winner]

    @property
    def differs(self) -> bool:
        """Whether the customers disagree; one that says nothing disagrees with one that does."""
        first, *others = self.values.values()
        return any(other != first for other in others)


@dataclass(frozen=True, slots=True)
class ListPlan:
    """Rows of one kind: how many each customer has (by key), and how many the survivor has afterwards."""

    label: str
    counts: Mapping[str, int]
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePlan:
    """What `merge` would do. With `refusals` it would do nothing: each says why, and what can be done."""

    survivor: Customer
    others: Sequence[Customer]
    fields: Sequence[FieldPlan] = ()
    lists: Sequence[ListPlan] = ()
    money: Sequence[str] = ()
    refusals: Sequence[str] = ()

    @property
    def customers(self) -> list[Customer]:
        """All of them, the survivor first."""
        return [self.survivor, *self.others]

    @property
    def differing(self) -> list[FieldPlan]:
        """The fields of which not all say the same."""
        return [each for each in self.fields if each.differs]

    @property
    def can_be_done(self) -> bool:
        """Whether nothing refuses it."""
        return not self.refusals


def plan_merge(
    survivor: Customer,
    others: Sequence[Customer],
    *,
    choices: Mapping[str, str] | None = None,
    user: Any = None,
) -> MergePlan:
    """What merging `others` into `survivor` would do; nothing is changed.

    `choices` gives, by the name of a field (see `FIELDS`), the key of the customer whose value is to be kept. Without
    one the survivor's stands, and where it is empty, the first of the others that is not. `user` is who would do it,
    None for somebody with every permission.
    """
    refused = refusals(survivor, others, choices or {}, user)
    if refused:
        return MergePlan(survivor=survivor, others=others, refusals=refused)
    customers = [survivor, *others]
    return MergePlan(
        survivor=survivor,
        others=others,
        fields=[_field_plan(each, customers, choices or {}) for each in FIELDS.values()],
        lists=_list_plans(customers),
        money=notes_on_money(survivor, others),
    )


def refusals(
    survivor: Customer, others: Sequence[Customer], choices: Mapping[str, str], user: Any
) -> list[str]:
    """Why they cannot be merged, in sentences; nothing if they can."""
    found = []
    if user is not None and not user.has_perm(PERMISSION):
        found.append(
            "You may not merge customers: ask an administrator for the permission to merge customers."
        )
    if not others:
        found.append("There is nobody to merge: name at least one other customer.")
    keys = [str(customer.pk) for customer in (survivor, *others)]
    if len(set(keys)) != len(keys):
        found.append("A customer cannot be merged into itself: name customers that differ.")
    for customer in (survivor, *others):
        if customer.merged_into_id is not None:
            found.append(
                f"{customer} ({customer.pk}) was merged into {customer.merged_into_id}: name that one."
            )
        elif customer.archived_at is not None:
            found.append(f"{customer} ({customer.pk}) is archived: take it out of the archive first.")
    found += [
        f"{other} ({other.pk}) belongs to {other.env} and {survivor} to {survivor.env}: customers of two environments"
        " are never merged."
        for other in others
        if other.env != survivor.env
    ]
    for name, key in choices.items():
        if name not in FIELDS:
            found.append(f"There is no field “{name}” to choose: there are {', '.join(FIELDS)}.")
        elif key not in keys:
            found.append(f"“{key}” cannot be chosen for {name}: it is none of the customers to be merged.")
    return found


def proposed_survivor(customers: Sequence[Customer]) -> Customer:
    """The most complete of the customers: with most fields filled, then with most rows, then the oldest."""

    rows = Counter[str]()
    for (customer_id, _), count in row_counts(customers, _listed()).items():
        rows[customer_id] += count

    def completeness(customer: Customer) -> tuple[int, int, float, str]:
        filled = sum(not is_empty(each.of(customer)) for each in FIELDS.values())
        return -filled, -rows[str(customer.pk)], customer.created_at.timestamp(), str(customer.pk)

    return min(customers, key=completeness)


def winner_of(each: Field, customers: Sequence[Customer], choices: Mapping[str, str]) -> str:
    """The key of the customer whose value of a field the survivor has afterwards.

    Revenues are figures in the relationship's currency: it goes with them, and those in another one fill nothing.
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


def _field_plan(each: Field, customers: Sequence[Customer], choices: Mapping[str, str]) -> FieldPlan:
    values = {str(customer.pk): each.of(customer) for customer in customers}
    able = [key for key, value in values.items() if not is_empty(value)]
    return FieldPlan(each, values, winner_of(each, customers, choices), able)


def _listed() -> list[Any]:
    return [*models_that(Way.MOVES), *models_that(Way.BALANCES)]


#: What makes two rows of a list one, where it does.
_SHOWN_ONCE = {
    "crm.Domain": "name",
    "crm.Contact": "person",
    "crm.CustomField": "key",
    "billing.Flag": "feature",
    "billing.Balance": "feature",
}


def _list_plans(customers: Sequence[Customer]) -> list[ListPlan]:
    """The lists that any of the customers has rows of, in one query and one more for each list of `_SHOWN_ONCE`."""
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
    """How many rows of each model a customer has, by the customer's key and the model's label. In one query."""
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
