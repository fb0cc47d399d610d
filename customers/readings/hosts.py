"""Both spellings of internationalized domains within a text: in Unicode, and in ASCII (punycode)."""

from __future__ import annotations

import unicodedata

from customers.readings.mailboxes import label_in_unicode


def host_in_unicode(text: str) -> str:
    """`text`, an address or a domain, with the labels of its host decoded. Labels that aren't punycode stay."""
    name, at, host = text.rpartition("@")
    return name + at + ".".join(map(label_in_unicode, host.lower().split(".")))


def host_in_ascii(text: str) -> str:
    """`text`, an address or a domain, with the labels of its host encoded.

    Unlike Python's codec, which supports only IDNA 2003, it encodes every letter: straße is xn--strae-oqa.
    """
    name, at, host = text.rpartition("@")
    host = unicodedata.normalize("NFKC", host.lower())
    return name + at + ".".join(map(_encoded, host.split(".")))


def _encoded(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"
