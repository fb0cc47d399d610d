"""What the sheets of acts announce, for apps above them, and what imports do."""

from __future__ import annotations

from django.dispatch import Signal

#: An act on a row of one customer, or its undo, was done: `customer_id`.
act_done = Signal()

#: Plans or features, which pages show beside other rows, have other names than before, or custom fields are defined
#: otherwise: nothing is sent with it.
renamed = Signal()

#: Exchange rates were entered that differ from those before: nothing is sent with it.
rates_entered = Signal()
