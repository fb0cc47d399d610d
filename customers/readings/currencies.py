"""Which codes are currencies."""

from __future__ import annotations

from babel.numbers import list_currencies

_NOT_MONEY = "XAG XAU XBA XBB XBC XBD XDR XEU XFO XFU XPD XPT XRE XSU XTS XUA XXX"  # metals, funds, tests

#: ISO 4217 codes. Withdrawn currencies stay known, because invoices in them still exist.
CURRENCIES = frozenset(list_currencies()) - frozenset(_NOT_MONEY.split())
