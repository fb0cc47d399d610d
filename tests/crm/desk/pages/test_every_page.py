"""Each page opens for the customers of the demo, whose records say everything there is to say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from crm.demo.load import create_demo_logins, load_demo_customers, settle_desk
from crm.desk.pages.merge import merge_url
from customers.models import Customer, SourceRecord
from tests.factories import make_user

# The admin's sweeps open them with SQLite.
pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

TODAY = datetime(2026, 1, 15, tzinfo=UTC)
PAGES = ("desk-customer", "desk-timeline", "desk-health", "desk-provenance", "desk-as-of")
#: What is asked of them has conditions of its own in the database.
ABOUT_ALL = (
    "/admin/",
    "/admin/?scope=all",
    "/admin/list/renewals/",
    "/admin/list/overdue/",
    "/admin/worklist/?scope=all",
    "/admin/trials/",
    "/admin/find/?q=example",
    "/admin/customers/customer/?mrr_from=50&status=active",
    "/admin/segments/",
    "/admin/segments/save/?status=active&mrr_from=500",
    "/admin/hand-over/",
)


def test_each_page_opens() -> None:
    load_demo_customers(8, TODAY)
    create_demo_logins()
    settle_desk(TODAY)
    client = Client()
    client.force_login(make_user("Administrator"))
    addresses = [
        reverse(name, args=[customer.pk]) for customer in Customer.objects.unmerged() for name in PAGES
    ]
    addresses += [reverse("desk-record-changes", args=[record.pk]) for record in SourceRecord.objects.all()]
    some = list(Customer.objects.unmerged()[:2])
    addresses += [*ABOUT_ALL, merge_url(some), f"{reverse('desk-timeline', args=[some[0].pk])}?q=a&kind=note"]
    answers = {address: client.get(address).status_code for address in addresses}
    assert len(addresses) > 40
    assert {address: status for address, status in answers.items() if status != 200} == {}
