"""The description of the API, as JSON and as a page. Both are public, as they hold no data."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from customers.api.http import CONTENT_TYPE, ApiView, json_response, read_query
from customers.api.openapi import openapi_document


class OpenApiDescription(ApiView):
    """The OpenAPI description of the endpoints at `routes`."""

    routes: tuple[URLPattern, ...] = ()

    def get(self, request: HttpRequest) -> HttpResponse:
        read_query(request, {})
        return json_response(openapi_document(self.routes))


class ApiPage(ApiView):
    """The same description as a page."""

    routes: tuple[URLPattern, ...] = ()
    content_type = "text/html"

    def get(self, request: HttpRequest) -> HttpResponse:
        document = openapi_document(self.routes)
        paragraphs = document["info"]["description"].strip().split("\n\n")
        context = {"introduction": [_marked(each) for each in paragraphs], "groups": _groups(document)}
        return render(request, "api/description.html", context)


def _groups(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The endpoints of the page, by heading."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answer = operation["responses"]["200"]["content"][CONTENT_TYPE]["example"]
            body = operation.get("requestBody")
            groups.setdefault(operation["tags"][0], []).append(
                {
                    "id": operation["operationId"],
                    "description": _marked(operation["description"]),
                    "method": method.upper(),
                    "path": path,
                    "query": [_row(each) for each in operation["parameters"] if each["in"] == "query"],
                    "body": _pretty(body["content"][CONTENT_TYPE]["example"]) if body else None,
                    "answer": _pretty(answer),
                }
            )
    return groups


def _row(parameter: dict[str, Any]) -> dict[str, Any]:
    """A row of the table of parameters."""
    schema = parameter["schema"]
    words = ["true", "false"] if schema["type"] == "boolean" else schema.get("enum", ())
    value = ""
    if "minimum" in schema:
        value = f"{schema['minimum']} to {schema['maximum']}"
    elif schema["type"] == "array":
        value = "words, separated by commas"
    elif not words:
        value = {"date-time": "time in ISO 8601"}.get(schema.get("format", ""), "text")
    return {
        "name": parameter["name"],
        "description": _marked(parameter["description"]),
        "words": words,
        "value": value,
        "default": schema.get("default"),
    }


def _marked(text: str) -> SafeString:
    """`text` as HTML; what is between backticks is code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if place % 2 else part,) for place, part in parts)
    )


def _pretty(example: object) -> str:
    return json.dumps(example, indent=2, ensure_ascii=False)
