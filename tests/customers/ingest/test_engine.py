import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from billing.document.importer import BillingImporter
from customers.document.importer import PaymentsImporter
from customers.ingest.engine import BATCH, BATCH_TEXT, import_records, rolled_back
from customers.ingest.importer import ImportOutcome, ImportReport, Incoming
from customers.ingest.reader import BadRecord, Record, Unreadable, read_records
from customers.json_types import Refused, Remark
from customers.models import Address, Customer, ReceivedPayload, SourceRecord
from tests.billing.corrupt import unguarded
from tests.customers.import_documents import (
    customer_of,
    exported,
    outcomes,
    payment,
    read,
    row_counts,
    take,
    take_payments,
)
from tests.factories import make_customer, make_source_record
from tests.strategies_payments import Json

pytestmark = pytest.mark.django_db

CREATED, UPDATED, UNCHANGED, STALE, _, REFUSED = ImportOutcome


class FailingImporter(PaymentsImporter):
    """Fails on the customers named `fails`; each failure is raised so many times as it is given."""

    def __init__(self, failure: Exception, times: int = 10**6) -> None:
        self.failure = failure
        self.times = times

    def apply(self, batch: list[Incoming[Any]], reason: str) -> None:
        for incoming in batch:
            incoming.remarks.append(Remark("$", "Applied."))
        if self.times and any(incoming.document.name == "fails" for incoming in batch):
            self.times -= 1
            raise self.failure
        super().apply(batch, reason)


class TestWhatIsRemembered:
    def test_the_record_and_its_payload(self) -> None:
        text = '{ "email":"jo@example.com", "id": "p1",\n "name" :"Jo", "custom_data":{"big":1e2} }'

        [report] = import_records(
            PaymentsImporter(), read_records(io.BytesIO(text.encode())), origin="x.json"
        )

        record = SourceRecord.objects.get()
        payload = ReceivedPayload.objects.get()
        assert report == ImportReport(1, CREATED)
        assert (record.source, record.env, record.source_id) == ("payments", "live", "p1")
        assert {name: claim["value"] for name, claim in record.claims.items()} == {
            "name": "Jo",
            "email": "jo@example.com",
            "custom_data": {"big": 100},
        }
        assert (payload.record, payload.text, payload.origin) == (record, text, "x.json")
        assert payload.digest == record.digest
        assert len(record.digest) == 64

    def test_remarks_of_the_parser_and_of_the_importer(self) -> None:
        lists = {
            "addresses": [{"id": "a", "city": "Arusha", "is_default": True}],
            "address": {"city": "Moshi"},
        }

        [report] = take_payments(payment(1, status="Active", **lists))

        paths = [remark.path for remark in report.remarks]
        assert paths == ["$.status", "$.address"]
        assert [remark["path"] for remark in ReceivedPayload.objects.get().remarks] == paths

    def test_a_payload_is_kept_for_each_change(self) -> None:
        for name in ("A", "B", "B", "A"):
            take_payments(payment(1, name=name))

        texts = ReceivedPayload.objects.order_by("received_at", "pk").values_list("text", flat=True)
        assert [json.loads(text)["name"] for text in texts] == ["A", "B", "A"]
        assert Customer.objects.get().name == "A"

    def test_the_history_says_where_it_came_from(self) -> None:
        take(PaymentsImporter(), payment(1), origin="one.json")
        take(PaymentsImporter(), payment(1, name="New"), origin="two.json")

        history = Customer.objects.get().history.order_by("history_id")
        assert list(history.values_list("history_type", "name", "history_change_reason")) == [
            ("+", "Customer 1", "Imported from payments: one.json"),
            ("~", "New", "Imported from payments: two.json"),
        ]

    def test_the_same_value_in_another_spelling_is_unchanged(self) -> None:
        take_payments({"id": "p1", "custom_data": {"a": 20, "b": [1.5]}})
        text = '[{"custom_data": {"b": [15e-1], "a": 2.0e1},  "id": "p1"}]'

        [report] = import_records(PaymentsImporter(), read_records(io.BytesIO(text.encode())))

        assert report.outcome is UNCHANGED

    def test_the_same_file_twice_leaves_not_one_row_more(self) -> None:
        payloads = [
            payment(number, address={"city": "Arusha"}, payment_method="momo_x") for number in range(5)
        ]
        take_payments(*payloads)
        before = row_counts()

        reports = take_payments(*payloads)

        assert outcomes(reports) == [UNCHANGED] * 5
        assert row_counts() == before


