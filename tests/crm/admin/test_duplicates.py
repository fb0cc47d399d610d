"""The review queue in the admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import DuplicateCluster, DuplicatePair
from customers import clock
from customers.models import Customer
from tests.factories import (
    make_address,
    make_business,
    make_company,
    make_customer,
    make_domain,
    make_duplicate_cluster,
    make_duplicate_pair,
    make_source_record,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

QUEUE = reverse("admin:crm_duplicatecluster_changelist")
PAIRS = reverse("admin:crm_duplicatepair_changelist")
Decision = DuplicatePair.Decision


@pytest.fixture
def user() -> User:
    return make_user("Account manager")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def cluster() -> DuplicateCluster:
    """Three customers, connected by two pairs."""
    a, b, c = (make_customer(name=f"Jane {letter}") for letter in "ABC")
    cluster = make_duplicate_cluster(first=a, size=3, score=0.99)
    make_duplicate_pair(a=a, b=b, cluster=cluster, score=0.99)
    make_duplicate_pair(a=b, b=c, cluster=cluster, score=0.8, reasons=["same company domain: a.example"])
    return cluster


def page(cluster: DuplicateCluster) -> str:
    """The address of a cluster's page."""
    return reverse("admin:crm_duplicatecluster_change", args=[cluster.pk])


def decide(client: Client, cluster: DuplicateCluster, **chosen: object) -> str:
    """Press a button on a cluster's page; answers where that leads."""
    url = reverse("admin:crm_duplicatecluster_decide", args=[cluster.pk])
    response = client.post(url, chosen)
    assert response.status_code == 302
    return response["Location"]


def decisions() -> list[str]:
    """What is decided of the pairs, by rising id."""
    return list(DuplicatePair.objects.order_by("pk").values_list("decision", flat=True))


def test_a_cluster_is_one_entry_with_its_members(client: Client, cluster: DuplicateCluster) -> None:
    response = client.get(QUEUE)
    assert response.context["cl"].result_count == 1
    shown = response.content.decode()
    assert all(f"Jane {letter}" in shown for letter in "ABC")
    assert "same phone number: +15550100" in shown
    assert "99%" in shown
    assert PAIRS in shown


@pytest.mark.parametrize("number", [1, 2])
def test_any_of_its_customers_finds_it(client: Client, cluster: DuplicateCluster, number: int) -> None:
    make_duplicate_pair()
    customer = Customer.objects.order_by("pk")[number]
    for url, count in ((QUEUE, 1), (PAIRS, {1: 2, 2: 1}[number])):
        found = client.get(url, {"q": customer.pk}).context["cl"].result_count
        assert found == count


def test_its_page_shows_the_customers_and_the_pairs(client: Client, cluster: DuplicateCluster) -> None:
    first = cluster.first
    first.stripe_id = "cus_9s6XKzkNRiz8i3"
    first.save()
    make_address(customer=first, city="Arusha")
    make_business(customer=first, tax_identifier="DE136695976")
    make_company(customer=first, name="Jane Holding")
    make_domain(customer=first, name="jane.example")
    make_source_record(customer=first, source_id="crm-7")
    make_source_record(customer=first, source_id="email:jane@example.com")
    shown = client.get(page(cluster)).content.decode()
    for text in ("Arusha", "DE136695976", "Jane Holding", "jane.example", "crm-7", "cus_9s6XKzkNRiz8i3"):
        assert text in shown
    assert "email:jane@example.com" not in shown
    assert "<bdi>Jane A</bdi> and <bdi>Jane B</bdi>: 99% likely" in shown
    assert "<bdi>Jane B</bdi> and <bdi>Jane C</bdi>: 80% likely" in shown
    assert "same company domain: a.example" in shown
    assert reverse("desk-customer", args=[first.pk]) in shown


def test_a_group_is_offered_as_one_merge_only_if_all_its_pairs_are_likely(
    client: Client, cluster: DuplicateCluster
) -> None:
    assert "Merge these two" in client.get(page(cluster)).content.decode()
    assert "Merge all" not in client.get(page(cluster)).content.decode()
    pairs = DuplicatePair.objects.order_by("pk")
    make_duplicate_pair(a=pairs[0].a, b=pairs[1].b, cluster=cluster)
    assert "Merge all" in client.get(page(cluster)).content.decode()


def test_many_customers_take_as_many_queries_as_two(client: Client) -> None:
    def queries(cluster: DuplicateCluster) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page(cluster)).status_code == 200
        return len(captured)

    pair = make_duplicate_pair()
    assert pair.cluster is not None
    queries(pair.cluster)
    one = queries(pair.cluster)
    for _ in range(3):
        other = make_customer()
        make_address(customer=other)
        make_duplicate_pair(a=pair.a, b=other, cluster=pair.cluster)
    assert queries(pair.cluster) == one


