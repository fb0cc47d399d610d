"""HTTP for the API: responses, the shape of errors, and access."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils.decorators import method_decorator
from django.utils.http import parse_etags, quote_etag
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from customers.api.parameters import Parameter
from customers.api.rate_limit import seconds_to_wait
from customers.audit.tokens import token_used
from customers.json_types import encode
from customers.models import ApiToken
from customers.models.api_token import scope_of

CONTENT_TYPE = "application/json"

#: More parameters than any endpoint has.
_MOST_PARAMETERS = 50
_SHOWN = 100
#: The headers of a document that its 304 repeats.
_KEPT = ("ETag", "Cache-Control")


class Problem(Exception):
    """An error response: `message` says what is wrong and what to do, `param` names the parameter or key.

    `extra` are further keys beside `error`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = headers
        self.extra = extra or {}

    @property
    def response(self) -> HttpResponse:
        body = {"code": self.code, "message": self.message, "param": self.param}
        return json_response({"error": body, **self.extra}, self.status, self.headers)


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """`value` as JSON that no cache may store."""
    return HttpResponse(
        encode(value),
        status=status,
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "private, no-store", **(headers or {})},
    )


@method_decorator(csrf_exempt, name="dispatch")
class ApiView(View):
    """A view with JSON errors. A subclass has a method for each HTTP method that it takes.

    No request changes anything, so none needs a CSRF token.
    """

    #: The content type of a successful response.
    content_type: ClassVar[str] = CONTENT_TYPE

    #: Methods that a subclass may define; `options` is defined here.
    http_method_names = ["get", "head", "post", "options"]
    #: The permission that a user or the owner of a token needs; None means that the view is public.
    permission: ClassVar[str | None] = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request; turn a `Problem` into a response."""
        try:
            self._check(request)
            return _unless_known(request, super().dispatch(request, *args, **kwargs))
        except Problem as problem:
            return problem.response

    def _methods(self) -> list[str]:
        return [name.upper() for name in self.http_method_names if hasattr(self, name)]

    def _check(self, request: HttpRequest) -> None:
        allowed = self._methods()
        if request.method not in allowed:
            raise Problem(
                405,
                "method_not_allowed",
                f"{request.method} is not allowed here. Use {' or '.join(allowed)}.",
                headers={"Allow": ", ".join(allowed)},
            )
        if request.method == "OPTIONS":
            return
        if request.headers.get("Accept") and not request.accepts(self.content_type):
            raise Problem(406, "not_acceptable", f"Let the Accept header allow {self.content_type}.")
        if self.permission is not None:
            authorize(request, self.permission)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The allowed methods."""
        return HttpResponse(status=204, headers={"Allow": ", ".join(self._methods())})


