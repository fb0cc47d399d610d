"""Write notes on customers, and notify the colleagues mentioned in them."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Lower

from crm.markdown import text_outside_code
from crm.models import Mention, Note, Notification, NotificationKind
from crm.notify import name_of, notify
from crm.survivors import lock_survivor
from customers import clock
from customers.models import Customer

#: `@name`, but not inside a word such as an email address. User names may have these characters.
_MENTION = re.compile(r"(?<![\w.@+-])@([\w.@+-]+)")
_MOST_MENTIONS = 50


@transaction.atomic
def write_note(
    customer: Customer, body: str, *, by: Any, is_pinned: bool = False, is_summary: bool = False
) -> Note:
    """Add a note to the customer, or to its survivor if it has been merged. A new summary replaces the current one."""
    customer = lock_survivor(customer)
    if is_summary:
        _clear_summary(customer)
    note = Note(customer=customer, body=body, author=by, is_pinned=is_pinned, is_summary=is_summary)
    _save(note, by)
    mention_colleagues(note)
    return note


def mention_colleagues(note: Note) -> list[Mention]:
    """Record a mention of each active colleague that the note names, and return the new mentions.

    A name is written as `@name`, in any letter case; in code it is none.
    The note gets onto their worklists, and they are notified. The author and colleagues who were mentioned before get
    no mention. Unknown names are plain text.
    """
    # User names are stored in this form. It has one @ for all.
    text = unicodedata.normalize("NFKC", text_outside_code(note.body))
    found = _MENTION.findall(text)[:_MOST_MENTIONS]
    names = {name.rstrip(".").lower() for name in found}
    people = get_user_model()._default_manager.annotate(lower_name=Lower("username"))
    colleagues = people.filter(lower_name__in=names, is_active=True)
    notified = set(note.mentions.values_list("user", flat=True)) | {note.author_id}
    mentions = [
        Mention.objects.create(note=note, user=colleague)
        for colleague in colleagues.order_by("pk")
        if colleague.pk not in notified
    ]
    notify(
        NotificationKind.MENTIONED,
        [mention.user_id for mention in mentions],
        f"{name_of(note.author)} mentioned you in a note",
        actor=note.author,
        customer=note.customer,
        detail=note.body,
    )
    return mentions


@transaction.atomic
def make_summary(note: Note, *, by: Any) -> None:
    """Make this note the `notes` of the CRM document instead of the current summary."""
    locked = _locked(note)
    _clear_summary(locked.customer)
    locked.is_summary = True
    _save(locked, by)


@transaction.atomic
def pin_note(note: Note, *, is_pinned: bool, by: Any) -> None:
    """Pin or unpin a note. Doing it twice writes no second history row."""
    locked = _locked(note)
    if locked.is_pinned != is_pinned:
        locked.is_pinned = is_pinned
        _save(locked, by)


def mark_mentions_seen(customer: Customer, user: Any) -> int:
    """Mark the user's mentions in the customer's notes as seen, and their notifications as read; return how many mentions
    were unseen.
    """
    count = Mention.objects.unseen().of(user).filter(note__customer=customer).update(seen_at=clock.now())
    if count:
        told = Notification.objects.of(user).unread().filter(kind=NotificationKind.MENTIONED)
        told.filter(customer_id=customer.pk).update(read_at=clock.now())
    return count


def _locked(note: Note) -> Note:
    lock_survivor(note.customer)
    return Note.objects.select_for_update(of=("self",)).select_related("customer").get(pk=note.pk)


def _save(note: Any, by: Any) -> None:
    note._history_user = by
    note.save()


def _clear_summary(customer: Customer) -> None:
    for summary in Note.objects.select_for_update().filter(customer=customer, is_summary=True):
        summary.is_summary = False
        summary.save(update_fields=["is_summary"])
