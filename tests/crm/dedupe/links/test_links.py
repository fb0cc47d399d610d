"""Records of one customer that are taken out, and records that are linked to another one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.urls import reverse

from billing.models import Balance, Invoice, LedgerEntry, Subscription
from crm.dedupe.links.link import CannotLink, link_records, unlink_record
from crm.dedupe.links.records import NoSuchRecord, record_called
from crm.exchange.exports import customers_to_export, exported
from crm.exchange.importers import IMPORTERS
from crm.models import Company, Contact, Domain, DuplicatePair, Merge, Note, Relationship
from customers.ingest.importer import ImportOutcome
from customers.models import Address, Customer, Environment, Source, SourceRecord
from customers.sheets import act_url
from tests.billing.payloads import BALANCE, CUSTOMER, INVOICE, SUBSCRIPTION
from tests.billing.sheets.acts import confirm, preview, problem, signed_in, toast
from tests.crm.import_documents import document
from tests.customers.import_documents import outcomes, take
from tests.factories import make_address, make_note

pytestmark = pytest.mark.django_db

PAYMENTS: dict[str, Any] = {
    "id": "1001",
    "name": "Alice Bakery",
    "email": "alice@bakery.example.com",
    "phone": "+1 202 555 0100",
    "created_at": "2024-01-01T00:00:00.000Z",
    "addresses": [{"id": "a1", "city": "Arusha", "is_default": True}],
}
BILLING: dict[str, Any] = {
    **CUSTOMER,
    "id": "1001",
    "env": "live",
    "name": "Bob Plumbing",
    "email": "bob@plumbing.example.com",
    "stripe_id": None,
    "fingerprint": None,
    "balances": {"calls": {**BALANCE, "feature_id": "calls"}},
    "subscriptions": [SUBSCRIPTION],
    "invoices": [INVOICE],
}
CRM = document(
    id="1001",
    company={"name": "Zeta Mining", "industry": "Mining"},
    domains=["zeta.example.com"],
    poc=[{"name": "Zed", "obfuscated_id": "p1"}],
    merged_customers=[document(id="old")],
    notes="Digs.",
)
FILES = {"payments": PAYMENTS, "billing": BILLING, "crm": CRM}


def arrive(source: str, *payloads: Any) -> list[ImportOutcome]:
    reports = take(IMPORTERS[source](), *payloads)
    assert [report.bad for report in reports if report.bad] == []
    return outcomes(reports)


@pytest.fixture
def three_in_one(settings: Any) -> Customer:
    """Three strangers that an ID made one customer."""
    settings.SHARED_ID_SPACES = ["payments", "billing", "crm"]
    for source, payload in FILES.items():
        arrive(source, payload)
    return Customer.objects.get(merged_into=None)


def record(source: str, source_id: str = "1001") -> SourceRecord:
    return SourceRecord.objects.get(source=source, source_id=source_id)


def exports() -> dict[str, list[bytes]]:
    return {source: list(exported(Source(source), customers_to_export())) for source in FILES}


def test_each_record_leaves_with_what_it_brought(three_in_one: Customer) -> None:
    note, own = make_note(customer=three_in_one), make_address(customer=three_in_one, city="Moshi")
    entries = LedgerEntry.objects.count()

    bob, zeta = unlink_record(record("billing")), unlink_record(record("crm"))

    three_in_one.refresh_from_db()
    assert [each.name for each in (three_in_one, bob, zeta)] == [
        "Alice Bakery",
        "Bob Plumbing",
        "Zeta Mining",
    ]
    assert (three_in_one.external_id, bob.external_id) == (None, "1001")
    assert (bob.email, bob.phone) == ("bob@plumbing.example.com", "")
    for model in (Balance, Subscription, Invoice):
        assert model._default_manager.get().customer_id == bob.pk
    assert Contact.objects.get().customer_id == Domain.objects.get().customer_id == zeta.pk
    assert Company.objects.get().customer_id == zeta.pk
    assert Relationship.objects.get(crm_id="1001").customer_id == zeta.pk
    assert Customer.objects.get(merged_into__isnull=False).merged_into_id == zeta.pk
    assert record("crm", "old").customer_id == zeta.pk
    assert set(Address.objects.filter(customer=three_in_one).values_list("city", flat=True)) == {
        "Arusha",
        "Moshi",
    }
    assert (Note.objects.get(pk=note.pk).customer_id, own.customer_id) == (three_in_one.pk, three_in_one.pk)
    assert LedgerEntry.objects.count() == entries


def test_the_same_files_again_change_nothing_and_join_nothing(three_in_one: Customer) -> None:
    unlink_record(record("billing"))
    unlink_record(record("crm"))

    assert [outcome for source, payload in FILES.items() for outcome in arrive(source, payload)] == [
        ImportOutcome.UNCHANGED
    ] * 3
    assert Customer.objects.filter(merged_into=None).count() == 3


def test_a_later_document_is_about_the_records_new_customer(three_in_one: Customer) -> None:
    bob = unlink_record(record("billing"))

    arrive("billing", BILLING | {"name": "Bob and Daughters", "subscriptions": []})

    bob.refresh_from_db()
    three_in_one.refresh_from_db()
    assert (bob.name, three_in_one.name) == ("Bob and Daughters", "Alice Bakery")
    assert Subscription.objects.get().status == "ended"


def test_what_was_taken_out_is_never_proposed_again(three_in_one: Customer) -> None:
    bob = unlink_record(record("billing"))
    pair = DuplicatePair.objects.get()
    assert ({pair.a_id, pair.b_id}, pair.decision) == ({three_in_one.pk, bob.pk}, "not_duplicates")


def test_a_record_is_linked_and_taken_out_as_often_as_one_likes(three_in_one: Customer) -> None:
    arrive("payments", {"id": "2002", "name": "Yew Farm", "email": "yew@example.com"})
    bob = unlink_record(record("billing"))
    goal = record("payments", "2002").customer
    apart = exports()

    for _ in range(2):
        [linked] = link_records([record("billing")], str(goal.pk), reason="Same owner")
        assert (linked.merge.reason, record("billing").customer_id) == ("Same owner", goal.pk)
        assert Balance.objects.get().customer_id == goal.pk
        assert unlink_record(record("billing")) == bob
        assert exports() == apart
    assert not Merge.objects.standing().exists()


def test_one_of_several_records_is_linked_straight_to_another_customer(three_in_one: Customer) -> None:
    arrive("payments", {"id": "2002", "name": "Yew Farm"})
    goal = record("payments", "2002").customer

    link_records([record("crm"), record("billing")], str(goal.pk))

    assert set(goal.source_records.filter(is_merged=False).values_list("source", flat=True)) == set(FILES)
    assert Company.objects.get().customer_id == goal.pk
    assert list(three_in_one.source_records.values_list("source", flat=True)) == ["payments"]


def test_all_records_of_a_customer_take_it_along(three_in_one: Customer) -> None:
    arrive("payments", {"id": "2002", "name": "Yew Farm"})
    goal = record("payments", "2002").customer
    note = make_note(customer=three_in_one)

    [linked] = link_records([record(source) for source in FILES], str(goal.pk))

    assert linked.merge.other_id == three_in_one.pk
    assert Note.objects.get(pk=note.pk).customer_id == goal.pk


@pytest.mark.parametrize("name", ["1001", "acme", "billing:acme", "", "x" * 500])
def test_a_name_that_means_none_or_many_is_refused(three_in_one: Customer, name: str) -> None:
    with pytest.raises(NoSuchRecord):
        record_called(name)


def test_a_record_is_known_by_source_and_id_by_our_id_and_by_an_id_of_its_own(three_in_one: Customer) -> None:
    arrive("payments", {"id": "2002"})
    found = record("payments", "2002")
    assert [record_called(name) for name in ("payments:2002", "2002", str(found.pk))] == [found] * 3


def test_the_last_record_stays(three_in_one: Customer) -> None:
    unlink_record(record("billing"))
    unlink_record(record("crm"))
    with pytest.raises(CannotLink, match="only record"):
        unlink_record(record("payments"))


def test_what_cannot_be_linked_says_why(three_in_one: Customer) -> None:
    arrive("billing", BILLING | {"id": "test", "env": "sandbox", "email": None})
    other = record("billing", "test").customer
    with pytest.raises(CannotLink, match="two environments"):
        link_records([record("billing")], str(other.pk))
    with pytest.raises(CannotLink, match="already belongs"):
        link_records([record("billing")], str(three_in_one.pk))
    with pytest.raises(CannotLink, match="Link that one instead"):
        link_records([record("crm", "old")], str(three_in_one.pk))
    with pytest.raises(CannotLink, match="permission"):
        unlink_record(record("billing"), by=User.objects.create_user("viewer"))
    assert other.env == Environment.SANDBOX


def test_the_commands_say_what_they_do_and_a_dry_run_does_nothing(
    three_in_one: Customer, capsys: Any
) -> None:
    before = exports()
    call_command("unlink_record", "billing:1001", "--dry-run")
    shown = capsys.readouterr().out
    assert "1 balance, 1 billing account" in shown
    assert "external ID: 1001 → -" in shown
    assert exports() == before

    call_command("unlink_record", "billing:1001")
    call_command("link_records", "billing:1001", "payments:1001", "--dry-run")
    call_command("link_records", "billing:1001", "payments:1001")
    shown = capsys.readouterr().out
    assert "Link billing:1001 of Bob Plumbing" in shown
    assert "Linked billing:1001 to Alice Bakery" in shown
    assert record("billing").customer_id == three_in_one.pk
    with pytest.raises(CommandError, match="There is no record “billing:1”") as refused:
        call_command("unlink_record", "billing:1")
    assert refused.value.returncode == 1


def test_the_sheets_show_what_happens_and_do_it(three_in_one: Customer) -> None:
    client = signed_in()
    sources = client.get(reverse("desk-provenance", args=[three_in_one.pk])).content.decode()
    assert act_url("take-out", record("billing")) in sources
    assert act_url("link", record("billing")) in sources

    shown = preview(client, "take-out", record("billing"))
    assert "External ID: 1001 → -" in shown.context["preview"].notes
    confirm(client, shown)
    bob = record("billing").customer
    assert bob != three_in_one

    same = preview(client, "link", record("billing"), other=str(bob.pk))
    assert problem(same) == f"Enter another customer. The record belongs to {bob} already."
    shown = preview(client, "link", record("billing"), other=str(three_in_one.pk), reason="Same owner")
    assert shown.context["preview"].button == f"Link to {three_in_one}"
    assert record("billing").customer == bob
    message, undo = toast(confirm(client, shown))
    assert message == f"Linked billing:1001 to {three_in_one}."
    assert record("billing").customer == three_in_one
    assert Merge.objects.get().made_by is not None
    client.post(undo)
    assert record("billing").customer == bob


def test_what_changed_since_the_preview_is_shown_before_it_is_done(three_in_one: Customer) -> None:
    client = signed_in()
    shown = preview(client, "take-out", record("billing"))
    Customer.objects.filter(pk=three_in_one.pk).update(external_id=None)
    again = confirm(client, shown)
    assert record("billing").customer == three_in_one
    assert "External ID: 1001 → -" not in again.context["preview"].notes


def test_who_may_not_merge_sees_no_links_and_can_not_act(three_in_one: Customer) -> None:
    client = signed_in("Viewer")
    take_out = act_url("take-out", record("billing"))
    assert take_out not in client.get(reverse("desk-provenance", args=[three_in_one.pk])).content.decode()
    assert client.post(take_out).status_code == 403
    assert signed_in().get(act_url("take-out", "nobody")).status_code == 404


def test_each_record_has_its_own_document_however_it_is_joined(three_in_one: Customer) -> None:
    """The records say the same of themselves alone, taken out and linked to others."""
    alone = {source: list(exported(Source(source), customers_to_export())) for source in FILES}
    for source in ("billing", "crm"):
        unlink_record(record(source))
    parted = exports()
    for source in ("crm", "billing"):
        link_records([record(source)], str(record("payments").customer_id))
    joined = exports()
    own = {source: {line for line in lines if b'"1001"' in line} for source, lines in parted.items()}
    for source, payload in FILES.items():
        assert own[source] <= set(joined[source])
        assert len(alone[source]) == 1
        assert outcomes(take(IMPORTERS[source](), payload)) == [ImportOutcome.UNCHANGED]


def test_a_record_that_one_of_our_exports_made_is_not_in_the_way(three_in_one: Customer) -> None:
    arrive("payments", {"id": str(three_in_one.pk), "name": "Alice Bakery"})

    alice = unlink_record(record("payments"))

    assert Address.objects.get().customer_id == alice.pk
