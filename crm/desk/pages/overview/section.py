"""The shape that every section of a customer's page has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode

from customers.models import Customer

M = TypeVar("M", bound=Model)

#: How many rows of a list the page shows.
SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionLine:
    """A row of a section: what it is, where its page is, what there is to say of it, and a figure.

    `label` is a word with its colour, as Unfold's labels have them; `actions` are further links, by their words.
    """

    text: str
    url: str = ""
    details: tuple[str, ...] = ()
    label: tuple[str, str] | None = None
    value: str = ""
    actions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page under a heading.

    `template` shows its lines, and the form for another one, if somebody may enter it; `more_url` leads to all of what
    the lines are part of.
    """

    key: str
    title: str
    lines: tuple[Any, ...] = ()
    said: tuple[str, ...] = ()
    more_url: str = ""
    template: str = "crm/desk/overview/lines.html"
    form: Any = None


def list_section(
    key: str,
    title: str,
    rows: Iterable[M],
    line: Callable[[M], Any],
    *,
    more_url: str = "",
    said: tuple[str, ...] = (),
    template: str = "crm/desk/overview/lines.html",
) -> Section | None:
    """A section of the first `SHOWN` of `rows`; None where there are none. At most one row more is read."""
    found = list(islice(iter(rows), SHOWN + 1))
    if not found:
        return None
    return Section(
        key=key,
        title=title,
        lines=tuple(line(row) for row in found[:SHOWN]),
        said=said,
        more_url=more_url if len(found) > SHOWN else "",
        template=template,
    )


def first_rows(rows: Any) -> list[Any]:
    """As many of a query's rows as a section looks at."""
    return list(rows[: SHOWN + 1])


def list_of(model: type[Model], customer: Customer) -> str:
    """The address of the admin's list of the customer's rows of `model`."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return f"{reverse(name)}?{urlencode({'customer__id__exact': customer.pk})}"
