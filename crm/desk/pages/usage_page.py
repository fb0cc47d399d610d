"""The Usage tab of a customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse

from billing.ledger.totals import customer_ids_with_merged
from billing.ledger.uses import days_of_use, ledger_page
from billing.models import Balance, Posting
from crm.desk.pages.customer_lookup import customer_with_head
from crm.desk.pages.overview import usage
from crm.desk.pages.overview.bars import BalanceBar, bars_of
from crm.desk.pages.record_shell import USAGE, RecordShell, shell_of
from customers import clock
from customers.formats import day, number, page_of
from customers.sheets import act_url

_SEE, _SEE_LEDGER, _ADJUST = "billing.view_balance", "billing.view_posting", "billing.change_balance"
_SPLITS = ((usage.TOTAL, "Total"), (usage.ENTITY, "Entity"), (usage.EVENT, "Event"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An entry of a menu, or of a row of choices."""

    label: str
    url: str
    is_current: bool


def usage_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """What the customer has used of one balance, `?balance=`: the one that is used most, unless another is asked for.

    `?range=` chooses the days and `?by=` how they are split; what is not offered is as if it were missing.
    """
    customer = customer_with_head(request, identifier)
    if str(customer.pk) != identifier:
        return HttpResponseRedirect(reverse("desk-usage", args=[customer.pk]))
    found = shell_of(customer, request.user.has_perm, clock.now())
    if not found.may(_SEE):
        raise PermissionDenied
    # The head brings the facts up to date that the balances are read from.
    context = found.context(request, USAGE)
    bars = bars_of(customer, found.now)
    entities = usage.entities_of(customer) if found.may("billing.view_entity") else []
    sections = [
        usage.flags_section(customer, found.now) if found.may("billing.view_flag") else None,
        usage.entities_section(customer, entities),
    ]
    context["sections"] = [section for section in sections if section is not None]
    if bars:
        asked = request.GET.get("balance", "")
        bar = next((each for each in bars if str(each.row.pk) == asked), bars[0])
        context |= _of_balance(request.GET, found, bars, bar, entities)
    return TemplateResponse(request, "crm/desk/usage.html", context)


def _of_balance(
    query: QueryDict, found: RecordShell, bars: list[BalanceBar], bar: BalanceBar, entities: list[Any]
) -> dict[str, Any]:
    balance: Balance = bar.row.balance
    now = found.now
    ranges = usage.ranges_of(bar.period, now)
    by_default = next(each for each in ranges if each.key == usage.DAYS_30)
    shown = next((each for each in ranges if each.key == query.get("range")), by_default)
    by = query.get("by", usage.TOTAL)
    by = by if by in dict(_SPLITS) else usage.TOTAL
    context: dict[str, Any] = {
        "bar": bar,
        "per_day": number(
            bar.row.per_day.quantize(1) if bar.row.per_day >= 10 else bar.row.per_day.normalize()
        ),
        "runs_out": day(bar.row.runs_out_at) if bar.row.runs_out_at else "",
        "resets": day(bar.row.resets_at) if bar.row.resets_at else "Never",
        "used": number(bar.row.usage),
        "parts": usage.parts_of(bar),
        "balances": [
            Choice(label=each.name, url=_url(query, balance=each.row.pk), is_current=each is bar)
            for each in bars
        ],
        "ranges": [
            Choice(label=each.label, url=_url(query, range=each.key), is_current=each is shown)
            for each in ranges
        ],
        "shown": shown,
        "splits": [
            Choice(label=label, url=_url(query, by=key), is_current=key == by) for key, label in _SPLITS
        ],
        "grant_url": act_url("grant", balance) if found.may(_ADJUST) and balance.feature.consumable else "",
        "adjust_url": act_url("adjust", balance) if found.may(_ADJUST) else "",
        "explain_url": page_of(balance),
    }
    if not found.may(_SEE_LEDGER):
        return context
    customers = customer_ids_with_merged(str(found.customer.pk))
    uses = days_of_use(balance, customers, shown.since, shown.until)
    names = usage.names_of(found.customer, uses, entities)
    before = _position(query.get("before", ""))
    page = ledger_page(balance, customers, shown.since, shown.until, usage.LEDGER_ROWS, before)
    last = page.rows[-1].posting if page.rows else None
    return {
        **context,
        "chart": usage.drawing_of(bar, shown, uses, by, names),
        "by_entity": usage.shares_of(uses, usage.ENTITY, names),
        "by_event": usage.shares_of(uses, usage.EVENT, names),
        "ledger": usage.ledger_lines(page.rows),
        "newest": _url(query) if before is not None else "",
        "older": _url(query, before=f"{last.occurred_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}~{last.pk}")
        if page.has_more and last is not None
        else "",
    }


def _url(query: QueryDict, **changed: Any) -> str:
    """This page with other choices, from the newest entry of the ledger on."""
    kept: dict[str, str] = {key: str(query[key]) for key in ("balance", "range", "by") if key in query}
    asked = QueryDict(mutable=True)
    asked.update({**kept, **{key: str(value) for key, value in changed.items()}})
    return f"?{asked.urlencode()}"


def _position(text: str) -> tuple[datetime, Any] | None:
    """The moment and key of a ledger entry from an address; None for anything else."""
    at, _, key = text.partition("~")
    try:
        return datetime.fromisoformat(at).astimezone(UTC), Posting._meta.pk.to_python(key)
    except (ValueError, OverflowError, ValidationError):
        return None
