"""The URLs of the lists."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path

from crm.desk.lists.balances import BALANCES
from crm.desk.lists.chosen import choose_columns
from crm.desk.lists.column import RowList
from crm.desk.lists.companies import COMPANIES
from crm.desk.lists.customers import CUSTOMERS
from crm.desk.lists.invoices import INVOICES
from crm.desk.lists.page import list_page
from crm.desk.lists.people import PEOPLE
from crm.desk.lists.subscriptions import SUBSCRIPTIONS
from crm.desk.lists.tasks import TASKS

LISTS = (CUSTOMERS, COMPANIES, PEOPLE, SUBSCRIPTIONS, INVOICES, BALANCES, TASKS)


def _view(row_list: RowList) -> Callable[[HttpRequest], HttpResponseBase]:
    def view(request: HttpRequest) -> HttpResponseBase:
        return list_page(request, row_list)

    return view


def columns_view(request: HttpRequest, name: str) -> HttpResponse:
    """Keep which columns of a list the user wants to see."""
    row_list = next((each for each in LISTS if each.name == name), None)
    if row_list is None:
        raise Http404
    return choose_columns(request, row_list)


urlpatterns: list[URLPattern] = [
    path("desk/columns/<slug:name>/", admin.site.admin_view(columns_view), name="desk-list-columns"),
    *(path(f"desk/{each.name}/", admin.site.admin_view(_view(each)), name=each.url_name) for each in LISTS),
]
