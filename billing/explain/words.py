"""The sentences of an explanation: sources of a grant, reasons for the deduction order, overage."""

from __future__ import annotations

from decimal import Decimal

from billing.explain.types import GrantTerm
from billing.ledger.usage_counts import CountedLimit
from billing.models import Grant, PlanItem, Rollover
from billing.models.figures import Interval
from billing.rules.drawing import DrawStep
from billing.rules.drawing_order import (
    DrawableGrant,
    DrawableRollover,
    grant_sort_key,
    rollover_sort_key,
)
from billing.rules.exact import EXACT
from billing.rules.figures import Figures, included_grant
from customers.formats import counted, day, moment, number

#: What happens in each step of usage or a refund.
STEPS: dict[DrawStep, str] = {
    "unlimited": "from the unlimited grant",
    "rollover": "from a rollover",
    "granted": "from the grant",
    "overage": "overage",
    "healed": "off the overage",
    "refilled": "returned to the grant",
}

_TIMES = "\N{MULTIPLICATION SIGN}"
_ZERO = Decimal(0)


def every(interval: str, count: int | None) -> str:
    """The interval in words: `every month`, `every 3 months`, `once`."""
    if interval == Interval.ONE_OFF:
        return "once"
    label = Interval(interval).label.lower() if interval in Interval.values else interval
    return f"every {count} {label}s" if count and count > 1 else f"every {label}"


def terms_of_grant(grant: Grant, item: PlanItem | None) -> tuple[GrantTerm, ...]:
    """The parts that add up to what a grant grants, each with its source."""
    terms: list[GrantTerm] = []
    source = grant.subscription or grant.purchase
    own = EXACT.subtract(grant.included_grant, grant.adjusted)
    if item is not None and grant.plan is not None:
        quantity = source.quantity if source else Decimal(1)
        expected = included_grant(item.included, quantity)
        times = f" {_TIMES} quantity {number(quantity)}" if quantity != 1 else ""
        terms.append(
            GrantTerm(words=f"{grant.plan} includes {number(item.included)}{times}", amount=expected)
        )
        if own != expected:
            terms.append(
                GrantTerm(
                    words="difference from the plan, imported or granted",
                    amount=EXACT.subtract(own, expected),
                )
            )
    elif grant.plan is not None:
        terms.append(GrantTerm(words=f"included with {grant.plan}", amount=own))
    elif own or not grant.prepaid_grant:
        terms.append(GrantTerm(words=f"standalone grant of {day(grant.created_at)}", amount=own))
    if grant.adjusted:
        lasting = "permanent" if grant.reset_interval in ("", Interval.ONE_OFF) else "until the next reset"
        terms.append(GrantTerm(words=f"adjustments, {lasting}", amount=grant.adjusted))
    if grant.prepaid_grant:
        terms.append(GrantTerm(words=_bought(grant), amount=grant.prepaid_grant))
    return tuple(terms)


def terms_of_rollover(rollover: Rollover, source: str) -> tuple[GrantTerm, ...]:
    """The amount that a rollover granted, with what is left of it in words."""
    words = f"carried over{' from ' + source if source else ''}, {number(rollover.left)} of it left"
    return (GrantTerm(words=words, amount=rollover.granted),)


def place_of_row(row: DrawableGrant, before: DrawableGrant | None) -> str:
    """Why a grant comes after the one before it in the deduction order."""
    if before is None:
        return "first grant"
    ours, theirs = grant_sort_key(row), grant_sort_key(before)
    differs = next(index for index, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
    ends = f"expires {moment(row.expires_at)}" if row.expires_at else ""
    return (
        "the customer's grants come after the entity's",
        "credits come after the feature's own balance",
        "never resets, so it comes after grants that reset",
        f"resets {every(row.reset_interval, row.reset_interval_count)}, so it comes after grants that reset more often",
        "never expires, so it comes after what expires",
        f"{ends}, so it comes after what expires sooner",
        "add-ons come after main plans and standalone grants",
        "allows overage, so it comes after grants that don't",
        f"started {moment(row.created_at)}, so it comes after older grants",
        "as old as the one before, and listed after it",
        "as old as the one before, and created after it",
    )[differs]


def place_of_rollover(rollover: DrawableRollover, before: DrawableRollover | None) -> str:
    """Why a rollover comes after the one before it in the deduction order."""
    if before is None:
        return "rollovers come before grants"
    ours, theirs = rollover_sort_key(rollover), rollover_sort_key(before)
    differs = next(index for index, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
    ends = f"expires {moment(rollover.expires_at)}" if rollover.expires_at else ""
    return (
        "never expires, so it comes after what expires",
        f"{ends}, so it comes after what expires sooner",
        "the customer's grants come after the entity's",
        "credits come after the feature's own balance",
        "expires with the one before, and created after it",
    )[differs]


def beyond(row: DrawableGrant) -> str:
    """How much overage a grant allows."""
    if row.unlimited:
        return "unlimited"
    if not row.overage_allowed:
        return "no overage"
    if row.overage_off:
        return "no overage, as it is turned off for the customer"
    if row.max_purchase is None:
        return "unlimited overage"
    together = " shared with the other grants" if row.shares_max_purchase else ""
    return f"overage up to {number(row.max_purchase)}{together}"


def usage_limit(limit: CountedLimit, used: Decimal) -> str:
    """A sentence about a usage limit: `At most 50 calls per day: 12 are used until …`."""
    most = f"At most {number(limit.limit.limit)} {limit.limit.feature} may be used per {limit.limit.interval}"
    whose = f" by {limit.limit.entity}" if limit.limit.entity else ""
    are = "is" if used == 1 else "are"
    return f"{most}{whose}. {number(used)} {are} used in the one that ends {moment(limit.end)}."


def overages(figures: Figures, billed: Decimal) -> str:
    """Sentences about the billable and the displayed overage. `billed` is the overage of usage-based grants."""
    owed, shown = figures.billable_overage, figures.displayed_overage
    if not owed and not shown:
        return "No overage."
    parts = [
        f"Billable overage is {number(owed)}, the sum of each grant's own overage.",
        f"Displayed overage is {number(shown)}, all usage above all that is granted.",
    ]
    if owed != shown:
        why = (
            "an unlimited grant takes all usage now"
            if figures.unlimited
            else "one grant is in overage while another grant or a rollover has units left"
        )
        parts.append(f"They differ because {why}.")
    if billed == owed:
        parts.append("All billable overage is on usage-based grants.")
    elif billed == _ZERO:
        parts.append("No overage is billed, because no usage-based grant has overage. A reset clears it.")
    else:
        parts.append(
            f"{number(billed)} of the billable overage is billed, on usage-based grants. A reset clears the rest."
        )
    return " ".join(parts)


def _bought(grant: Grant) -> str:
    size = grant.billing_units
    if not size:
        return "prepaid"
    packs = EXACT.divide(grant.prepaid_grant, size)
    if EXACT.multiply(packs.to_integral_value(), size) != grant.prepaid_grant:
        return f"prepaid, in packs of {number(size)}"
    whole = packs.to_integral_value()
    return f"prepaid, {counted(int(whole), 'pack')} {_TIMES} {number(size)}"
