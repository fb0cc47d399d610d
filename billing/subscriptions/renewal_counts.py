"""What a renewal did, as numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class RenewalCounts:
    """How many events of each kind happened, and how many invoices were raised."""

    customers: int = 0
    resets: int = 0
    periods: int = 0
    started: int = 0
    ended: int = 0
    expired: int = 0
    invoices: int = 0
    past_due: int = 0

    def add(self, other: RenewalCounts) -> None:
        """Add the counts of another batch."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
