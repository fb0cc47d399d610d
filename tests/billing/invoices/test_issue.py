"""Invoices that are raised: their sums worked out by hand, their numbers, what they use and what guards them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.invoices.issue import (
    InvoiceRequest,
    draft_invoice,
    issue_invoice,
    preview,
    raise_invoices,
    request_of_draft,
)
from billing.invoices.locking import CannotChangeInvoice
from billing.models import Discount, Invoice, InvoiceLine, InvoiceSeries
from billing.rules.invoice_totals import BilledLine, LineKind
from customers.models import Customer
from tests.clocks import clock_at
from tests.factories import (
    make_address,
    make_billing_account,
    make_business,
    make_customer,
    make_discount,
    make_invoice,
    make_plan,
    make_subscription,
)

pytestmark = pytest.mark.django_db

AT = datetime(2025, 3, 1, 10, 30, tzinfo=UTC)


def line(amount: int, description: str = "Pro", **fields: object) -> BilledLine:
    return BilledLine(**{"kind": "base", "description": description, "amount": amount, **fields})  # type: ignore[arg-type]


def bill(customer: Customer, *amounts: int, currency: str = "USD", **fields: object) -> InvoiceRequest:
    lines = [line(amount) for amount in amounts]
    values: Any = {"customer_id": str(customer.pk), "currency": currency, "at": AT, "lines": lines, **fields}
    return InvoiceRequest(**values)


def raised(wanted: InvoiceRequest) -> Invoice:
    [invoice] = raise_invoices([wanted], done_by="renew")
    assert invoice is not None
    return Invoice.objects.get(pk=invoice.pk)


def amounts(invoice: Invoice) -> list[tuple[str, int]]:
    return list(invoice.lines.order_by("position").values_list("kind", "amount"))


class TestSums:
    def test_usd_with_a_discount_and_tax(self) -> None:
        customer = make_customer()
        make_billing_account(customer=customer, tax_rate=Decimal(19))
        make_discount(customer=customer, discount_value=Decimal(10))

        invoice = raised(bill(customer, 1999, 1000))

        # 29.99 less a tenth (2.999, so 3.00) is 26.99; 19 % of it is 5.1281.
        assert amounts(invoice) == [("base", 1999), ("base", 1000), ("discount", -300), ("tax", 513)]
        assert (invoice.total, invoice.status, invoice.tax_rate) == (3212, "open", Decimal(19))

    def test_jpy_has_no_decimals(self) -> None:
        customer = make_customer()
        make_billing_account(customer=customer, tax_rate=Decimal(10))

        invoice = raised(bill(customer, 1985, currency="JPY"))

        # A tenth of 1985 yen is 198.5, which goes to the even 198.
        assert amounts(invoice) == [("base", 1985), ("tax", 198)]
        assert invoice.total == 2183

    def test_kwd_has_three(self) -> None:
        customer = make_customer()
        make_billing_account(customer=customer, tax_rate=Decimal(5))
        make_discount(
            customer=customer, type="fixed_discount", discount_value=Decimal("1.005"), currency="kwd"
        )

        invoice = raised(bill(customer, 12345, currency="KWD"))

        # 12.345 less 1.005 is 11.340; 5 % of it is 0.567.
        assert amounts(invoice) == [("base", 12345), ("discount", -1005), ("tax", 567)]
        assert invoice.total == 11907

    def test_nothing_to_pay_is_paid(self) -> None:
        invoice = raised(bill(make_customer(), 0))
        assert (invoice.total, invoice.status, invoice.closed_at) == (0, "paid", AT)

    def test_a_bill_without_lines_is_no_invoice(self) -> None:
        customer = make_customer()
        first, none, second = raise_invoices(
            [bill(customer, 100), bill(customer), bill(customer, 200)], done_by="renew"
        )
        assert none is None
        assert first is not None
        assert second is not None
        assert [first.number, second.number] == ["INV-000001", "INV-000002"]
        assert Invoice.objects.count() == 2
        assert raise_invoices([bill(customer)], done_by="renew") == [None]


class TestBelowZero:
    def test_it_is_carried_over_and_pays_the_next_invoice(self) -> None:
        customer = make_customer()

        invoice = raised(bill(customer, 1000, -2500))

        assert amounts(invoice) == [("base", 1000), ("base", -2500), ("credit", 1500)]
        assert invoice.lines.get(kind="credit").description == "Carried over to your next invoices"
        assert (invoice.total, invoice.status) == (0, "paid")
        credit = Discount.objects.get()
        assert (credit.type, credit.duration_type, credit.currency, credit.discount_value, credit.spent) == (
            "invoice_credits",
            "forever",
            "USD",
            Decimal(15),
            Decimal(0),
        )
        assert credit.discount_id == str(credit.pk)

        following = raised(bill(customer, 2000))
        credit.refresh_from_db()
        assert (following.total, credit.spent, credit.times_used) == (500, Decimal(15), 1)
        assert raised(bill(customer, 2000)).total == 2000

    def test_within_one_call_too(self) -> None:
        customer = make_customer()
        raise_invoices([bill(customer, -2500), bill(customer, 2000)], done_by="renew")
        assert list(Invoice.objects.order_by("number").values_list("total", "status")) == [
            (0, "paid"),
            (0, "paid"),
        ]
        assert Discount.objects.get().spent == Decimal(20)


class TestDiscounts:
    def test_one_that_is_used_once_is_used_once(self) -> None:
        customer = make_customer()
        discount = make_discount(customer=customer, duration_type="one_off", discount_value=Decimal(50))

        raise_invoices([bill(customer, 1000), bill(customer, 1000)], done_by="renew")

        assert sorted(Invoice.objects.values_list("total", flat=True)) == [500, 1000]
        discount.refresh_from_db()
        assert (discount.times_used, discount.start) == (1, AT)

    def test_months_count_from_the_first_use(self) -> None:
        customer = make_customer()
        make_discount(customer=customer, duration_type="months", duration_value=Decimal(2))
        totals = [
            raised(bill(customer, 1000, at=datetime(2025, month, 1, tzinfo=UTC))).total
            for month in (3, 4, 5, 6)
        ]
        assert totals == [900, 900, 1000, 1000]

    def test_one_of_another_subscription_stays_unused(self) -> None:
        customer = make_customer()
        subscription = make_subscription(customer=customer, subscription_id="sub-a")
        make_discount(customer=customer, subscription_id="sub-b")
        ours = make_discount(customer=customer, subscription_id="sub-a", discount_value=Decimal(20))
        wanted = bill(
            customer,
            lines=[line(1000, subscription_id="sub-a")],
            subscription_id=str(subscription.pk),
        )
        assert raised(wanted).total == 800
        assert list(Discount.objects.filter(times_used=1)) == [ours]

    def test_one_of_somebody_else_or_in_no_currency_stops_nobody(self) -> None:
        customer = make_customer()
        make_discount()
        make_discount(customer=customer, type="fixed_discount", currency="ZZZ")
        assert raised(bill(customer, 1000)).total == 1000

    def test_each_line_knows_its_discount(self) -> None:
        customer = make_customer()
        discount = make_discount(customer=customer)
        invoice = raised(bill(customer, 1000))
        assert list(invoice.lines.values_list("kind", "discount_key")) == [
            ("base", None),
            ("discount", discount.pk),
        ]


class TestWhatIsKept:
    def test_whom_it_is_made_out_to(self) -> None:
        customer = make_customer(name="Ada", email="ada@example.com")
        make_address(customer=customer, line1="2 Side Street")
        make_address(customer=customer, is_default=True, postal_code="23100")
        make_business(customer=customer, name="No Tax Ltd")
        make_business(customer=customer, name="Ada Ltd", tax_identifier="GB123456789", company_number="7")
        make_business(customer=customer, name="Gone Ltd", tax_identifier="GB1", status="inactive")

        assert raised(bill(customer, 100)).bill_to == {
            "name": "Ada",
            "email": "ada@example.com",
            "business": "Ada Ltd",
            "company_number": "7",
            "tax_id": "GB123456789",
            "address": {
                "line1": "1 Main Street",
                "line2": "",
                "city": "Arusha",
                "state": "",
                "postal_code": "23100",
                "country": "TZ",
            },
        }

    def test_when_it_is_due(self, settings: Settings) -> None:
        settings.INVOICE_DUE_DAYS = 10
        at_once, later, usual = (make_customer() for _ in range(3))
        for customer, days in ((at_once, 0), (later, 14)):
            make_billing_account(customer=customer, payment_terms_days=days)
        with clock_at(AT):
            due = {customer: raised(bill(customer, 100)).due_at for customer in (at_once, later, usual)}
        assert due == {
            at_once: AT,
            later: AT + timedelta(days=14),
            usual: AT + timedelta(days=10),
        }

    def test_one_raised_late_is_due_from_the_day_it_is_issued(self) -> None:
        late = AT + timedelta(days=90)
        with clock_at(late):
            invoice = raised(bill(make_customer(), 100))
        assert (invoice.created_at, invoice.issued_at) == (AT, late)
        assert invoice.due_at == late + timedelta(days=45)

    def test_the_reason_for_no_tax(self) -> None:
        customer = make_customer()
        make_billing_account(customer=customer, no_tax_reason="Reverse charge")
        invoice = raised(bill(customer, 100))
        assert (invoice.no_tax_reason, invoice.tax_rate, amounts(invoice)) == (
            "Reverse charge",
            None,
            [("base", 100)],
        )

    def test_plans_period_and_subscription(self) -> None:
        customer = make_customer()
        plan = make_plan(plan_id="pro")
        subscription = make_subscription(customer=customer, plan=plan)
        end = AT + timedelta(days=31)
        wanted = bill(
            customer,
            lines=[line(100, plan_id="pro", quantity=Decimal("2.5")), line(5, plan_id="other")],
            subscription_id=str(subscription.pk),
            plan_ids=("pro",),
            plans=(str(plan.pk),),
            period_start=AT,
            period_end=end,
        )
        with clock_at(AT):
            invoice = raised(wanted)
        assert (invoice.plan_ids, list(invoice.plans.all())) == (["pro"], [plan])
        assert (invoice.subscription, invoice.period_start, invoice.period_end) == (subscription, AT, end)
        assert list(invoice.lines.values_list("plan", "quantity")) == [
            (plan.pk, Decimal("2.5")),
            (None, Decimal(1)),
        ]
        assert (invoice.issued_at, invoice.created_at) == (AT, AT)

    def test_its_history_says_who_issued_it(self) -> None:
        invoice = raised(bill(make_customer(), 100))
        version = invoice.history.get()
        assert (version.history_type, version.number, version.history_change_reason) == (
            "+",
            "INV-000001",
            "Issued by renew",
        )


class TestNumbers:
    def test_sandbox_customers_leave_no_gap(self) -> None:
        live, sandbox = make_customer(), make_customer(env="sandbox")
        raise_invoices([bill(live, 1), bill(sandbox, 1), bill(live, 1)], done_by="renew")
        numbers = Invoice.objects.order_by("number").values_list("number", "customer")
        assert list(numbers) == [
            ("INV-000001", live.pk),
            ("INV-000002", live.pk),
            ("TEST-INV-000001", sandbox.pk),
        ]

    def test_what_is_rolled_back_leaves_no_gap(self) -> None:
        customer = make_customer()
        raised(bill(customer, 1))

        def fail() -> None:
            with transaction.atomic():
                raise_invoices([bill(customer, 1), bill(customer, 1)], done_by="renew")
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert raised(bill(customer, 1)).number == "INV-000002"

    def test_what_cannot_be_billed_takes_no_number(self) -> None:
        customer = make_customer()
        with pytest.raises(ValueError, match="is too large"):
            raise_invoices([bill(customer, 2**63 - 1, 1)], done_by="renew")
        assert not Invoice.objects.exists()
        assert raised(bill(customer, 1)).number == "INV-000001"

    def test_another_prefix_is_another_series(self, settings: Settings) -> None:
        customer = make_customer()
        raised(bill(customer, 1))
        settings.INVOICE_PREFIX = "R-2025"
        assert raised(bill(customer, 1)).number == "R-2025-000001"
        assert {series.prefix: series.last_number for series in InvoiceSeries.objects.all()} == {
            "INV": 1,
            "R-2025": 1,
        }


def test_many_bills_take_as_many_queries_as_one() -> None:
    # SQLite takes 999 parameters in a statement, so there 50 invoices need more of them.
    count = 25 if connection.vendor == "postgresql" else 8

    def bills(number: int) -> list[InvoiceRequest]:
        made = []
        for _ in range(number):
            customer, plan = make_customer(), make_plan()
            make_billing_account(customer=customer, tax_rate=Decimal(19))
            make_discount(customer=customer)
            made += [
                bill(customer, 1000, plan_ids=(plan.plan_id,), plans=(str(plan.pk),)),
                bill(customer, -1000),
            ]
        return made

    raise_invoices(bills(1), done_by="renew")
    taken = []
    for wanted in (bills(1), bills(count)):
        with CaptureQueriesContext(connection) as captured:
            raise_invoices(wanted, done_by="renew")
        taken.append(len(captured))
    assert taken[0] == taken[1]
    assert Invoice.objects.filter(status="open").count() == 1 + 1 + count


class TestPreview:
    def test_it_is_what_would_be_raised_and_writes_nothing(self) -> None:
        customer = make_customer()
        make_billing_account(customer=customer, tax_rate=Decimal(20))
        discount = make_discount(customer=customer, duration_type="one_off")
        wanted = bill(customer, 1000)

        shown = preview(wanted)

        assert (shown.subtotal, shown.discount, shown.tax, shown.total) == (1000, -100, 180, 1080)
        assert not Invoice.objects.exists()
        assert Discount.objects.get() == discount
        assert raised(wanted).total == 1080
        assert preview(wanted).total == 1200


class TestDraft:
    def draft(self, **fields: object) -> Invoice:
        customer = make_customer()
        make_billing_account(customer=customer, tax_rate=Decimal(20))
        make_discount(customer=customer)
        return draft_invoice(customer, "usd", [line(1000), line(500)], done_by="ada", **fields)  # type: ignore[arg-type]

    def test_it_has_no_number_and_is_issued_with_discount_and_tax(self) -> None:
        draft = self.draft()
        assert (draft.status, draft.number, draft.total, draft.currency) == ("draft", "", 1500, "USD")

        with clock_at(AT):
            invoice = issue_invoice(draft, done_by="ada", at=AT)

        invoice.refresh_from_db()
        assert (invoice.status, invoice.number, invoice.issued_at) == ("open", "INV-000001", AT)
        assert amounts(invoice) == [("base", 1000), ("base", 500), ("discount", -150), ("tax", 270)]
        assert (invoice.total, invoice.due_at) == (1620, AT + timedelta(days=45))
        assert [version.history_change_reason for version in invoice.history.order_by("history_id")] == [
            "Drafted by ada",
            "Issued by ada",
        ]

    def test_its_plans_and_subscription_go_with_it(self) -> None:
        plan = make_plan(plan_id="pro")
        subscription = make_subscription(subscription_id="sub-a", plan=plan)
        customer = subscription.customer
        make_discount(customer=customer, subscription_id="sub-a")
        draft = draft_invoice(
            customer,
            "USD",
            [line(1000, plan_id="pro")],
            done_by="ada",
            subscription=subscription,
            plans=[plan],
        )
        assert preview(request_of_draft(draft, AT)).total == 900
        invoice = issue_invoice(draft, done_by="ada", at=AT)
        assert invoice.lines.get(kind="base").plan == plan
        assert (invoice.total, list(invoice.plans.all())) == (900, [plan])

    def test_it_is_issued_once(self) -> None:
        draft = self.draft()
        issue_invoice(draft, done_by="ada")
        with pytest.raises(CannotChangeInvoice, match="Only drafts made here"):
            issue_invoice(draft, done_by="ada")
        assert Invoice.objects.count() == 1

    def test_an_imported_draft_is_not_ours(self) -> None:
        theirs = make_invoice(status="draft", imported=True)
        with pytest.raises(CannotChangeInvoice, match="Only drafts made here"):
            issue_invoice(theirs, done_by="ada")

    @pytest.mark.parametrize(
        ("currency", "lines", "message"),
        [
            ("USD", [], "Enter at least one line"),
            ("XXX", [line(1)], "'XXX' is not a currency"),
            ("USD", [line(1, kind="tax")], "Pass only the lines that bill something"),
        ],
    )
    def test_what_cannot_be_billed_is_refused(
        self, currency: str, lines: list[BilledLine], message: str
    ) -> None:
        with pytest.raises(CannotChangeInvoice, match=message):
            draft_invoice(make_customer(), currency, lines, done_by="ada")


class TestIssuedNeverChanges:
    """The database's own guard, on both databases."""

    @pytest.mark.parametrize(
        "change",
        [
            {"total": 1},
            {"currency": "EUR"},
            {"number": "INV-9"},
            {"number": ""},
            {"bill_to": {}},
            {"tax_rate": 3},
            {"issued_at": None},
            {"due_at": None},
        ],
    )
    def test_a_column(self, change: dict[str, object]) -> None:
        invoice = raised(bill(make_customer(), 1000))
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            Invoice.objects.filter(pk=invoice.pk).update(**change)

    def test_its_lines_and_itself(self) -> None:
        invoice = raised(bill(make_customer(), 1000))
        for change in (
            lambda: InvoiceLine.objects.update(amount=1),
            lambda: InvoiceLine.objects.all()._raw_delete("default"),
            lambda: InvoiceLine.objects.create(invoice=invoice, description="More", amount=0),
        ):
            with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
                change()
        with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
            Invoice.objects.all()._raw_delete("default")


def test_the_kinds_of_lines_are_those_that_the_arithmetic_knows() -> None:
    assert InvoiceLine.Kind.values == list(get_args(LineKind))
