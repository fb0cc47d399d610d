"""The OpenAPI 3.1 description of the API, generated from the endpoints."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import URLPattern

from customers.api.endpoints import Endpoint
from customers.api.http import CONTENT_TYPE
from customers.api.parameters import Parameter
from customers.api.schemas import Body, Components, Schema
from customers.models.api_token import TokenScope

INTRODUCTION = """\
Clientele holds one record of each customer and returns it as three documents: that of a payments platform, that of \
a billing platform and that of a CRM. Other lists have rows of all customers, such as invoices, people and notes. The \
API only reads.

Use any identifier of a customer: its typed ID (`cus_…`), its external ID, its Stripe ID, the ID of a record at its \
source, or an exact email address. Percent-encode special characters. A merged customer returns the document of the \
primary record. `?as_of=` returns a document as it was known at a time.

A list has `data`, `has_more` and `next_cursor`. Send the cursor as `?after=` for the next page. An error has `error` \
with a `code` for programs, a `message` for people, and the `param` that is wrong, if there is one.

Every response to a GET has an `ETag`, a digest of its bytes. Send it as `If-None-Match`, and the status is 304, without \
a body, as long as the bytes are the same. `/api/v1/changes` says which customers changed.
"""

_IDENTIFIER = {
    "name": "identifier",
    "in": "path",
    "required": True,
    "description": "Any identifier of the customer.",
    "schema": {"type": "string", "minLength": 1},
}
_ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "param"],
            "properties": {
                "code": {"type": "string", "description": "The kind of error, for programs."},
                "message": {"type": "string", "description": "What is wrong and what to do, for people."},
                "param": {"type": ["string", "null"], "description": "The parameter or key that is wrong."},
            },
        }
    },
}
_ERRORS = {
    400: ("BadRequest", "A parameter, the cursor or the body is wrong."),
    401: ("Unauthorized", "There is no usable token and no signed-in user."),
    403: ("Forbidden", "The token lacks the scope, or the signed-in user the permission."),
    404: ("NotFound", "No customer has the identifier, or had it at that time."),
    405: ("MethodNotAllowed", "The method is not allowed. `Allow` names those that are."),
    406: ("NotAcceptable", "The `Accept` header excludes JSON."),
    410: (
        "CursorExpired",
        "The changes after the cursor are no longer kept. `next_cursor` is the one to continue with.",
    ),
    413: ("BodyTooLarge", "The body is too large."),
    429: (
        "TooManyRequests",
        "The token made too many requests. `Retry-After` says how many seconds to wait.",
    ),
}
_ERROR_HEADERS = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After"}
_ERROR_KEYS = {410: "next_cursor"}
_ETAG = {"ETag": {"required": True, "schema": {"type": "string"}}}


@cache
def openapi_document(routes: tuple[URLPattern, ...]) -> dict[str, Any]:
    """The description of the endpoints at `routes`. Raises `ValueError` if two types share a name."""
    components = Components()
    error = components.put("Error", _ERROR)
    paths: dict[str, Any] = {}
    for route in routes:
        endpoint: type[Endpoint] = route.callback.view_class  # type: ignore[attr-defined]
        method = "get" if hasattr(endpoint, "get") else "post"
        paths[path_of(route)] = {method: _operation(endpoint, route, components)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Clientele", "version": "1", "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.schemas.items())),
            "responses": {
                name: _error_response(status, description, error)
                for status, (name, description) in _ERRORS.items()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API token. Its scopes say what it reads: "
                    + ", ".join(f"`{scope}`" for scope in TokenScope)
                    + ".",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": settings.SESSION_COOKIE_NAME,
                    "description": "The session of a signed-in user with permission to view.",
                },
            },
        },
    }


def path_of(route: URLPattern) -> str:
    """The path of `route` as OpenAPI writes it."""
    return "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(route.pattern))


def _operation(endpoint: type[Endpoint], route: URLPattern, components: Components) -> dict[str, Any]:
    schema, example = endpoint.describe_answer(components)
    body = endpoint.describe_body(components)
    in_path = [_IDENTIFIER] if "{identifier}" in path_of(route) else []
    return {
        "operationId": route.name,
        "summary": endpoint.summary,
        "description": inspect.cleandoc(endpoint.__doc__ or ""),
        "tags": [endpoint.tag],
        "security": [{"token": []}, {"session": []}],
        "parameters": [*in_path, *(_query_parameter(each) for each in endpoint.parameters())],
        **({"requestBody": _body(body)} if body else {}),
        "responses": {
            **_found(schema, example, is_read=body is None),
            **{
                str(status): {"$ref": f"#/components/responses/{_ERRORS[status][0]}"}
                for status in (*endpoint.errors, 429)
            },
        },
    }


def _found(schema: Schema, example: object, *, is_read: bool) -> dict[str, Any]:
    found = {"description": "Found.", "content": _content(schema, example)}
    if not is_read:
        return {"200": found}
    known = "`If-None-Match` has the ETag of these bytes. There is no body."
    return {"200": {**found, "headers": _ETAG}, "304": {"description": known, "headers": _ETAG}}


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }
    if parameter.schema["type"] == "array":
        described |= {"style": "form", "explode": False}
    return described


def _body(body: Body) -> dict[str, Any]:
    return {"required": body.is_required, "content": _content(body.schema, body.example)}


def _content(schema: Schema, example: object) -> dict[str, Any]:
    return {CONTENT_TYPE: {"schema": schema, "example": example}}


def _error_response(status: int, description: str, error: Schema) -> dict[str, Any]:
    key = _ERROR_KEYS.get(status)
    more = {"type": "object", "required": [key], "properties": {key: {"type": "string"}}}
    schema = error if key is None else {"allOf": [error, more]}
    response: dict[str, Any] = {"description": description, "content": {CONTENT_TYPE: {"schema": schema}}}
    if status in _ERROR_HEADERS:
        response["headers"] = {_ERROR_HEADERS[status]: {"required": True, "schema": {"type": "string"}}}
    return response
