"""What a report is: its title, its definition, who may see it, its filters, and how its page is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from crm.reports.chart import Chart
from crm.reports.scope import ReportScope
from crm.reports.table import ReportTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user chose: the customers, the currency and the feature ("" for the usual one), the number of months."""

    scope: ReportScope
    today: date
    months: int = 12
    currency: str = ""
    feature: str = ""
    users: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class ReportFact:
    """A figure at the top of the page."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    """The figures of a report for some choices. The first fact is its headline.

    `options` are the values and labels of the tabs: currencies or features; `option` is the one that is shown.
    `note` says what the figures rest on.
    """

    facts: Sequence[ReportFact] = field(default=())
    chart: Chart | None = None
    table: ReportTable | None = None
    option: str = ""
    options: Sequence[tuple[str, str]] = field(default=())
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report. `no_as_of` says why it can't be shown as of another day; "" if it can.

    A report `is_of_users` if the account managers themselves are filtered, and not their customers. `updated` tells when its
    figures were computed; None if they are those of now. `filters` are the names of those that it has; `periods` the numbers of months to choose from, the first is the usual.
    """

    name: str
    title: str
    icon: str
    about: str
    definition: str
    permissions: tuple[str, ...]
    build: Callable[[Choices], ReportPage]
    empty: str
    option_name: str = "currency"
    filters: frozenset[str] = frozenset({"owner", "env", "segment"})
    periods: Sequence[int] = (12, 6, 3, 24)
    no_as_of: str = ""
    is_of_users: bool = False
    updated: Callable[[], datetime | None] = lambda: None
    first_known: Callable[[], date | None] | None = None
