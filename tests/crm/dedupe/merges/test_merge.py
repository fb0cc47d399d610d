"""What a merge does with each kind of row, and what undoing it gives back."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from billing.balances.grant import grant
from billing.invoices.issue import draft_invoice
from billing.models import Balance, Flag, Grant, Posting
from billing.rules.invoice_totals import BilledLine
from crm.dedupe.merges.merge import CannotMerge, merge
from crm.dedupe.merges.plan import plan_merge, proposed_survivor
from crm.dedupe.merges.relations import unhandled
from crm.dedupe.merges.unmerge import CannotUnmerge, Unsettled, conflicts_of, unmerge
from crm.document.renderer import render_customers
from crm.models import Company, DuplicatePair, MergedRecord, Note
from customers import clock
from customers.lookup import find_customer
from customers.models import Address, Customer, SourceRecord, default_of
from tests.crm.dedupe.merges.snapshots import astray, documents_of, ledger_sums, row_counts
from tests.factories import (
    make_address,
    make_balance,
    make_company,
    make_contact,
    make_custom_field,
    make_customer,
    make_domain,
    make_duplicate_pair,
    make_feature,
    make_flag,
    make_grant,
    make_invoice,
    make_note,
    make_person,
    make_relationship,
    make_rollover,
    make_source_record,
    make_subscription,
    make_user,
)

pytestmark = pytest.mark.django_db


def pair() -> tuple[Customer, Customer]:
    """Two customers, the survivor first."""
    return make_customer(name="Ada Finch"), make_customer(name="A. Finch")


def test_every_relation_to_a_customer_is_handled() -> None:
    assert unhandled() == []


def test_rows_go_to_the_survivor_and_are_known_as_the_others() -> None:
    ada, other = pair()
    own, theirs = make_note(customer=ada), make_note(customer=other)

    merge(str(ada.pk), [str(other.pk)])

    assert set(Note.objects.values_list("pk", "customer", "came_with")) == {
        (own.pk, ada.pk, None),
        (theirs.pk, ada.pk, other.pk),
    }
    other.refresh_from_db()
    assert (other.merged_into_id, other.name) == (ada.pk, "A. Finch")


def test_the_survivors_values_stand_and_the_empty_ones_are_filled() -> None:
    ada = make_customer(name="Ada Finch", phone="", external_id=None)
    other = make_customer(name="A. Finch", phone="+1 555 0100", external_id="x-1")
    make_company(customer=ada, name="Finch Ltd", industry="")
    make_company(customer=other, name="Finch", industry="Birds")

    merge(str(ada.pk), [str(other.pk)])

    ada.refresh_from_db()
    assert (ada.name, ada.phone, ada.external_id, ada.pinned_fields) == (
        "Ada Finch",
        "+1 555 0100",
        "x-1",
        [],
    )
    assert list(Company.objects.values_list("customer", "name", "industry")) == [
        (ada.pk, "Finch Ltd", "Birds")
    ]


def test_what_a_person_chose_is_pinned_and_identifiers_are_swapped() -> None:
    ada = make_customer(external_id="a", email="ada@example.com")
    other = make_customer(external_id="b", email="finch@example.com")

    merge(str(ada.pk), [str(other.pk)], choices={"external_id": str(other.pk), "email": str(other.pk)})

    ada.refresh_from_db()
    assert (ada.external_id, ada.email, ada.pinned_fields) == (
        "b",
        "finch@example.com",
        ["email", "external_id"],
    )
    for known_as in ("a", "b", "ada@example.com", "finch@example.com", str(other.pk)):
        assert find_customer(known_as) == ada


def test_every_id_of_the_other_finds_the_survivor() -> None:
    ada = make_customer(external_id="a", stripe_id="cus_a")
    other = make_customer(external_id="b", stripe_id="cus_b", email="other@example.com")
    record = make_source_record(customer=other, source="crm", source_id="crm-77")

    merge(str(ada.pk), [str(other.pk)])

    for known_as in (str(other.pk), "b", "cus_b", "other@example.com", "crm-77"):
        assert find_customer(known_as) == ada
    assert SourceRecord.objects.get(pk=record.pk).came_with_id == other.pk


def test_one_row_of_each_kind_keeps_its_mark() -> None:
    ada, other = pair()
    own = make_address(customer=ada, is_default=True)
    theirs = make_address(customer=other, is_default=True)
    summary = make_note(customer=other, is_summary=True)

    [done] = merge(str(ada.pk), [str(other.pk)])

    assert default_of(Address.objects.all()) == own
    assert list(Note.objects.filter(is_summary=True, customer=ada)) == [summary]
    unmerge(done)
    assert set(Address.objects.filter(is_default=True)) == {own, theirs}


def test_balances_of_one_feature_stay_side_by_side_and_the_ledger_as_it_is() -> None:
    ada, other = pair()
    feature = make_feature()
    own = make_balance(customer=ada, feature=feature)
    theirs = make_balance(customer=other, feature=feature, overage_allowed=True, max_purchase=Decimal(5))
    make_grant(balance=own, included_grant=Decimal(100), usage=Decimal(30))
    grant = make_grant(balance=theirs, included_grant=Decimal(50), usage=Decimal(-2))
    make_rollover(balance=theirs, granted=Decimal(10), left=Decimal(4))

    merge(str(ada.pk), [str(other.pk)])

    columns = ("pk", "came_with", "overage_allowed", "max_purchase")
    assert set(Balance.objects.filter(customer=ada).values_list(*columns)) == {
        (own.pk, None, False, None),
        (theirs.pk, other.pk, True, 5),
    }
    grant.refresh_from_db()
    assert (grant.balance_id, grant.usage, grant.entries) == (theirs.pk, -2, 2)
    assert ledger_sums() == {
        (ada.pk, "included_grant"): 150,
        (ada.pk, "usage"): 28,
        (ada.pk, "granted"): 10,
        (ada.pk, "left"): 4,
    }
    assert not Posting.objects.filter(kind="merge").exists()


def test_a_feature_that_only_the_other_has_moves() -> None:
    ada, other = pair()
    theirs = make_grant(balance=make_balance(customer=other))

    [done] = merge(str(ada.pk), [str(other.pk)])
    assert list(Balance.objects.values_list("pk", "customer", "came_with")) == [
        (theirs.balance_id, ada.pk, other.pk)
    ]
    own = grant(ada, theirs.balance.feature, Decimal(5), done_by="ada")
    assert Balance.objects.filter(customer=ada).count() == 2
    unmerge(done)

    assert Grant.objects.get(pk=theirs.pk).balance.customer_id == other.pk
    assert Grant.objects.get(pk=own.pk).balance.customer_id == ada.pk
    assert {customer for customer, _ in ledger_sums()} == {ada.pk, other.pk}


def test_what_is_there_twice_is_shown_once_the_survivors_own_first() -> None:
    ada, other = pair()
    person, feature = make_person(), make_feature(type="boolean")
    for customer, label in ((other, "theirs"), (ada, "own")):
        make_domain(customer=customer, name="finch.example.com")
        make_contact(customer=customer, person=person)
        make_custom_field(customer=customer, key="tier", string_value=label)
        make_flag(customer=customer, feature=feature, flag_id=label)

    merge(str(ada.pk), [str(other.pk)])

    document = json.loads(documents_of(ada)[0])
    assert document["domains"] == ["finch.example.com"]
    assert [each["name"] for each in document["poc"]] == [person.name]
    assert document["metadata"]["custom_data"]["tier"]["string_value"] == "own"
    assert b'"id":"own"' in documents_of(ada)[2]
    assert b'"id":"theirs"' not in documents_of(ada)[2]
    assert Flag.objects.count() == 2


def test_the_crm_document_shows_what_was_merged_at_any_depth() -> None:
    ada, other, third = make_customer(), make_customer(), make_customer()
    make_relationship(customer=third, crm_id="crm-3")
    merge(str(other.pk), [str(third.pk)])
    merge(str(ada.pk), [str(other.pk)])

    [document] = render_customers([Customer.objects.get(pk=ada.pk)])

    [nested] = document.merged_customers or []
    assert (document.id, nested.id) == ("crm-3", other.pk)
    assert [each.id for each in nested.merged_customers or []] == [third.pk]


def test_who_was_merged_into_the_other_is_merged_into_the_survivor() -> None:
    ada, other, third = make_customer(), make_customer(), make_customer()
    note = make_note(customer=third)
    for customer in (ada, other, third):
        make_rollover(balance=make_grant(balance=make_balance(customer=customer)).balance)
    [first] = merge(str(other.pk), [str(third.pk)])
    [second] = merge(str(ada.pk), [str(other.pk)])

    assert astray() == []
    assert set(Customer.objects.exclude(merged_into=None).values_list("merged_into", flat=True)) == {ada.pk}
    with pytest.raises(CannotUnmerge, match=f"Undo {second.pk} first"):
        unmerge(first)
    unmerge(second)
    assert Customer.objects.get(pk=third.pk).merged_into_id == other.pk
    note.refresh_from_db()
    assert (note.customer_id, note.came_with_id) == (other.pk, third.pk)
    assert astray() == []
    unmerge(first)
    note.refresh_from_db()
    assert (note.customer_id, note.came_with_id) == (third.pk, None)
    assert astray() == []


def test_possible_duplicates_are_asked_about_the_survivor() -> None:
    ada, other, third = sorted((make_customer() for _ in range(3)), key=lambda each: str(each.pk))
    closed = make_duplicate_pair(a=ada, b=other)
    moved = make_duplicate_pair(a=other, b=third, cluster=closed.cluster)

    [done] = merge(str(ada.pk), [str(other.pk)])
    assert set(DuplicatePair.objects.values_list("pk", "a", "b", "decision")) == {
        (closed.pk, ada.pk, other.pk, "merged"),
        (moved.pk, ada.pk, third.pk, "open"),
    }
    unmerge(done)

    assert set(DuplicatePair.objects.values_list("pk", "a", "b", "decision")) == {
        (closed.pk, ada.pk, other.pk, "open"),
        (moved.pk, other.pk, third.pk, "open"),
    }
    assert set(DuplicatePair.objects.values_list("cluster__size", flat=True)) == {3}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"env": "sandbox"}, "two environments can't be merged"),
        ({"archived_at": clock.now()}, "is archived"),
        ({"merged_into": None}, "was merged into"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_the_reason(fields: dict[str, object], why: str) -> None:
    ada = make_customer()
    if "merged_into" in fields:
        fields = {"merged_into": make_customer()}
    other = make_customer(**fields)
    note = make_note(customer=ada)

    assert why in plan_merge(ada, [other]).refusals[0]
    with pytest.raises(CannotMerge, match=why):
        merge(str(ada.pk), [str(other.pk)])
    with pytest.raises(CannotMerge, match="differ"):
        merge(str(ada.pk), [str(ada.pk)])
    note.refresh_from_db()
    assert note.came_with_id is None


@pytest.mark.parametrize(
    ("role", "may"), [("Viewer", False), ("Billing operations", False), ("Account manager", True)]
)
def test_who_may_merge(role: str, may: bool) -> None:
    ada, other = pair()
    user = User.objects.get(pk=make_user(role).pk)

    assert plan_merge(ada, [other], user=user).can_be_done is may
    if not may:
        with pytest.raises(CannotMerge, match="can't merge"):
            merge(str(ada.pk), [str(other.pk)], by=user)
        return
    [done] = merge(str(ada.pk), [str(other.pk)], by=user)
    history = Customer.history.filter(id=other.pk).first()
    assert (history.history_user, history.merged_into_id, done.made_by) == (user, ada.pk, user)


def test_the_plan_says_what_the_merge_does() -> None:
    ada, other = make_customer(name="Ada", phone=""), make_customer(name="A.", phone="+1 555 0100")
    feature = make_feature(name="Seats")
    for customer in (ada, other):
        make_grant(balance=make_balance(customer=customer, feature=feature), usage=Decimal(30))
        make_domain(customer=customer, name="finch.example.com")
    make_invoice(customer=other, status="open", total=1250, currency="USD")

    plan = plan_merge(ada, [other], choices={"name": str(other.pk)})
    winners = {each.name: each.value for each in plan.differing}
    merge(str(ada.pk), [str(other.pk)], choices={"name": str(other.pk)})

    ada.refresh_from_db()
    assert (winners["name"], winners["phone"]) == (ada.name, ada.phone) == ("A.", "+1 555 0100")
    assert {each.label: each.after for each in plan.lists} == {"domains": 1, "balances": 2, "invoices": 1}
    assert plan.money == [
        "Seats: 70 and 70 remain, side by side, 140 in all.",
        f"{other}: 1 unpaid invoice of $12.50 moves to the primary record.",
    ]


def test_two_subscriptions_of_one_plan_are_noted() -> None:
    ada, other = pair()
    subscription = make_subscription(customer=ada)
    make_subscription(customer=other, plan=subscription.plan)

    assert "2 subscriptions to the same plan" in plan_merge(ada, [other]).money[0]


def test_the_more_complete_record_is_proposed() -> None:
    bare, full = make_customer(phone=""), make_customer(phone="+1 555 0100")

    assert proposed_survivor([bare, full]) == full


def test_several_are_merged_at_once_and_each_can_be_given_back() -> None:
    ada, one, two = (make_customer(phone="") for _ in range(3))
    for customer in (ada, one, two):
        make_company(customer=customer)
        make_grant(balance=make_balance(customer=customer))
    before, counts, sums = documents_of(ada, one, two), row_counts(), ledger_sums()

    merges = merge(str(ada.pk), [str(one.pk), str(two.pk)])
    assert len({each.made_at for each in merges}) == 1
    for done in merges:
        assert astray() == []
        unmerge(done)

    assert (documents_of(ada, one, two), row_counts(), ledger_sums()) == (before, counts, sums)


def test_what_was_edited_since_is_settled_by_a_person() -> None:
    ada, other = make_customer(phone=""), make_customer(phone="+1 555 0100")
    [done] = merge(str(ada.pk), [str(other.pk)])
    Customer.objects.filter(pk=ada.pk).update(phone="+1 555 0199")

    [conflict] = conflicts_of(done)
    assert (conflict.name, conflict.before, conflict.after, conflict.now) == (
        "phone",
        "",
        "+1 555 0100",
        "+1 555 0199",
    )
    with pytest.raises(Unsettled, match="phone"):
        unmerge(done)
    assert Customer.objects.get(pk=other.pk).merged_into_id == ada.pk
    unmerge(done, settle={"phone": "keep"})
    assert Customer.objects.get(pk=ada.pk).phone == "+1 555 0199"
    with pytest.raises(CannotUnmerge, match="already undone"):
        unmerge(done)


def test_restoring_brings_back_what_was_there_before() -> None:
    ada, other = make_customer(phone=""), make_customer(phone="+1 555 0100")
    [done] = merge(str(ada.pk), [str(other.pk)])
    Customer.objects.filter(pk=ada.pk).update(phone="+1 555 0199")

    unmerge(done, settle={"phone": "restore"})

    assert Customer.objects.get(pk=ada.pk).phone == ""


def test_what_was_added_since_stays_and_what_came_of_the_others_subscription_goes_along() -> None:
    ada, other = pair()
    subscription = make_subscription(customer=other)
    [done] = merge(str(ada.pk), [str(other.pk)])
    note = make_note(customer=ada)
    subscription.refresh_from_db()
    line = BilledLine(kind="base", description="Training", amount=900)
    invoice = draft_invoice(ada, "USD", [line], done_by="ada", subscription=subscription)

    unmerge(done)

    note.refresh_from_db()
    invoice.refresh_from_db()
    assert (note.customer_id, invoice.customer_id, invoice.came_with_id) == (ada.pk, other.pk, None)


def test_a_record_that_the_survivor_listed_already_is_taken_for_the_other() -> None:
    ada, other = pair()
    make_relationship(customer=ada, crm_id="crm-1")
    make_relationship(customer=other, crm_id="crm-9")
    listed = MergedRecord.objects.create(
        survivor=ada, crm_id="crm-9", imported=True, document='{"id": "crm-9", "company": {"name": "Finch"}}'
    )

    [done] = merge(str(ada.pk), [str(other.pk)])
    assert MergedRecord.objects.get().tombstone_id == other.pk
    unmerge(done)

    assert MergedRecord.objects.get() == listed
    assert MergedRecord.objects.get().tombstone_id is None
