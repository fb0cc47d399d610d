"""Every page of the desk asks the database as often for three accounts as for one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import clock
from tests.crm.desk.pages.test_customer_page import surround
from tests.crm.desk.pages.test_raw_forms import ABOUT_ALL, ABOUT_ONE
from tests.desk import refresh_all_facts
from tests.factories import (
    make_activity,
    make_company,
    make_custom_field,
    make_customer,
    make_customer_tag,
    make_duplicate_cluster,
    make_duplicate_pair,
    make_export,
    make_note,
    make_relationship,
    make_segment,
    make_task,
    make_trial_used,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: Segments are counted one by one, and customers are read for shared trials only if they share something.
GROWING = {"desk-segments", "desk-trials"}
MORE = ("desk-review", "jobs", "job-history", "data", "settings")


def make_account(owner: User, number: int) -> str:
    """A customer with a row of everything, and a likely duplicate."""
    now = clock.now()
    customer, twin = make_customer(name=f"Finch {number}"), make_customer(name=f"Finch {number} Ltd")
    make_company(customer=customer)
    make_relationship(customer=customer, owner=owner)
    surround(customer, 1)
    customer.invoices.update(status="open", due_at=now - timedelta(days=9), total=900)
    make_custom_field(customer=customer)
    make_note(customer=customer, body="Asked for seats.", is_pinned=True)
    make_task(customer=customer, due_on=now.date(), owner=owner)
    make_activity(customer=customer)
    make_customer_tag(customer=customer)
    make_trial_used(customer=customer)
    make_duplicate_pair(a=customer, b=twin, cluster=make_duplicate_cluster(first=customer))
    make_segment(name=f"Segment {number}", owner=owner)
    make_export(made_by=owner)
    return str(customer.pk)


def test_no_page_asks_more_for_more_accounts() -> None:
    owner = make_user("Administrator")
    client = Client()
    client.force_login(owner)
    first = make_account(owner, 0)
    pages = [reverse(name, args=[first]) for name in ABOUT_ONE]
    pages += [reverse(name) for name in (*ABOUT_ALL, *MORE) if name not in GROWING]
    pages += [f"{reverse('desk-find')}?q=Finch", f"{reverse('desk-worklist')}?scope=all"]
    counts: list[dict[str, int]] = []
    for more in (0, 2):
        for number in range(more):
            make_account(owner, number + 1)
        refresh_all_facts()
        found = {}
        for page in pages:
            assert client.get(page).status_code == 200, page
            with CaptureQueriesContext(connection) as queries:
                client.get(page)
            found[page] = len(queries)
        counts.append(found)
    few, many = counts
    assert {page: (few[page], many[page]) for page in pages if few[page] != many[page]} == {}
