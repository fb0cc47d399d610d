"""The pages that explain and adjust a balance."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from billing.admin.explain import SimulationForm, context_of
from billing.explain.balance import explain
from billing.ledger.totals import daily_figures
from billing.models import Balance
from customers import clock
from customers.admin.base import ReadOnlyAdmin
from customers.sheets import act_url

_CHANGE = "billing.change_balance"


def _filters(balance: Balance) -> str:
    return urlencode({"customer__id__exact": balance.customer_id, "feature__id__exact": balance.feature_id})


def explain_link(balance: Any) -> SafeString:
    """A link to the page that explains a balance."""
    url = reverse("admin:billing_balance_explain", args=[quote(balance.pk)])
    return format_html('<a href="{}" class="text-link">Explain</a>', url)


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
        """Where the figures come from, and what a usage would deduct."""
        balance = self._balance(request, object_id)
        if balance is None:
            return self._not_found(request, object_id)
        form = SimulationForm(balance, request.GET if {"use", "entity"} & request.GET.keys() else None)
        simulated = form.cleaned_data if form.is_bound and form.is_valid() else {}
        now = clock.now()
        explanation = explain(
            balance.customer,
            balance.feature,
            at=now,
            use=simulated.get("use"),
            entity=simulated.get("entity"),
        )
        return self._page(
            request,
            balance,
            "billing/balance_explain.html",
            {
                **context_of(explanation, daily_figures(balance, now)),
                "subtitle": "Explanation",
                "form": form,
                "entity": simulated.get("entity"),
            },
        )

    @action(description="Adjust", url_path="adjust", permissions=["adjust"], icon="tune")
    def adjust(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the sheet that adjusts the balance."""
        return HttpResponseRedirect(act_url("adjust", unquote(object_id)))

    def _balance(self, request: HttpRequest, object_id: str) -> Balance | None:
        key = unquote(object_id)
        if not self.is_id(key):
            return None
        return Balance.objects.select_related("customer", "feature").filter(pk=key).first()

    def _not_found(self, request: HttpRequest, object_id: str) -> HttpResponse:
        redirect: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, unquote(object_id))
        return redirect

    def _page(
        self, request: HttpRequest, balance: Balance, template: str, context: dict[str, Any]
    ) -> HttpResponse:
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "title": str(balance),
                "opts": self.opts,
                "original": balance,
                "balance": balance,
                "may_adjust": self.has_adjust_permission(request),
                "explain_url": reverse("admin:billing_balance_explain", args=[quote(balance.pk)]),
                "adjust_url": act_url("adjust", balance),
                "ledger_url": f"{reverse('admin:billing_posting_changelist')}?{_filters(balance)}",
                "balance_url": reverse("admin:billing_balance_change", args=[quote(balance.pk)]),
                **context,
            },
        )
