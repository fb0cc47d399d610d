"""The tables and the chart of the page that explains a balance."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.explain.burn_rate import lost_words
from billing.explain.types import BalanceExplained, EntryExplained, Explanation, RowExplained, UseExplained
from billing.ledger.totals import DailyFigures
from billing.models import Balance, Entity
from billing.rules.figures import amount_problem
from customers.admin.fields import FigureFormField
from customers.formats import (
    BAD,
    GOOD,
    NEWS,
    PLAIN,
    WAITING,
    badge,
    day,
    listed,
    long_text,
    moment,
    number,
    short_day,
    when,
)

#: The most rows of a table on the page.
ROWS_SHOWN = 100

_KINDS = {"Usage": WAITING, "Refund": GOOD, "Grant": GOOD, "Adjustment": NEWS, "Expiry": BAD, "Import": PLAIN}

Table = dict[str, Any]


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
        widget=UnfoldAdminTextInputWidget,
        help_text="An entity ID. Leave blank for the whole customer.",
    )

    def __init__(self, balance: Balance, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
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


def context_of(explanation: Explanation, points: list[DailyFigures]) -> dict[str, Any]:
    """The template's context."""
    return {
        "explanation": explanation,
        "balances": [_balance(balance) for balance in explanation.balances],
        "order": _order(explanation),
        "use": explanation.use and _use(explanation, explanation.use),
        "costs": table(("Feature", "Credits per unit"), explanation.drawn_by, (str, number)),
        "chart": _chart(points),
        "course": _course(points),
        "has_course": len(points) > 1,
    }


def table(headers: tuple[str, ...], rows: Any, shown: tuple[Any, ...]) -> Table:
    """A table of `rows`; each column has its own function in `shown`."""
    return {
        "headers": headers,
        "rows": [[show(cell) for show, cell in zip(shown, row, strict=True)] for row in rows],
    }


def posting_link(posting_id: str, text: SafeString | str) -> SafeString:
    """A link to a ledger entry."""
    url = reverse("admin:billing_posting_change", args=[quote(posting_id)])
    return format_html('<a href="{}" class="text-link">{}</a>', url, text)


def small(text: str) -> SafeString:
    """A secondary line of a cell."""
    return format_html('<span class="clientele-term">{}</span>', text)


def named(name: str, owner: str) -> SafeString | str:
    """The name of a row, with its entity."""
    return format_html("{} {}", name, small(f"of {owner}")) if owner else name


def _balance(balance: BalanceExplained) -> dict[str, Any]:
    figures = balance.figures
    return {
        "explained": balance,
        "cards": [
            ("Granted", number(figures.granted)),
            ("Remaining", "Unlimited" if figures.unlimited else number(figures.remaining)),
            ("Used", number(figures.usage)),
            ("Billable overage", number(figures.billable_overage)),
            ("Displayed overage", number(figures.displayed_overage)),
        ],
        "cost": "" if balance.credit_cost is None else number(balance.credit_cost),
        "rows": _rows(balance),
        "rows_more": max(0, len(balance.rows) - ROWS_SHOWN),
        "left_out": table(
            ("Grant", "Would hold", "Reason"),
            [(named(row.name, row.owner), row.held, row.reason) for row in balance.left_out],
            (_same, number, _same),
        ),
        "wasted": [lost_words(lost) for lost in balance.pace.wasted],
        "entries": _entries(balance.entries),
        "entries_title": f"Ledger: {balance.feature}",
    }


def _rows(balance: BalanceExplained) -> Table:
    figures = balance.figures
    rows: list[list[Any]] = [
        [
            _what(row),
            number(row.granted),
            "Unlimited" if row.unlimited else number(row.remaining),
            number(row.usage),
            number(row.overage),
            _ends(row),
        ]
        for row in balance.rows[:ROWS_SHOWN]
    ]
    rows.append(
        [
            format_html("<strong>{}</strong>", "Total"),
            number(figures.granted),
            "Unlimited" if figures.unlimited else number(figures.remaining),
            number(figures.usage),
            number(figures.billable_overage),
            "",
        ]
    )
    return {"headers": ["Grant", "Granted", "Remaining", "Used", "Overage", "Ends"], "rows": rows}


