"""How the JSON side speaks HTTP: its answers, its one error shape, and who may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from customers.api.parameters import Parameter
from customers.json_types import encode
from customers.models import ApiToken

CONTENT_TYPE = "application/json"

#: More parameters than any endpoint has.
_MOST_PARAMETERS = 50
_SHOWN = 100


class Problem(Exception):
    """A request that gets an error for an answer: `message` says what is wrong and what to do, `param` where."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = headers

    @property
    def response(self) -> HttpResponse:
        """The error as an answer."""
        body = {"code": self.code, "message": self.message, "param": self.param}
        return json_response({"error": body}, self.status, self.headers)


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """`value` as JSON that nobody on the way may keep."""
    return HttpResponse(
        encode(value),
        status=status,
        content_type=CONTENT_TYPE,
        headers={"Cache-Control": "private, no-store", **(headers or {})},
    )


@method_decorator(csrf_exempt, name="dispatch")
class ApiView(View):
    """A view whose errors are JSON, and usually its answers. A subclass has a method for each HTTP method it takes.

    No request changes anything here, so none needs a CSRF token.
    """

    #: What it answers with, when all is well.
    content_type: ClassVar[str] = CONTENT_TYPE

    #: Methods that a subclass may define; `options` is answered here.
    http_method_names = ["get", "head", "post", "options"]
    #: The permission a person needs; a token may read everything. None: anybody may read.
    permission: ClassVar[str | None] = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer, or say what is wrong with the request."""
        try:
            self._check(request)
            return super().dispatch(request, *args, **kwargs)
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
                f"{request.method} is not possible here. Use {' or '.join(allowed)}.",
                headers={"Allow": ", ".join(allowed)},
            )
        if request.method == "OPTIONS":
            return
        if request.headers.get("Accept") and not request.accepts(self.content_type):
            raise Problem(
                406, "not_acceptable", f"The answer is {self.content_type}: let the Accept header allow it."
            )
        if self.permission is not None:
            authorize(request, self.permission)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say which methods there are."""
        return HttpResponse(status=204, headers={"Allow": ", ".join(self._methods())})


@method_decorator(csrf_exempt, name="dispatch")
class NothingHere(View):
    """Every address of the API at which there is nothing."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """404, whatever the method."""
        slash = " No address of a document ends with a slash." if request.path.endswith("/") else ""
        message = f"There is nothing at {request.path[:_SHOWN]}.{slash} See /api/v1/ for what there is."
        return Problem(404, "not_found", message).response


def authorize(request: HttpRequest, permission: str) -> None:
    """Let in whoever brings a usable token, or is signed in and has `permission`; a bad token is no good at all.

    Raises `Problem` with 401 or 403.
    """
    header = request.headers.get("Authorization")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _unauthorized("The Authorization header must read: Bearer, a space, and an API token.")
        digest = ApiToken.digest_of(secret.strip())
        if not ApiToken.objects.usable().filter(digest=digest).exists():
            raise _unauthorized("This API token is unknown, revoked or expired.", ', error="invalid_token"')
    elif not request.user.is_authenticated:
        raise _unauthorized(
            "Send an API token as “Authorization: Bearer …”, or sign in. An administrator makes one with"
            " “manage.py create_api_token NAME”."
        )
    elif not request.user.has_perm(permission):
        raise Problem(
            403,
            "forbidden",
            f"You are signed in, but lack the permission {permission}. Ask an administrator.",
        )


def _unauthorized(message: str, detail: str = "") -> Problem:
    challenge = f'Bearer realm="Clientele"{detail}'
    return Problem(401, "unauthorized", message, headers={"WWW-Authenticate": challenge})


def read_query(request: HttpRequest, allowed: Mapping[str, Parameter]) -> dict[str, str]:
    """The query string's parameters as text: each known, once, and with a value. Raises `Problem` otherwise."""
    given: dict[str, str] = {}
    for name, value in _pairs(request):
        if name not in allowed:
            raise Problem(400, "unknown_parameter", _unknown(name, allowed), name[:_SHOWN])
        if name in given:
            raise bad_parameter(name, "is there twice. Give it once.")
        if not value.strip():
            raise bad_parameter(name, "is empty. Give it a value, or leave it out.")
        if "\0" in value:
            raise bad_parameter(name, "has a NUL character (%00) in it. No value that we hold has one.")
        given[name] = value
    return given


def bad_parameter(name: str, problem: str) -> Problem:
    """A parameter with a value that cannot be; `problem` goes on after its name."""
    return Problem(400, "invalid_parameter", f"“{name}” {problem}", name)


def _pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """Django's own reading would put a replacement mark for what is not UTF-8, and then look for that."""
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
