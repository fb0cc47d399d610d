"""Every address that the URLconf knows, filled with what no honest link holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import cycle, product
from urllib.parse import parse_qsl, quote, urlsplit

from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

#: In place of an id or a name in a path, as it is sent.
PATH_VALUES = (
    "%00",
    "a%00b",
    "%ED%A0%80",
    "%FF",
    "0",
    "-1",
    "9223372036854775808",
    "1" + "0" * 40,
    "x" * 3000,
    "%27%22%3E%3Cb%3E",
    "%0A",
    "nonsense",
    "_5F_0",
    "%25",
)

#: As the value of a parameter, as it is sent.
VALUES = (
    "%00",
    "a%00b",
    "%ED%A0%80",
    "[",
    "%5C",
    "9" * 22,
    "-" + "9" * 22,
    "1" + "0" * 40,
    "NaN",
    "1e400",
    "0",
    "-1",
    "",
    "x",
    "%27%22%3E",
    "%0A",
    "9" * 3000,
    "0001-01-01",
    "9999-12-31",
    "10000-01-01",
    "2026-02-30",
    "0001-01-01T00:00:00",
    "9999-12-31T23:59:59",
)

#: Parameters of lists that no filter declares.
LIST_PARAMETERS = (
    "q",
    "p",
    "o",
    "e",
    "all",
    "_facets",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "pk__in",
)
_SUFFIXES = ("", "__regex", "__year", "__year__gte", "__in", "__range", "__isnull", "__month", "__date")
_AUTOCOMPLETE = ("app_label", "model_name", "field_name", "term", "page")
_PLACE = re.compile(r"<[^<>]+>|\(\[\^/\]\+\)|\(\?P<[^()]*\)|\.\*|\[\\s\\S\]\*|\(\?:/\[\\s\\S\]\*\)\?")


def routes(patterns: Iterable[object] = (), prefix: str = "") -> Iterator[str]:
    """Every route of the URLconf, each place for a value written `<>`."""
    for each in patterns or get_resolver().url_patterns:
        route = prefix + str(each.pattern)  # type: ignore[attr-defined]
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        elif "jsi18n" not in route:
            filled = _PLACE.sub("<>", route.replace("^(?:api|v1)", "api"))
            yield "/" + filled.replace("^", "").rstrip("$")


def hostile_paths(*, thorough: bool) -> Iterator[str]:
    """Each route with each hostile value; where it is not `thorough`, with one of them in turn."""
    turns = cycle(PATH_VALUES)
    for route in dict.fromkeys(routes()):
        if "<>" in route:
            for value in PATH_VALUES if thorough else (next(turns),):
                yield route.replace("<>", value)


def plain_paths() -> list[str]:
    """The routes that take no value."""
    return [route for route in dict.fromkeys(routes()) if "<>" not in route and "logout" not in route]


def hostile_queries(client: Client, *, thorough: bool, lists_too: bool = True) -> Iterator[str]:
    """Each page with each of its parameters and each hostile value; where not `thorough`, with one of them in turn."""
    turns, general = cycle(VALUES), cycle(LIST_PARAMETERS)
    lists = dict(list_pages())
    for path in plain_paths():
        if path in lists and not lists_too:
            continue
        fixed = "app_label=crm&model_name=note&field_name=customer&" if "autocomplete" in path else ""
        lookups: list[str] = []
        if path in lists:
            names = [*filters_of(client, path)]
            names += LIST_PARAMETERS if thorough else (next(general),)
            lookups = lookups_of(lists[path], thorough=thorough)
        else:
            names = [*_AUTOCOMPLETE] if fixed else parameters_of(client, path)
        for name in dict.fromkeys(names):
            for value in VALUES if thorough else (next(turns),):
                yield f"{path}?{fixed}{quote(name)}={value}"
        # A lookup is refused by its name, whatever its value, so each is tried with one.
        for name in lookups:
            yield f"{path}?{fixed}{quote(name)}={next(turns)}"
        yield f"{path}?{fixed}%00=1&%ED%A0%80=2&page=x&p=x"


def list_pages() -> Iterator[tuple[str, type[Model]]]:
    """The lists of the admin, those of other packages included, with their models."""
    for model in admin.site._registry:
        yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"), model


def filters_of(client: Client, path: str) -> list[str]:
    """The parameters that the filters of a list take."""
    context = client.get(path).context_data
    specs = context["cl"].filter_specs if context else ()
    return [str(name) for spec in specs for name in spec.expected_parameters() if name]


def lookups_of(model: type[Model], *, thorough: bool) -> list[str]:
    """Lookups of a model's columns that no filter declares."""
    names = [field.name for field in model._meta.fields]
    if thorough:
        return [f"{name}{suffix}" for name, suffix in product(names, _SUFFIXES)]
    return [f"{names[-1]}{_SUFFIXES[len(model._meta.label) % len(_SUFFIXES)]}"]


def parameters_of(client: Client, path: str) -> list[str]:
    """The parameters of a page that is no list: those of its links to itself and of its forms."""
    answer = client.get(path)
    if answer.status_code != 200 or answer.streaming:
        return ["page", "q"]
    page = answer.content.decode(errors="replace")
    names = re.findall(r'<(?:input|select|textarea)[^>]*\sname="([^"]+)"', page)
    for link in re.findall(r'href="([^"]*\?[^"]*)"', page):
        parts = urlsplit(link.replace("&amp;", "&"))
        if parts.path in ("", path):
            names += [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return [name for name in dict.fromkeys([*names, "page", "q"]) if name != "csrfmiddlewaretoken"]


def broken(client: Client, addresses: Iterable[str]) -> list[str]:
    """The addresses that were answered with a 5xx; nothing that they do is kept."""
    client.raise_request_exception = False
    found = []
    for address in addresses:
        with transaction.atomic():
            status = client.get(address).status_code
            transaction.set_rollback(True)
        if status >= 500:
            found.append(address[:300])
    return found
