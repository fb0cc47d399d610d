"""Set the product's clock for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from unittest.mock import patch

from customers import clock


@contextmanager
def clock_at(moment: datetime) -> Iterator[None]:
    """The clock shows `moment`."""
    with patch.object(clock, "now", lambda: moment):
        yield
