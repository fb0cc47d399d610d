"""What the sheets of acts announce, for apps above them."""

from __future__ import annotations

from django.dispatch import Signal

#: An act on a row of one customer, or its undo, was done: `customer_id`.
act_done = Signal()