class TestReports:
    def test_they_are_in_the_order_of_the_file(self) -> None:
        take_payments(payment(3))
        payloads = [
            payment(1),
            {"name": "nobody"},
            payment(3),
            payment(1),
            payment(3, name="New"),
            {"id": []},
        ]

        reports = take(PaymentsImporter(), *payloads)

        assert [(report.number, report.outcome) for report in reports] == [
            (1, CREATED),
            (2, REFUSED),
            (3, UNCHANGED),
            (4, UNCHANGED),
            (5, UPDATED),
            (6, REFUSED),
        ]

    def test_a_refusal_holds_the_record_as_received(self) -> None:
        text = '[{"id":  "", "email": []}]'

        [report] = import_records(PaymentsImporter(), read_records(io.BytesIO(text.encode())))

        assert report.bad is not None
        assert (report.bad.number, report.bad.path, report.bad.text) == (
            1,
            "$",
            '{"id":  "", "email": []}',
        )

    def test_a_refusal_does_not_hold_a_card_number(self) -> None:
        [report] = take(PaymentsImporter(), payment(1, payment_methods=[{"number": "4242 4242 4242 4242"}]))

        assert report.bad is not None
        assert report.bad.text == ""
        assert "4242 4242" not in report.bad.reason


class TestOneCustomerTwiceInAFile:
    def test_the_same_id(self) -> None:
        reports = take_payments(payment(1, name="A"), payment(2), payment(1, name="B"))

        assert outcomes(reports) == [CREATED, CREATED, UPDATED]
        assert customer_of("payments", "p1").name == "B"

    def test_the_same_email_without_an_id(self) -> None:
        reports = take_payments(
            {"email": "jo@example.com", "name": "Jo Doe"}, {"email": "jo@example.com", "name": "Joanna Doe"}
        )

        assert outcomes(reports) == [CREATED, UPDATED]
        assert Customer.objects.get().name == "Joanna Doe"

    def test_the_same_email_without_an_id_and_another_name(self) -> None:
        payloads = [{"email": "jo@example.com", "name": name} for name in ("Alice Bakery", "Bob Plumbing")]

        assert outcomes(take_payments(*payloads)) == [CREATED, CREATED]
        assert outcomes(take_payments(*reversed(payloads))) == [UNCHANGED, UNCHANGED]
        assert outcomes(take_payments(payloads[1] | {"phone": "+12025550123"})) == [UPDATED]
        assert Customer.objects.get(name="Bob Plumbing").phone == "+12025550123"

    def test_an_id_and_the_email_that_goes_with_it(self) -> None:
        reports = take_payments(
            {"id": "p1", "email": "jo@example.com"}, {"email": "jo@example.com", "name": "Jo"}
        )

        assert outcomes(reports) == [CREATED, UPDATED]
        assert Customer.objects.get().name == "Jo"

    @pytest.mark.usefixtures("shared_ids")
    def test_two_ids_of_one_customer_as_another_platform_knows_it(self) -> None:
        customer = make_customer(external_id="x", stripe_id="y")

        reports = take(PaymentsImporter(), payment(1), {"id": "x", "name": "X"}, {"id": "y", "name": "Y"})

        assert outcomes(reports) == [CREATED, UPDATED, REFUSED]
        assert reports[2].bad is not None
        assert reports[2].bad.path == "$.id"
        customer.refresh_from_db()
        assert customer.name == "X"

    def test_the_second_record_sees_what_the_first_one_changed(self) -> None:
        take_payments({"id": "p1", "email": "old@example.com"})

        take(PaymentsImporter(), {"id": "p1", "email": "new@example.com"})
        take(
            BillingImporter(),
            {"id": "b1", "email": "new@example.com"},
            {"id": "b2", "email": "old@example.com"},
        )

        assert customer_of("billing", "b1") == customer_of("payments", "p1")
        assert customer_of("billing", "b2") != customer_of("payments", "p1")


