"""What cannot be done to a subscription."""

from __future__ import annotations


class CannotSubscribe(Exception):
    """The plan cannot be attached, changed or cancelled like this; the message says why, and what to do."""


class CannotBill(Exception):
    """A price makes no sense, so nothing can be billed by it; the message names it."""
