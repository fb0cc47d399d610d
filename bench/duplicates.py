"""Sweep many invented customers for duplicates, in a process of its own: `python -m bench.duplicates`.

Prints how long it took, how many pairs were compared and found, and the most memory that the process held.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

_CHUNK = 10_000


def main() -> None:
    """Fill a database, sweep it, print."""
    parser = argparse.ArgumentParser(prog="bench.duplicates", description=__doc__)
    parser.add_argument("--customers", type=int, default=200_000, help="how many (default: 200,000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(folder) / 'bench.sqlite3'}")
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        begun = perf_counter()
        _fill(options.customers)
        print(f"{options.customers} customers written in {perf_counter() - begun:.0f} s", flush=True)
        _sweep(Path(folder))


def _fill(customers: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.crm.dedupe.duplicates.load_invented import invent, load

    call_command("migrate", verbosity=0)
    before = None
    for seed, start in enumerate(range(0, customers, _CHUNK)):
        before = invent(seed, min(_CHUNK, customers - start), after=before)
        load(before.specs)


def _sweep(folder: Path) -> None:
    command = [sys.executable, "manage.py", "find_duplicates", "--format", "ndjson"]
    begun = perf_counter()
    with (folder / "pairs.ndjson").open("wb") as pairs:
        child = subprocess.Popen(command, stdout=pairs)
        _, status, usage = os.wait4(child.pid, 0)
    seconds = perf_counter() - begun
    with (folder / "pairs.ndjson").open("rb") as pairs:
        found = sum(1 for _ in pairs)
    print(
        f"swept in {seconds:.0f} s ({usage.ru_utime + usage.ru_stime:.0f} s of one processor), status {status}"
    )
    print(f"{found} pairs found, at most {usage.ru_maxrss / 1024:.0f} MiB of memory")


if __name__ == "__main__":
    main()
