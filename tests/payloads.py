"""A customer of whom every text that can be stored is an attempt to run a script in the pages that show it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import CharField, Field, ForeignKey, JSONField, Model, TextField

from billing.models import Invoice, InvoiceLine
from tests.factories import MAKERS, claims, make_user

#: What every payload holds.
MARK = "xss"
_LONG = 200

#: Links as they might arrive, each of which a browser runs or opens as a page of the sender's.
LINKS = (
    "javascript:{}",
    "JaVaScRiPt:{}",
    "\x01 javascript:{}",
    "java\tscript:{}",
    "vbscript:{}",
    "data:text/html,{}",
)
#: Columns that hold no text of a customer's: hashes, codes that a constraint checks, names of our own columns and rules,
#: figures in an object. The database or the code that writes them lets nothing else in.
NOT_TEXT = {
    "columns",
    "currency",
    "currency_as_sent",
    "customer_ids",
    "digest",
    "env",
    "last4",
    "pinned_fields",
    "prepaid_quantities",
    "price_tiers",
    "query",
    "rule",
}
#: What a merge writes for itself: it is made by merging.
MADE_BY_MERGING = {"crm.Merge", "crm.MergedRecord"}
_LINK_COLUMNS = {"profile_url", "logo_url", "photo_url", "url", "hosted_invoice_url", "link"}
_MARKDOWN = {"crm.Note.body", "crm.Activity.summary", "crm.Task.body"}


class Payloads:
    """Payloads, each with a number that tells the column it was planted in."""

    def __init__(self) -> None:
        self.columns: dict[int, str] = {}

    def text(self, column: str, room: int | None = None) -> str:
        """A text that gets out of wherever it is put without being escaped; `room` is how long it may be."""
        number = self._number(column)
        short = self.shown(number)
        if room is not None and room < _LONG:
            return f"{short} x>"[:room]
        return (
            f"{short} onmouseover=xss({number})><script>xss({number})</script><img src=x onerror=xss({number})>"
            f"' onmouseover='xss({number}) {{{{7*7}}}}</textarea></title></script><svg onload=xss({number})>"
        )

    def link(self, column: str) -> str:
        """An address that runs."""
        number = self._number(column)
        return LINKS[number % len(LINKS)].format(f"xss({number})//{self.shown(number)}>")

    def markdown(self, column: str) -> str:
        """A text in Markdown, with all of its ways to a link."""
        text = self.text(column)
        links = "\n".join(f"[x]({link.format('xss(1)')}) <{link.format('xss(1)')}>" for link in LINKS)
        raw = '<a href="javascript:xss(1)">x</a> <details open ontoggle=xss(1)>'
        return f"{text}\n\n{links}\n\n![x](javascript:xss(1)) [y]\n\n{raw}\n\n[y]: javascript:xss(1) 'xss'"

    def json(self, column: str) -> Any:
        """A free-form object: keys and values."""
        return {self.text(column): [self.text(column), {self.text(column): self.text(column)}]}

    @staticmethod
    def beginning(number: int) -> str:
        """What is left of the payload with this number in the shortest of columns."""
        return f"xss{number}'"

    @staticmethod
    def shown(number: int) -> str:
        """How the payload with this number begins, as text."""
        return f"xss{number}'\"><xss{number}"

    def _number(self, column: str) -> int:
        number = len(self.columns) + 1
        self.columns[number] = column
        return number


def planted_fields(model: type[Model], payloads: Payloads) -> dict[str, Any]:
    """A payload for each text column of `model`, as large as fits."""
    found = {}
    for field in text_columns(model):
        label = f"{model._meta.label}.{field.name}"
        room = field.max_length
        shape = _SHAPES.get(label)
        if shape is not None:
            found[field.name] = shape(payloads, label)
        elif isinstance(field, JSONField):
            found[field.name] = payloads.json(label)
        elif field.name in _LINK_COLUMNS:
            found[field.name] = payloads.link(label)
        elif label in _MARKDOWN:
            found[field.name] = payloads.markdown(label)
        else:
            found[field.name] = payloads.text(label, room)
    return found


def text_columns(model: type[Model]) -> list[Field[Any, Any]]:
    """The columns of `model` that can hold a text that somebody else has written."""
    return [
        field
        for field in model._meta.fields
        if isinstance(field, CharField | TextField | JSONField)
        and not field.choices
        and field.name not in NOT_TEXT
    ]


def plant(payloads: Payloads, user: User, **given: Model) -> dict[type[Model], Any]:
    """One row of every model in which every text is a payload; all belong to one customer.

    `given` are rows that others point at by that name; every other row that one points at is made as well.
    """
    rows: dict[type[Model], Any] = {User: user}
    for model in MAKERS:
        if model._meta.label not in MADE_BY_MERGING:
            _row(model, rows, payloads, given)
    _issue(rows, payloads)
    return rows


def _issue(rows: dict[type[Model], Any], payloads: Payloads) -> None:
    """Give the invoice its number last: from then on it takes no lines."""
    number = payloads.text("billing.Invoice.number", Invoice._meta.get_field("number").max_length)
    invoices = Invoice.objects.filter(pk=rows[Invoice].pk)
    invoices.update(number=number, total=rows[InvoiceLine].amount)


def planted_user(payloads: Payloads) -> User:
    """A superuser with names of that kind."""
    return make_user(
        username=payloads.text("auth.User.username", 150),
        first_name=payloads.text("auth.User.first_name", 150),
        last_name=payloads.text("auth.User.last_name", 150),
        email=payloads.text("auth.User.email", 150),
    )


def _row(
    model: type[Model], rows: dict[type[Model], Any], payloads: Payloads, given: dict[str, Model]
) -> Model:
    if model in rows:
        found: Model = rows[model]
        return found
    pointing = {
        field.name: given[field.name] if field.name in given else _row(target, rows, payloads, given)
        for field, target in _pointers(model)
        if field.name in given or target in rows or target in MAKERS
    }
    if model._meta.label == "billing.LedgerEntry":
        rows[model] = pointing["grant"].ledger.first()  # type: ignore[attr-defined]
    else:
        rows[model] = MAKERS[model](**pointing, **planted_fields(model, payloads))
    made: Model = rows[model]
    return made


def _pointers(model: type[Model]) -> Iterator[tuple[ForeignKey[Any, Any], type[Model]]]:
    for field in model._meta.fields:
        target = field.related_model
        if (
            isinstance(field, ForeignKey)
            and target is not model
            and field.name not in {"came_with", "merged_into"}
        ):
            yield field, target  # type: ignore[misc]


def every_model_with_texts() -> list[type[Model]]:
    """All models of ours but the copies that histories are."""
    return [
        model
        for label in ("customers", "billing", "crm")
        for model in apps.get_app_config(label).get_models()
        if not model.__name__.startswith("Historical") and text_columns(model)
    ]


def _document(payloads: Payloads, column: str) -> str:
    return json.dumps({"id": payloads.text(column), "company": {"name": payloads.text(column)}})


def _person(payloads: Payloads, column: str) -> list[dict[str, str]]:
    return [{"name": payloads.text(column), "email": payloads.text(column)}]


def _texts(payloads: Payloads, column: str) -> list[str]:
    return [payloads.text(column), payloads.text(column)]


def _links(payloads: Payloads, column: str) -> list[str]:
    return [payloads.link(column) for _ in LINKS]


#: Objects whose shape pages count on.
_SHAPES: dict[str, Any] = {
    "customers.SourceRecord.not_understood": lambda payloads, column: json.dumps(
        {payloads.text(column): {"is": payloads.json(column)}}
    ),
    "billing.Feature.event_names": _texts,
    "billing.Invoice.bill_to": lambda payloads, column: {
        name: payloads.text(column) for name in ("name", "line1", "line2", "city", "country", "tax_id")
    },
    "billing.Invoice.number": lambda payloads, column: "",
    "billing.Invoice.plan_ids": _texts,
    "billing.Invoice.status": lambda payloads, column: "open",
    "crm.Company.website_urls": _links,
    "crm.CustomField.string_list_value": _texts,
    "crm.DuplicatePair.reasons": _texts,
    "crm.HealthScore.parts": lambda payloads, column: [
        {"name": payloads.text(column), "points": 1, "most": 30, "words": payloads.text(column)}
    ],
    "crm.Person.alias_emails": _texts,
    "crm.Person.related_documents": lambda payloads, column: [payloads.json(column)],
    "crm.Person.social_network": lambda payloads, column: [
        {
            "name": payloads.text(column),
            "profile_name": payloads.text(column),
            "profile_url": payloads.link(column),
            "icon_url": payloads.link(column),
        }
    ],
    "crm.Relationship.reported_document_counts": lambda payloads, column: {payloads.text(column): 3},
    "customers.Business.contacts": _person,
    "customers.ReceivedPayload.remarks": lambda payloads, column: [
        {"path": payloads.text(column), "text": payloads.text(column)}
    ],
    "customers.ReceivedPayload.text": _document,
    "customers.SourceRecord.claims": lambda payloads, column: claims(
        name=payloads.text(column), email=payloads.text(column), phone=payloads.text(column)
    ),
}
