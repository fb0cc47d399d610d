"""Write notes of customers, and let colleagues know who are named in them."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from crm.models import Mention, Note
from crm.survivors import lock_survivor
from customers import clock
from customers.models import Customer

#: `@name`, not in the middle of a word such as an e-mail address. User names may hold these characters.
_NAMED = re.compile(r"(?<![\w.@+-])@([\w.@+-]+)")
_MOST_NAMED = 50


@transaction.atomic
def write_note(
    customer: Customer, body: str, *, by: Any, is_pinned: bool = False, is_summary: bool = False
) -> Note:
    """Add a note by a person. As the summary it takes the place of the one before.

    If the customer has meanwhile become part of another, it is a note of that one.
    """
    customer = lock_survivor(customer)
    if is_summary:
        _take_summary(customer)
    note = Note(customer=customer, body=body, author=by, is_pinned=is_pinned, is_summary=is_summary)
    _save(note, by)
    mention_colleagues(note)
    return note


def mention_colleagues(note: Note) -> list[Mention]:
    """Tell every active colleague whom the note names as `@name`, once; answer whom it was new to.

    The author need not be told. A name that nobody has is only text.
    """
    names = [name.rstrip(".") for name in _NAMED.findall(note.body)][:_MOST_NAMED]
    colleagues = get_user_model()._default_manager.filter(username__in=names, is_active=True)
    told = set(note.mentions.values_list("user", flat=True)) | {note.author_id}
    return [
        Mention.objects.create(note=note, user=colleague)
        for colleague in colleagues.order_by("pk")
        if colleague.pk not in told
    ]


@transaction.atomic
def make_summary(note: Note, *, by: Any) -> None:
    """Let the crm document carry this note; the one that it carried before is a note like others."""
    held = _held(note)
    _take_summary(held.customer)
    held.is_summary = True
    _save(held, by)


@transaction.atomic
def pin_note(note: Note, *, is_pinned: bool, by: Any) -> None:
    """Keep a note above the others, or let it go; that it is so already is not written again."""
    held = _held(note)
    if held.is_pinned != is_pinned:
        held.is_pinned = is_pinned
        _save(held, by)


def mark_mentions_seen(customer: Customer, user: Any) -> int:
    """Note that `user` has seen the notes of a customer that name them; answer how many were new."""
    return Mention.objects.unseen().of(user).filter(note__customer=customer).update(seen_at=clock.now())


def _held(note: Note) -> Note:
    lock_survivor(note.customer)
    return Note.objects.select_for_update(of=("self",)).select_related("customer").get(pk=note.pk)


def _save(note: Any, by: Any) -> None:
    note._history_user = by
    note.save()


def _take_summary(customer: Customer) -> None:
    for held in Note.objects.select_for_update().filter(customer=customer, is_summary=True):
        held.is_summary = False
        held.save(update_fields=["is_summary"])
