"""Preview a grant or a reversal: it is really done, its effect is read, and it is rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.balances.adjust import version_token_of
from billing.balances.grant import grant
from billing.ledger.balance_figures import figures_of_balance
from billing.ledger.entries import reverse
from billing.models import Balance, Feature, LedgerEntry, Posting
from billing.rules.figures import Figures, figures_of
from customers.ingest.engine import rolled_back
from customers.models import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantPreview:
    """The figures of the balance before and after a grant, and the version token that they were computed from."""

    before: Figures
    after: Figures
    version_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalPreview:
    """The entries of a reversal, and for each balance the figures before and after."""

    entries: Sequence[LedgerEntry]
    figures: Sequence[tuple[Balance, Figures, Figures]]


def preview_grant(
    customer: Customer,
    feature: Feature,
    amount: Decimal,
    *,
    at: datetime,
    balance: Balance | None = None,
    interval: str = "",
    expires_at: datetime | None = None,
) -> GrantPreview:
    """Preview a standalone grant; `balance` is the one that gets it, if there is one. Raises `CannotGrant`."""
    with rolled_back():
        before = figures_of([]) if balance is None else figures_of_balance(balance, at)
        version_token = "" if balance is None else version_token_of(balance, at)
        made = grant(
            customer,
            feature,
            amount,
            done_by="preview",
            interval=interval,
            expires_at=expires_at,
            balance=balance,
            at=at,
        )
        after = figures_of_balance(made.balance, at)
    return GrantPreview(before=before, after=after, version_token=version_token)


def preview_reverse(posting: Posting, *, at: datetime) -> ReversalPreview:
    """Preview the reversal of a posting. Raises `CannotReverse`."""
    with rolled_back():
        entries = list(posting.entries.select_related("grant__balance", "rollover__balance"))
        keys = {entry.owner.balance_id for entry in entries}
        balances = list(
            Balance.objects.filter(pk__in=keys).select_related("feature", "customer").order_by("pk")
        )
        before = [figures_of_balance(balance, at) for balance in balances]
        made = reverse(posting, done_by="preview", reason="preview", at=at)
        after = [figures_of_balance(balance, at) for balance in balances]
        reversing = list(
            made.entries.select_related("grant__plan", "rollover__grant__plan").order_by("number")
        )
    return ReversalPreview(entries=reversing, figures=list(zip(balances, before, after, strict=True)))
