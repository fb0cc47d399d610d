"""Each page opens for the customers of the demo, whose records say everything there is to say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from crm.demo.load import create_demo_logins, load_demo_customers, settle_desk
from crm.desk.sheets.merge import merge_url
from crm.models import Activity, Note, Tag, Task
from customers.models import Customer, SourceRecord
from tests.factories import make_customer, make_source_record, make_user

pytestmark = pytest.mark.django_db

TODAY = datetime(2026, 1, 15, tzinfo=UTC)
PAGES = ("desk-customer", "desk-timeline", "desk-health", "desk-provenance", "desk-as-of")
#: What is asked of them has conditions of its own in the database.
ABOUT_ALL = (
    "/admin/",
    "/admin/?scope=all",
    "/admin/worklist/?scope=all",
    "/admin/trials/",
    "/admin/find/?q=example",
    "/admin/desk/customers/?mrr_from=50&status=active&late=3",
    "/admin/desk/customers/?q=Ltd&sort=-late&add=owner",
    "/admin/desk/companies/?owner=me",
    "/admin/desk/people/?owner=me&q=a",
    "/admin/desk/subscriptions/?subscription_status=trial&of_plan=pro&sort=trial",
    "/admin/desk/invoices/?age=31&invoice_status=past_due&sort=-late",
    "/admin/desk/balances/?balance_status=running_out&balance_status=almost_out&balance_status=lasting&feature=x",
    "/admin/desk/tasks/?task=late&assignee=me&q=call",
    "/admin/segments/",
    "/admin/segments/save/?status=active&mrr_from=500",
    "/admin/hand-over/",
)


# The admin's sweeps open them with SQLite.
@pytest.mark.postgresql
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


@pytest.mark.parametrize(
    "query", ["env=%00", "env=nonsense", "env=live%00&at=%00", "old=%00&new=%00", "before=%00~a~b"]
)
def test_what_no_database_holds_is_never_an_error(query: str) -> None:
    customer = make_customer(external_id="finch-7")
    record = make_source_record(customer=customer)
    client = Client()
    client.force_login(make_user("Administrator"))
    addresses = [reverse(name, args=[key]) for name in PAGES for key in (customer.pk, "finch-7", "finch\0")]
    addresses += [reverse("desk-record-changes", args=[key]) for key in (record.pk, "src\0")]
    addresses += [reverse("desk-find")]
    answers = {address: client.get(f"{address}?{query}").status_code for address in addresses}
    assert {
        address: status for address, status in answers.items() if status not in (200, 302, 400, 404)
    } == {}


@pytest.mark.parametrize("part", ["", "&part=1"])
def test_a_search_for_what_no_database_holds_finds_nobody(part: str) -> None:
    client = Client()
    client.force_login(make_user("Administrator"))
    for term in ("%00", "a%00b", "%ED%A0%80", "finch&env=%00"):
        assert client.get(f"/admin/find/?q={term}{part}", follow=True).status_code == 200


def test_what_is_sent_with_a_nul_changes_nothing() -> None:
    customer = make_customer()
    client = Client()
    client.force_login(make_user("Administrator"))
    for name, data in (
        ("desk-note", {"body": "a\0b"}),
        ("desk-task", {"title": "a\0b"}),
        ("desk-log", {"kind": "call\0", "summary": "\0", "person": "\0"}),
        ("desk-tag", {"add": "a\0b"}),
    ):
        assert client.post(reverse(name, args=[customer.pk]), data).status_code == 302
        assert client.post(reverse(name, args=[f"{customer.pk}\0"]), data).status_code == 404
    assert client.post(reverse("desk-tag-remove", args=[customer.pk, "\0"])).status_code == 404
    assert client.post(reverse("desk-note-change", args=["\0", "pin"])).status_code == 404
    assert client.post(reverse("desk-task-change", args=["\0", "done"])).status_code == 404
    assert [Note.objects.count(), Task.objects.count(), Activity.objects.count(), Tag.objects.count()] == [
        0,
        0,
        0,
        0,
    ]
