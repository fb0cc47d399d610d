"""The columns of a list that a user chose."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from crm.desk.lists.column import RowList
from crm.desk.lists.custom_columns import with_custom_fields
from crm.models import Preferences
from crm.models.preferences import preferences_of


def chosen_columns(user: Any, row_list: RowList) -> list[str] | None:
    """The names of the columns that the user chose; None if they chose none yet."""
    preferences = preferences_of(user)
    chosen = preferences.columns.get(row_list.name) if preferences else None
    return chosen if isinstance(chosen, list) else None


def choose_columns(request: HttpRequest, row_list: RowList) -> HttpResponse:
    """Keep the columns that the user ticked, or forget them, and go back to the list."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    user: Any = request.user
    preferences, _ = Preferences.objects.get_or_create(user=user)
    if "reset" in request.POST:
        preferences.columns.pop(row_list.name, None)
    else:
        given = set(request.POST.getlist("column"))
        preferences.columns[row_list.name] = [
            each.name for each in with_custom_fields(row_list).columns if each.name in given
        ]
    preferences.save(update_fields=["columns"])
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/")
    return HttpResponseRedirect(back if is_ours else reverse(row_list.url_name))
