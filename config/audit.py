"""Who acts in a request, for the audit log, and what a request alone shows: sign-ins and views of a customer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase

from config.sign_in import client_ip
from customers.audit.actor import Actor, acting
from customers.audit.record import audit
from customers.logs import log_failure
from customers.models import AuditAction
from customers.typed_ids import to_uuid

#: The pages of one customer, and the name of the part of their address that identifies it.
_VIEWED = {
    "desk-customer": "identifier",
    "desk-timeline": "identifier",
    "desk-as-of": "identifier",
    "desk-provenance": "identifier",
    "customers_customer_change": "object_id",
}


class AuditMiddleware:
    """Records who acts in each request, sign-ins, and views of a customer's pages once they were shown."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        # Here, because sign-ins happen in requests alone, and models can be imported.
        user_logged_in.connect(_signed_in, dispatch_uid="config.audit")
        user_logged_out.connect(_signed_out, dispatch_uid="config.audit")
        user_login_failed.connect(_failed, dispatch_uid="config.audit")

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        actor = Actor(address=partial(_address, request), user_id=lambda: request.user.pk)
        with acting(actor):
            response = self.get_response(request)
            _record_view(request, response)
        return response


def _address(request: HttpRequest) -> str:
    """The address of the visitor; empty behind a Unix socket whose proxy isn't counted."""
    try:
        return client_ip(request)
    except PermissionDenied:
        return ""


def _record_view(request: HttpRequest, response: HttpResponseBase) -> None:
    match = request.resolver_match
    if request.method != "GET" or response.status_code != 200 or match is None:
        return
    part = _VIEWED.get(match.url_name or "")
    if part is None:
        return
    identifier = str(match.kwargs[part])
    customer_id = identifier if to_uuid(identifier, ("cus",)) is not None else None
    try:
        audit(AuditAction.CUSTOMER_VIEWED, customer_id, by=request.user, page=match.url_name)
    except DatabaseError as problem:
        # The page was read already: another writer on SQLite must not take it from the user.
        log_failure("view_not_recorded", problem)


def _signed_in(sender: Any, user: User, **_: Any) -> None:
    audit(AuditAction.SIGNED_IN, by=user)


def _signed_out(sender: Any, user: User | None = None, **_: Any) -> None:
    if user is not None:
        audit(AuditAction.SIGNED_OUT, by=user)


def _failed(sender: Any, credentials: dict[str, Any] | None = None, **_: Any) -> None:
    audit(AuditAction.SIGN_IN_FAILED, details={"name": str((credentials or {}).get("username", ""))[:150]})
