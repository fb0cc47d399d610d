"""What a list is made of: columns, views, sums above it, and what stands where when it is empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.safestring import SafeString

from crm.desk.lists.paging import Order
from crm.desk.segments.filter import SegmentFilter

May = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: `text`, in exports too, and on the page `html` if that is more than the text."""

    text: str = ""
    html: SafeString | str = ""
    css: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column. `order` sorts by it, rows without a value last; a figure is right-aligned.

    `is_extra` columns are not shown until a user chooses them.
    """

    name: str
    label: str
    cell: Callable[[Any, datetime], Cell]
    order: Order | None = None
    #: The first click on its heading sorts from the highest.
    falls: bool = False
    is_figure: bool = False
    is_extra: bool = False
    permission: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A tab of a list: its filters, as in a URL."""

    label: str
    texts: Mapping[str, Sequence[str]]
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Phone:
    """The second line of a row, and what stands at its right, on a phone."""

    right: Cell
    below: Cell
    below_right: Cell = Cell()


@dataclass(frozen=True, slots=True)
class FigureSum:
    """A figure above a list, with the view that it sums."""

    label: str
    value: str
    detail: str = ""
    color: str = ""
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BulkAct:
    """What can be done with the selected rows: the URL name of its page or sheet, and the permissions that it needs."""

    label: str
    icon: str
    url_name: str
    permissions: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    @property
    def is_sheet(self) -> bool:
        """Whether it opens over the list: the acts of `BULK_ACTS` do."""
        return self.url_name == "desk-bulk"


def _no_sums(rows: QuerySet[Any], at: datetime) -> list[FigureSum]:
    return []


def _nothing_more(rows: list[Any], at: datetime) -> None:
    """Nothing to load for the columns."""


IMPORT = ("Import files…", "imports", "crm.add_fileimport")
#: For rows that people add on the pages of customers.
VIEW_CUSTOMERS = ("View customers", "desk-customers", "customers.view_customer")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowList:
    """A list, declared.

    `rows` are all that it may show. `search` turns a term into a condition. `complete` loads what the columns of a page show, in a number of queries that
    doesn't depend on its rows. The first column has the link to the row.
    """

    name: str
    title: str
    one: str
    many: str
    permission: str
    icon: str
    #: Prefixes of the IDs of its rows.
    prefixes: tuple[str, ...]
    rows: Callable[[], QuerySet[Any]]
    #: Fetch with the rows what their columns show.
    dress: Callable[[QuerySet[Any]], QuerySet[Any]]
    columns: tuple[Column, ...]
    sort: str
    search: Callable[[str, May], Q]
    search_words: str
    #: The filters of its rows, apart from those of customers.
    filters: tuple[SegmentFilter, ...] = ()
    #: Whether the filters of customers narrow it. `of_customers` is the condition that a row is of one of some customers;
    #: None if the rows are customers. `current` is the condition that its customer isn't archived.
    has_customers: bool = True
    of_customers: Callable[[QuerySet[Any]], Q] | None = None
    current: Q | None = None
    #: The filters by custom fields of customers, which `crm.desk.lists.custom_columns` adds.
    custom_filters: tuple[SegmentFilter, ...] = ()
    views: tuple[View, ...] = ()
    phone: Callable[[Any, datetime], Phone]
    complete: Callable[[list[Any], datetime], None] = _nothing_more
    sums: Callable[[QuerySet[Any], datetime], list[FigureSum]] = _no_sums
    bulk: tuple[BulkAct, ...] = ()
    #: The label, URL name and permission of the button that adds a row.
    add: tuple[str, str, str] | None = None
    empty: str = ""
    #: What else leads to a first row, beside `add`: labels, URL names and permissions, the likeliest first.
    next_steps: tuple[tuple[str, str, str], ...] = (IMPORT, VIEW_CUSTOMERS)

    @property
    def url_name(self) -> str:
        return f"desk-{self.name}"

    def column(self, name: str) -> Column | None:
        """The column with this name."""
        return next((each for each in self.columns if each.name == name), None)

    def offered(self, may: May) -> list[Column]:
        """The columns that a user may see."""
        return [each for each in self.columns if not each.permission or may(each.permission)]

    def shown(self, may: May, chosen: Iterable[str] | None) -> list[Column]:
        """The columns that a user sees: the first, and those they chose."""
        offered = self.offered(may)
        if chosen is None:
            return [each for each in offered if not each.is_extra]
        wanted = set(chosen)
        return [each for each in offered if each is offered[0] or each.name in wanted]
