"""Customers as a stream of documents, and the command that writes them."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.document.importer import BillingImporter
from crm.document.importer import CrmImporter
from crm.exchange import exports
from crm.exchange.exports import customers_to_export, exported, one_snapshot
from customers.document.importer import PaymentsImporter
from customers.document.renderer import render_customers as render_payments
from customers.models import Customer, Source
from tests.api.steps import archive, merge, take_in_values
from tests.billing.payloads import CUSTOMER
from tests.crm.document.test_api import CAMEL
from tests.crm.document.test_api import DOCUMENT as CRM
from tests.customers.document.test_api import SEED
from tests.factories import (
    make_address,
    make_balance,
    make_billing_account,
    make_business,
    make_company,
    make_customer,
    make_grant,
    make_payment_method,
    make_subscription,
)


def export(*arguments: str, **options: Any) -> list[Any]:
    """What the command writes to standard output, as values."""
    out = io.StringIO()
    call_command("export_customers", *arguments, stdout=out, stderr=io.StringIO(), **options)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def export_to(target: Path, *arguments: str) -> str:
    """What the command says when it writes to a file."""
    out = io.StringIO()
    call_command("export_customers", *arguments, output=str(target), stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.mark.django_db
class TestDocuments:
    def test_payments_documents_hold_their_parts(self):
        take_in_values(PaymentsImporter(), [SEED])
        customer = Customer.objects.get()
        make_business(customer=customer, name="Doe Trading")
        (document,) = export("payments")
        assert {key: document[key] for key in SEED} == SEED
        assert document.keys() - SEED.keys() == {"addresses", "businesses", "payment_methods"}
        assert [each["city"] for each in document["addresses"]] == ["Springfield"]
        assert [each["name"] for each in document["businesses"]] == ["Doe Trading"]
        assert [each["id"] for each in document["payment_methods"]] == [SEED["payment_method"]]

    def test_billing_documents_hold_everything_that_can_be_expanded(self):
        take_in_values(BillingImporter(), [CUSTOMER])
        (document,) = export("billing")
        optional = {"invoices", "entities", "trials_used", "rewards", "referrals", "payment_method"}
        assert optional <= document.keys()
        assert document["subscriptions"][0]["plan"]["id"] == "pro"
        assert document["balances"]["api_calls"]["feature"]["id"] == "api_calls"

    def test_crm_documents_in_either_style(self):
        take_in_values(CrmImporter(), [CRM])
        assert export("crm") == [CRM]
        assert export("crm", "--case", "camel") == [CAMEL]

    def test_the_archived_are_there_and_the_merged_are_not(self):
        survivor, merged, archived = make_customer(), make_customer(), make_customer()
        merge(merged, survivor)
        archive(archived)
        assert [each["id"] for each in export("payments")] == [survivor.pk, archived.pk]

    def test_one_environment_or_both(self):
        make_customer(name="L")
        make_customer(name="S", env="sandbox")
        assert [each["name"] for each in export("billing")] == ["L", "S"]
        assert [each["name"] for each in export("billing", "--env", "sandbox")] == ["S"]

    def test_nobody(self, tmp_path):
        assert export("payments") == []
        assert export_to(tmp_path / "out.json", "payments", "--format", "json").startswith(
            "Wrote 0 customers"
        )
        assert (tmp_path / "out.json").read_text() == "[]\n"


@pytest.mark.django_db
class TestBatches:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr(exports, "BATCH", 3)

    @pytest.mark.parametrize("source", Source)
    @pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
    def test_together_they_are_everybody_in_order(self, source, count):
        made = [make_customer() for _ in range(count)]
        if source == Source.CRM:
            for customer in made:
                make_company(customer=customer, name=customer.name)
        documents = [json.loads(each) for each in exported(source, customers_to_export())]
        names = [each["company"]["name"] if source == Source.CRM else each["name"] for each in documents]
        assert names == [customer.name for customer in made]

    @pytest.mark.parametrize("source", Source)
    def test_a_full_batch_takes_as_many_queries_as_one_customer(self, source):
        counts = []
        for count in (1, 2):
            for _ in range(count):
                customer = make_customer()
                make_address(customer=customer)
                make_payment_method(customer=customer)
                make_billing_account(customer=customer)
                make_subscription(customer=customer)
                make_grant(balance=make_balance(customer=customer))
                make_company(customer=customer)
            with CaptureQueriesContext(connection) as queries:
                list(exported(source, customers_to_export()))
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_customers_are_read_batch_by_batch(self):
        for _ in range(7):
            make_customer()
        documents = exported(Source.PAYMENTS, customers_to_export())
        with CaptureQueriesContext(connection) as first:
            next(documents)
        with CaptureQueriesContext(connection) as rest_of_batch:
            next(documents)
            next(documents)
        with CaptureQueriesContext(connection) as next_batch:
            next(documents)
        assert (len(rest_of_batch), len(next_batch) > 0, len(first) > 0) == (0, True, True)


@pytest.mark.django_db
class TestCommand:
    def test_a_file_in_each_format(self, tmp_path):
        for _ in range(2):
            make_customer()
        expected = export("payments")
        said = export_to(tmp_path / "out.ndjson", "payments")
        assert said == f"Wrote 2 customers to {tmp_path / 'out.ndjson'}.\n"
        assert [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()] == expected
        export_to(tmp_path / "out.json", "payments", "--format", "json")
        assert json.loads((tmp_path / "out.json").read_text()) == expected
        export_to(tmp_path / "out.json.gz", "payments", "--format", "json")
        assert json.loads(gzip.decompress((tmp_path / "out.json.gz").read_bytes())) == expected

    def test_text_of_any_language_is_utf8(self, tmp_path):
        make_customer(name="Zoë 株式会社")
        export_to(tmp_path / "out", "payments")
        assert "Zoë 株式会社".encode() in (tmp_path / "out").read_bytes()

    def test_a_failure_midway_leaves_no_file(self, tmp_path, monkeypatch):
        make_customer()

        def fail(*args: Any) -> Any:
            raise KeyboardInterrupt

        monkeypatch.setattr(exports, "render_crm", fail)
        with pytest.raises(CommandError, match="No file was written") as stopped:
            export_to(tmp_path / "out", "crm")
        assert stopped.value.returncode == 130
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("size", [1, 2, 500])
    @pytest.mark.parametrize("file_format", ["ndjson", "json"])
    def test_a_customer_that_fails_is_skipped_and_named(
        self, tmp_path, monkeypatch, caplog, size, file_format
    ):
        names = ["Ann", "Bo", "Cy", "Di"]
        bo = [make_customer(name=name) for name in names][1]

        def fail_for_bo(customers: Any, **options: Any) -> Any:
            if any(customer.pk == bo.pk for customer in customers):
                raise ZeroDivisionError("Bo")
            return render_payments(customers, **options)

        monkeypatch.setattr(exports, "render_payments", fail_for_bo)
        monkeypatch.setattr(exports, "BATCH", size)
        out, file = io.StringIO(), tmp_path / "out"
        with pytest.raises(CommandError, match=f"Couldn't export 1 customer: {bo.pk}") as stopped:
            call_command("export_customers", "payments", format=file_format, output=str(file), stdout=out)
        assert stopped.value.returncode == 1
        assert out.getvalue() == f"Wrote 3 customers to {file}.\n"
        text = file.read_text()
        documents = json.loads(text) if file_format == "json" else list(map(json.loads, text.splitlines()))
        assert [document["name"] for document in documents] == ["Ann", "Cy", "Di"]
        skipped = [each.getMessage() for each in caplog.records if "customer_skipped" in each.getMessage()]
        assert skipped == [f"event=customer_skipped customer={bo.pk} job=documents error=ZeroDivisionError"]
        assert "Bo" not in "".join(record.getMessage() for record in caplog.records)

    def test_when_every_customer_fails_an_array_is_still_an_array(self, tmp_path, monkeypatch):
        make_customer()
        monkeypatch.setattr(exports, "render_crm", lambda customers: 1 / 0)
        with pytest.raises(CommandError, match="Couldn't export 1 customer"):
            export_to(tmp_path / "out", "crm", "--format", "json")
        assert json.loads((tmp_path / "out").read_text()) == []

    @pytest.mark.parametrize("place", [".", "missing/out.json", "file/out.json", "n" * 300])
    def test_a_place_that_cannot_be_written_to_is_told(self, tmp_path, place):
        (tmp_path / "file").touch()
        with pytest.raises(CommandError, match="Couldn't write"):
            export_to(tmp_path / place, "payments")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["invoices"],
            [],
            ["payments", "--format", "xml"],
            ["payments", "--env", "test"],
            ["billing", "--case", "camel"],
        ],
    )
    def test_what_cannot_be_exported_is_told(self, arguments):
        with pytest.raises(CommandError):
            export(*arguments)


@pytest.mark.django_db(transaction=True)
class TestSnapshot:
    def test_nobody_who_writes_meanwhile_has_to_wait_or_is_seen(self, monkeypatch):
        monkeypatch.setattr(exports, "BATCH", 1)
        for _ in range(3):
            make_customer()
        with one_snapshot():
            documents = exported(Source.PAYMENTS, customers_to_export())
            seen = [next(documents)]
            with ThreadPoolExecutor() as elsewhere:
                elsewhere.submit(_add_a_customer).result(timeout=60)
            seen += documents
        assert len(seen) == 3
        assert Customer.objects.count() == 4

    def test_afterwards_transactions_are_as_before(self):
        with one_snapshot():
            list(exported(Source.CRM, customers_to_export()))
        with transaction.atomic():
            make_customer()
        assert Customer.objects.count() == 1


def _add_a_customer() -> None:
    """In a thread, and so through another connection."""
    make_customer()
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
class TestProcess:
    """The command as it is run: standard output and its end are those of a process."""

    @pytest.fixture
    def run(self):
        def run(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=settings.BASE_DIR,
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "tests.settings",
                    "DATABASE_URL": _test_database_url(),
                    # Without the log's line about each run.
                    "LOG_LEVEL": "WARNING",
                    **environment,
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )

        return run

    def test_standard_output_has_documents_only(self, run):
        customer = make_customer(name="Zoë")
        with run("export_customers", "payments", PYTHONIOENCODING="latin-1") as process:
            out, err = process.communicate(timeout=120)
        assert (process.returncode, err) == (0, b"")
        (line,) = out.decode().splitlines()
        assert (json.loads(line)["id"], json.loads(line)["name"]) == (customer.pk, "Zoë")

    def test_whoever_reads_may_stop_reading(self, run):
        Customer.objects.bulk_create(Customer(name="x" * 1000) for _ in range(600))
        with run("export_customers", "payments") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            err = process.stderr.read()
        assert (process.returncode, err) == (0, b"")


def _test_database_url() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
