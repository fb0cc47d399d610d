"""Write pairs of invented customers and whether they are one, to fit the weights: `python -m bench.planted_pairs 5 > 5.ndjson`.

Each line is a pair that a sweep compared: its terms, the answer, and how it was made. Planted duplicates that were not
compared have no terms.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Fill a database of its own, sweep it, print."""
    parser = argparse.ArgumentParser(prog="bench.planted_pairs", description=__doc__)
    parser.add_argument("seed", type=int, help="what the customers are invented from")
    parser.add_argument("--customers", type=int, default=10_000, help="how many (default: 10,000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{Path(folder) / 'planted.sqlite3'}"
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        _write(options.seed, options.customers)


def _write(seed: int, customers: int) -> None:
    import django

    django.setup()
    import msgspec
    from django.core.management import call_command

    from crm.dedupe.duplicates.fit import Example
    from crm.dedupe.duplicates.sweep import swept
    from tests.crm.dedupe.duplicates.load_invented import invent, load

    call_command("migrate", verbosity=0)
    invention = invent(seed, customers, planted=0.4)
    places = {pk: place for place, pk in enumerate(load(invention.specs))}
    missed = dict(invention.same)
    with swept(min_score=0.0) as sweep:
        for pair in sweep.pairs(0.0):
            a, b = sorted((places[pair.a], places[pair.b]))
            kind = missed.pop((a, b), "")
            if kind or pair.terms:
                example = Example(pair.terms, bool(kind), kind or invention.apart.get((a, b), "by chance"))
                print(msgspec.json.encode(example).decode())
    for kind in missed.values():
        print(msgspec.json.encode(Example((), True, kind)).decode())
    print(f"{len(invention.specs)} customers, {len(invention.same)} duplicates", file=sys.stderr)


if __name__ == "__main__":
    main()
