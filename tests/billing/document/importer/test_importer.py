import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.document.importer import BillingImporter
from billing.models import BillingAccount, Feature, Plan
from customers.ingest.importer import ImportOutcome, Incoming
from customers.models import Customer, ReceivedPayload, SourceRecord
from tests.billing.import_documents import exported, only, records, row_counts, take, take_one
from tests.billing.payloads import (
    BALANCE,
    CUSTOMER,
    FEATURE,
    INVOICE,
    JANUARY,
    PLAN,
    SUBSCRIPTION,
    parsed,
)
from tests.factories import make_customer
from tests.strategies_billing import as_read
from tests.strategies_catalog import Json

FIRST_OF_JANUARY = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "source_id", "has_own_id"),
    [
        ({"id": "acme", "stripe_id": "cus_1", "email": "a@example.com"}, "acme", True),
        ({"id": None, "stripe_id": "cus_1", "email": "a@example.com"}, "stripe:cus_1", False),
        ({"email": "a@example.com"}, "email:a@example.com", False),
        ({"name": "Jane", "created_at": JANUARY}, "created:1735689600000:Jane", False),
        ({"name": "x" * 400, "created_at": JANUARY}, "created:1735689600000:" + "x" * 378, False),
    ],
)
def test_a_document_is_known_by_its_strongest_identifier(payload, source_id, has_own_id):
    identity = BillingImporter().identify(parsed(payload))
    assert (identity.source, identity.env) == ("billing", "live")
    assert (identity.source_id, identity.has_own_id) == (source_id, has_own_id)


def test_an_identity_has_every_identifier_of_the_document():
    identity = BillingImporter().identify(parsed(CUSTOMER))
    assert identity.env == "sandbox"
    assert identity.external_id == "acme"
    assert identity.names == ("acme",)
    assert identity.stripe_id == "cus_example"
    assert identity.email == "billing@acme.example.com"


def test_claims_are_what_the_document_mentions():
    claims = BillingImporter().claims
    assert claims(parsed({"id": "acme"})) == {"external_id": "acme"}
    assert claims(parsed({"id": None, "name": None, "email": "a@example.com", "created_at": JANUARY})) == {
        "name": None,
        "email": "a@example.com",
        "created_at": FIRST_OF_JANUARY,
    }


@pytest.mark.django_db
class TestCustomer:
    def test_a_new_customer_has_what_the_document_says(self):
        take(CUSTOMER)
        customer = only(Customer)
        assert customer.name == "Acme Example"
        assert customer.email == "billing@acme.example.com"
        assert customer.env == "sandbox"
        assert customer.external_id == "acme"
        assert customer.stripe_id == "cus_example"
        assert customer.fingerprint == ""
        assert customer.created_at == customer.updated_at == FIRST_OF_JANUARY
        assert only(SourceRecord).source_id == "acme"

    def test_its_account_has_what_is_not_the_customers(self):
        take(CUSTOMER)
        account = only(BillingAccount)
        assert account.created_at == FIRST_OF_JANUARY
        assert account.metadata == {"tier": "gold", "score": 1.5, "seats": 3}
        assert account.send_email_receipts is True
        assert account.payment_method == {"type": "card", "card": {"last4": "4242", "exp_year": 2031}}

    def test_a_customer_we_have_keeps_its_own_times(self):
        made = datetime(2020, 2, 3, tzinfo=UTC)
        make_customer(external_id="acme", created_at=made, updated_at=made)
        customer = take_one(created_at=JANUARY)
        assert (customer.created_at, customer.updated_at) == (made, made)
        assert customer.billing_accounts.get().created_at == FIRST_OF_JANUARY

    def test_what_is_absent_stays_and_a_null_takes_away(self):
        take_one(stripe_id="cus_1", fingerprint="device", metadata={"a": 1}, payment_method={"b": 2})
        customer = take_one()
        assert (customer.stripe_id, customer.fingerprint) == ("cus_1", "device")
        assert customer.billing_accounts.get().metadata == {"a": 1}
        assert customer.billing_accounts.get().payment_method == {"b": 2}
        customer = take_one(stripe_id=None, fingerprint=None, payment_method=None)
        assert (customer.stripe_id, customer.fingerprint) == (None, "")
        assert customer.billing_accounts.get().payment_method is None

    def test_an_external_id_is_never_taken_away(self):
        make_customer(external_id="acme", stripe_id="cus_1")
        take({"id": None, "stripe_id": "cus_1", "fingerprint": "device"})
        customer = only(Customer)
        assert (customer.external_id, customer.fingerprint) == ("acme", "device")

    def test_pinned_fields_are_left_alone(self):
        make_customer(
            external_id="acme",
            name="Ours",
            stripe_id="cus_ours",
            fingerprint="ours",
            pinned_fields=["name", "stripe_id", "fingerprint"],
        )
        customer = take_one(name="Theirs", email="theirs@example.com", stripe_id=None, fingerprint="theirs")
        assert (customer.name, customer.stripe_id, customer.fingerprint) == ("Ours", "cus_ours", "ours")
        assert customer.email == "theirs@example.com"

    def test_what_the_document_does_not_say_has_no_account_value(self):
        customer = take_one()
        assert exported(customer)["metadata"] == {}
        assert exported(customer)["send_email_receipts"] is False
        assert exported(customer)["payment_method"] is None


