"""The first history row of rows that were there before their model kept a history."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.apps import apps

from crm.models import Domain
from customers.opening_history import made_at, open_histories
from customers.typed_ids import to_typed_id
from tests.factories import make_domain

#: The example of RFC 9562: made on 2022-02-22 at 19:22:22 UTC.
EXAMPLE = UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


def test_an_id_tells_when_it_was_made():
    assert made_at(EXAMPLE) == datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)


def test_an_id_that_tells_no_time_or_a_time_to_come_was_made_by_now():
    now = datetime(2020, 1, 1, tzinfo=UTC)
    assert made_at(UUID("11111111-2222-4333-8444-555555555555"), now) == now
    assert made_at(EXAMPLE, now) == now


@pytest.mark.django_db
def test_every_row_gets_one_with_what_it_holds_now():
    first = make_domain(id=to_typed_id(EXAMPLE, "dom"), name="example.com", position=3)
    second = make_domain()
    Domain.history.all().delete()
    open_histories(apps, "crm", ["Domain"])
    told = first.history.get()
    assert (told.history_type, told.history_date) == ("+", datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC))
    assert (told.name, told.position, told.customer_id) == ("example.com", 3, first.customer_id)
    assert second.history.get().name == second.name
