"""Every write of a customer's rows is in the outbox, in the transaction of the write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from billing.balances.grant import grant
from billing.document.importer import BillingImporter
from billing.invoices.issue import InvoiceRequest, raise_invoices
from billing.models import Grant, InvoiceLine, LedgerEntry, Payment, Posting
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions import attach_plan, cancel_subscription
from billing.usage.record import record_usage
from crm.dedupe.merges.merge import merge
from crm.dedupe.merges.unmerge import unmerge
from crm.document.importer import CrmImporter
from crm.models import HealthScore, Note, Person, Tag, WorklistDecision, WorklistEntry
from crm.notes import write_note
from customers import clock
from customers.document.importer import PaymentsImporter
from customers.models import Customer, CustomerChange
from customers.triggers import outbox
from tests.admin_forms import form_data
from tests.api.steps import take_in_values
from tests.billing.document.test_api import DOCUMENT as BILLING
from tests.billing.uses import granted, use
from tests.crm.document.test_api import DOCUMENT as CRM
from tests.customers.document.test_api import SEED
from tests.factories import (
    MAKERS,
    make_address,
    make_balance,
    make_contact,
    make_customer,
    make_customer_tag,
    make_health_score,
    make_invoice,
    make_invoice_line,
    make_note,
    make_person,
    make_plan,
    make_user,
    make_worklist_entry,
)

pytestmark = pytest.mark.django_db

#: Tables that change no customer: what is sold and who works here, what is derived, and what repeats another row.
NOT_RECORDED = {
    "customers.StoredSetting",
    "customers.ApiToken",
    "customers.AuditDetails",
    "customers.AuditEntry",
    "customers.AuditSeal",
    "customers.CustomerChange",
    "customers.ErasedRecord",
    "customers.Erasure",
    "customers.Event",
    "customers.ReceivedPayload",
    "billing.CreditCost",
    "billing.ExchangeRate",
    "billing.Feature",
    "billing.InvoiceSeries",
    "billing.LedgerEntry",
    "billing.InvoiceEmail",
    "billing.PaymentReversal",
    "billing.Seller",
    "billing.PendingLine",
    "billing.Plan",
    "billing.PlanItem",
    "crm.BalanceFacts",
    "crm.ChangePosition",
    "crm.CurrencyFacts",
    "crm.CustomerFacts",
    "crm.FieldDefinition",
    "crm.FieldFacts",
    "crm.InvoiceFacts",
    "crm.SubscriptionFacts",
    "crm.DeskRefresh",
    "crm.DigestTime",
    "crm.DuplicateCluster",
    "crm.DuplicatePair",
    "crm.Export",
    "crm.ExportPart",
    "crm.FileImport",
    "crm.FileImportPart",
    "crm.HealthScore",
    "crm.HomeVisit",
    "crm.ImportBatch",
    "crm.ImportMapping",
    "crm.ImportedRecord",
    "crm.Job",
    "crm.JobSchedule",
    "crm.Mention",
    "crm.Merge",
    "crm.Notification",
    "crm.NotificationChoice",
    "crm.OutgoingEmail",
    "crm.Preferences",
    "crm.Receivable",
    "crm.RevenueChange",
    "crm.RevenueMonth",
    "crm.Segment",
    "crm.Tag",
    "crm.Team",
    "crm.UsageMonth",
    "crm.WebhookDelivery",
    "crm.WebhookEndpoint",
    "crm.WorkMonth",
    "crm.Worker",
    "crm.WorklistDecision",
    "crm.WorklistEntry",
    "crm.WorklistReason",
}
#: Their rows can't be changed or deleted by themselves.
FIXED = {Posting, LedgerEntry, Payment}


def models() -> list[type[Model]]:
    return [
        model
        for label in ("customers", "billing", "crm")
        for model in apps.get_app_config(label).get_models()
        if not model.__name__.startswith("Historical")
    ]


RECORDED = [model for model in models() if model._meta.label not in NOT_RECORDED]


def noted() -> set[str]:
    return {change.customer_id for change in CustomerChange.objects.all()}


@contextmanager
def changing(*customers: Customer) -> Iterator[None]:
    """What is written inside must change exactly these customers."""
    CustomerChange.objects.all().delete()
    yield
    assert noted() == {str(customer.pk) for customer in customers}


def customer_of(row: Any) -> Customer:
    for name in ("customer", "survivor"):
        if hasattr(row, name):
            return Customer.objects.get(pk=getattr(row, f"{name}_id"))
    if isinstance(row, Person):
        return make_contact(person=row).customer
    if isinstance(row, Customer):
        return row
    owner = next(name for name in ("balance", "subscription", "invoice") if hasattr(row, name))
    return customer_of(getattr(row, owner))


def test_of_every_table_it_is_decided_whether_it_is_recorded():
    assert {
        model._meta.label for model in models() if model._meta.db_table not in outbox.recorded_tables()
    } == (NOT_RECORDED)


@pytest.mark.parametrize("model", RECORDED, ids=lambda model: model.__name__)
def test_a_new_row_changes_its_customer(model):
    row = MAKERS[model]()
    if model is not Person:
        assert str(customer_of(row).pk) in noted()


@pytest.mark.parametrize(
    "model", [model for model in RECORDED if model.__name__ not in {"Posting", "Payment", "CreditNote"}]
)
def test_a_row_that_is_written_in_plain_sql_changes_its_customer(model):
    row = MAKERS[model]()
    table, key = model._meta.db_table, model._meta.pk
    with changing(customer_of(row)), connection.cursor() as cursor:
        value = key.get_db_prep_value(row.pk, connection)
        cursor.execute(f'UPDATE {table} SET "{key.column}" = "{key.column}" WHERE id = %s', [value])


@pytest.mark.parametrize("make", [make_address, make_note, make_customer_tag, make_invoice_line])
def test_a_row_that_is_deleted_changes_its_customer(make):
    row = make()
    with changing(customer_of(row)):
        row.delete()


def test_a_row_that_moves_changes_both_customers():
    note, other = make_note(), make_customer()
    with changing(note.customer, other):
        Note.objects.filter(pk=note.pk).update(customer=other)


class TestImports:
    @pytest.mark.parametrize(
        ("importer", "document", "new"),
        [
            (PaymentsImporter, SEED, {"phone": "+15550100"}),
            (BillingImporter, BILLING, {"name": "Janet Doe"}),
            (CrmImporter, CRM, {"notes": "Likes tea."}),
        ],
    )
    def test_a_document_changes_its_customer_when_it_says_something_new(self, importer, document, new):
        take_in_values(importer(), [document])
        customer = Customer.objects.unmerged().get()
        assert str(customer.pk) in noted()
        with changing():
            take_in_values(importer(), [document])
        with changing(customer):
            take_in_values(importer(), [{**document, **new}])


class TestBilling:
    def test_usage_and_grants(self):
        balance = make_balance()
        with changing(balance.customer):
            grant(balance.customer, balance.feature, Decimal(10), done_by="test")
        with changing(balance.customer):
            record_usage(use(balance, 3, at=clock.now()))

    def test_a_grant_that_changes_without_a_figure(self):
        row = granted(make_balance(), 10)
        with changing(row.balance.customer):
            Grant.objects.filter(pk=row.pk).update(expires_at=clock.now())

    def test_a_plan_that_is_attached_and_canceled(self):
        customer, plan = make_customer(), make_plan()
        with changing(customer):
            attach_plan(customer, plan, done_by="test")
        with changing(customer):
            cancel_subscription(customer.subscriptions.get(), done_by="test")

    def test_an_invoice_and_its_plans(self):
        customer, plan = make_customer(), make_plan()
        lines = [BilledLine(kind="base", description="Pro", amount=100)]
        with changing(customer):
            request = InvoiceRequest(
                customer_id=str(customer.pk), currency="USD", at=clock.now(), lines=lines
            )
            raise_invoices([request], done_by="test")
        imported = make_invoice()
        with changing(imported.customer):
            imported.plans.set([plan])

    def test_a_line_changes_the_customer_of_its_invoice(self):
        invoice = make_invoice()
        with changing(invoice.customer):
            InvoiceLine.objects.create(invoice=invoice, kind="base", description="Pro", amount=1)


class TestPeople:
    def test_a_form_and_a_note(self):
        customer, user = make_customer(), make_user()
        browser = Client()
        browser.force_login(user)
        page = reverse("admin:customers_customer_change", args=[customer.pk])
        with changing(customer):
            data = form_data(browser.get(page), phone="+12025550100")
            assert browser.post(page, data).status_code == 302
        with changing(customer):
            write_note(customer, "Called.", by=user)

    def test_a_manager_changes_the_customers_of_everyone_below(self):
        above = make_person()
        between = make_person(manager=above)
        contact = make_contact(person=make_person(manager=between))
        make_contact()
        # A circle of managers ends nothing.
        Person.objects.filter(pk=above.pk).update(manager=contact.person)
        with changing(contact.customer):
            Person.objects.filter(pk=above.pk).update(name="Robin")

    def test_what_is_derived_changes_no_customer(self):
        customer = make_customer()
        with changing():
            make_health_score(customer=customer)
            make_worklist_entry(customer=customer)
            HealthScore.objects.update(score=3)
            WorklistEntry.objects.all().delete()
            WorklistDecision.objects.all().delete()

    def test_a_tag_itself_changes_no_customer(self):
        make_customer_tag()
        with changing():
            Tag.objects.update(name="renamed")


class TestMerges:
    def test_a_merge_and_its_undo_change_both_customers(self):
        survivor, other = make_customer(), make_customer()
        with changing(survivor, other):
            (done,) = merge(str(survivor.pk), [str(other.pk)])
        with changing(survivor, other):
            unmerge(done)

    def test_a_customer_that_is_deleted_changed(self):
        customer = make_customer()
        with changing(customer):
            Customer.objects.filter(pk=customer.pk).delete()


def test_a_write_that_is_rolled_back_changed_nothing():
    customer = make_customer()
    with changing(), transaction.atomic():
        make_note(customer=customer)
        assert noted() == {str(customer.pk)}
        transaction.set_rollback(True)


def test_many_rows_of_a_customer_are_one_change():
    customer = make_customer()
    with changing(customer):
        for _ in range(3):
            make_address(customer=customer)
        assert CustomerChange.objects.count() == 1


def test_a_change_is_moved_by_a_statement_that_ignores_conflicts():
    customers = [make_customer(), make_customer()]
    note = Note(customer=customers[0], body="Called.")
    Note.objects.bulk_create([note], ignore_conflicts=True)
    if connection.vendor == "sqlite":
        last = CustomerChange.objects.order_by("number").last()
        assert last is not None
        assert last.customer_id == str(customers[0].pk)
    assert noted() == {str(customer.pk) for customer in customers}
