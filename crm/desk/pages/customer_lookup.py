"""The customer that a request names."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest

from crm.desk.refresh import pending_changes
from customers.lookup import AmbiguousCustomer, UnknownCustomer, find_customer
from customers.models import Customer, Environment

#: What every page of a customer shows in its head.
_HEAD = ("company", "relationship__owner", "facts")


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


def customer_with_head(request: HttpRequest, identifier: str) -> Customer:
    """`requested_customer` with its company, account details and facts; one query for a typed ID."""
    if request.user.has_perm("customers.view_customer") and not request.GET.get("env"):
        try:
            found: Customer | None = _with_head().unmerged().filter(pk=identifier).first()
        except ValidationError:
            found = None
        if found is not None:
            return found
    customer = requested_customer(request, identifier)
    fetched: Customer = _with_head().get(pk=customer.pk)
    return fetched


def _with_head() -> Any:
    """Customers with what their head shows, and whether their facts are to be refreshed."""
    pending = Exists(pending_changes(OuterRef("pk")))
    return Customer.objects.select_related(*_HEAD).annotate(is_refresh_pending=pending)