class TestFailures:
    @pytest.mark.parametrize("failure", [IntegrityError("UNIQUE failed\nDETAIL"), Refused("$.x", "No.")])
    def test_what_is_refused_late_loses_only_itself(self, failure: Exception) -> None:
        importer = FailingImporter(failure)

        reports = take(importer, payment(1), payment(2, name="fails"), payment(3))

        assert outcomes(reports) == [CREATED, REFUSED, CREATED]
        assert reports[1].bad is not None
        assert (reports[1].bad.path, reports[1].bad.reason) in [
            ("$.x", "No."),
            ("$", "The database refused the record. UNIQUE failed."),
        ]
        assert set(Customer.objects.values_list("name", flat=True)) == {"Customer 1", "Customer 3"}
        assert SourceRecord.objects.count() == ReceivedPayload.objects.count() == 2

    def test_what_was_remarked_in_a_batch_that_failed_is_not_said_twice(self) -> None:
        importer = FailingImporter(IntegrityError("UNIQUE failed"))

        reports = take(importer, payment(1, status="Active"), payment(2, name="fails"))

        assert [remark.path for remark in reports[0].remarks] == ["$.status", "$"]
        assert len(ReceivedPayload.objects.get().remarks) == 2

    @pytest.mark.parametrize("failure", [IntegrityError("taken meanwhile"), OperationalError("deadlock")])
    def test_it_is_tried_again(self, failure: Exception) -> None:
        importer = FailingImporter(failure, times=2)

        reports = take(importer, payment(1), payment(2, name="fails"))

        assert outcomes(reports) == [CREATED, CREATED]

    def test_a_database_that_is_gone_is_no_records_fault(self) -> None:
        importer = FailingImporter(OperationalError("connection lost"))
        reports = import_records(importer, read(payment(1), payment(2, name="fails"), payment(3)))

        with pytest.raises(OperationalError):
            list(reports)

    def test_what_was_read_before_the_input_broke_off_is_in(self) -> None:
        def records() -> Iterator[Record | BadRecord]:
            yield from read(payment(1), {"id": []}, payment(3))
            raise Unreadable("broken")

        reports: list[ImportReport] = []
        with pytest.raises(Unreadable):
            reports.extend(import_records(PaymentsImporter(), records()))

        assert outcomes(reports) == [CREATED, REFUSED, CREATED]
        assert Customer.objects.count() == 2

    def test_a_real_constraint_loses_only_its_record(self) -> None:
        make_source_record(source="payments", source_id="p0")
        taken = make_customer()

        class Clumsy(PaymentsImporter):
            def apply(self, batch: list[Incoming[Any]], reason: str) -> None:
                for incoming in batch:
                    if incoming.document.id == "p2":
                        Customer.objects.create(id=taken.pk)

        reports = take(Clumsy(), payment(1), payment(2), payment(3))

        assert outcomes(reports) == [CREATED, REFUSED, CREATED]
        assert reports[1].bad is not None
        assert reports[1].bad.reason.startswith("The database refused the record. ")
        assert not SourceRecord.objects.filter(source_id="p2").exists()


def test_nothing_kept_is_a_dry_run() -> None:
    take_payments(payment(1))
    before = row_counts()

    with rolled_back():
        reports = take(PaymentsImporter(), payment(1, name="New"), payment(2), {"id": []})

    assert outcomes(reports) == [UPDATED, CREATED, REFUSED]
    assert row_counts() == before
    assert Customer.objects.get().name == "Customer 1"


class TestMergedRecords:
    def test_what_arrives_under_a_merged_id_is_kept_and_changes_nothing(self) -> None:
        take_payments(payment(1))
        survivor = Customer.objects.get()
        make_source_record(customer=survivor, source="payments", source_id="p2", is_merged=True)

        [report] = take_payments(payment(2, phone="+12025550123", addresses=[{"city": "Arusha"}]))

        survivor.refresh_from_db()
        assert report.outcome is UPDATED
        assert [remark.path for remark in report.remarks] == ["$.id"]
        assert (survivor.name, survivor.email, survivor.phone) == ("Customer 1", "c1@example.com", "")
        assert not Address.objects.exists()
        assert ReceivedPayload.objects.get(record__source_id="p2").remarks[0]["path"] == "$.id"
        assert outcomes(take_payments(payment(2, phone="+12025550123", addresses=[{"city": "Arusha"}]))) == [
            UNCHANGED
        ]

    def test_it_claims_nothing(self) -> None:
        take_payments(payment(1))
        make_source_record(customer=Customer.objects.get(), source="payments", source_id="p2", is_merged=True)
        take_payments(payment(2))

        take(BillingImporter(), {"id": "b", "name": "Customer", "email": "c1@example.com"})

        assert Customer.objects.get().name == "Customer 1"

    def test_the_survivor_may_come_in_the_same_batch(self) -> None:
        take_payments(payment(1))
        make_source_record(customer=Customer.objects.get(), source="payments", source_id="p2", is_merged=True)

        assert outcomes(take_payments(payment(2), payment(1, name="New"))) == [UPDATED, UPDATED]
        assert Customer.objects.get().name == "New"

    @pytest.mark.usefixtures("shared_ids")
    def test_a_document_of_a_customer_that_a_person_merged_is_about_the_survivor(self) -> None:
        survivor = make_customer()
        merged = make_customer(merged_into=survivor)
        with unguarded():
            last = make_customer(merged_into=merged, external_id="x")

        take_payments({"id": last.external_id, "phone": "+12025550123"})

        survivor.refresh_from_db()
        assert survivor.phone == "+12025550123"


