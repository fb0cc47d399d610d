"""The page of a list, and the rows that its filters or a selection find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.desk.lists.chosen import chosen_columns
from crm.desk.lists.column import BulkAct, Cell, Column, May, Phone, RowList, View
from crm.desk.lists.custom_columns import with_custom_fields
from crm.desk.lists.export import PERMISSION as EXPORT
from crm.desk.lists.export import file_of_rows
from crm.desk.lists.filters import Chip, ListQuery, fields_of, in_words, offered_filters
from crm.desk.lists.paging import (
    MOST_COUNTED,
    BadCursor,
    Cursor,
    Order,
    Page,
    counted_rows,
    page_of_rows,
    read_cursor,
)
from crm.desk.segments.filter import BadValue, FilterContext, SegmentFilter
from crm.models import Export, Segment
from customers import clock
from customers.formats import counted, number
from customers.lookup import LONGEST_IDENTIFIER
from customers.typed_ids import to_uuid

#: Parameters of the URL that are no filters.
_SEARCH, _SORT, _AFTER, _BEFORE, _ADD = "q", "sort", "after", "before", "add"
#: Segments that are tabs; the page of segments has all.
_MOST_SEGMENTS = 8


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column: the URL that sorts by it, and the direction that it is sorted in now."""

    column: Column
    url: str
    sorted: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the page: its ID, its name, the URL of its page, its cells, and its two lines on a phone."""

    key: str
    name: str
    first: Cell
    cells: list[tuple[Column, Cell]]
    phone: Phone


@dataclass(frozen=True, slots=True)
class Tab:
    """A view of the list. `count` is of the rows of the current one."""

    label: str
    url: str
    is_current: bool
    count: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What the URL asks for."""

    row_list: RowList
    may: May
    query: ListQuery
    term: str
    sort: str

    def url(self, texts: Mapping[str, Sequence[str]] | None = None, **others: str) -> str:
        """The URL of the list with these filters (the current ones by default), and the current sort and term."""
        given = QueryDict(mutable=True)
        for name, values in (self.query.texts if texts is None else texts).items():
            given.setlist(name, list(values))
        usual = {_SORT: self.row_list.sort, _SEARCH: ""}
        for name, value in ({_SORT: self.sort, _SEARCH: self.term} | others).items():
            if value != usual.get(name):
                given[name] = value
        address = reverse(self.row_list.url_name)
        return f"{address}?{given.urlencode()}" if given else address


def list_page(request: HttpRequest, row_list: RowList) -> HttpResponseBase:
    """A list: its views, filters and rows, and the ways to sort it and to go on. With `export`, its file."""
    may = _permitted(request, row_list)
    row_list = with_custom_fields(row_list)
    now = clock.now()
    state, rows, problem = _state(request, row_list, may, now)
    columns = row_list.shown(may, chosen_columns(request.user, row_list))
    file_format = request.GET.get("export", "")
    if file_format in Export.Format.values and may(EXPORT):
        return file_of_rows(row_list, rows, columns, file_format, now)
    _, order = _sorted_by(row_list, state.sort, may)
    page = _page(request, row_list, row_list.dress(rows), order, state.sort)
    row_list.complete(page.rows, now)
    count = counted_rows(rows)
    total = number(count) if count <= MOST_COUNTED else f"{number(MOST_COUNTED)}+"
    filters = state.query.of_customers
    context = {
        **admin.site.each_context(request),
        "title": row_list.title,
        "list": row_list,
        "problem": problem,
        "tabs": _tabs(request, state, total),
        "save_url": f"{reverse('desk-segment-save')}?{filters.address}"
        if filters.texts and row_list.of_customers is None and may("crm.add_segment")
        else "",
        "term": state.term,
        "kept": _hidden(state, state.query.texts, term=""),
        "chips": [_chip(state, each) for each in state.query.filters],
        "filters": [(each.label, state.url(add=each.name)) for each in offered_filters(row_list, may)],
        "adding": _adding(request, state),
        "headings": [_heading(state, each) for each in columns],
        "rows": [_row(row_list, each, columns, now) for each in page.rows],
        "first": page.first,
        "last": page.first + len(page.rows) - 1,
        "total": total,
        "counted": counted(count, row_list.one, row_list.many),
        "previous": page.previous and state.url(before=str(page.previous)),
        "next": page.next and state.url(after=str(page.next)),
        "plain_url": reverse(row_list.url_name),
        "is_narrowed": bool(state.term or state.query.filters or problem),
        "add": row_list.add if row_list.add and may(row_list.add[2]) else None,
        "next_steps": [step for step in row_list.next_steps if may(step[2])],
        "bulk": bulk_acts(row_list, may, state),
        "exports": _exports(row_list, state) if may(EXPORT) else [],
        "choices": [(each, each in columns) for each in row_list.offered(may)[1:]],
        "columns_url": reverse("desk-list-columns", args=[row_list.name]),
        "here": request.get_full_path(),
        "sums": [(each, state.url(each.texts)) for each in row_list.sums(rows, now)],
    }
    return TemplateResponse(request, "crm/desk/lists/list.html", context)


def _permitted(request: HttpRequest, row_list: RowList) -> May:
    may: May = request.user.has_perm
    if not may("customers.view_customer") or not may(row_list.permission):
        raise PermissionDenied
    return may


def selected_rows(request: HttpRequest, row_list: RowList) -> tuple[QuerySet[Any], str, str]:
    """The rows that a form of the list selects, in words, and the URL of the list.

    All rows that the filters in the URL find, or those that are ticked.
    """
    may = _permitted(request, row_list)
    state, rows, problem = _state(request, with_custom_fields(row_list), may, clock.now())
    if request.POST.get("all"):
        term = f"matching “{state.term}”" if state.term else ""
        words = ", ".join(filter(None, [state.query.words or f"all {row_list.many}", term]))
        return rows, problem or words, state.url()
    keys = [key for key in request.POST.getlist("chosen") if to_uuid(key, row_list.prefixes) is not None]
    return row_list.rows().filter(pk__in=keys), "selected in the list", state.url()


