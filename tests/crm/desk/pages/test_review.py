"""The review page."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.desk.pages import review
from crm.models import DuplicatePair, Merge
from customers.models import Customer, SourceRecord
from tests.factories import make_customer, make_duplicate_pair, make_source_record, make_user

pytestmark = pytest.mark.django_db

PAGE = "/admin/review/"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("Administrator"))
    return client


def pair(first: str, second: str, score: float = 0.95) -> DuplicatePair:
    """Two customers with the same name, each with a record of one source."""
    sides = [make_customer(name="Acme", email=f"{source}@acme.example") for source in (first, second)]
    for customer, source in zip(sides, (first, second), strict=True):
        make_source_record(customer=customer, source=source)
    return make_duplicate_pair(a=sides[0], b=sides[1], score=score, reasons=["the same name"])


def test_records_of_different_sources_are_links_and_others_duplicates(client: Client) -> None:
    link, duplicate = pair("crm", "billing"), pair("crm", "crm")
    context = client.get(PAGE).context
    assert [row.pair for row in context["links"]] == [link]
    assert context["chosen"].row.pair == duplicate
    signs = {value.label: value.sign[1] for value in context["chosen"].values}
    assert (signs["Name"], signs["MRR"]) == ("Same", "")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            client.get(PAGE)
        counts.append(len(captured))
        for sources in (("crm", "billing"), ("crm", "crm")):
            pair(*sources)
    assert counts[0] == counts[1]


def test_links_are_made_and_undone_as_one(client: Client) -> None:
    for _ in range(2):
        pair("crm", "billing")
    chosen = [f"{row.record.pk}:{row.goal.pk}" for row in client.get(PAGE).context["links"]]
    answer = client.post(PAGE, {"link": "", "pair": chosen}, follow=True)
    (message,) = answer.context["messages"]
    assert str(message) == "Linked 2 records."
    assert Customer.objects.unmerged().count() == 2
    client.post(message.extra_tags.removeprefix("undo:"))
    assert Customer.objects.unmerged().count() == 4
    assert Merge.objects.filter(undone_at=None).count() == 0


def test_a_pair_is_decided_and_reopened(client: Client) -> None:
    found = pair("crm", "crm")
    for name, decision in (("not_duplicates", "not_duplicates"), ("later", "later"), ("open", "open")):
        client.post(PAGE, {name: str(found.pk)})
        found.refresh_from_db()
        assert found.decision == decision
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    assert viewer.post(PAGE, {"later": str(found.pk)}).status_code == 403
    assert viewer.post(PAGE, {"link": "x"}).status_code == 403


def test_a_link_to_a_pair_shows_that_pair_or_none(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.desk.pages.review._PAGE", 2)
    likely, unlikely = [pair("crm", "crm", score) for score in (0.99, 0.98)], pair("crm", "crm", 0.7)

    def chosen(asked: str) -> DuplicatePair | None:
        found = client.get(PAGE, {"pair": asked}).context["chosen"]
        return None if found is None else found.row.pair

    assert [chosen(str(each.pk)) for each in (likely[1], unlikely)] == [likely[1], unlikely]
    key = str(unlikely.pk)
    unlikely.delete()
    for gone in (key, "nonsense"):
        assert chosen(gone) is None
        assert "This pair was already reviewed." in client.get(PAGE, {"pair": gone}).content.decode()


def test_a_match_is_clear_only_if_no_pair_of_the_whole_queue_says_otherwise(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "_PAGE", 1)
    shown = pair("crm", "billing", score=0.9999)
    for record in SourceRecord.objects.all():
        record.signs = {"names": ["acme robotics"], "domains": ["acme.example"]}
        record.save()
    assert client.get(PAGE).context["clear"] == 1
    # A second customer with the same record of billing, which the page doesn't show.
    other = make_customer(name="Acme", email="other@acme.example")
    signs = {"names": ["acme robotics"], "domains": ["acme.example"]}
    make_source_record(customer=other, source="billing", signs=signs)
    make_duplicate_pair(a=shown.a, b=other, cluster=shown.cluster, score=0.995)
    page = client.get(PAGE)
    assert [row.pair for row in page.context["links"]] == [shown]
    assert page.context["clear"] == 0