def test_a_pair_that_is_none_leaves_the_queue(client: Client, cluster: DuplicateCluster, user: User) -> None:
    pair = cluster.pairs.get(score=0.8)
    assert decide(client, cluster, not_duplicates=pair.pk) == page(cluster)
    pair.refresh_from_db()
    assert (pair.decision, pair.decided_by) == (Decision.NOT_DUPLICATES, user)
    cluster.refresh_from_db()
    assert cluster.size == 2
    assert "Jane C" not in client.get(page(cluster)).content.decode()


@pytest.mark.parametrize(("days", "expected"), [("7", 7), ("90", 90), ("", 30), ("-1", 30), ("x", 30)])
def test_later_is_when_one_says(client: Client, cluster: DuplicateCluster, days: str, expected: int) -> None:
    pair = cluster.pairs.get(score=0.8)
    decide(client, cluster, later=pair.pk, days=days)
    pair.refresh_from_db()
    assert pair.later_until is not None
    in_days = (pair.later_until - clock.now()) / timedelta(days=1)
    assert in_days == pytest.approx(expected, abs=0.1)


def test_a_whole_cluster_is_decided_at_once(client: Client, cluster: DuplicateCluster) -> None:
    assert decide(client, cluster, not_duplicates="all") == QUEUE
    assert decisions() == ["not_duplicates", "not_duplicates"]
    assert not DuplicateCluster.objects.exists()


def test_nothing_is_decided_by_a_pair_of_another_cluster(client: Client, cluster: DuplicateCluster) -> None:
    other = make_duplicate_pair()
    for chosen in (other.pk, "nonsense", ""):
        decide(client, cluster, not_duplicates=chosen)
    assert decisions() == ["open", "open", "open"]


def test_what_is_decided_already_leads_to_the_queue(client: Client, cluster: DuplicateCluster) -> None:
    decide(client, cluster, later="all")
    for response in (
        client.get(page(cluster), follow=True),
        client.get(f"{QUEUE}x/change/", follow=True),
    ):
        assert response.redirect_chain[-1][0] == QUEUE
        assert "All pairs of these customers are already reviewed." in response.content.decode()
    assert decide(client, cluster, later="all") == QUEUE


def test_chosen_clusters_are_decided_from_the_list(client: Client, cluster: DuplicateCluster) -> None:
    make_duplicate_pair()
    client.post(QUEUE, {"action": "not_duplicates", "_selected_action": [cluster.pk]})
    assert decisions() == ["not_duplicates", "not_duplicates", "open"]
    left = DuplicateCluster.objects.get()
    client.post(QUEUE, {"action": "later", "_selected_action": [left.pk]})
    assert decisions() == ["not_duplicates", "not_duplicates", "later"]


def test_a_decision_is_taken_back_in_the_list_of_pairs(client: Client, cluster: DuplicateCluster) -> None:
    decide(client, cluster, not_duplicates="all")
    shown = client.get(PAIRS, {"decision__exact": "not_duplicates"})
    assert shown.context["cl"].result_count == 2
    pair = DuplicatePair.objects.latest("pk")
    client.post(PAIRS, {"action": "look_again", "_selected_action": [pair.pk]})
    assert decisions() == ["not_duplicates", "open"]
    assert DuplicateCluster.objects.get().size == 2


@pytest.mark.parametrize("role", ["Viewer", "Billing operations"])
def test_others_look_and_do_not_decide(role: str, cluster: DuplicateCluster) -> None:
    client = Client()
    client.force_login(make_user(role))
    shown = client.get(page(cluster))
    assert shown.status_code == 200
    for words in ("Not duplicates", "All of them", "Merge these"):
        assert words not in shown.content.decode()
    url = reverse("admin:crm_duplicatecluster_decide", args=[cluster.pk])
    assert client.post(url, {"not_duplicates": "all"}).status_code == 403
    client.post(QUEUE, {"action": "not_duplicates", "_selected_action": [cluster.pk]})
    assert decisions() == ["open", "open"]


def test_decisions_are_posted_and_whoever_only_looks_is_shown_the_cluster(
    client: Client, cluster: DuplicateCluster
) -> None:
    shown = client.get(reverse("admin:crm_duplicatecluster_decide", args=[cluster.pk]), follow=True)
    assert shown.redirect_chain == [(page(cluster), 302)]
    assert decisions() == ["open", "open"]


def test_without_signing_in_nothing_is_decided(cluster: DuplicateCluster) -> None:
    url = reverse("admin:crm_duplicatecluster_decide", args=[cluster.pk])
    assert Client().post(url, {"not_duplicates": "all"}).status_code == 302
    assert decisions() == ["open", "open"]
