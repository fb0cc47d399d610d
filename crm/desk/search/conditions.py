"""Conditions on customers by a tag, a domain, a phone number or a tax number, for filters of lists.

Each takes the text that a reader gave and the user (None for an API token), and finds exact values in any notation.
The search finds parts of them too.
"""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, F, Q, Value
from django.db.models.lookups import Exact

from crm.desk.search.patterns import Compact, Digits, JsonValue, contains_digits, contains_number
from crm.desk.search.term import digits_of
from crm.models import CustomerTag, Domain
from customers.models import Business, SourceRecord
from customers.readings.folding import compact
from customers.readings.mailboxes import domain as read_domain
from customers.readings.phones import read_phone

_NONE = Q(pk__in=())


def has_tag(text: str, user: Any) -> Q:
    """Customers with the tag of this name, ignoring case."""
    return Q(pk__in=CustomerTag.objects.filter(tag__name__iexact=text).order_by().values("customer"))


def has_domain(text: str, user: Any) -> Q:
    """Customers with the domain in any form: with `www.`, as a link, in Unicode or in ASCII."""
    names = Q(name__iexact=text) | Q(name__iexact=read_domain(text)[0])
    return Q(pk__in=Domain.objects.filter(names).order_by().values("customer"))


def has_phone(text: str, user: Any) -> Q:
    """Customers with the phone number, shown or at one of their sources."""
    # A + in a URL means a space, which is stripped.
    forms = (read_phone(text), read_phone(f"+{text}"), text)
    found = _NONE
    for digits in dict.fromkeys(filter(None, map(digits_of, forms))):
        claimed = JsonValue("claims", "phone", "value")
        records = SourceRecord.objects.filter(
            contains_digits(claimed, digits), Q(Exact(Digits(claimed), _text(digits)))
        )
        shown = contains_digits("phone", digits) & Q(Exact(Digits(F("phone")), _text(digits)))
        found |= shown | Q(pk__in=records.order_by().values("customer"))
    return found


def has_tax_number(text: str, user: Any) -> Q:
    """Customers with a business profile of this tax number, in any punctuation."""
    number = compact(text)
    if not number:
        return _NONE
    businesses = Business.objects.filter(
        contains_number("tax_identifier", number), Q(Exact(Compact(F("tax_identifier")), _text(number)))
    )
    return Q(pk__in=businesses.order_by().values("customer"))


def _text(value: str) -> Value:
    return Value(value, CharField())