@pytest.mark.django_db
class TestWholeDocument:
    def test_it_comes_back_equal(self):
        take(CUSTOMER)
        expected = as_read(CUSTOMER)
        expected["billing_controls"] |= {"usage_limits": [], "usage_alerts": [], "overage_allowed": []}
        feature = expected["balances"]["api_calls"]["feature"]
        expected["subscriptions"][0]["plan"]["items"][0]["feature"] = feature
        assert exported() == expected

    def test_taking_it_twice_changes_nothing(self):
        assert [report.outcome for report in take(CUSTOMER)] == [ImportOutcome.CREATED]
        before = row_counts()
        assert [report.outcome for report in take(CUSTOMER)] == [ImportOutcome.UNCHANGED]
        assert row_counts() == before

    def test_a_document_that_says_the_same_otherwise_leaves_no_history(self):
        take(CUSTOMER)
        before = row_counts()
        assert [report.outcome for report in take({**CUSTOMER, "unknown": 1})] == [ImportOutcome.UPDATED]
        assert row_counts() == before

    def test_what_is_absent_leaves_what_we_have(self):
        take(CUSTOMER)
        before, rows = exported(), row_counts()
        take({"id": "acme", "env": "sandbox"})
        assert exported() == before
        assert row_counts() == rows

    def test_what_is_empty_empties_it(self):
        take(CUSTOMER)
        lists = {
            key: type(value)()
            for key, value in CUSTOMER.items()
            if isinstance(value, list | dict) and key not in ("rewards", "metadata", "payment_method")
        }
        controls: Json = {
            "auto_topups": [],
            "spend_limits": [],
            "usage_limits": [],
            "usage_alerts": [],
            "overage_allowed": [],
        }
        take({"id": "acme", "env": "sandbox", **lists, "billing_controls": controls, "rewards": None})
        document = exported()
        assert {key: document[key] for key in lists if key != "billing_controls"} == {
            key: value for key, value in lists.items() if key != "billing_controls"
        }
        assert document["billing_controls"] == controls
        assert document["rewards"] is None

    def test_disagreeing_aggregates_are_remarked_on_and_kept(self):
        [report] = take({"id": "acme", "balances": {"api_calls": {**BALANCE, "granted": 7}}})
        said = [(remark.path, remark.text) for remark in report.remarks]
        text = "Imported as 1000 instead of 7, as computed from the rows."
        assert said == [("$.balances.api_calls.granted", text)]
        path = {"path": "$.balances.api_calls.granted", "text": text}
        assert only(ReceivedPayload).remarks == [path]
        assert exported()["balances"]["api_calls"]["granted"] == 1000

    def test_customers_of_one_batch_share_plans_and_features(self):
        one = {"id": "one", "subscriptions": [SUBSCRIPTION], "balances": {"api_calls": BALANCE}}
        two = {
            "id": "two",
            "subscriptions": [{**SUBSCRIPTION, "plan": {**PLAN, "version": 1}}],
            "balances": {"api_calls": {**BALANCE, "feature": FEATURE}},
        }
        take(one, two)
        assert (only(Plan).name, only(Feature).name) == ("Pro", "API calls")
        plans = [
            exported(customer)["subscriptions"][0]["plan"]["name"] for customer in Customer.objects.all()
        ]
        assert plans == ["Pro", "Pro"]


