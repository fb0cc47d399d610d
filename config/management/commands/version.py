"""Print the version of Clientele."""

from typing import Any

from django.core.management.base import BaseCommand

from config.version import VERSION


class Command(BaseCommand):
    help = "Print the version of Clientele."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the version alone, so that a script can read it."""
        self.stdout.write(VERSION)
