"""The three documents as of a time, over HTTP: a life written by hand, what is refused, and how often is asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.document.importer import BillingImporter
from billing.models import Balance
from billing.subscriptions import renew
from billing.usage.record import record_usage
from crm.dedupe.merges.merge import merge
from crm.dedupe.merges.unmerge import unmerge
from crm.document.importer import CrmImporter
from customers.document.importer import PaymentsImporter
from customers.models import Customer
from tests.api.fixtures import error_of
from tests.api.steps import take_in_values
from tests.billing.uses import use
from tests.crm.document.recorded_history import ADDRESSES, BEGINNING, Life, documents_then, reader
from tests.factories import (
    make_address,
    make_balance,
    make_contact,
    make_customer,
    make_grant,
    make_rollover,
    make_source_record,
    make_subscription,
)

pytestmark = pytest.mark.django_db

RESET = BEGINNING + timedelta(days=1)
GRANT = {
    "id": "g",
    "plan_id": None,
    "included_grant": 100,
    "prepaid_grant": 0,
    "remaining": 100,
    "usage": 0,
    "unlimited": False,
    "reset": {"interval": "month", "resets_at": int(RESET.timestamp() * 1000)},
    "price": None,
    "expires_at": None,
}
BALANCE = {
    "feature_id": "calls",
    "feature": {"id": "calls", "name": "Calls", "type": "metered", "consumable": True, "archived": False},
    "granted": 100,
    "remaining": 100,
    "usage": 0,
    "unlimited": False,
    "overage_allowed": False,
    "max_purchase": None,
    "next_reset_at": None,
    "breakdown": [GRANT],
}
ADDRESS = {"id": "adr-1", "line1": "1 Main Street", "city": "Arusha", "is_default": True, "status": "active"}


@pytest.fixture
def life():
    with Life().lived() as life:
        yield life


@pytest.fixture
def client(life):
    return reader()


def as_of(client: Any, address: str, moment: datetime) -> Any:
    joint = "&" if "?" in address else "?"
    return client.get(f"{address}{joint}as_of={moment.isoformat().replace('+00:00', 'Z')}")


def test_a_life_is_told_as_it_was_at_each_moment(life, client):
    """Taken in, changed, used, reset, made one with another, and parted again."""
    other = make_customer(name="Bea", email="b@example.com", pinned_fields=["name", "email"])
    make_address(customer=other, is_default=True, city="Mwanza")
    payments = {"id": "p", "email": "a@example.com"}

    def took_in() -> None:
        take_in_values(PaymentsImporter(), [{**payments, "addresses": [ADDRESS]}])
        billing = {"id": "a", "email": "a@example.com", "balances": {"calls": BALANCE}}
        take_in_values(BillingImporter(), [billing])
        take_in_values(CrmImporter(), [{"id": "a", "company": {"name": "Acme"}, "domains": ["example.com"]}])

    def changed() -> None:
        moved = {**ADDRESS, "city": "Dodoma"}
        take_in_values(PaymentsImporter(), [{**payments, "name": "Ann", "addresses": [moved]}])
        take_in_values(CrmImporter(), [{"id": "a", "company": {"name": "Acme Ltd"}, "domains": []}])

    def used() -> None:
        record_usage(use(Balance.objects.get(), 30, at=life.now))

    def reset() -> None:
        life.go_on(days=1)
        assert [bool(batch.failures) for batch in renew(life.now, done_by="test")] == [False]

    def became_one() -> None:
        merge(str(other.pk), [str(customer().pk)])

    def parted() -> None:
        unmerge(customer().merges_away.get())

    def customer() -> Customer:
        return Customer.objects.get(email="a@example.com")

    told: list[tuple[datetime, str, bytes]] = []
    for step in (took_in, changed, used, reset, became_one, parted):
        life.go_on(hours=1)
        step()
        addresses = [each.format(customer().pk) for each in ADDRESSES]
        told += [(life.now, address, client.get(address).content) for address in addresses]
    # Each of these moments has a document that no other has.
    assert len({document for _, address, document in told if "/billing/" in address}) == 5
    life.go_on(days=100)
    for moment, address, document in told:
        answer = as_of(client, address, moment)
        assert (answer.content, answer["Cache-Control"]) == (document, "private, no-store")
    payments_then = [as_of(client, told[0][1], moment).json() for moment, _, _ in told[::3]]
    assert [each["name"] for each in payments_then] == ["Acme", "Ann", "Ann", "Ann", "Bea", "Ann"]
    assert [each["address"]["city"] for each in payments_then] == [
        *("Arusha", "Dodoma", "Dodoma", "Dodoma", "Mwanza", "Dodoma")
    ]
    used_then = [as_of(client, told[1][1], moment).json() for moment, _, _ in told[::3]]
    assert [each["balances"]["calls"]["usage"] for each in used_then] == [0, 0, 30, 0, 0, 0]


class TestWhoIsMeant:
    def test_a_record_that_came_along_means_the_customer_that_it_was_of(self, life, client):
        survivor, other = make_customer(name="Bea"), make_customer(name="Ann")
        make_source_record(customer=other, source_id="ann-1")
        before = life.now
        life.go_on(hours=1)
        merge(str(survivor.pk), [str(other.pk)])
        life.go_on(hours=1)
        assert client.get("/api/v1/customers/ann-1").json()["name"] == "Bea"
        assert as_of(client, "/api/v1/customers/ann-1", before).json()["name"] == "Ann"
        assert as_of(client, "/api/v1/customers/ann-1", life.now).json()["name"] == "Bea"

    def test_nobody_is_known_by_it_at_any_time(self, life, client):
        answer = as_of(client, "/api/v1/customers/nobody", BEGINNING)
        assert (answer.status_code, error_of(answer)["code"]) == (404, "customer_not_found")

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_before_it_was_known(self, life, client, address):
        customer = make_customer()
        life.go_on(days=1)
        answer = as_of(client, address.format(customer.pk), BEGINNING - timedelta(seconds=1))
        error = error_of(answer)
        assert (answer.status_code, error["code"], error["param"]) == (
            404,
            "customer_not_known_then",
            "as_of",
        )
        assert f"{customer.pk} was not known before 2026-01-31 08:00:00 UTC" in error["message"]
        assert as_of(client, address.format(customer.pk), BEGINNING).status_code == 200


class TestTheTime:
    @pytest.mark.parametrize(
        "text",
        [
            *("2026-01-31", "2026-01-31T08:00:00", "2026-01-31 08:00:00Z", "20260131T080000Z", "yesterday"),
            *("2026-02-30T08:00:00Z", "1769846400", "2026-01-31T08:00Z", "9999-12-31T23:59:59-23:00"),
        ],
    )
    def test_a_time_that_is_none_or_has_no_zone_is_refused(self, life, client, text):
        customer = make_customer()
        answer = client.get(f"/api/v1/customers/{customer.pk}", {"as_of": text})
        assert (answer.status_code, error_of(answer)["param"]) == (400, "as_of")
        assert "such as 2026-03-01T00:00:00Z" in error_of(answer)["message"]

    def test_a_time_to_come_is_refused(self, life, client):
        customer = make_customer()
        answer = as_of(client, f"/api/v1/customers/{customer.pk}", BEGINNING + timedelta(milliseconds=1))
        assert (answer.status_code, error_of(answer)["param"]) == (400, "as_of")
        assert "is in the future" in error_of(answer)["message"]

    @pytest.mark.parametrize(
        "text", ["2026-01-31T10:00:00+02:00", "2026-01-31t08:00:00.000z", "2026-01-31T08:00:00.000000000Z"]
    )
    def test_other_ways_to_write_the_same_moment(self, life, client, text):
        customer = make_customer(name="Ann")
        life.go_on(hours=1)
        customer.name = "Bea"
        customer.save()
        answer = client.get(f"/api/v1/customers/{customer.pk}", {"as_of": text})
        assert answer.json()["name"] == "Ann"

    @pytest.mark.parametrize(
        "address", ["/api/v1/customers", "/api/v1/billing/customers", "/api/v1/crm/customers"]
    )
    def test_lists_are_of_now_only(self, life, client, address):
        answer = as_of(client, address, BEGINNING)
        assert (answer.status_code, error_of(answer)["param"]) == (400, "as_of")


def test_the_number_of_queries_does_not_depend_on_how_much_there_is(life):
    def fill(customer: Customer, count: int) -> None:
        for _ in range(count):
            make_address(customer=customer)
            make_contact(customer=customer)
            make_subscription(customer=customer)
            grant = make_grant(balance=make_balance(customer=customer))
            make_rollover(balance=grant.balance)

    def queries(customer: Customer) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            documents_then(str(customer.pk), BEGINNING)
        return len(asked)

    one, several = make_customer(), make_customer()
    fill(one, 1)
    fill(several, 4)
    assert queries(several) == queries(one) == 39
