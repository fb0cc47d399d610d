"""The customer that a request names."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from customers.lookup import AmbiguousCustomer, UnknownCustomer, find_customer
from customers.models import Customer, Environment


def requested_env(request: HttpRequest) -> str | None:
    """The environment `?env=`. Raises `Http404` for an unknown one, which a database may not even take as a text."""
    env = request.GET.get("env")
    if env and env not in Environment.values:
        raise Http404(f"Use one of these environments: {', '.join(Environment.values)}.")
    return env


def requested_customer(request: HttpRequest, identifier: str) -> Customer:
    """The customer with this identifier, in the environment `?env=` if that is given.

    Raises `PermissionDenied` if the user may not view customers, `Http404` for no match or an ambiguous one.
    """
    if not request.user.has_perm("customers.view_customer"):
        raise PermissionDenied
    try:
        return find_customer(identifier, requested_env(request))
    except (UnknownCustomer, AmbiguousCustomer) as problem:
        raise Http404(str(problem)) from None
