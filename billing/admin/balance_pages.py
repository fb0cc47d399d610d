"""What leads from the raw form of a balance to its page and to the acts on it."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from billing.models import Balance
from customers.admin.base import ReadOnlyAdmin
from customers.formats import page_of, page_of_key
from customers.sheets import act_url

_CHANGE = "billing.change_balance"


def explain_link(balance: Any) -> SafeString:
    """A link to the page of a balance, which explains it."""
    return format_html('<a href="{}" class="text-link">Explain</a>', page_of(balance))


class ExplainedMixin:
    """A column that links to the explanation of a balance."""

    @display(description="explanation")
    def why(self, balance: Balance) -> SafeString:
        return explain_link(balance)


class BalancePages(ReadOnlyAdmin):
    actions_detail = ("explain", "adjust")

    def has_adjust_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        # The permission to change balances: this page is the only way to do so.
        return request.user.has_perm(_CHANGE)

    @action(description="Explain", url_path="explain", permissions=["view"], icon="help")
    def explain(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the page of the balance, which explains it."""
        return HttpResponseRedirect(page_of_key(Balance, unquote(object_id)))

    @action(description="Adjust", url_path="adjust", permissions=["adjust"], icon="tune")
    def adjust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the sheet that adjusts the balance."""
        return HttpResponseRedirect(act_url("adjust", unquote(object_id)))
