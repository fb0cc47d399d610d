"""What a grant, or taking back a posting, would do: it is done, looked at, and undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.balances.adjust import Adjustment, version_token_of
from billing.balances.grant import figures_for, grant
from billing.ledger.entries import reverse
from billing.models import Balance, LedgerEntry, Posting
from billing.rules.figures import Figures
from customers.ingest.engine import nothing_kept


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalPreview:
    """What taking back a posting does: its entries, and by balance the figures before and after."""

    entries: Sequence[LedgerEntry]
    figures: Sequence[tuple[Balance, Figures, Figures]]


def preview_grant(
    balance: Balance,
    amount: Decimal,
    *,
    at: datetime,
    interval: str = "",
    expires_at: datetime | None = None,
) -> Adjustment:
    """What a grant of its own would do to the balance. Raises `CannotGrant`."""
    with nothing_kept():
        before = figures_for(balance, at)
        seen = version_token_of(balance, at)
        made = grant(
            balance.customer,
            balance.feature,
            amount,
            done_by="preview",
            interval=interval,
            expires_at=expires_at,
            at=at,
        )
        after = figures_for(made.balance, at)
    return Adjustment(
        kind=Posting.Kind.GRANT, balance=balance, changes=(), before=before, after=after, seen=seen
    )


def preview_reverse(posting: Posting, *, at: datetime) -> ReversalPreview:
    """What taking back the posting would do. Raises `CannotReverse`."""
    with nothing_kept():
        entries = list(posting.entries.select_related("grant__balance", "rollover__balance"))
        keys = {entry.owner.balance_id for entry in entries}
        balances = list(
            Balance.objects.filter(pk__in=keys).select_related("feature", "customer").order_by("pk")
        )
        before = [figures_for(balance, at) for balance in balances]
        made = reverse(posting, done_by="preview", reason="preview", at=at)
        after = [figures_for(balance, at) for balance in balances]
        undone = list(made.entries.select_related("grant__plan", "rollover__grant__plan").order_by("number"))
    return ReversalPreview(entries=undone, figures=list(zip(balances, before, after, strict=True)))
