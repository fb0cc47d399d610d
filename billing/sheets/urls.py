"""The URLs of the acts of billing, below the admin's."""

from __future__ import annotations

from django.urls import URLPattern

from billing.ledger.entries import CannotReverse
from billing.models import Posting
from billing.sheets.adjust import Adjust
from billing.sheets.grant import Grant
from billing.sheets.undo import PERMISSIONS, ReverseEntry, undo_entry
from customers.sheets import Act, act_path, undo_path

ACTS: tuple[type[Act], ...] = (Grant, Adjust, ReverseEntry)

urlpatterns: list[URLPattern] = [
    *map(act_path, ACTS),
    undo_path("entry", [Posting], PERMISSIONS, undo_entry, (CannotReverse,)),
]