@pytest.mark.once
def test_the_number_of_queries_per_batch_is_constant() -> None:
    def payloads(start: int, count: int) -> list[Json]:
        return [
            payment(
                number,
                address={"city": "Arusha"},
                payment_method="momo_x",
                businesses=[{"name": "B"}],
            )
            for number in range(start, start + count)
        ]

    def queries(start: int, count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            take_payments(*payloads(start, count))
        return len(captured)

    of_one = queries(0, BATCH)

    # Who was erased is read once for all batches.
    of_all = 1
    assert queries(10_000, 3 * BATCH) == 3 * (of_one - of_all) + of_all
    assert Customer.objects.count() == 4 * BATCH == 800


def test_a_batch_of_long_records_is_shorter() -> None:
    sizes = []

    class Watching(PaymentsImporter):
        def apply(self, batch: list[Incoming[Any]], reason: str) -> None:
            sizes.append(len(batch))
            super().apply(batch, reason)

    take(Watching(), *[payment(number, unknown="x" * (BATCH_TEXT // 3)) for number in range(5)])

    assert sizes == [3, 2]


def test_a_small_batch_takes_as_many_queries_as_one_record() -> None:
    def queries(start: int, count: int) -> int:
        payloads = [
            payment(n, address={"city": "X"}, payment_method="momo_x") for n in range(start, start + count)
        ]
        with CaptureQueriesContext(connection) as captured:
            take_payments(*payloads)
        return len(captured)

    assert queries(0, 1) == queries(100, 10)


class TestWhatSaysNothingNew:
    """Documents with another digest that change no row and no claim."""

    def test_another_order_of_keys(self) -> None:
        first = payment(1, tomorrow={"a": 1, "b": [1, {"c": 2}]}, later=None)
        again = dict(reversed(first.items())) | {"tomorrow": {"b": [1, {"c": 2}], "a": 1}}
        assert outcomes([*take_payments(first), *take_payments(again)]) == [CREATED, UNCHANGED]

    def test_a_spelling_that_is_put_into_the_same_form(self) -> None:
        first, again = payment(1, phone="+1 202 555 0100"), payment(1, phone="+12025550100")
        assert outcomes([*take_payments(first), *take_payments(again)]) == [CREATED, UNCHANGED]
        assert ReceivedPayload.objects.count() == 2

    def test_an_export_of_ours(self) -> None:
        take_payments(payment(1, phone="+1 202 555 0100", address={"country": "Kenya"}))
        assert outcomes(take_payments(exported(Customer.objects.get()))) == [UNCHANGED]

    @pytest.mark.parametrize(
        "changes",
        [{"name": "Other"}, {"tomorrow": [2]}, {"address": {"city": "Arusha"}}, {"addresses": []}],
        ids=["claim", "key that is not understood", "row", "row that goes"],
    )
    def test_what_says_something_new(self, changes: Json) -> None:
        first = payment(1, tomorrow=[1], addresses=[{"id": "a1", "city": "Moshi"}])
        assert outcomes([*take_payments(first), *take_payments({**first, **changes})]) == [CREATED, UPDATED]

    def test_one_of_a_batch(self) -> None:
        first = [payment(number, phone="+1 202 555 0100") for number in (1, 2)]
        again = [payment(1, phone="+12025550100"), payment(2, phone="+12025550101")]
        assert outcomes(take_payments(*first)) == [CREATED, CREATED]
        assert outcomes(take_payments(*again)) == [UNCHANGED, UPDATED]
