"""The total of an invoice, with discounts, tax and credits, in whole minor units of one currency.

Pure arithmetic on values: no clock, no database. In this order: free products take off base prices; each percentage takes
its part of what is left; fixed amounts are taken off, at most what is left; tax is charged on the rest; credits pay the
sum with tax, at most all of it. Each is a line, rounded half-even once, and the total is the sum of the lines.

A line that gives back unused time is what was billed for that time after its discounts, so no discount applies to it. It
has the tax rate of the invoice that billed the time. An invoice that is not above zero still has tax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from billing.rules.exact import EXACT
from billing.rules.intervals import step
from billing.rules.money import LARGEST_MINOR, from_minor, known_code, round_to_minor

LineKind = Literal["base", "prepaid", "usage", "proration", "credit", "discount", "tax"]
DiscountType = Literal["free_product", "percentage_discount", "fixed_discount", "invoice_credits"]
DurationType = Literal["one_off", "months", "forever"]

_BEFORE_TAX: tuple[DiscountType, ...] = ("free_product", "percentage_discount", "fixed_discount")
_AFTER_TAX: tuple[DiscountType, ...] = ("invoice_credits",)
_ADDED: tuple[LineKind, ...] = ("discount", "tax")
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """What a line with a negative amount gives back: unused time of the `line` with that key, taxed at `tax_rate`."""

    line: str
    tax_rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledLine:
    """One line; `amount` is in minor units.

    `feature` is the key of the feature that is billed; a line without one bills a base price. `period` is the time that
    the line is for. `discount_id` is set if a discount made the line, `gives_back` if it gives back unused time.
    """

    kind: LineKind
    description: str
    amount: int
    quantity: Decimal = Decimal(1)
    subscription_id: str | None = None
    plan_id: str | None = None
    feature: str | None = None
    period: tuple[datetime, datetime] | None = None
    discount_id: str | None = None
    gives_back: GivenBack | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDiscount:
    """A discount that applies. IDs are unique within an invoice.

    `value` is a percentage, or an amount of `currency` in major units; a free product has none. `spent` is how much of
    invoice credits is used up. With a `subscription_id`, only that subscription's lines are discounted.
    """

    id: str
    name: str
    type: DiscountType
    value: Decimal = Decimal(0)
    currency: str | None = None
    spent: Decimal = Decimal(0)
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class UnappliedDiscount:
    """A discount that took nothing off, and the reason as a sentence."""

    discount_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTotals:
    """The totals of an invoice, in minor units. `total` is the sum of `lines`, and of the four figures before it.

    `lines` are the billed lines as given, followed by the `added` ones for discounts, tax and credits. `discounted` has
    what the discounts before tax took off each billed line, in their order. `discount` is the sum of the discounts before
    tax, `credit` what invoice credits paid; both are 0 or below. `used` is what each discount took off, above zero;
    discounts that took nothing off are in `not_applied`.
    """

    currency: str
    lines: tuple[BilledLine, ...]
    added: tuple[BilledLine, ...]
    discounted: tuple[int, ...]
    subtotal: int
    discount: int
    tax: int
    credit: int
    total: int
    used: Mapping[str, int]
    not_applied: tuple[UnappliedDiscount, ...]


def invoice_totals(
    currency: str,
    lines: Sequence[BilledLine],
    discounts: Sequence[DueDiscount] = (),
    tax_rate: Decimal | None = None,
) -> InvoiceTotals:
    """The totals of the billed `lines` with these `discounts` and a tax of `tax_rate` percent.

    A rate of 0 makes a tax line, None does not. Raises `ValueError` for an unknown currency, a discount or tax line among
    those billed, a rate below zero, or a total that is too large to store.
    """
    if any(line.kind in _ADDED for line in lines):
        raise ValueError("Pass only the lines that bill something: discounts and tax are computed here")
    if tax_rate is not None and tax_rate < 0:
        raise ValueError(f"A tax rate of {tax_rate:f}% cannot be charged: expected 0 or more")
    amounts = [line.amount for line in lines]
    computation = _InvoiceComputation(known_code(currency), lines, amounts, [0] * len(amounts))
    computation.apply(discounts, _BEFORE_TAX)
    computation.charge_tax(tax_rate)
    computation.apply(discounts, _AFTER_TAX)
    total = sum(line.amount for line in (*lines, *computation.added))
    if abs(total) > LARGEST_MINOR:
        raise ValueError("The total of the invoice is too large. Bill it in parts")
    return InvoiceTotals(
        currency=computation.currency,
        lines=(*lines, *computation.added),
        added=tuple(computation.added),
        discounted=tuple(computation.discounted),
        subtotal=sum(line.amount for line in lines),
        discount=computation.added_of("discount"),
        tax=computation.added_of("tax"),
        credit=computation.added_of("credit"),
        total=total,
        used=computation.used,
        not_applied=tuple(computation.not_applied),
    )


def is_discount_due(
    duration_type: DurationType,
    duration_value: Decimal | None,
    start: datetime | None,
    end: datetime | None,
    at: datetime,
    uses: int,
) -> bool:
    """Whether a discount that was used on `uses` invoices applies at `at`: from `start` until before `end`.

    A discount for a number of months ends that many calendar months after its start. If its start or the number is
    unknown, it applies until its `end`; without an `end`, it does not apply.
    """
    if (start is not None and at < start) or (end is not None and at >= end):
        return False
    if duration_type == "one_off":
        return uses == 0
    if duration_type == "forever":
        return True
    if start is None or duration_value is None:
        return end is not None
    if duration_value < 1:
        return False
    over = step(start, "month", int(duration_value))
    return over is None or at < over


@dataclass(slots=True)
class _InvoiceComputation:
    """An invoice being computed; `left` is the amount due of each billed line, with its share of the tax.

    `discounted` is what discounts before tax took off each.
    """

    currency: str
    lines: Sequence[BilledLine]
    left: list[int]
    discounted: list[int]
    added: list[BilledLine] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    not_applied: list[UnappliedDiscount] = field(default_factory=list)

    def apply(self, discounts: Sequence[DueDiscount], types: Sequence[DiscountType]) -> None:
        """Apply the discounts of these types, in the order of the types, then in the order given."""
        for each in types:
            for discount in discounts:
                if discount.type == each:
                    self._apply(discount)

    def charge_tax(self, rate: Decimal | None) -> None:
        """Add the tax on what is left, and share it among the lines. Lines that give back have the rate of their time."""
        rates = [line.gives_back.tax_rate if line.gives_back else rate for line in self.lines]
        for each in dict.fromkeys([rate, *rates]):
            scope = [index for index, own in enumerate(rates) if own == each]
            if each is not None and (scope or not self.lines):
                self._charge_tax(each, scope)

    def added_of(self, kind: LineKind) -> int:
        """The sum of the added lines of a kind."""
        return sum(line.amount for line in self.added if line.kind == kind)

    def _charge_tax(self, rate: Decimal, scope: Sequence[int]) -> None:
        left = [self.left[index] for index in scope]
        amount = self._per_cent(sum(left), rate)
        self.added.append(BilledLine(kind="tax", description=f"Tax {rate.normalize():f}%", amount=amount))
        if amount:
            for index, tax in zip(scope, _spread(amount, left), strict=True):
                self.left[index] += tax

    def _apply(self, discount: DueDiscount) -> None:
        scope = [index for index, line in enumerate(self.lines) if _sees(discount, line)]
        reason = self._refusal(discount, scope)
        if reason is None:
            there = sum(self.left[index] for index in scope)
            if discount.type in _AFTER_TAX or not any(line.gives_back for line in self.lines):
                there = min(there, sum(self.left))
            amount = min(there, self._worth(discount, scope))
            if amount > 0:
                self._take(discount, scope, amount)
                return
            reason = "Nothing is left to discount." if there <= 0 else "It rounds to nothing."
        self.not_applied.append(UnappliedDiscount(discount.id, reason))

    def _take(self, discount: DueDiscount, scope: Sequence[int], amount: int) -> None:
        shares = _spread(amount, [max(0, self.left[index]) for index in scope])
        for index, share in zip(scope, shares, strict=True):
            self.left[index] -= share
            if discount.type in _BEFORE_TAX:
                self.discounted[index] += share
        per_cent = f" ({discount.value.normalize():f}%)" if discount.type == "percentage_discount" else ""
        self.used[discount.id] = amount
        self.added.append(
            BilledLine(
                kind="credit" if discount.type in _AFTER_TAX else "discount",
                description=discount.name + per_cent,
                amount=-amount,
                subscription_id=discount.subscription_id,
                discount_id=discount.id,
            )
        )

    def _refusal(self, discount: DueDiscount, scope: Sequence[int]) -> str | None:
        if discount.type in ("fixed_discount", "invoice_credits"):
            if discount.currency is None:
                return "It has no currency."
            if known_code(discount.currency) != self.currency:
                return f"It is in {known_code(discount.currency)}, the invoice in {self.currency}."
        if not scope:
            of = "" if discount.subscription_id is None else f" of subscription {discount.subscription_id}"
            return f"It applies to none of the billed lines{of}."
        return None

    def _worth(self, discount: DueDiscount, scope: Sequence[int]) -> int:
        """The most that the discount can take off, in minor units."""
        if discount.type == "invoice_credits":
            return round_to_minor(EXACT.subtract(discount.value, discount.spent), self.currency)
        if discount.type == "fixed_discount":
            return round_to_minor(discount.value, self.currency)
        left = sum(self.left[index] for index in scope)
        if discount.type == "free_product":
            return left
        return self._per_cent(left, min(discount.value, _HUNDRED))

    def _per_cent(self, minor: int, rate: Decimal) -> int:
        amount = EXACT.multiply(from_minor(minor, self.currency), rate)
        return round_to_minor(EXACT.divide(amount, _HUNDRED), self.currency)


def _sees(discount: DueDiscount, line: BilledLine) -> bool:
    if discount.subscription_id is not None and line.subscription_id != discount.subscription_id:
        return False
    if discount.type in _BEFORE_TAX and line.gives_back is not None:
        return False
    is_base_price = line.kind == "base" or (line.kind == "proration" and line.feature is None)
    return discount.type != "free_product" or is_base_price


def _spread(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` in shares proportional to `weights`, whose sum is not 0. The shares sum to `amount`."""
    whole, reached, given = sum(weights), 0, 0
    shares = []
    for weight in weights:
        reached += weight
        share = amount * reached // whole - given
        given += share
        shares.append(share)
    return shares
