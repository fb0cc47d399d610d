"""Write `customers/readings/words/countries.txt`: the names of countries in every language of CLDR.

Run it after an upgrade of Babel, from which the names are: `python bin/country_names.py`.
Babel takes seconds and 150 MB to load all languages, the file takes a hundredth of a second.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import babel
from babel import Locale, localedata

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from customers.readings.countries import COUNTRY_CODES, comparable  # noqa: E402

_HEADER = f"""\
# The names of countries in the languages of CLDR (Unicode License v3), by bin/country_names.py from Babel {babel.__version__}.
# A code and its names, with | between them. Names that mean two countries in two languages are left out.
"""


def main() -> None:
    """Write the file, without the names that English has."""
    english = {comparable(name) for name in Locale("en").territories.values()}
    codes: dict[str, set[str]] = defaultdict(set)
    for language in localedata.locale_identifiers():
        for code, name in Locale.parse(language).territories.items():
            if code in COUNTRY_CODES and name != code:
                codes[comparable(name)].add(code)
    names: dict[str, list[str]] = defaultdict(list)
    for name, meant in sorted(codes.items()):
        if len(meant) == 1 and name and name not in english:
            names[meant.pop()].append(name)
    lines = [f"{code} {'|'.join(names[code])}\n" for code in sorted(names)]
    target = ROOT / "customers/readings/words/countries.txt"
    target.write_text(_HEADER + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
