"""Work out anew what the pages of the desk show and cannot work out while somebody waits."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from crm.home.movement import refresh_movements


class Command(BaseCommand):
    """Have it run every night, or as often as the figures should be new."""

    help = "Works out anew what the home page shows: how revenue moved, month by month."

    def handle(self, *args: Any, **options: Any) -> None:
        """Work it out, and say how much there is."""
        count = refresh_movements()
        self.stdout.write(f"Revenue: {count} monthly figures.")
