"""The words of an explanation: where a row's grant comes from, why it stands where it stands, what stops a use."""

from __future__ import annotations

from decimal import Decimal

from billing.explain.types import GrantTerm
from billing.models import Grant, PlanItem, Rollover
from billing.models.figures import Interval
from billing.rules.drawing import DrawableGrant, DrawableRollover, DrawStep, grant_sort_key, rollover_sort_key
from billing.rules.exact import EXACT
from billing.rules.figures import Figures, included_grant
from customers.formats import day, moment, number

#: What each step of a use or a refund does, as a person says it.
STEPS: dict[DrawStep, str] = {
    "unlimited": "taken by the unlimited grant",
    "rollover": "from what was carried over",
    "granted": "from the grant",
    "overage": "beyond the grant (overage)",
    "healed": "back to a grant that was overdrawn",
    "refilled": "back to the grant",
}

_TIMES = "\N{MULTIPLICATION SIGN}"
_ZERO = Decimal(0)


def every(interval: str, count: int | None) -> str:
    """`every month`, `every 3 months`, `once`."""
    if interval == Interval.ONE_OFF:
        return "once"
    label = Interval(interval).label.lower() if interval in Interval.values else interval
    return f"every {count} {label}s" if count and count > 1 else f"every {label}"


def terms_of_grant(grant: Grant, item: PlanItem | None) -> tuple[GrantTerm, ...]:
    """The parts that add up to what a grant grants."""
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
                    words="difference from the plan, as it was imported or granted",
                    amount=EXACT.subtract(own, expected),
                )
            )
    elif grant.plan is not None:
        terms.append(GrantTerm(words=f"included with {grant.plan}", amount=own))
    elif own or not grant.prepaid_grant:
        terms.append(GrantTerm(words=f"granted on its own on {day(grant.created_at)}", amount=own))
    if grant.adjusted:
        lasting = "for good" if grant.reset_interval in ("", Interval.ONE_OFF) else "until the next reset"
        terms.append(GrantTerm(words=f"adjustments, {lasting}", amount=grant.adjusted))
    if grant.prepaid_grant:
        terms.append(GrantTerm(words=_bought(grant), amount=grant.prepaid_grant))
    return tuple(terms)


def terms_of_rollover(rollover: Rollover, source: str) -> tuple[GrantTerm, ...]:
    """What a rollover grants, and how much of it is left."""
    words = f"carried over{' from ' + source if source else ''}, {number(rollover.left)} of it left"
    return (GrantTerm(words=words, amount=rollover.granted),)


def place_of_row(row: DrawableGrant, before: DrawableGrant | None) -> str:
    """Why a grant is drawn after the one before it."""
    if before is None:
        return "the first of the grants"
    ours, theirs = grant_sort_key(row), grant_sort_key(before)
    differs = next(index for index, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
    ends = f"expires {moment(row.expires_at)}" if row.expires_at else ""
    return (
        "the customer's own comes after the entity's",
        "a credit system comes after the feature's own balance",
        "it never resets, and comes after what does",
        f"it resets {every(row.reset_interval, row.reset_interval_count)}, and comes after what resets more often",
        "it never expires, and comes after what does",
        f"{ends}, and comes after what expires sooner",
        "an add-on comes after main plans and standalone grants",
        "it allows overage, and comes after what does not",
        f"it began {moment(row.created_at)}, and comes after what is older",
        "as old as the one before it, and listed after it",
        "as old as the one before it, and made after it",
    )[differs]


def place_of_rollover(rollover: DrawableRollover, before: DrawableRollover | None) -> str:
    """Why a rollover is drawn after the one before it."""
    if before is None:
        return "what was carried over comes before grants"
    ours, theirs = rollover_sort_key(rollover), rollover_sort_key(before)
    differs = next(index for index, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1])
    ends = f"expires {moment(rollover.expires_at)}" if rollover.expires_at else ""
    return (
        "it never expires, and comes after what does",
        f"{ends}, and comes after what expires sooner",
        "the customer's own comes after the entity's",
        "a credit system comes after the feature's own balance",
        "as soon to expire as the one before it, and made after it",
    )[differs]


def beyond(row: DrawableGrant) -> str:
    """Whether, and how far, a grant may be drawn when nothing is left of it."""
    if row.unlimited:
        return "without limit"
    if not row.overage_allowed:
        return "no overage"
    if row.max_purchase is None:
        return "overage without limit"
    together = " together with the others" if row.shares_max_purchase else ""
    return f"overage up to {number(row.max_purchase)}{together}"


def overages(figures: Figures, billed: Decimal) -> str:
    """Both overages by name, and why they differ where they do. `billed` is the part of usage-based grants."""
    owed, shown = figures.billable_overage, figures.displayed_overage
    if not owed and not shown:
        return "No overage: no grant is overdrawn."
    parts = [
        f"Billable overage {number(owed)}: what is used beyond each grant, added up grant by grant.",
        f"Displayed overage {number(shown)}: all usage beyond all that is granted.",
    ]
    if owed != shown:
        why = (
            "an unlimited grant takes all use now"
            if figures.unlimited
            else "one grant is overdrawn while another, or a rollover, has something left"
        )
        parts.append(f"They differ because {why}.")
    if billed == owed:
        parts.append("All of the billable overage is on usage-based grants.")
    elif billed == _ZERO:
        parts.append("None of it is on a usage-based grant: it is not billed, and a reset forgives it.")
    else:
        parts.append(
            f"{number(billed)} of it are on usage-based grants; the rest is not billed, and a reset forgives it."
        )
    return " ".join(parts)


def _bought(grant: Grant) -> str:
    size = grant.billing_units
    if not size:
        return "bought ahead"
    packs = EXACT.divide(grant.prepaid_grant, size)
    if EXACT.multiply(packs.to_integral_value(), size) != grant.prepaid_grant:
        return f"bought ahead, in packs of {number(size)}"
    whole = packs.to_integral_value()
    return f"bought ahead: {number(whole)} pack{'' if whole == 1 else 's'} {_TIMES} {number(size)}"
