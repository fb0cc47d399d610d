"""The shape of every section of a customer's page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode

from billing.models import Balance, Invoice, Subscription
from crm.models import Company, Task
from customers.models import Customer

M = TypeVar("M", bound=Model)

#: The lists of the desk, by what they list.
_LISTS: dict[type[Model], str] = {
    Balance: "desk-balances",
    Company: "desk-companies",
    Invoice: "desk-invoices",
    Subscription: "desk-subscriptions",
    Task: "desk-tasks",
}
#: Rows of a list that the page shows.
SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionLine:
    """A row of a section. `label` is (word, color) of one of Unfold's labels, `actions` are (text, URL)."""

    text: str
    url: str = ""
    details: tuple[str, ...] = ()
    label: tuple[str, str] | None = None
    value: str = ""
    actions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page under a heading. `template` shows the lines; `more_url` is the page with all rows."""

    key: str
    title: str
    lines: tuple[Any, ...] = ()
    sentences: tuple[str, ...] = ()
    more_url: str = ""
    template: str = "crm/desk/overview/lines.html"


def list_section(
    key: str,
    title: str,
    rows: Iterable[M],
    line: Callable[[M], Any],
    *,
    more_url: str = "",
    template: str = "crm/desk/overview/lines.html",
) -> Section | None:
    """A section of the first `SHOWN` of `rows`; None if there are none. Reads at most one row more."""
    found = list(islice(iter(rows), SHOWN + 1))
    if not found:
        return None
    return Section(
        key=key,
        title=title,
        lines=tuple(line(row) for row in found[:SHOWN]),
        more_url=more_url if len(found) > SHOWN else "",
        template=template,
    )


def first_rows(rows: Any, most: int = SHOWN + 1) -> list[Any]:
    """The first rows of a query: by default, as many as `list_section` reads."""
    return list(rows[:most])


def list_of(model: type[Model], customer: Customer) -> str:
    """The URL of the list of the customer's `model` rows: that of the desk if there is one, else the admin's."""
    if model in _LISTS:
        return f"{reverse(_LISTS[model])}?{urlencode({'q': customer.pk})}"
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return f"{reverse(name)}?{urlencode({'customer__id__exact': customer.pk})}"