def _unless_known(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """`response` to a read with its ETag, a digest of its bytes; 304 without a body if the client has these bytes."""
    is_read = request.method in {"GET", "HEAD"} and response.status_code == 200
    if not is_read or not isinstance(response, HttpResponse):
        return response
    etag = quote_etag(hashlib.sha256(response.content).hexdigest())
    response.headers["ETag"] = etag
    known = parse_etags(request.headers.get("If-None-Match", ""))
    # Compared weakly, as RFC 9110 says of If-None-Match.
    if "*" in known or etag in {each.removeprefix("W/") for each in known}:
        kept = {name: response.headers[name] for name in _KEPT if name in response.headers}
        # That of the document: Django would say 0, which RFC 9110 forbids.
        kept["Content-Length"] = str(len(response.content))
        return HttpResponseNotModified(headers=kept)
    return response


@method_decorator(csrf_exempt, name="dispatch")
class NothingHere(View):
    """404 for unknown URLs of the API."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        slash = " URLs of documents do not end with a slash." if request.path.endswith("/") else ""
        message = f"There is nothing at {request.path[:_SHOWN]}.{slash} See /api/v1/ for what there is."
        return Problem(404, "not_found", message).response


def authorize(request: HttpRequest, permission: str) -> None:
    """Accept a usable token, or a signed-in user, that may do what needs `permission`.

    A bad token is refused even for a signed-in user. Raises `Problem` with 401, 403 or 429.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        token = _token_in(header)
        request.api_token = token  # type: ignore[attr-defined]
        if wait := seconds_to_wait(str(token.pk)):
            raise Problem(
                429,
                "too_many_requests",
                f"This token made too many requests. Wait {wait} seconds.",
                headers={"Retry-After": str(wait)},
            )
        token_used(str(token.pk))
    elif not request.user.is_authenticated:
        raise _unauthorized(
            "Send an API token as “Authorization: Bearer …”, or sign in. An administrator can create a token."
        )
    demand(request, permission)


def token_of(request: HttpRequest) -> ApiToken | None:
    """The token of an authorized request; None if a user is signed in."""
    token: ApiToken | None = getattr(request, "api_token", None)
    return token


def _token_in(header: str) -> ApiToken:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _unauthorized("Send the Authorization header as “Bearer”, a space and an API token.")
    digest = ApiToken.digest_of(secret.strip())
    token = ApiToken.objects.usable().select_related("owner").filter(digest=digest).first()
    if token is None:
        raise _unauthorized("This API token is unknown, revoked or expired.", ', error="invalid_token"')
    return token


def permission_check(request: HttpRequest) -> Callable[[str], bool]:
    """Whether an authorized request has a permission: as the scopes and the owner of its token, or its user."""
    token = token_of(request)
    if token is not None:
        return token.may
    check: Callable[[str], bool] = request.user.has_perm
    return check


def demand(request: HttpRequest, permission: str) -> None:
    """Raise `Problem` with 403 if an authorized request lacks `permission`."""
    if permission_check(request)(permission):
        return
    token = token_of(request)
    scope = scope_of(permission)
    if token is None:
        message = f"You don't have the permission {permission}. Ask an administrator for it."
    elif scope in token.scopes:
        message = f"The owner of this token doesn't have the permission {permission}."
    else:
        message = f"This token doesn't have the scope “{scope}”. Ask an administrator for it."
    raise Problem(403, "forbidden", message)


def _unauthorized(message: str, detail: str = "") -> Problem:
    challenge = f'Bearer realm="Clientele"{detail}'
    return Problem(401, "unauthorized", message, headers={"WWW-Authenticate": challenge})


def read_query(request: HttpRequest, allowed: Mapping[str, Parameter]) -> dict[str, str]:
    """The parameters of the query string as text. Raises `Problem` for one that is unknown, repeated or empty."""
    given: dict[str, str] = {}
    for name, value in _pairs(request):
        if name not in allowed:
            raise Problem(400, "unknown_parameter", _unknown(name, allowed), name[:_SHOWN])
        if name in given:
            raise bad_parameter(name, "is given twice. Give it once.")
        if not value.strip():
            raise bad_parameter(name, "is empty. Give it a value or leave it out.")
        if "\0" in value:
            raise bad_parameter(name, "contains a NUL character (%00). Remove it.")
        given[name] = value
    return given


def bad_parameter(name: str, problem: str) -> Problem:
    """The error for a bad value; `problem` is the rest of a sentence that begins with the name."""
    return Problem(400, "invalid_parameter", f"“{name}” {problem}", name)


def _pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """The decoded names and values.

    Django would replace bytes that are not UTF-8, and the search would look for the replacement characters.
    """
    try:
        text = request.META.get("QUERY_STRING", "").encode("latin-1").decode()
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except UnicodeDecodeError:
        raise Problem(
            400, "invalid_query", "The query string is not UTF-8. Percent-encode its values as UTF-8."
        ) from None
    except ValueError:
        raise Problem(
            400, "invalid_query", f"The query string has more than {_MOST_PARAMETERS} parameters."
        ) from None


def _unknown(name: str, allowed: Mapping[str, Parameter]) -> str:
    known = f"Possible here: {', '.join(allowed)}." if allowed else "There are none here."
    return f"There is no parameter “{name[:_SHOWN]}”. {known}"
