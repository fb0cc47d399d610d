"""Merging on a page: side by side what differs, who wins, what it means; and undoing it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from psycopg.errors import DeadlockDetected

from billing.models import Invoice
from crm.dedupe.merges import merge as merge_module
from crm.dedupe.merges import unmerge as unmerge_module
from crm.desk.sheets.merge import merge_url
from crm.models import Merge
from customers.models import Customer
from customers.sheets import act_url
from tests.factories import (
    make_company,
    make_customer,
    make_domain,
    make_duplicate_cluster,
    make_duplicate_pair,
    make_invoice,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("Account manager"))
    return client


def sent(client: Client, url: str, **chosen: str) -> dict[str, Any]:
    """What the page's form would send, with some radio buttons chosen."""
    page = client.get(url)
    text = page.content.decode()
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', text)
    assert seen is not None
    return {
        "seen": seen.group(1),
        "survivor": str(page.context["survivor"].pk),
        "id": [str(each.pk) for each in page.context["customers"]],
        **chosen,
    }


def two() -> tuple[Customer, Customer]:
    """The first is the more complete."""
    full = make_customer(name="Blue Finch Ltd", email="hello@finch.example", phone="+15550100")
    make_company(customer=full, name="Blue Finch Ltd", industry="Retail")
    make_domain(customer=full, name="finch.example")
    bare = make_customer(name="Bluefinch", email="", phone="+15550199", external_id="finch-7")
    make_domain(customer=bare, name="finch.example")
    make_domain(customer=bare, name="bluefinch.example")
    return full, bare


def test_the_page_shows_only_what_differs_and_proposes_the_more_complete(client: Client) -> None:
    full, bare = two()
    page = client.get(merge_url([bare, full]))
    assert page.context["survivor"] == full
    labels = [field["label"] for field in page.context["fields"]]
    assert {"name", "email", "phone", "external ID"} <= set(labels)
    assert "status" not in labels
    lists = {each["label"]: (each["counts"], each["after"]) for each in page.context["lists"]}
    assert lists["domains"] == ([1, 2], 2)


def test_it_is_done_as_the_page_proposes(client: Client) -> None:
    full, bare = two()
    url = merge_url([full, bare])
    response = client.post(reverse("desk-merge"), {**sent(client, url), "reason": "same shop"}, follow=True)
    assert response.redirect_chain[-1][0] == reverse("desk-customer", args=[full.pk])
    assert "Merged 1 customer into" in response.content.decode()
    merge = Merge.objects.get()
    assert reverse("desk-unmerge", args=[merge.pk]) in response.content.decode()
    assert (merge.survivor, merge.other, merge.reason) == (full, bare, "same shop")
    full.refresh_from_db()
    assert (full.phone, full.external_id) == ("+15550100", "finch-7")


def test_another_value_and_another_survivor_can_be_chosen(client: Client) -> None:
    full, bare = two()
    url = f"{merge_url([full, bare])}&survivor={bare.pk}"
    data = sent(client, url, **{"field-name": str(full.pk)})
    client.post(reverse("desk-merge"), data)
    bare.refresh_from_db()
    assert (bare.name, bare.phone, bare.merged_into_id) == ("Blue Finch Ltd", "+15550199", None)
    assert bare.pinned_fields == ["name"]


def test_what_was_chosen_and_written_stays_when_another_survivor_is(client: Client) -> None:
    full, bare = two()
    third = make_customer(name="Finch", email="shop@finch.example", phone="+15550123")
    data = {**sent(client, merge_url([full, bare, third])), "reason": "one & the same"}
    chosen = {"field-phone": str(third.pk), "field-name": str(full.pk)}
    page = client.post(reverse("desk-merge"), {**data, **chosen, "stays": str(bare.pk)}, follow=True)
    assert (page.context["survivor"], page.context["reason"]) == (bare, "one & the same")
    wins = {
        field["label"]: next(value["key"] for value in field["values"] if value["wins"])
        for field in page.context["fields"]
    }
    # Nobody chose a name against the proposal: it is as proposed for whoever stays.
    assert (wins["phone"], wins["name"], wins["email"]) == (third.pk, bare.pk, full.pk)
    assert not Merge.objects.exists()


