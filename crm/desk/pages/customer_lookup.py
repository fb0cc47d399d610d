"""The customer that a page of the desk is asked for."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from customers.lookup import AmbiguousCustomer, UnknownCustomer, find_customer
from customers.models import Customer


def requested_customer(request: HttpRequest, identifier: str) -> Customer:
    """The customer that any identifier finds; `?env=` says whose are meant.

    Raises `PermissionDenied` for whoever may see no customers, `Http404` where there is none or more than one.
    """
    if not request.user.has_perm("customers.view_customer"):
        raise PermissionDenied
    try:
        return find_customer(identifier, request.GET.get("env"))
    except (UnknownCustomer, AmbiguousCustomer) as problem:
        raise Http404(str(problem)) from None
