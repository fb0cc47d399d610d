"""The customers whose desk is measured."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client

from bench.clone_rows import clone, key
from billing.ledger.entries import FigureChange, PostingDraft, post
from billing.models import Balance, Feature, Grant, Invoice, LedgerEntry, Plan, Posting, Subscription
from crm.desk.refresh import refresh_all
from crm.models import CustomerTag, Note, Relationship, Tag, Task
from customers import clock
from customers.models import Address, Customer
from customers.typed_ids import uuid_of

_OWNERS = 10
#: Filters of the list of customers. Each one finds some customers.
SEGMENTS = (
    "",
    "owner=me",
    "owner=nobody",
    "tag=pilot",
    "plan=rare",
    "plan=bench",
    "subscription=past_due",
    "subscription=trial",
    "subscription=none",
    "mrr_from=100",
    "mrr=none",
    "mrr_from=50&mrr_currency=USD",
    "balance=f0&balance_to=100",
    "balance=f0&balance_figure=used&balance_from=90",
    "renews=10",
    "country=CH",
    "health_to=60",
    "quiet=150",
    "contact_within=7",
    "owner=me&mrr_from=50&quiet=60&health_to=80",
)
_DAY = "interval '1 day'"


def refresh_everyone() -> None:
    """Compute health, worklist and facts."""
    for _ in refresh_all():
        pass


class Desk:
    """A database that grows, and somebody who looks at it."""

    @transaction.atomic
    def __init__(self) -> None:
        self._size = 0
        now = clock.now()
        self._owners = [
            User.objects.create_user(f"bench{number}", is_staff=True, is_superuser=True)
            for number in range(_OWNERS)
        ]
        self._client = Client(SERVER_NAME="localhost")
        self._client.force_login(self._owners[0])
        features = [Feature.objects.create(feature_id=f"f{n}", name=f"Feature {n}") for n in range(2)]
        plan = Plan.objects.create(
            plan_id="bench", name="Bench", price_amount=Decimal(100), price_interval="month", currency="USD"
        )
        rare = Plan.objects.create(
            plan_id="rare", price_amount=Decimal(900), price_interval="month", currency="EUR"
        )
        self._plans = [str(uuid_of(each.pk)) for each in (plan, rare)]
        customer = Customer.objects.create(name="Template", archived_at=now)
        self._customer = customer
        self._relationship = Relationship.objects.create(
            customer=customer, currency="USD", contract_annual_revenue=Decimal(1200)
        )
        self._subscription = Subscription.objects.create(
            customer=customer, plan=plan, subscription_id="template", started_at=now - timedelta(days=100)
        )
        self._invoice = Invoice.objects.create(
            customer=customer, status="open", currency="USD", total=10_000, subscription=self._subscription
        )
        self._balances = [Balance.objects.create(customer=customer, feature=each) for each in features]
        self._grants = [
            Grant.objects.create(balance=each, created_at=now - timedelta(days=100), reset_interval="month")
            for each in self._balances
        ]
        post(
            PostingDraft(
                customer_id=str(customer.pk),
                kind=Posting.Kind.USAGE,
                feature_id=str(features[0].pk),
                amount=Decimal(1),
                occurred_at=now,
                done_by="bench",
                changes=[FigureChange(self._grants[0], "usage", Decimal(1))],
            )
        )
        self._entry = LedgerEntry.objects.select_related("posting").get()
        self._posting = self._entry.posting
        self._note = Note.objects.create(customer=customer, body="Content.")
        self._address = Address.objects.create(customer=customer, is_default=True, country="TZ")
        self._tag = CustomerTag.objects.create(customer=customer, tag=Tag.objects.create(name="pilot"))
        self._task = Task.objects.create(customer=customer, title="Call them")

    def grow(self, size: int) -> None:
        """Let there be `size` customers."""
        numbers = (self._size + 1, size)
        self._size = size
        owners = f"(ARRAY{[owner.pk for owner in self._owners]})[i % {_OWNERS} + 1]"
        of_customer = {"customer": key("cus")}
        clone(
            self._customer,
            numbers,
            id=key("cus"),
            name="'Customer ' || i",
            email="'customer' || i || '@example.com'",
            archived_at="NULL",
            created_at=f"now() - (i % 900) * {_DAY}",
        )
        clone(
            self._relationship,
            numbers,
            **of_customer,
            id=key("rel"),
            owner=owners,
            contract_annual_revenue="CASE WHEN i % 5 = 0 THEN 2400 ELSE 1200 END",
        )
        clone(
            self._subscription,
            numbers,
            **of_customer,
            id=key("sub"),
            subscription_id="'sub-' || i",
            plan=f"(ARRAY{self._plans})[CASE WHEN i % 50 = 0 THEN 2 ELSE 1 END]::uuid",
            past_due="i % 20 = 0",
            trial_ends_at=f"CASE WHEN i % 11 = 0 THEN now() + (i % 10) * {_DAY} END",
            canceled_at=f"CASE WHEN i % 17 = 0 THEN now() - {_DAY} END",
            current_period_start=f"now() - 70 * {_DAY}",
            current_period_end=f"now() + (i % 90) * {_DAY}",
        )
        clone(
            self._invoice,
            numbers,
            **of_customer,
            id=key("inv"),
            subscription=key("sub"),
            number="'INV-' || i",
            status="CASE WHEN i % 7 = 0 THEN 'open' ELSE 'paid' END",
            due_at=f"now() - (i % 40) * {_DAY}",
        )
        for place, (balance, grant) in enumerate(zip(self._balances, self._grants, strict=True)):
            clone(balance, numbers, **of_customer, id=key(f"bal{place}"))
            clone(
                grant,
                numbers,
                id=key(f"grt{place}"),
                balance=key(f"bal{place}"),
                included_grant="1000",
                usage=f"(i * {7 + place} % 12) * 100",
                next_reset_at=f"now() + (i % 30) * {_DAY}",
            )
        for place, days_ago in enumerate((3, 40)):
            clone(
                self._posting,
                numbers,
                **of_customer,
                id=key(f"post{place}"),
                amount="i % 100 + 1",
                occurred_at=f"now() - {days_ago} * {_DAY}",
            )
            clone(
                self._entry,
                numbers,
                id=key(f"led{place}"),
                posting=key(f"post{place}"),
                grant=key("grt0"),
                number=f"{place + 1}",
                amount="i % 100 + 1",
            )
        clone(self._note, numbers, **of_customer, id=key("note"), created_at=f"now() - (i % 200) * {_DAY}")
        clone(
            self._address,
            numbers,
            **of_customer,
            id=key("adr"),
            country="CASE WHEN i % 40 = 0 THEN 'CH' ELSE 'TZ' END",
        )
        clone(self._tag, (numbers[0] // 100 + 1, numbers[1] // 100), id=key("ctag"), customer=key("cus"))
        clone(
            self._task,
            numbers,
            **of_customer,
            id=key("task"),
            owner=owners,
            due_on="CASE WHEN i % 20 = 0 THEN current_date - i % 9 END",
        )

    def pages(self) -> dict[str, str]:
        """By name, the addresses of the pages that are measured."""
        customer = Customer.objects.get(name="Customer 77")
        return {
            "worklist, mine": "/admin/worklist/",
            "worklist, my team's": "/admin/worklist/?scope=team",
            "worklist, all": "/admin/worklist/?scope=all",
            "worklist, all, one rule": "/admin/worklist/?scope=all&rule=trial_ending",
            "worklist, all, page 10": "/admin/worklist/?scope=all&page=10",
            "home, mine": "/admin/",
            "home, all": "/admin/?scope=all",
            **{f"list: {query}": f"/admin/customers/customer/?{query}" for query in SEGMENTS},
            "customer": f"/admin/customer/{customer.pk}/",
            "health": f"/admin/customer/{customer.pk}/health/",
        }

    def get(self, path: str) -> None:
        """Ask for a page."""
        response = self._client.get(path)
        if response.status_code != 200:
            raise AssertionError(f"{path} answered {response.status_code}")

    def analyze(self) -> None:
        """What the server does of itself now and then."""
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
