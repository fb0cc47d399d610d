"""The base classes of endpoints: a customer's document and a list of documents, with their descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from customers.api.filtersets import ListFilterSet
from customers.api.http import ApiView, Problem, bad_parameter, json_response, read_query, token_of
from customers.api.paging import BadCursor, Order, page_of
from customers.api.parameters import AFTER, AS_OF, ENV, LIMIT, LIMIT_DEFAULT, Parameter, one_of
from customers.api.schemas import Body, Components, Schema
from customers.as_of import KnownCustomer, NotKnownThen
from customers.ingest.accounts import accounts_named
from customers.json_types import JsonDocument
from customers.lookup import AmbiguousCustomer, UnknownCustomer, find_customer, find_customer_at
from customers.models import Customer, Source


class Endpoint(ApiView):
    """A URL of the API. Its docstring and the attributes below make its OpenAPI description."""

    #: The heading and the title of the description.
    tag: ClassVar[str]
    summary: ClassVar[str]
    #: The statuses of its errors.
    errors: ClassVar[tuple[int, ...]] = (400, 401, 403, 405, 406)

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """The parameters of the query string."""
        return ()

    @classmethod
    def describe_body(cls, components: Components) -> Body | None:
        """The request body; None if there is none."""
        return None

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        """The schema of a response, and an example."""
        raise NotImplementedError


class DocumentEndpoint(Endpoint):
    """An endpoint that returns documents of one type."""

    document: ClassVar[type[JsonDocument]]
    #: An example of a document.
    example: ClassVar[Mapping[str, Any]]
    #: The parameters of a document, alone or in a list.
    document_parameters: ClassVar[tuple[Parameter, ...]] = ()

    @classmethod
    def describe_document(cls, components: Components) -> Schema:
        return components.add(cls.document)

    def render(self, rows: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[object]:
        """The documents of `rows`, in order; `asked` holds the values of the given parameters."""
        raise NotImplementedError


class CustomerEndpoint(DocumentEndpoint):
    """One customer's document, by any identifier of the customer."""

    errors = (400, 401, 403, 404, 405, 406)
    #: The source of the document. An identifier is first looked for among the IDs of this source.
    source: ClassVar[Source | None] = None
    #: Whether the ID of one of several accounts at `source` shows that account alone.
    shows_accounts: ClassVar[bool] = False

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        return (ENV, AS_OF, *cls.document_parameters)

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        return cls.describe_document(components), cls.example

    def render_account(self, account: Customer, asked: Mapping[str, Any]) -> object:
        """The document of one account of a customer with several of `source`: `account` is its customer, merged or not."""
        raise NotImplementedError

    def render_known(self, known: KnownCustomer, asked: Mapping[str, Any]) -> object:
        """The document of a customer as it was known at an instant."""
        raise NotImplementedError

    def get(self, request: HttpRequest, identifier: str) -> HttpResponse:
        asked, _ = read_values(request, self.parameters())
        env = asked.get("env")
        if "as_of" in asked:
            known = customer_known_at(identifier, asked["as_of"], env, self.source)
            return json_response(self.render_known(known, asked))
        customer = known_customer(identifier, env, self.source)
        if self.source is not None and self.shows_accounts:
            account = account_named(identifier, customer, self.source)
            if account is not None:
                return json_response(self.render_account(account, asked))
        return json_response(self.render([customer], asked)[0])


class PageEndpoint(DocumentEndpoint):
    """Documents, page by page."""

    @classmethod
    def describe_answer(cls, components: Components) -> tuple[Schema, object]:
        schema = {
            "type": "object",
            "required": ["data", "has_more", "next_cursor"],
            "properties": {
                "data": {"type": "array", "items": cls.describe_document(components)},
                "has_more": {"type": "boolean", "description": "Whether there is another page."},
                "next_cursor": {
                    "type": ["string", "null"],
                    "description": "The `after` of the next page.",
                },
            },
        }
        return schema, {"data": [cls.example], "has_more": False, "next_cursor": None}

    def page(self, documents: Sequence[object], next_cursor: str | None) -> HttpResponse:
        """The response with one page; no cursor on the last one."""
        return json_response(
            {"data": documents, "has_more": next_cursor is not None, "next_cursor": next_cursor}
        )