def test_enter_merges_and_lets_nobody_else_stay(client: Client) -> None:
    text = client.get(merge_url(two())).content.decode()
    first = re.search(r'<button type="submit"([^>]*)>', text.partition('id="merge_form"')[2])
    assert first is not None
    assert "name=" not in first.group(1)


@pytest.mark.parametrize("page", ["merge", "undo"])
def test_where_somebody_else_changes_them_one_tries_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    url, data = reverse("desk-merge"), sent(client, merge_url(two()))
    if page == "undo":
        client.post(url, data)
        url = reverse("desk-unmerge", args=[Merge.objects.get().pk])
    before = list(Customer.objects.order_by("pk").values())

    def deadlocked(*_: Any) -> None:
        raise OperationalError("deadlock detected") from DeadlockDetected()

    # The last thing that either does.
    monkeypatch.setattr(merge_module, "settle_pairs", deadlocked)
    monkeypatch.setattr(unmerge_module, "unsettle_pairs", deadlocked)
    response = client.post(url, data)

    assert response.status_code == 200
    assert "Someone else is changing these customers right now. Try again." in response.content.decode()
    assert list(Customer.objects.order_by("pk").values()) == before


def test_what_has_changed_since_is_looked_at_again(client: Client) -> None:
    full, bare = two()
    data = sent(client, merge_url([full, bare]))
    Customer.objects.filter(pk=bare.pk).update(phone="+15550123")
    response = client.post(reverse("desk-merge"), data)
    assert "These customers changed since" in response.content.decode()
    assert not Merge.objects.exists()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"env": "sandbox"}, "Customers of two environments"),
        ({"archived_at": "2026-01-01T00:00:00Z"}, "is archived"),
    ],
)
def test_what_cannot_be_merged_says_why(client: Client, other: dict[str, Any], words: str) -> None:
    full, bare = two()
    Customer.objects.filter(pk=bare.pk).update(**other)
    response = client.get(merge_url([full, bare]))
    assert words in response.content.decode()
    assert f"Merge 1 customer into {full}" not in response.content.decode()


def test_another_customer_is_added_by_any_identifier(client: Client) -> None:
    full, bare = two()
    response = client.get(reverse("desk-merge"), {"id": str(full.pk), "with": "finch-7"})
    assert response["Location"] == merge_url([full, bare])
    response = client.get(reverse("desk-merge"), {"id": str(full.pk), "with": "nobody"}, follow=True)
    assert "No live customer is known by “nobody”" in response.content.decode()


def test_without_anybody_the_page_asks_for_the_first(client: Client) -> None:
    assert "Add the first customer below." in client.get(reverse("desk-merge")).content.decode()
    assert client.get(reverse("desk-merge"), {"id": "nonsense"}).status_code == 404


def test_who_may_not_merge_sees_no_button_and_is_refused() -> None:
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    full, bare = two()
    page = viewer.get(merge_url([full, bare])).content.decode()
    assert "You can&#x27;t merge customers" in page
    data = {"id": [str(full.pk), str(bare.pk)], "survivor": str(full.pk)}
    assert viewer.post(reverse("desk-merge"), data).status_code == 403
    assert not Merge.objects.exists()


def merged(client: Client) -> Merge:
    client.post(reverse("desk-merge"), sent(client, merge_url(two())))
    return Merge.objects.get()


def test_a_merge_is_undone_from_its_page(client: Client) -> None:
    merge = merged(client)
    url = reverse("desk-unmerge", args=[merge.pk])
    page = client.get(url)
    assert {each["label"] for each in page.context["set"]} == {"external ID"}
    assert page.context["rows"] == [("domains", 2)]
    assert "2 domains." in " ".join(page.content.decode().split())
    response = client.post(url, follow=True)
    assert "is a separate customer again" in response.content.decode()
    merge.refresh_from_db()
    assert merge.undone_at is not None
    assert (merge.other.merged_into, merge.other.external_id) == (None, "finch-7")
    assert "This merge was already undone." in client.get(url).content.decode()


@pytest.mark.parametrize(("answer", "external_id"), [("keep", "edited-9"), ("restore", None)])
def test_what_was_edited_since_is_settled_first(client: Client, answer: str, external_id: str | None) -> None:
    merge = merged(client)
    Customer.objects.filter(pk=merge.survivor_id).update(external_id="edited-9")
    url = reverse("desk-unmerge", args=[merge.pk])
    page = client.get(url).content.decode()
    assert "Keep edited-9" in page
    assert "Edited since the merge" in client.post(url).content.decode()
    assert Merge.objects.standing().exists()
    client.post(url, {"conflict-external_id": answer})
    assert not Merge.objects.standing().exists()
    assert Customer.objects.get(pk=merge.survivor_id).external_id == external_id


