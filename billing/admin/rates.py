"""The page of exchange rates: those in force, what is missing, and a form to enter one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.sites import UnfoldAdminSite

from billing.models import ExchangeRate, Invoice, Plan, Subscription
from billing.rates.convert import Rates, installation_currency
from billing.rates.enter import BadRate, enter_rates, read_rate
from customers import clock
from customers.formats import day as in_words
from customers.formats import local, number, user_name
from customers.readings.currencies import CURRENCIES

_PERMISSION = "billing.add_exchangerate"
_HISTORY = 100
_BY_HAND = "Entered by hand"


@dataclass(frozen=True, slots=True)
class Line:
    """A rate as the page shows it."""

    currency: str
    to: str
    rate: str
    day: str
    source: str
    by: str


def rates_page(request: HttpRequest, site: UnfoldAdminSite) -> HttpResponse:
    """The latest rate of each currency, or with `currency` all rates of one; POST enters one."""
    may_change = request.user.has_perm(_PERMISSION)
    if not may_change and (
        request.method == "POST" or not request.user.has_perm("billing.view_exchangerate")
    ):
        raise PermissionDenied
    error = ""
    if request.method == "POST":
        try:
            new = read_rate(
                request.POST.get("currency", ""),
                request.POST.get("rate", ""),
                request.POST.get("day", ""),
                to=installation_currency(),
                source=request.POST.get("source", "").strip() or _BY_HAND,
            )
        except BadRate as problem:
            error = str(problem)
        else:
            enter_rates([new], request.user)
            messages.success(request, f"Entered the rate of {new.currency} for {in_words(new.day)}.")
            return HttpResponseRedirect(reverse("rates"))
    today = local(clock.now()).date()
    currency = request.GET.get("currency", "")[:3].upper()
    found = (
        ExchangeRate.objects.filter(currency=currency) if currency else ExchangeRate.objects.in_force(today)
    )
    missing = [] if currency else _missing(today)
    context = {
        "title": f"Exchange rates of {currency}" if currency else "Exchange rates",
        "rates": [_line(rate) for rate in found.select_related("entered_by")[:_HISTORY]],
        "currency": currency,
        "reporting": installation_currency(),
        "missing": missing,
        "chosen": request.POST.get("currency") or next(iter(missing), ""),
        "codes": sorted(CURRENCIES - {installation_currency()}),
        "today": today.isoformat(),
        "entered": request.POST,
        "error": error,
        "may_change": may_change,
    }
    return TemplateResponse(request, "billing/rates.html", {**site.each_context(request), **context})


def _missing(today: Any) -> list[str]:
    """The currencies of plans, subscriptions and unpaid invoices that can't be converted."""
    plans = Plan.objects.order_by().values_list("currency", flat=True)
    invoices = (
        Invoice.objects.filter(status=Invoice.Status.OPEN).order_by().values_list("currency", flat=True)
    )
    subscriptions = Subscription.objects.order_by().values_list("currency", flat=True)
    rates = Rates(today, installation_currency())
    return sorted(
        code for code in plans.union(invoices, subscriptions) if code and rates.rate_of(code.upper()) is None
    )


def _line(rate: ExchangeRate) -> Line:
    by = user_name(rate.entered_by)
    return Line(rate.currency, rate.to_currency, number(rate.rate), in_words(rate.day), rate.source, by)
