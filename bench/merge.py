"""What a merge costs for each row, beside the bare UPDATE with its foreign key checks: `python -m bench.merge`.

Wants PostgreSQL, empty, in DATABASE_URL (`bin/postgresql_cluster.py` makes one). For notes, addresses and invoices, and
for grants, which go along with their balance. What is printed are medians of several rounds, and
of what a merge costs more also the least and the most. A merge of customers that have nothing tells the part that every
merge has, which the others contain.
"""

from __future__ import annotations

import argparse
import os
from statistics import median

_MILLION = 1_000_000
_KINDS = ("notes", "addresses", "invoices", "grants")


def main() -> None:
    """Measure each kind of row at each size, and print microseconds a row."""
    parser = argparse.ArgumentParser(prog="bench.merge", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[1000, 10_000, 100_000], metavar="N")
    parser.add_argument("--grants", type=int, nargs="*", default=[100, 1000], metavar="N")
    parser.add_argument("--kinds", nargs="*", choices=_KINDS, default=_KINDS)
    parser.add_argument(
        "--customers", type=int, default=5000, metavar="N", help="how many others there are (default: 5000)"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each line (default: 3)")
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from bench.merge_rounds import Round, make_customers, measure

    call_command("migrate", verbosity=0)
    make_customers(options.customers)

    def rounds(name: str, count: int) -> list[Round]:
        return [measure(name, count, bare_first=bool(number % 2)) for number in range(options.rounds)]

    # The first merge of a process also loads code.
    rounds("notes", 1)
    nothing = rounds("notes", 0)
    merged, undone = (median(times) * 1000 for times in list(zip(*nothing, strict=True))[1:])
    print(f"{options.customers} customers, medians of {options.rounds} rounds; of nothing:", end=" ")
    print(f"merge {merged:.0f} ms, undo {undone:.0f} ms\n")
    print(
        f"{'microseconds a row':<19}{'rows':>8}{'bare UPDATE':>13}{'merge':>9}{'more':>8}{'from to':>16}{'undo':>9}"
    )
    for name in options.kinds:
        for count in options.grants if name == "grants" else options.rows:
            found = rounds(name, count)
            bare, merged, undone = (median(times) * _MILLION / count for times in zip(*found, strict=True))
            more = sorted((each.merged - each.bare) * _MILLION / count for each in found)
            spread = f"{more[0]:.1f} {more[-1]:.1f}"
            print(
                f"{name:<19}{count:>8}{bare:>13.1f}{merged:>9.1f}{median(more):>8.1f}{spread:>16}{undone:>9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
