"""The list of customers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from billing.formats import money
from crm.desk.facts.orders import status_of
from crm.desk.facts.queries import amounts_of, names_of_plans
from crm.desk.lists import cells, paging
from crm.desk.lists.column import IMPORT, BulkAct, Cell, Column, May, Phone, RowList, View
from crm.desk.lists.paging import Order
from crm.desk.search.search import find
from crm.models import CustomerFacts, CustomerTag
from customers.formats import counted, customer_url, days_between, short_day
from customers.models import Customer
from customers.models.orders import letters
from customers.readings.phones import in_groups

#: A search lists at most this many.
MOST_FOUND = 500

_NO_FACTS = CustomerFacts(plans=[])
_LOW, _MIDDLE = 50, 65
_STATUS_COLORS = {"Past due": "bad", "Suspended": "warn", "Trial": "info", "Active": "good"}


def found_customers(term: str, may: May) -> list[str]:
    """IDs of the customers that the search of every page finds."""
    return [str(each.customer.pk) for each in find(term, may, most=MOST_FOUND)]


def _search(term: str, may: May) -> Q:
    return Q(pk__in=found_customers(term, may))


def _dress(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.select_related("facts", "relationship__owner")


def _complete(rows: list[Any], at: datetime) -> None:
    keys = [str(row.pk) for row in rows]
    amounts = amounts_of(keys)
    plans = {plan for row in rows for plan in _facts(row).plans}
    names = names_of_plans(plans)
    tags: dict[str, list[str]] = {}
    for key, name in (
        CustomerTag.objects.filter(customer_id__in=keys)
        .order_by("tag__name")
        .values_list("customer_id", "tag__name")
    ):
        tags.setdefault(str(key), []).append(name)
    for row in rows:
        row.plans = [names.get(plan, plan) for plan in _facts(row).plans]
        row.amounts = amounts.get(str(row.pk), [])
        row.tags = tags.get(str(row.pk), [])


def _facts(row: Any) -> CustomerFacts:
    return getattr(row, "facts", None) or _NO_FACTS


def days_late(facts: CustomerFacts, at: datetime) -> int | None:
    """For how many days the oldest unpaid invoice has been past due; negative if it is due later, None if there is none."""
    return None if facts.oldest_due_at is None else days_between(facts.oldest_due_at, at)


def _name(row: Any, at: datetime) -> Cell:
    return cells.link(customer_url(row.pk), str(row))


def _status(row: Any, at: datetime) -> Cell:
    status = status_of(row, _facts(row), at)
    return cells.chip(status, _STATUS_COLORS.get(status, ""))


def _plan(row: Any, at: datetime) -> Cell:
    if not row.plans:
        return cells.NONE
    first, *others = row.plans
    return Cell(", ".join(row.plans), cells.plain(f"{first} + {len(others)}" if others else first).html)


def _mrr(row: Any, at: datetime) -> Cell:
    return cells.money(", ".join(money(each.mrr, each.currency) for each in row.amounts if each.mrr))


def _due(row: Any, at: datetime) -> Cell:
    return cells.money(", ".join(money(each.due, each.currency) for each in row.amounts if each.due))


def _late(row: Any, at: datetime) -> Cell:
    late = days_late(_facts(row), at)
    if late is None:
        return cells.NONE
    if late > 0:
        return Cell(str(late), css="cl-bad")
    return Cell("today" if late == 0 else f"in {counted(-late, 'day')}", css="cl-subtle")


def _renewal(row: Any, at: datetime) -> Cell:
    return cells.of_day(_facts(row).renews_at)


def _trial(row: Any, at: datetime) -> Cell:
    return cells.of_day(_facts(row).trial_ends_at)


def _health(row: Any, at: datetime) -> Cell:
    score = _facts(row).health_score
    if score is None:
        return Cell("", cells.faint("No data"))
    color = "bad" if score < _LOW else "warn" if score < _MIDDLE else ""
    bar = cells.bar(score, color, f"Health {score} of 100")
    return Cell(str(score), cells.barred(cells.strong(str(score), "cl-score"), bar))


def _owner(row: Any, at: datetime) -> Cell:
    relationship = getattr(row, "relationship", None)
    return cells.person(relationship.owner if relationship else None)


def _contact(row: Any, at: datetime) -> Cell:
    return cells.of_moment(_facts(row).last_contact_at, "Never")


def _phone(row: Any, at: datetime) -> Phone:
    facts, late = _facts(row), days_late(_facts(row), at)
    words = " · ".join(filter(None, [*row.plans[:1], _mrr(row, at).text]))
    right = Cell()
    if late is not None and late > 0:
        right = Cell(f"{counted(late, 'day')} late", css="cl-bad")
    elif facts.trial_ends_at is not None and facts.trial_ends_at > at:
        right = Cell(f"trial ends {short_day(facts.trial_ends_at, at)}", css="cl-subtle")
    elif facts.renews_at is not None:
        right = Cell(f"renews {short_day(facts.renews_at, at)}", css="cl-subtle")
    return Phone(_status(row, at), Cell(words or "No plan"), right)


def _by(column: str, read: Any) -> Order:
    """The order by a column of the facts."""
    return Order(f"facts__{column}", read, tie="facts__customer_id", nullable=True)


CUSTOMERS = RowList(
    name="customers",
    title="Customers",
    one="customer",
    many="customers",
    permission="customers.view_customer",
    icon="group",
    prefixes=("cus",),
    rows=Customer.objects.unmerged,
    dress=_dress,
    search=_search,
    search_words="Name, email, domain, phone or ID",
    complete=_complete,
    phone=_phone,
    sort="name",
    add=("Add customer", "admin:customers_customer_add", "customers.add_customer"),
    empty="Customers appear here when they are imported or added.",
    next_steps=(IMPORT,),
    bulk=(
        BulkAct(
            "Assign…",
            "person",
            "desk-bulk",
            ("crm.change_relationship", "crm.add_relationship"),
            ("owner",),
        ),
        BulkAct(
            "Tag…",
            "label",
            "desk-bulk",
            ("crm.add_tag", "crm.add_customertag", "crm.delete_customertag"),
            ("tags",),
        ),
        BulkAct("Add task…", "task_alt", "desk-bulk", ("crm.add_task",), ("tasks",)),
        BulkAct(
            "Set status…",
            "toggle_on",
            "desk-bulk",
            ("customers.change_customer",),
            ("status",),
        ),
        BulkAct("Merge…", "call_merge", "desk-bulk-merge", ("crm.merge_customers",)),
        BulkAct("Export", "download", "desk-bulk-export", ("crm.add_export",), ("csv",)),
    ),
    views=(
        View("Mine", {"owner": ["me"]}),
        View("Past due", {"late": ["0"]}, "billing.view_invoice"),
        View("Renewing in 30 days", {"renews": ["30"]}, "billing.view_subscription"),
        View("Trials", {"subscription": ["trial"]}, "billing.view_subscription"),
    ),
    columns=(
        Column(name="name", label="Customer", cell=_name, order=Order(letters("name"), paging.text)),
        Column(name="status", label="Status", cell=_status, order=_by("status_sort", paging.whole)),
        Column(
            name="plan",
            label="Plan",
            cell=_plan,
            order=_by("plan_sort", paging.text),
            permission="billing.view_subscription",
        ),
        Column(
            name="mrr",
            label="MRR",
            cell=_mrr,
            order=_by("mrr_sort", paging.whole),
            falls=True,
            is_figure=True,
            permission="billing.view_subscription",
        ),
        Column(
            name="due",
            label="Amount due",
            cell=_due,
            order=_by("due_sort", paging.whole),
            falls=True,
            is_figure=True,
            permission="billing.view_invoice",
        ),
        Column(
            name="late",
            label="Days late",
            cell=_late,
            order=Order(
                "facts__oldest_due_at", paging.moment, tie="facts__customer_id", nullable=True, inverse=True
            ),
            falls=True,
            is_figure=True,
            permission="billing.view_invoice",
        ),
        Column(
            name="renewal",
            label="Next renewal",
            cell=_renewal,
            order=_by("renews_at", paging.moment),
            permission="billing.view_subscription",
        ),
        Column(
            name="trial",
            label="Trial ends",
            cell=_trial,
            order=_by("trial_ends_at", paging.moment),
            is_extra=True,
            permission="billing.view_subscription",
        ),
        Column(
            name="health",
            label="Health",
            cell=_health,
            order=_by("health_score", paging.whole),
            permission="crm.view_healthscore",
        ),
        Column(name="owner", label="Owner", cell=_owner, order=_by("owner_sort", paging.text)),
        Column(
            name="contact",
            label="Last contact",
            cell=_contact,
            order=_by("last_contact_at", paging.moment),
            falls=True,
            permission="crm.view_activity",
        ),
        Column(
            name="tags",
            label="Tags",
            cell=lambda row, at: cells.plain(", ".join(row.tags)),
            is_extra=True,
            permission="crm.view_customertag",
        ),
        Column(
            name="email",
            label="Email",
            cell=lambda row, at: cells.plain(row.email),
            order=paging.by_words("email"),
            is_extra=True,
        ),
        Column(
            name="phone", label="Phone", cell=lambda row, at: cells.plain(in_groups(row.phone)), is_extra=True
        ),
        Column(
            name="created",
            label="Created",
            cell=lambda row, at: cells.of_day(row.created_at),
            order=Order("created_at", paging.moment),
            falls=True,
            is_extra=True,
        ),
    ),
)
