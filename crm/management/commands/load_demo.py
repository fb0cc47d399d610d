"""Load invented customers to try Clientele."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.demo.billed_here import bill_here
from crm.demo.conversations import start_conversations
from crm.demo.load import (
    DemoRefused,
    create_demo_logins,
    load_demo_customers,
    review_duplicates,
    settle_desk,
)
from crm.demo.uses import use_balances
from customers import clock
from customers.models import Customer
from customers.statistics import update_statistics


class Command(BaseCommand):
    help = (
        "Load invented customers through the same importers as real ones, and create a user for each role on a"
        " development machine. The same day and number give the same customers. Loading them twice changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--customers", type=_count, default=60, metavar="N", help="number of customers (default: 60)"
        )
        parser.add_argument("--if-empty", action="store_true", help="load no customers if there are any")
        parser.add_argument("--users-only", action="store_true", help="load no customers at all")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load the demo, and report what was created."""
        if options["users_only"]:
            self.stdout.write("No demo customers loaded, as you asked.")
        elif options["if_empty"] and Customer.objects.exists():
            self.stdout.write("No demo customers loaded. There are already customers.")
        else:
            today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            try:
                loaded = load_demo_customers(options["customers"], today)
            except DemoRefused as problem:
                raise CommandError(f"An importer refused a demo document: {problem}") from None
            for source, counts in loaded.items():
                self.stdout.write(f"{source}: {counts}")
        if settings.DEVELOPMENT:
            self.stdout.write("Sign in as one of these users (password = user name):")
            for name, role in create_demo_logins():
                self.stdout.write(f"  {name:<10}{role}")
            start_conversations(clock.now())
            use_balances(clock.now())
            bill_here(clock.now())
            review_duplicates()
        else:
            self.stdout.write("No demo users created. They need CLIENTELE_DEVELOPMENT=1.")
        settle_desk(clock.now())
        update_statistics()


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise ArgumentTypeError(f"“{text}” is not a whole number from 1 to 1,000,000")
    return int(text)