def _what(row: RowExplained) -> SafeString:
    terms = format_html_join(
        "", "{}", ((small(f"{number(term.amount)}: {term.words}"),) for term in row.terms)
    )
    return format_html("<div>{}{}</div>", named(row.name, row.owner), terms)


def _ends(row: RowExplained) -> str:
    parts = [f"Resets {moment(row.next_reset_at)}"] if row.next_reset_at else []
    if row.expires_at:
        parts.append(f"Expires {moment(row.expires_at)}")
    return ", ".join(parts) or "-"


def _order(explanation: Explanation) -> Table:
    return table(
        ("", "Grant", "Available", "Overage", "Reason"),
        [
            (
                str(place.number),
                format_html("<div>{}{}</div>", named(place.name, place.owner), small(place.feature)),
                "Unlimited" if place.available is None else number(place.available),
                place.beyond,
                place.reason,
            )
            for place in explanation.order[:ROWS_SHOWN]
        ],
        (_same,) * 5,
    )


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
        "parts": table(
            ("Grant", "How", "Units", "Charged"),
            [
                (part.name, part.words, number(part.units), f"{number(part.charged)} {part.charged_in}")
                for part in use.parts
            ],
            (_same,) * 4,
        ),
        "remaining": listed(
            [
                f"unlimited {names[feature_id]}" if left is None else f"{number(left)} {names[feature_id]}"
                for feature_id, left in use.remaining.items()
            ]
        ),
    }


def _entries(entries: tuple[EntryExplained, ...]) -> Table:
    return table(
        ("When", "Kind", "Grant", "Change", "After", "By"),
        [
            (
                posting_link(entry.posting_id, when(entry.occurred_at)),
                badge(entry.kind, _KINDS),
                format_html("<div>{}{}</div>", entry.row, small(entry.figure)),
                f"{'+' if entry.amount > 0 else ''}{number(entry.amount)}",
                number(entry.after),
                _by(entry),
            )
            for entry in entries
        ],
        (_same,) * 6,
    )


def _by(entry: EntryExplained) -> SafeString:
    notes: list[SafeString | str] = []
    if entry.reason:
        notes.append(small(entry.reason))
    if entry.reverses:
        notes.append(posting_link(entry.reverses, "reverses another entry"))
    if entry.reversed_by:
        notes.append(posting_link(entry.reversed_by, "reversed"))
    shown = format_html_join("", "<div>{}</div>", ((note,) for note in notes))
    return format_html("<div>{}{}</div>", long_text(entry.done_by), shown)


def _chart(points: list[DailyFigures]) -> str:
    """The balance day by day for Unfold's chart. Floats are fine here: they only become pixels."""
    is_unlimited = any(point.remaining is None for point in points)
    series = [point.usage if is_unlimited else point.remaining for point in points]
    return json.dumps(
        {
            "labels": [short_day(point.day) for point in points],
            "datasets": [
                {
                    "label": "Used" if is_unlimited else "Remaining",
                    "data": [float(value or 0) for value in series],
                    "borderColor": "var(--color-primary-600)",
                    "stepped": True,
                    "displayYAxis": True,
                    "maxTicksXLimit": 6,
                }
            ],
        }
    )


def _course(points: list[DailyFigures]) -> Table:
    """The days with a change, latest first."""
    changed = [
        point
        for before, point in zip([None, *points], points, strict=False)
        if before is None
        or (before.granted, before.usage, before.remaining) != (point.granted, point.usage, point.remaining)
    ]
    return table(
        ("End of", "Granted", "Used", "Remaining"),
        [
            (
                day(point.day),
                number(point.granted),
                number(point.usage),
                "Unlimited" if point.remaining is None else number(point.remaining),
            )
            for point in reversed(changed)
        ],
        (_same,) * 4,
    )


def _same(cell: Any) -> Any:
    return cell
