"""What happened to one field: what it was set to by whom or which import, and which sources are trusted for it."""

from __future__ import annotations

from dataclasses import dataclass

from crm.desk.pages.sources.fields import FieldRow, Said, text_of
from customers.formats import ago, moment
from customers.ingest.precedence import order_of
from customers.models import Source
from customers.provenance import changes_of

#: So many changes are shown.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Happened:
    """A change of the field; `said` is the record that brought the value, if one did."""

    who: str
    text: str
    reason: str
    when: str
    at: str
    said: Said | None


@dataclass(frozen=True, slots=True)
class FieldHistory:
    """The changes of a field, the latest first, and whom the customer trusts for it, in words."""

    field: FieldRow
    changes: list[Happened]
    trust: str


def history_of(field: FieldRow) -> FieldHistory:
    """The history of one field, in two queries."""
    said = [each for each in (field.claim, *field.agreeing, *field.others) if each is not None]
    changes = [
        Happened(
            who=change.by or _spoken(change.reason) or "Import or command",
            text=text_of(change.value, field.row, field.column),
            reason=change.reason if change.by else "",
            when=ago(change.at),
            at=moment(change.at),
            said=next(
                (each for each in said if not change.by and each.at == moment(change.at)),
                None,
            ),
        )
        for change in changes_of(field.row, field.column)[:_MOST]
    ]
    return FieldHistory(field, changes, "" if field.part else trust_in_words(field.column))


def trust_in_words(name: str) -> str:
    """The sources of a field in the order in which they are trusted."""
    return ", then ".join(str(Source(each).label) for each in order_of(name))


def _spoken(reason: str) -> str:
    return reason[:1].upper() + reason[1:]
