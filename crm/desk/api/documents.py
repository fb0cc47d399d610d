"""The documents of notes, tasks, worklist entries and timeline entries."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from customers.document.customer_rows import CustomerSummary
from customers.json_types import IsoDate, IsoInstant, JsonDocument


class NoteDocument(JsonDocument, kw_only=True):
    """A note on a customer. `body` is Markdown, `author` a user name, null for a former user."""

    id: str
    customer_id: str
    author: str | None
    body: str
    is_summary: bool
    is_pinned: bool
    origin: Literal["written", "generated"]
    created_at: IsoInstant
    customer: CustomerSummary | UnsetType = UNSET


class TaskDocument(JsonDocument, kw_only=True):
    """A task for a customer. `body` is Markdown; `assignee`, `created_by` and `done_by` are user names."""

    id: str
    customer_id: str
    title: str
    body: str
    status: Literal["open", "done"]
    due_on: IsoDate | None
    reminder_on: IsoDate | None
    assignee: str | None
    created_at: IsoInstant
    created_by: str | None
    done_at: IsoInstant | None
    done_by: str | None
    customer: CustomerSummary | UnsetType = UNSET


class ReasonDocument(JsonDocument, kw_only=True):
    """Why a customer is on the worklist. `words` follow the customer's name; `link` is the page to act on."""

    id: str
    rule: str
    words: str
    weight: int
    since: IsoInstant
    link: str | None


class WorklistDocument(JsonDocument, kw_only=True):
    """A customer on the worklist of the user `person`, null without an account manager.

    `weight` is the sum of the weights of all its open reasons. `reasons` are those that you may see, heaviest first.
    """

    id: str
    customer_id: str
    person: str | None
    weight: int
    reasons: list[ReasonDocument]
    customer: CustomerSummary | UnsetType = UNSET


class TimelineDocument(JsonDocument, kw_only=True):
    """Something that happened to a customer. `text` is Markdown; `by` is who did it; `url` is a page here.

    If `is_of_day`, the time of day in `at` means nothing.
    """

    kind: str
    at: IsoInstant
    is_of_day: bool
    title: str
    details: list[str]
    text: str | None
    by: str | None
    url: str | None