def test_who_may_not_merge_may_not_undo() -> None:
    manager, viewer = Client(), Client()
    manager.force_login(make_user("Account manager"))
    viewer.force_login(make_user("Viewer"))
    url = reverse("desk-unmerge", args=[merged(manager).pk])
    assert "Undo merge</button>" not in viewer.get(url).content.decode()
    assert viewer.post(url).status_code == 403


def test_the_review_queue_leads_to_the_page(client: Client) -> None:
    full, bare = two()
    cluster = make_duplicate_cluster(first=full)
    make_duplicate_pair(a=full, b=bare, cluster=cluster)
    page = client.get(reverse("admin:crm_duplicatecluster_change", args=[cluster.pk])).content.decode()
    assert merge_url([full, bare]).replace("&", "&amp;") in page


def test_the_list_of_customers_leads_to_the_page(client: Client) -> None:
    url = reverse("desk-bulk-merge")
    customers = [make_customer() for _ in range(9)]
    chosen: dict[str, Any] = {"chosen": [each.pk for each in customers]}
    assert "Select 2 to 8 customers" in client.post(url, chosen, follow=True).content.decode()
    chosen["chosen"] = [each.pk for each in customers[:2]]
    assert client.post(url, chosen)["Location"] == merge_url(customers[:2])


def test_a_customers_pages_lead_to_it(client: Client) -> None:
    customer = make_customer()
    assert (
        act_url("merge", customer)
        in client.get(reverse("desk-customer", args=[customer.pk])).content.decode()
    )
    form = client.get(reverse("admin:customers_customer_change", args=[customer.pk])).content.decode()
    (address,) = set(re.findall(r'href="([^"]+/customer/[^"]+/merge/?)"', form))
    assert client.get(address)["Location"] == merge_url([customer])


def test_who_may_not_merge_is_not_led_there() -> None:
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    customer = make_customer()
    pages = ("desk-customer", "admin:customers_customer_change")
    shown = [viewer.get(reverse(name, args=[customer.pk])).content.decode() for name in pages]
    shown.append(viewer.get(reverse("desk-customers")).content.decode())
    assert not any("Merge with" in page or reverse("desk-bulk-merge") in page for page in shown)


def test_the_survivors_page_lists_its_merges_with_the_way_back(client: Client) -> None:
    merge = merged(client)
    url = reverse("desk-details", args=[merge.survivor_id])
    undo = reverse("desk-unmerge", args=[merge.pk])
    page = client.get(url).content.decode()
    assert page.count(undo) == 2  # what was just said, and the list
    assert client.get(url).content.decode().count(undo) == 1
    assert page.count(str(merge.other_id)) == 1
    client.post(undo)
    assert undo not in client.get(url).content.decode()


def test_what_the_records_carry_is_only_text(client: Client) -> None:
    full, bare = make_customer(name=HOSTILE, email=HOSTILE), make_customer(name="x", phone=HOSTILE)
    make_company(customer=bare, name=HOSTILE, about=HOSTILE)
    url = merge_url([full, bare])
    assert "<script>alert" not in client.get(url).content.decode()
    response = client.post(reverse("desk-merge"), sent(client, url), follow=True)
    assert "<script>alert" not in response.content.decode()
    page = client.get(reverse("desk-unmerge", args=[Merge.objects.get().pk])).content.decode()
    assert "<script>alert" not in page


def test_the_number_of_queries_does_not_grow_with_the_customers_or_their_rows(client: Client) -> None:
    """The customers' own page asks once for each kind of thing, whoever is compared."""
    customers = [*two(), *(make_customer(name=f"Blue Finch {number}") for number in range(4))]
    for customer in customers[2:]:
        make_invoice(customer=customer, status=Invoice.Status.OPEN)
        make_domain(customer=customer, name=f"finch-{customer.pk}.example")

    def queries(count: int) -> int:
        url = merge_url(customers[:count])
        client.get(url)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url).status_code == 200
        return len(asked)

    assert queries(2) == queries(3) == queries(6)
    assert queries(6) < 40
