"""Turn an explanation into text for a terminal, or into plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from textwrap import wrap
from typing import Any

from django.utils.timezone import localtime

from billing.explain.burn_rate import lost_words
from billing.explain.types import BalanceExplained, Explanation, UseExplained
from customers.formats import moment, number
from customers.json_types import plain_number, to_iso

_WIDTH = 110


def as_values(value: Any) -> Any:
    """`value` as JSON values: figures as exact strings without trailing zeros, moments in ISO 8601 and UTC."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: as_values(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Decimal):
        return f"{Decimal(plain_number(value)):f}"
    if isinstance(value, datetime):
        return to_iso(value)
    if isinstance(value, dict):
        return {key: as_values(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_values(each) for each in value]
    return value


def as_text(explanation: Explanation) -> str:
    """The explanation as lines of text."""
    return "\n".join(_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[str]:
    owner = f"{explanation.customer} ({explanation.customer_id})"
    if explanation.entity:
        owner = f"{explanation.entity} of {owner}"
    yield f"{explanation.feature} ({explanation.feature_id}) of {owner}, at {moment(explanation.at)} {localtime(explanation.at):%Z}"
    if explanation.flag is not None:
        yield ""
        yield explanation.flag.words
        return
    for note in explanation.notes:
        yield f"Note: {note}"
    for balance in explanation.balances:
        yield ""
        yield from _balance(balance)
    if explanation.drawn_by:
        yield ""
        yield "Credits per unit"
        yield from _table([(name, number(cost)) for name, cost in explanation.drawn_by], right=(1,))
    yield ""
    yield "Deduction order"
    yield from _table(
        [
            (
                f"{place.number}.",
                f"{place.name}{f' ({place.owner})' if place.owner else ''}",
                place.feature,
                "unlimited" if place.available is None else number(place.available),
                place.beyond,
                place.reason,
            )
            for place in explanation.order
        ],
        right=(3,),
        nothing="No grant counts for this usage.",
    )
    if explanation.unreachable:
        yield f"  Only usable by their own entities: {', '.join(explanation.unreachable)}"
    if explanation.use is not None:
        yield ""
        names = {balance.feature_id: balance.feature for balance in explanation.balances}
        yield from _use(explanation.use, names)
    for balance in explanation.balances:
        yield ""
        yield from _entries(balance)


def _balance(balance: BalanceExplained) -> Iterator[str]:
    cost = balance.credit_cost
    yield balance.feature if cost is None else f"{balance.feature}, {number(cost)} credits per unit"
    figures = balance.figures
    yield from _table(
        [
            ("granted", number(figures.granted)),
            ("remaining", "unlimited" if figures.unlimited else number(figures.remaining)),
            ("usage", number(figures.usage)),
            ("billable overage", number(figures.billable_overage)),
            ("displayed overage", number(figures.displayed_overage)),
        ],
        right=(1,),
    )
    yield from _wrapped(balance.overage_words)
    yield ""
    yield "  Breakdown"
    rows: list[tuple[str, ...]] = [("", "granted", "remaining", "usage", "overage", "")]
    for row in balance.rows:
        ends = f"resets {moment(row.next_reset_at)}" if row.next_reset_at else ""
        if row.expires_at:
            ends = f"{ends}, " * bool(ends) + f"expires {moment(row.expires_at)}"
        rows.append(
            (
                f"{row.name}{f' ({row.owner})' if row.owner else ''}",
                number(row.granted),
                "unlimited" if row.unlimited else number(row.remaining),
                number(row.usage),
                number(row.overage),
                ends,
            )
        )
        rows += [(f"  {term.words}", number(term.amount), "", "", "", "") for term in row.terms]
    rows.append(
        (
            "total",
            number(figures.granted),
            "unlimited" if figures.unlimited else number(figures.remaining),
            number(figures.usage),
            number(figures.billable_overage),
            "",
        )
    )
    yield from _table(rows, right=(1, 2, 3, 4), indent="    ")
    if balance.left_out:
        yield ""
        yield "  Not counted"
        yield from _table(
            [
                (f"{row.name}{f' ({row.owner})' if row.owner else ''}", number(row.held), row.reason)
                for row in balance.left_out
            ],
            right=(1,),
            indent="    ",
        )
        if balance.left_out_more:
            yield "    … and others that ended earlier"
    yield ""
    yield from _wrapped(balance.pace.words)
    for lost in balance.pace.wasted:
        yield from _wrapped(lost_words(lost))


def _use(use: UseExplained, names: dict[str, str]) -> Iterator[str]:
    amount = number(use.asked.copy_abs())
    if use.outcome == "refused":
        yield f"Simulated usage of {amount} is refused, {number(use.missing)} too many"
        yield from (f"  {reason}" for reason in use.reasons)
        return
    yield f"Simulated usage of {amount}" if use.outcome == "drawn" else f"Simulated refund of {amount}"
    yield from _table(
        [
            (f"{index}.", part.name, part.words, number(part.units), _charge(part.charged, part.charged_in))
            for index, part in enumerate(use.parts, start=1)
        ],
        right=(3,),
        nothing="Nothing changes.",
    )
    if use.dropped:
        yield f"  {number(use.dropped)} not applied: {'; '.join(use.reasons)}"
    left = " and ".join(_left(amount, names[feature]) for feature, amount in use.remaining.items())
    yield f"  Remaining afterward: {left}."


def _wrapped(text: str) -> list[str]:
    return wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _charge(charged: Decimal, charged_in: str) -> str:
    return f"{number(charged)} of {charged_in}"


def _left(amount: Decimal | None, feature: str) -> str:
    return f"unlimited {feature}" if amount is None else f"{number(amount)} of {feature}"


def _entries(balance: BalanceExplained) -> Iterator[str]:
    yield f"Latest ledger entries of {balance.feature}"
    rows = []
    for entry in balance.entries:
        notes = [entry.reason] if entry.reason else []
        if entry.key:
            notes.append(f"key {entry.key}")
        if entry.reverses:
            notes.append(f"reverses {entry.reverses}")
        if entry.reversed_by:
            notes.append(f"reversed by {entry.reversed_by}")
        sign = "+" if entry.amount > 0 else ""
        rows.append(
            (
                moment(entry.occurred_at),
                entry.kind,
                entry.row,
                entry.figure,
                f"{sign}{number(entry.amount)}",
                f"to {number(entry.after)}",
                f"by {entry.done_by}",
                "; ".join(notes),
            )
        )
    yield from _table(rows, right=(4, 5), nothing="None.")


def _table(
    rows: Sequence[tuple[str, ...]], *, right: Sequence[int] = (), indent: str = "  ", nothing: str = ""
) -> Iterator[str]:
    """The rows as lines with aligned columns. The columns with an index in `right` align right."""
    if not rows:
        yield f"{indent}{nothing}"
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield (indent + "  ".join(cells)).rstrip()
