"""The URLs of the lists."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from crm.desk.lists.column import RowList
from crm.desk.lists.customers import CUSTOMERS
from crm.desk.lists.money import BALANCES, INVOICES, SUBSCRIPTIONS
from crm.desk.lists.page import list_page
from crm.desk.lists.people import COMPANIES, PEOPLE, TASKS

LISTS = (CUSTOMERS, COMPANIES, PEOPLE, SUBSCRIPTIONS, INVOICES, BALANCES, TASKS)


def _view(row_list: RowList) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        return list_page(request, row_list)

    return view


urlpatterns: list[URLPattern] = [
    path(f"desk/{each.name}/", admin.site.admin_view(_view(each)), name=each.url_name) for each in LISTS
]