def bulk_acts(row_list: RowList, may: May, state: State) -> list[tuple[BulkAct, str]]:
    """What the user may do with selected rows, each with its URL."""
    filters = state.url().partition("?")[2]
    found = []
    for each in row_list.bulk:
        if all(map(may, each.permissions)):
            url = reverse(each.url_name, args=each.arguments)
            found.append((each, f"{url}?{filters}" if filters else url))
    return found


def _exports(row_list: RowList, state: State) -> list[tuple[str, str, bool]]:
    """The label and URL of each format, and whether a form sends it: a job writes the file of customers."""
    found = []
    is_posted = any(each.url_name == "desk-bulk-export" for each in row_list.bulk)
    for value, label in Export.Format.choices:
        url = state.url(export=value)
        if is_posted:
            url = f"{reverse('desk-bulk-export', args=[value])}?{state.url().partition('?')[2]}"
        found.append((label, url, is_posted))
    return found


def _state(
    request: HttpRequest, row_list: RowList, may: May, now: datetime
) -> tuple[State, QuerySet[Any], str]:
    """What the URL asks for, the rows, and what is wrong with it; then there are no rows."""
    term = request.GET.get(_SEARCH, "").strip()[:LONGEST_IDENTIFIER]
    sort, _ = _sorted_by(row_list, request.GET.get(_SORT, ""), may)
    try:
        query = ListQuery.read(row_list, request.GET)
        return (
            State(row_list, may, query, term, sort),
            query.rows(FilterContext(request.user, now), may, term),
            "",
        )
    except BadValue as problem:
        empty = ListQuery.read(row_list, {})
        return State(row_list, may, empty, term, sort), row_list.rows().none(), str(problem)


def _sorted_by(row_list: RowList, given: str, may: May) -> tuple[str, Order]:
    """The sort in the URL, or the list's own."""
    column = row_list.column(given.removeprefix("-"))
    if column is not None and column.order is not None and column in row_list.offered(may):
        return given, column.order
    own = row_list.column(row_list.sort.removeprefix("-"))
    if own is None or own.order is None:
        raise LookupError(f"{row_list.name} can't be sorted by {row_list.sort}.")
    return row_list.sort, own.order


def _page(request: HttpRequest, row_list: RowList, rows: Any, order: Order, sort: str) -> Page:
    """The rows at the place in the URL; the first ones if it is none of this list."""

    def place(name: str) -> Cursor | None:
        try:
            return read_cursor(request.GET[name], order, row_list.prefixes) if name in request.GET else None
        except BadCursor:
            return None

    descending = sort.startswith("-") != order.inverse
    return page_of_rows(rows, order, descending=descending, after=place(_AFTER), before=place(_BEFORE))


def _row(row_list: RowList, row: Any, columns: Sequence[Column], now: datetime) -> Row:
    first, *others = [(column, column.cell(row, now)) for column in columns]
    return Row(str(row.pk), first[1].text, first[1], others, row_list.phone(row, now))


def _heading(state: State, column: Column) -> Heading:
    """A click sorts by the column, a second one the other way."""
    if column.order is None:
        return Heading(column, "", "")
    is_current = state.sort.removeprefix("-") == column.name
    falls = not state.sort.startswith("-") if is_current else column.falls
    url = state.url(sort=f"{'-' if falls else ''}{column.name}")
    return Heading(column, url, ("descending" if not falls else "ascending") if is_current else "")


def _tabs(request: HttpRequest, state: State, total: str) -> list[Tab]:
    """All rows, the views of the list, and for customers the user's segments."""
    row_list, may = state.row_list, state.may
    views = [
        View("All", {}),
        *(each for each in row_list.views if not each.permission or may(each.permission)),
    ]
    if row_list.of_customers is None and row_list.has_customers and may("crm.view_segment"):
        segments = Segment.objects.usable_by(request.user)[:_MOST_SEGMENTS]
        views += [View(each.name, each.query) for each in segments]
    given = {name: sorted(values) for name, values in state.query.texts.items()}
    found = []
    for view in views:
        is_current = not state.term and given == {name: sorted(values) for name, values in view.texts.items()}
        found.append(Tab(view.label, state.url(view.texts, q=""), is_current, total if is_current else ""))
    return found


def _chip(state: State, segment_filter: SegmentFilter) -> Chip:
    texts = state.query.texts
    others = {name: values for name, values in texts.items() if name not in segment_filter.names}
    return Chip(in_words(segment_filter, texts), state.url(add=segment_filter.name), state.url(others))


def _adding(request: HttpRequest, state: State) -> dict[str, Any] | None:
    """The form of the filter that the user adds or changes."""
    name = request.GET.get(_ADD, "")
    for each in offered_filters(state.row_list, state.may):
        if each.name == name:
            texts = state.query.texts
            others = {key: values for key, values in texts.items() if key not in each.names}
            return {
                "label": each.label,
                "fields": fields_of(each, texts),
                "kept": _hidden(state, others),
                "cancel": state.url(),
            }
    return None


def _hidden(
    state: State, texts: Mapping[str, Sequence[str]], *, term: str | None = None
) -> list[tuple[str, str]]:
    """What a form of the list sends along."""
    found = [(name, value) for name, values in texts.items() for value in values]
    if state.sort != state.row_list.sort:
        found.append((_SORT, state.sort))
    if shown := state.term if term is None else term:
        found.append((_SEARCH, shown))
    return found
