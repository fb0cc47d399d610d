"""Checks of Clientele's own settings. Most commands run them, and so does the WSGI application when it starts."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error

from billing.rules.money import is_known

#: The tag that runs these checks alone.
TAG = "clientele"

_FIELDS = ("name", "email")
_SOURCES = ("payments", "billing", "crm")
_PREFIX = re.compile(r"[A-Z0-9]([A-Z0-9-]{0,10}[A-Z0-9])?")
_RESERVED_PREFIXES = ("CN", "TEST-CN")


def check_default_currency(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that DEFAULT_CURRENCY is an ISO 4217 code."""
    currency = settings.DEFAULT_CURRENCY
    if is_known(currency) and currency.isupper():
        return []
    return [
        Error(
            f"DEFAULT_CURRENCY: {currency!r} is not a currency. Set it to an ISO 4217 code, such as USD.",
            id="clientele.E001",
        )
    ]


def check_source_precedence(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that SOURCE_PRECEDENCE lists every source once, for each field that several sources have."""
    precedence = settings.SOURCE_PRECEDENCE
    return [
        Error(
            f"SOURCE_PRECEDENCE_{field.upper()}: set it to {', '.join(_SOURCES)}, each once, in your order, the most"
            " trusted first.",
            id="clientele.E002",
        )
        for field in _FIELDS
        if sorted(precedence.get(field, ())) != sorted(_SOURCES)
    ]


def check_shared_id_spaces(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that SHARED_ID_SPACES names two or more sources, or none."""
    spaces = settings.SHARED_ID_SPACES
    if not spaces or (len(set(spaces)) > 1 and set(spaces) <= set(_SOURCES)):
        return []
    return [
        Error(
            f"SHARED_ID_SPACES: set it to two or more of {', '.join(_SOURCES)}, or leave it empty.",
            id="clientele.E005",
        )
    ]


def check_invoice_prefix(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check the form of INVOICE_PREFIX, and that no other series has it, so that two series never share a number."""
    prefix = settings.INVOICE_PREFIX
    if _PREFIX.fullmatch(prefix) and prefix not in _RESERVED_PREFIXES:
        return []
    return [
        Error(
            f"INVOICE_PREFIX: invoice numbers can't start with {prefix!r}. Set it to 1 to 12 capital letters, digits or"
            f" hyphens, such as INV, but not {' or '.join(_RESERVED_PREFIXES)}.",
            id="clientele.E004",
        )
    ]


def check_static_files() -> list[CheckMessage]:
    """Check that the static files were collected. Without them, a production server can't show any page."""
    if settings.STATIC_ROOT is None or Path(settings.STATIC_ROOT, "staticfiles.json").is_file():
        return []
    return [
        Error(
            f"STATIC_ROOT: {settings.STATIC_ROOT} has no static files. Run `manage.py collectstatic --noinput` first.",
            id="clientele.E003",
        )
    ]