class _FailsOn(BillingImporter):
    """Lets the database refuse the documents whose id is `bad`."""

    def apply(self, batch, reason):
        super().apply(batch, reason)
        for incoming in batch:
            if incoming.document.id == "bad":
                BillingAccount.objects.create(customer=incoming.customer)


@pytest.mark.django_db
def test_a_record_that_the_database_refuses_is_lost_alone():
    balances = {"api_calls": {**BALANCE, "granted": 7}}
    reports = take({"id": "one", "balances": balances}, {"id": "bad"}, {"id": "two"}, importer=_FailsOn())
    assert [report.outcome for report in reports] == [
        ImportOutcome.CREATED,
        ImportOutcome.REFUSED,
        ImportOutcome.CREATED,
    ]
    assert set(Customer.objects.values_list("external_id", flat=True)) == {"one", "two"}
    assert BillingAccount.objects.count() == 2
    assert len(reports[0].remarks) == 1


def _document(number: int) -> Json:
    payload: Json = json.loads(json.dumps(CUSTOMER).replace("acme", f"acme-{number}"))
    payload["stripe_id"] = f"cus_{number}"
    payload["billing_controls"]["spend_limits"] = [{"overage_limit": 5}]
    payload["billing_controls"]["usage_alerts"] = [{"threshold": 80, "threshold_type": "usage"}]
    return payload


def _with_changes(number: int) -> Json:
    """The same customer when everything about it has changed a little, and one thing of each is gone."""
    payload = _document(number)
    payload["metadata"] = {}
    payload["subscriptions"] = [{**SUBSCRIPTION, "id": "sub_2"}]
    payload["purchases"] = []
    payload["licenses"][0]["granted"] = 9
    payload["balances"] = {"messages": {**BALANCE, "feature_id": "messages"}}
    payload["flags"]["sso"]["expires_at"] = JANUARY
    payload["invoices"] = [{**INVOICE, "total": 5}]
    payload["entities"] = []
    payload["rewards"]["discounts"][0]["name"] = "Other"
    payload["referrals"] = []
    payload["trials_used"] = []
    payload["billing_controls"]["auto_topups"][0]["threshold"] = 1
    return payload


def _queries_of_apply(payloads: list[Json], customers: list[Customer]) -> int:
    importer = BillingImporter()
    batch = []
    for record, customer in zip(records(*payloads), customers, strict=True):
        document, remarks = importer.parse(record.value)
        batch.append(Incoming(record, document, remarks, importer.identify(document), "", customer))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        importer.apply(batch, "Test")
    return len(queries)


@pytest.mark.django_db
def test_apply_asks_the_database_as_often_for_twenty_documents_as_for_one():
    one, *twenty = [make_customer(env="sandbox") for _ in range(21)]
    _queries_of_apply([_document(0)], [make_customer(env="sandbox")])
    many = [_document(number) for number in range(20)]
    created = _queries_of_apply([_document(21)], [one])
    assert _queries_of_apply(many, twenty) == created

    _queries_of_apply([_with_changes(22)], [make_customer(env="sandbox")])
    more = [_with_changes(number) for number in range(20)]
    updated = _queries_of_apply([_with_changes(21)], [one])
    assert _queries_of_apply(more, twenty) == updated
