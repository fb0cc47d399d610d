"""The figures of a balance as they were, by undoing ledger entries one after the other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q

from billing.models import Balance, Grant, Rollover
from billing.rules.exact import EXACT
from billing.rules.figures import Figures, RolloverFigures, figures_of

_FIGURES_OF_A_GRANT = ("included_grant", "prepaid_grant", "usage")


@dataclass(frozen=True, slots=True)
class PastFigures:
    """The grants and rollovers of a balance, with their figures by key: the present ones, less what is undone."""

    grants: list[Grant]
    rollovers: list[Rollover]
    values: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, balance: Balance, since: datetime) -> PastFigures:
        """The present figures of what counted at `since` or later, grants with their plans. Two queries."""
        not_ended_before = Q(ended_at=None) | Q(ended_at__gt=since)
        grants = list(Grant.objects.filter(not_ended_before, balance=balance).select_related("plan"))
        rollovers = list(Rollover.objects.filter(not_ended_before, balance=balance))
        return cls._present(grants, rollovers)

    @classmethod
    def _present(cls, grants: list[Grant], rollovers: list[Rollover]) -> PastFigures:
        values: dict[str, dict[str, Any]] = {
            str(row.pk): {name: getattr(row, name) for name in _FIGURES_OF_A_GRANT} for row in grants
        }
        values |= {str(row.pk): {"granted": row.granted, "left": row.left} for row in rollovers}
        return cls(grants, rollovers, values)

    def since(self, moment: datetime) -> PastFigures:
        """The present figures again, of those rows that counted at `moment` or later: to undo other entries, or the same
        ones in another order."""
        return self._present(
            [row for row in self.grants if row.ended_at is None or row.ended_at > moment],
            [row for row in self.rollovers if row.ended_at is None or row.ended_at > moment],
        )

    def counted_grants(self, at: datetime) -> list[Grant]:
        """The grants that count at present: `Grant.objects.counted` of rows that are read already."""
        return [
            row
            for row in self.grants
            if row.ended_at is None
            and (row.expires_at is None or row.expires_at > at)
            and row.scheduled_amount is None
        ]

    def undo(self, key: str, figure: str, amount: Decimal) -> None:
        """Take the change of a figure of the grant or rollover with this key back."""
        if key in self.values:
            self.values[key][figure] = EXACT.subtract(self.values[key][figure], amount)

    def at(self, moment: datetime, *, without: Collection[str] = ()) -> Figures:
        """The balance at a past moment, by the figures as they are undone so far, `without` the grants with these keys."""
        grants = (row for row in self.grants if str(row.pk) not in without)
        return figures_of(
            [replace(row.figures, **self.values[str(row.pk)]) for row in grants if _counted(row, moment)],
            [
                RolloverFigures.of(**self.values[str(row.pk)])
                for row in self.rollovers
                if _counted(row, moment)
            ],
        )

    def remaining(self, at: datetime) -> Decimal | None:
        """What remained at a past moment; None if that was unlimited."""
        figures = self.at(at)
        return None if figures.unlimited else figures.remaining


def _counted(row: Grant | Rollover, at: datetime) -> bool:
    """Whether the row counted at a past moment, although it may have ended since then."""
    return (row.ended_at is None or row.ended_at > at) and (row.expires_at is None or row.expires_at > at)
