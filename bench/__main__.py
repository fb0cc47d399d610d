"""Measure on an empty database of its own: `make bench`, or `make bench ARGS="--customers 5000"`.

Each line compares something Clientele does with the least that could do it, in the same run on the same machine:
the ratio says what our care costs, and holds on other machines where seconds do not.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter


def main() -> None:
    """Set up a database, measure, print."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--customers", type=int, default=2000, help="how many invented customers (default: 2000)"
    )
    parser.add_argument(
        "--uses", type=int, default=2000, help="how many uses are recorded one at a time (default: 2000)"
    )
    parser.add_argument(
        "--renewals",
        type=int,
        nargs="*",
        default=[1000, 4000],
        metavar="N",
        help="how many due subscriptions are renewed, one number after the other (default: 1000 4000)",
    )
    parser.add_argument("--large", action="store_true", help="renew 100,000 due subscriptions too")
    options = parser.parse_args()
    customers = options.customers
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(folder) / 'bench.sqlite3'}")
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        import django

        django.setup()
        from django.core.management import call_command

        from bench.measures import measures
        from bench.renew import growth
        from bench.usage import rates

        call_command("migrate", verbosity=0)
        print(f"{customers} customers on {os.environ['DATABASE_URL'].partition(':')[0]}\n")
        print(f"{'what':<44}{'takes':>10}{'baseline':>11}{'ratio':>8}")
        for name, ours, baseline in measures(customers):
            taken, least = _seconds(ours), _seconds(baseline)
            print(f"{name:<44}{taken:>9.3f}s{least:>10.3f}s{taken / least:>7.1f}×")
        print(f"\n{'a second':<44}{'ours':>10}{'textbook':>11}{'faster':>8}")
        for name, rate, textbook in rates(options.uses):
            print(f"{name:<44}{rate:>10.0f}{textbook:>11.0f}{rate / textbook:>7.1f}×")
        print(f"\n{'renew':<44}{'takes':>10}{'for each':>11}")
        for size, taken, each in growth([*options.renewals, *([100_000] if options.large else [])]):
            print(f"{f'{size} due subscriptions':<44}{taken:>9.1f}s{each:>9.2f}ms")


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


if __name__ == "__main__":
    main()
