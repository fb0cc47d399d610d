"""The refusals of changes of subscriptions."""

from __future__ import annotations


class CannotSubscribe(Exception):
    """The plan can't be attached, changed or canceled; the message says what to do and why."""


class CannotBill(Exception):
    """A price can't be charged or an invoice can't be raised, so nothing is billed. The message says why."""