class ListEndpoint(PageEndpoint):
    """A list of rows as documents, filtered and in order."""

    filterset: ClassVar[type[ListFilterSet]]
    #: The orders of the list, the default first.
    orders: ClassVar[tuple[Order, ...]]

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        names = [order.name for order in cls.orders]
        order = Parameter(
            "order",
            "What to sort by. A minus sign sorts in descending order.",
            {"type": "string", "enum": names, "default": names[0]},
            one_of(names),
        )
        return (LIMIT, AFTER, order, *cls.document_parameters, *cls.filterset.parameters())

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Any]:
        """The rows before filters."""
        raise NotImplementedError

    def check(self, request: HttpRequest, asked: Mapping[str, Any]) -> None:
        """Raise `Problem` with 403 if what is asked for needs more than `permission`."""

    def filter_rows(
        self, given: Mapping[str, str], rows: QuerySet[Any], request: HttpRequest
    ) -> ListFilterSet:
        """The given filters, applied to `rows`."""
        return self.filterset(given, rows, request=request)

    def get(self, request: HttpRequest, **path: str) -> HttpResponse:
        asked, given = read_values(request, self.parameters())
        self.check(request, asked)
        filters = self.filter_rows(given, self.rows(asked, **path), request)
        if filters.first_problem is not None:
            raise bad_parameter(*filters.first_problem)
        wanted = asked.get("order", self.orders[0].name)
        order = next(order for order in self.orders if order.name == wanted)
        try:
            page = page_of(filters.qs, order, asked.get("limit", LIMIT_DEFAULT), asked.get("after"))
        except BadCursor as problem:
            raise bad_parameter("after", str(problem)) from None
        return self.page(self.render(page.rows, asked), page.next_cursor)


def read_values(
    request: HttpRequest, parameters: Sequence[Parameter]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The given parameters, as values and as text, with the `env` of a token that has one. Raises `Problem`."""
    known = {parameter.name: parameter for parameter in parameters}
    given = read_query(request, known)
    token = token_of(request)
    mode = token.env if token is not None and ENV.name in known else ""
    if mode and given.setdefault(ENV.name, mode) != mode:
        raise Problem(403, "forbidden", f"This token reads customers with env={mode} only.", ENV.name)
    asked = {}
    for name, text in given.items():
        try:
            asked[name] = known[name].read(text)
        except ValueError as problem:
            raise bad_parameter(name, str(problem)) from None
    return asked, given


def known_customer(
    identifier: str, env: str | None, source: Source | None = None, *, param: str = "identifier"
) -> Customer:
    """The customer with `identifier`, which the request gave as `param`.

    Raises `Problem`: 404 for none, 400 for several.
    """
    try:
        return find_customer(identifier, env, source=source)
    except (UnknownCustomer, AmbiguousCustomer) as problem:
        raise _not_found(problem, param) from None


def account_named(identifier: str, customer: Customer, source: Source) -> Customer | None:
    """The customer of the account that `identifier` means; None if it means the customer, see `accounts_named`."""
    key = accounts_named({identifier: str(customer.pk)}, source).get(identifier)
    return None if key is None else Customer.objects.get(pk=key)


def customer_known_at(
    identifier: str, at: datetime, env: str | None, source: Source | None = None
) -> KnownCustomer:
    """The customer as it was known at `at`. Raises `Problem`: also 404 if it was not known yet."""
    try:
        return find_customer_at(identifier, at, env, source=source)
    except NotKnownThen as problem:
        raise Problem(404, "customer_not_known_then", str(problem), "as_of") from None
    except (UnknownCustomer, AmbiguousCustomer) as problem:
        raise _not_found(problem) from None


def _not_found(problem: UnknownCustomer | AmbiguousCustomer, param: str = "identifier") -> Problem:
    if isinstance(problem, UnknownCustomer):
        return Problem(404, "customer_not_found", str(problem), param)
    return Problem(400, "ambiguous_identifier", str(problem), param)
