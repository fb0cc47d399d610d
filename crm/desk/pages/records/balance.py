"""The page of one balance: its figures and pace, where they come from, what usage would deduct, and its ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from billing.explain.balance import explain
from billing.explain.burn_rate import estimate, lost_words
from billing.explain.types import BalanceExplained, Explanation, UseExplained
from billing.formats import name_of_balance
from billing.ledger.past_figures import PastFigures
from billing.ledger.statement import Statement
from billing.ledger.totals import daily_figures, history_begins
from billing.models import Balance, Entity, Grant
from billing.rules.figures import amount_problem
from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.overview.bars import BalanceBar, bar_of
from crm.desk.pages.overview.key_facts import KeyFact
from crm.desk.pages.records.balance_tables import (
    LEDGER_SHOWN,
    costs_table,
    course_table,
    grants_table,
    ledger_table,
    left_out_table,
    order_table,
    others_table,
)
from crm.desk.pages.records.shell import Head, Meta, acts_on, menu_of, record_page, requested_row
from crm.desk.pages.records.tables import Table, cells
from crm.models import BalanceFacts
from customers import clock
from customers.admin.fields import FigureFormField
from customers.formats import (
    counted,
    customer_url,
    day,
    days_between,
    listed,
    number,
    percent,
)
from customers.models import Customer

_CHANGE = "billing.change_balance"
_HUNDRED = Decimal(100)
_CHIPS = {"": "good", "warn": "warn", "bad": "bad"}


class SimulationForm(forms.Form):
    """A usage to simulate, of the customer or of one of its entities."""

    use = FigureFormField(
        label="Units",
        required=False,
        max_digits=25,
        decimal_places=10,
        help_text="Enter a negative number for a refund. Nothing is recorded.",
    )
    entity = forms.CharField(
        label="Entity",
        required=False,
        max_length=255,
        help_text="An entity ID. Leave blank for the whole customer.",
    )

    def __init__(self, balance: Balance, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"auto_id": "simulate-%s", **options})
        self.balance = balance

    def clean_use(self) -> Any:
        # A usage of 0 deducts nothing, so there is nothing to simulate.
        use = self.cleaned_data["use"]
        if use is not None and (problem := amount_problem(use)):
            raise forms.ValidationError(problem)
        return use or None

    def clean_entity(self) -> Entity | None:
        entity_id = self.cleaned_data["entity"].strip()
        if not entity_id:
            return None
        entity = Entity.objects.filter(customer=self.balance.customer_id, entity_id=entity_id).first()
        if entity is None:
            raise forms.ValidationError("Enter the ID of one of this customer's entities.")
        return entity


def balance_page(request: HttpRequest, key: str) -> HttpResponse:
    """The balance with this ID. `?use=&entity=` simulates usage; nothing is recorded.

    The number of queries doesn't depend on the amount of data.
    """
    rows = Balance.objects.select_related("customer", "feature", "came_with")
    balance = requested_row(request, rows, key, "billing.view_balance")
    now = clock.now()
    form = SimulationForm(balance, request.GET if {"use", "entity"} & request.GET.keys() else None)
    asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
    explanation = explain(
        balance.customer, balance.feature, at=now, use=asked.get("use"), entity=asked.get("entity")
    )
    own = next((each for each in explanation.balances if each.id == str(balance.pk)), None)
    others = [each for each in explanation.balances if each is not own]
    may = request.user.has_perm
    statement = Statement.of(balance, LEDGER_SHOWN) if may("billing.view_posting") else None
    begins = history_begins(now)
    past = PastFigures.of(balance, min(begins, statement.since(now)) if statement else begins)
    bar = _bar(balance, own, past.counted_grants(now), now) if own else None
    tables = [
        *([grants_table(own), left_out_table(own)] if own else []),
        others_table(others),
        order_table(explanation) if own else None,
        costs_table(explanation),
    ]
    context = {
        "row": balance,
        "own": own,
        "bar": bar,
        "bar_period": bar.period.words(now) if bar and bar.period else "",
        "wasted": [lost_words(lost) for lost in own.pace.wasted] if own else [],
        "explanation": explanation,
        "course": course_table(daily_figures(balance, now, past.since(begins))) if own else None,
        "tables": [table for table in tables if table is not None and table.rows],
        "form": form,
        "use": explanation.use and _use(explanation, explanation.use),
        "ledger": ledger_table(statement.lines(past.since(statement.since(now))), may(_CHANGE))
        if statement
        else None,
    }
    crumbs = crumbs_of(
        balance.customer,
        Crumb("Usage", reverse("desk-usage", args=[balance.customer_id])),
        Crumb(name_of_balance(balance)),
    )
    head = _head(request, balance, own, bar, now)
    return record_page(request, "crm/desk/records/balance.html", head, crumbs, context)


def _head(
    request: HttpRequest,
    balance: Balance,
    own: BalanceExplained | None,
    bar: BalanceBar | None,
    now: datetime,
) -> Head:
    customer: Customer = balance.customer
    meta = [Meta(str(customer), customer_url(customer.pk)), Meta(balance.feature.get_type_display())]
    if balance.removed_at is not None:
        meta.append(Meta(f"No longer listed by the billing platform since {day(balance.removed_at)}"))
    acts = acts_on(request, balance)
    return Head(
        kind="balance",
        name=name_of_balance(balance),
        icon="data_usage",
        chips=[(bar.state, _CHIPS.get(bar.color, "neutral"))] if bar else [],
        meta=meta,
        facts=list(_facts(own, now)) if own else [],
        actions=menu_of(request, balance, acts),
    )


def _facts(own: BalanceExplained, now: datetime) -> Iterator[KeyFact]:
    figures, pace = own.figures, own.pace
    grants, speed = "#section-grants", "#section-pace"
    if figures.unlimited:
        yield KeyFact(label="Remaining", value="Unlimited", url=grants)
    else:
        yield KeyFact(
            label="Remaining",
            value=number(figures.remaining),
            detail=f"of {number(figures.granted)} granted",
            color="bad" if figures.granted > 0 and not figures.remaining else "",
            url=grants,
        )
    over = figures.billable_overage
    share = figures.spent_percent
    yield KeyFact(
        label="Used",
        value=number(figures.usage),
        detail=f"{number(over)} overage" if over else percent(share / _HUNDRED) if share is not None else "",
        color="bad" if over else "",
        url="#section-ledger",
    )
    yield KeyFact(
        label="Per day",
        value=estimate(pace.per_day) if pace.per_day else "None",
        detail=f"over {counted(max(1, days_between(pace.since, pace.until)), 'day')}",
        url=speed,
    )
    yield _runs_out(own, now)
    resets = figures.next_reset_at
    yield KeyFact(
        label="Resets",
        value=day(resets) if resets else "Never",
        detail=f"in {counted(max(0, days_between(now, resets)), 'day')}" if resets else "",
        url=grants,
    )


def _runs_out(own: BalanceExplained, now: datetime) -> KeyFact:
    ends, resets = own.pace.runs_out_at, own.figures.next_reset_at
    value, detail, color = "Never", "at this rate", ""
    if own.figures.unlimited:
        detail = "Unlimited"
    elif not own.figures.remaining:
        value, detail, color = "Nothing left", "", "bad"
    elif ends is not None:
        value = day(ends)
        if resets is not None and resets <= ends:
            detail = "after the next reset"
        else:
            detail, color = f"in {counted(max(0, days_between(now, ends)), 'day')}", "bad"
    return KeyFact(label="Runs out", value=value, detail=detail, color=color, url="#section-pace")


def _bar(balance: Balance, own: BalanceExplained, grants: list[Grant], now: datetime) -> BalanceBar:
    """The bar of the figures of this moment."""
    figures = own.figures
    facts = BalanceFacts(
        balance=balance,
        customer=balance.customer,
        unlimited=figures.unlimited,
        granted=figures.granted,
        remaining=figures.remaining,
        usage=figures.usage,
        used_percent=figures.spent_percent,
        per_day=own.pace.per_day,
        resets_at=figures.next_reset_at,
        runs_out_at=own.pace.runs_out_at,
    )
    return bar_of(facts, grants, now)


def _use(explanation: Explanation, use: UseExplained) -> dict[str, Any]:
    names = {balance.feature_id: balance.feature for balance in explanation.balances}
    amount = number(use.asked.copy_abs())
    titles = {
        "drawn": f"Using {amount} would deduct",
        "refused": f"Using {amount} would be refused. {number(use.missing)} more would be needed.",
        "refunded": f"Refunding {amount} would return",
    }
    return {
        "title": titles[use.outcome],
        "is_refused": use.outcome == "refused",
        "dropped": number(use.dropped) if use.dropped else "",
        "reasons": use.reasons,
        "table": Table(
            key="simulated",
            title=titles[use.outcome],
            headings=("Grant", "How", "Units", "Charged"),
            rows=[
                cells(part.name, part.words, number(part.units), f"{number(part.charged)} {part.charged_in}")
                for part in use.parts
            ],
            figures=frozenset({2, 3}),
        ),
        "remaining": listed(
            [
                f"unlimited {names[feature_id]}" if left is None else f"{number(left)} {names[feature_id]}"
                for feature_id, left in use.remaining.items()
            ]
        ),
    }
