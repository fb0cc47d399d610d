"""A customer is found by whatever it is known by."""

from __future__ import annotations

import pytest

from customers import clock
from customers.lookup import (
    AmbiguousCustomer,
    UnknownCustomer,
    find_customer,
    find_customer_at,
    find_customers,
)
from customers.models import Customer, Source
from tests.api.steps import archive, merge
from tests.billing.corrupt import unguarded
from tests.factories import make_customer, make_source_record

pytestmark = pytest.mark.django_db

TYPED_ID = "cus_01h3vjs3b16yc3f9q8q9pfrb78"


def test_each_kind_of_identifier_finds_the_customer():
    customer = make_customer(
        id=TYPED_ID, external_id="acme-42", stripe_id="cus_NffrFeUfNV2Hib", email="jane@example.com"
    )
    make_source_record(customer=customer, source_id="crm/0100:x%20y")
    make_customer()
    for identifier in (TYPED_ID, "acme-42", "cus_NffrFeUfNV2Hib", "crm/0100:x%20y", "jane@example.com"):
        assert find_customer(identifier) == customer, identifier


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        " ",
        "nobody",
        "cus_01h3vjs3b16yc3f9q8q9pfrb79",
        TYPED_ID.upper(),
        "adr_01h3vjs3b16yc3f9q8q9pfrb78",
        "jane@example.com ",
        "Jane@example.com",
        "x" * 401,
        "acme\0",
        "acme-42\ud800",
        "cus_" + "\u0661" * 26,
    ],
)
def test_nobody_is_found_by_what_no_customer_is_known_by(identifier):
    make_customer(id=TYPED_ID, external_id="acme-42", email="jane@example.com")
    make_customer(email="", external_id=None, stripe_id=None)
    with pytest.raises(UnknownCustomer):
        find_customer(identifier)


def test_the_message_says_who_was_asked_for_without_repeating_pages_of_it():
    with pytest.raises(UnknownCustomer, match=r"“nobody”.* typed ID"):
        find_customer("nobody")
    with pytest.raises(UnknownCustomer) as problem:
        find_customer("n" * 10_000)
    assert len(str(problem.value)) < 400


def test_the_stronger_kind_of_identifier_wins():
    by_mail, by_record, by_stripe, by_external = (
        make_customer(email="shared"),
        make_customer(),
        make_customer(stripe_id="shared"),
        make_customer(external_id="shared"),
    )
    make_source_record(customer=by_record, source_id="shared", source="payments")
    for expected in (by_external, by_stripe, by_record, by_mail):
        assert find_customer("shared") == expected
        expected.external_id = expected.stripe_id = None
        expected.save()
        expected.source_records.all().delete()


def test_our_typed_id_is_stronger_than_anything_else():
    ours = make_customer(id=TYPED_ID)
    make_customer(external_id=TYPED_ID)
    assert find_customer(TYPED_ID) == ours


def test_the_id_at_the_source_asked_for_comes_before_other_platforms_ids():
    crm, billing = make_customer(), make_customer(external_id="42")
    make_source_record(customer=crm, source_id="42", source="crm")
    assert find_customer("42") == billing
    assert find_customer("42", source=Source.CRM) == crm
    assert find_customer("42", source=Source.PAYMENTS) == billing


def test_of_two_environments_live_is_the_default_and_env_chooses():
    sandbox = make_customer(env="sandbox", external_id="acme-42")
    live = make_customer(external_id="acme-42")
    assert find_customer("acme-42") == live
    assert find_customer("acme-42", "live") == live
    assert find_customer("acme-42", "sandbox") == sandbox


def test_a_live_customer_comes_first_even_by_a_weaker_identifier():
    make_customer(env="sandbox", external_id="jane@example.com")
    live = make_customer(email="jane@example.com")
    assert find_customer("jane@example.com") == live


def test_without_env_a_customer_of_the_sandbox_is_found_with_another_env_it_is_not():
    sandbox = make_customer(env="sandbox", external_id="acme-42")
    assert find_customer("acme-42") == sandbox
    assert find_customer(sandbox.pk) == sandbox
    with pytest.raises(UnknownCustomer, match="live customer"):
        find_customer("acme-42", "live")
    with pytest.raises(UnknownCustomer, match="live customer"):
        find_customer(sandbox.pk, "live")


def test_a_merged_customer_answers_with_the_survivor_at_the_end():
    survivor = make_customer()
    middle, first = (
        make_customer(external_id="middle"),
        make_customer(external_id="first", email="old@example.com"),
    )
    merge(middle, survivor)
    # The database forbids a chain, but the end is looked for all the same.
    with unguarded():
        merge(first, middle)
    for identifier in (first.pk, "first", "old@example.com", "middle"):
        assert find_customer(identifier) == survivor


def test_a_survivor_and_its_merged_customers_do_not_make_an_identifier_ambiguous():
    survivor = make_customer(email="jane@example.com")
    merge(make_customer(email="jane@example.com"), survivor)
    assert find_customer("jane@example.com") == survivor


def test_an_archived_customer_is_found():
    customer = make_customer(external_id="acme-42")
    archive(customer)
    assert find_customer("acme-42") == customer


def test_several_customers_with_one_address_are_not_guessed_between():
    first = make_customer(email="office@example.com")
    make_customer(email="office@example.com")
    make_customer(email="office@example.com", env="sandbox")
    with pytest.raises(AmbiguousCustomer, match=r"^2 customers .* an ID"):
        find_customer("office@example.com")
    assert find_customer("office@example.com", "sandbox").env == "sandbox"
    assert find_customer(first.pk) == first


def test_of_very_many_customers_with_one_address_only_some_are_read():
    Customer.objects.bulk_create(Customer(email="office@example.com") for _ in range(150))
    with pytest.raises(AmbiguousCustomer, match=r"^More than 100 customers"):
        find_customer("office@example.com")


def test_two_sources_that_call_two_customers_alike_are_not_guessed_between():
    for source in ("payments", "crm"):
        make_source_record(customer=make_customer(), source_id="42", source=source)
    with pytest.raises(AmbiguousCustomer):
        find_customer("42")


def test_the_first_kind_that_finds_somebody_ends_the_search(django_assert_num_queries):
    customer = make_customer(external_id="acme-42", stripe_id="cus_stripe", email="jane@example.com")
    make_source_record(customer=customer, source_id="crm-1")
    for identifier, queries in ((customer.pk, 1), ("acme-42", 1), ("cus_stripe", 2), ("crm-1", 3)):
        with django_assert_num_queries(queries):
            find_customer(identifier)
    with django_assert_num_queries(4):
        find_customer("jane@example.com")
    with django_assert_num_queries(8), pytest.raises(UnknownCustomer):
        find_customer("nobody")


@pytest.mark.parametrize("hostile", ["\0", "live\0", "\ud800", "nonsense"])
def test_an_environment_that_no_database_can_hold_has_no_customers(hostile):
    make_customer(external_id="acme-42")
    for find in (find_customer, lambda identifier, env: find_customer_at(identifier, clock.now(), env)):
        with pytest.raises(UnknownCustomer):
            find("acme-42", hostile)
        with pytest.raises(UnknownCustomer):
            find(f"acme{hostile}", None)
    found = find_customers(["acme-42", f"a{hostile}"], hostile)
    assert [type(each) for each in found.values()] == [UnknownCustomer, UnknownCustomer]
