"""The pages of reports: an overview with a card for each, and one report with its chart, table, filters and file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.desk.spreadsheets import csv_file
from crm.reports.catalog import OF_NAME, REPORTS
from crm.reports.choices import read_choices, usual_choices
from crm.reports.report import Report, ReportPage
from crm.reports.table import ReportCell, ReportTable
from customers.formats import day, when


def reports_page(request: HttpRequest) -> HttpResponse:
    """A card for each report that the user may see, with its headline."""
    offered = [report for report in REPORTS if request.user.has_perms(report.permissions)]
    if not offered:
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        "title": "Reports",
        "cards": [(report, reverse("report", args=[report.name]), _headline(report)) for report in offered],
    }
    return TemplateResponse(request, "crm/reports/index.html", context)


def report_page(request: HttpRequest, name: str) -> HttpResponseBase:
    """One report. With `file=csv` its table as a file."""
    report = OF_NAME.get(name)
    if report is None:
        raise Http404
    if not request.user.has_perms(report.permissions):
        raise PermissionDenied
    read = read_choices(request, report)
    page = report.build(read.choices)
    as_of = read.choices.scope.as_of
    if request.GET.get("file") == "csv" and page.table is not None:
        shown = (as_of or read.choices.today).isoformat()
        return _file(page.table, "-".join(filter(None, [report.name, page.option.lower(), shown])))
    context = {
        **admin.site.each_context(request),
        "title": report.title,
        "report": report,
        "page": page,
        "read": read,
        "index_url": reverse("reports"),
        "options": _options(request, report, page),
        "file_url": f"?{_query(request, file='csv')}",
        "known": f"As known on {day(as_of)}, for today's account managers and segments." if as_of else "",
        "updated": when(updated) if (updated := report.updated()) else "",
        "is_filtered": any(request.GET.get(each.name) for each in read.selects) or bool(read.as_of),
    }
    return TemplateResponse(request, "crm/reports/report.html", context)


def _headline(report: Report) -> Any:
    """The first figure, with the usual filters; None if there is none yet."""
    facts = report.build(usual_choices(report)).facts
    return facts[0] if facts else None


def _options(request: HttpRequest, report: Report, page: ReportPage) -> list[tuple[str, str, bool]]:
    """Label, URL and whether it is chosen, of each currency or feature."""
    return [
        (label, f"?{_query(request, **{report.option_name: value})}", value == page.option)
        for value, label in page.options
    ]


def _query(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
    return query.urlencode()


def _file(table: ReportTable, name: str) -> HttpResponseBase:
    rows: Iterable[Any] = [*table.rows, *([table.total] if table.total else [])]
    parts = [csv_file.head([heading for heading, _ in table.headings]), csv_file.body(map(_values, rows))]
    return StreamingHttpResponse(
        iter(parts),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _values(row: Iterable[ReportCell]) -> list[Any]:
    return [cell.value for cell in row]
