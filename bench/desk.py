"""The pages of the desk with few customers and with many, in one run on one database: `python -m bench.desk`.

On PostgreSQL, such as a throwaway one: `python bin/postgresql_cluster.py python -m bench.desk`. Each customer has a
subscription, two balances, an invoice, a note and uses; a tenth of them belong to whoever looks at the pages.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

_TIMES = 9


def main() -> None:
    """Fill, compute, measure; then the same with more."""
    parser = argparse.ArgumentParser(prog="bench.desk", description=__doc__)
    parser.add_argument(
        "--customers", type=int, nargs="+", default=[1000, 100_000], metavar="N", help="default: 1000 100000"
    )
    sizes = sorted(parser.parse_args().customers)
    # Signing in needs no password there.
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    if connection.vendor != "postgresql":
        sys.exit("The rows are made by PostgreSQL: set DATABASE_URL to an empty database of it.")
    from bench.desk_rows import Desk

    call_command("migrate", verbosity=0)
    desk = Desk()
    taken: dict[str, list[float]] = {}
    for size in sizes:
        for what, work in _work(desk, size):
            begun = perf_counter()
            work()
            print(f"{size:>7} customers  {what:<34}{perf_counter() - begun:>9.1f} s", flush=True)
        for name, path in desk.pages().items():
            taken.setdefault(name, []).append(_page(desk.get, path))
    print("\n" + f"{'page, median of ' + str(_TIMES):<64}" + "".join(f"{size:>12}" for size in sizes))
    for name, seconds in taken.items():
        figures = "".join(f"{1000 * each:>9.1f} ms" for each in seconds)
        print(f"{name:<64}{figures}{seconds[-1] / seconds[0]:>8.2f}\N{MULTIPLICATION SIGN}")


def _work(desk: object, size: int) -> Iterator[tuple[str, Callable[[], object]]]:
    from bench.desk_rows import Desk, refresh_everyone
    from crm.desk.home.movement import refresh_movements

    assert isinstance(desk, Desk)
    yield "rows written", lambda: desk.grow(size)
    yield "statistics gathered", desk.analyze
    yield "health, worklist, facts computed", refresh_everyone
    yield "revenue computed", refresh_movements
    yield "statistics gathered again", desk.analyze


def _page(get: Callable[[str], None], path: str) -> float:
    get(path)
    seconds = []
    for _ in range(_TIMES):
        begun = perf_counter()
        get(path)
        seconds.append(perf_counter() - begun)
    return median(seconds)


if __name__ == "__main__":
    main()
