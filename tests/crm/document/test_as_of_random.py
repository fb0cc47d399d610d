"""Whatever happens to customers: each document, asked for as of any moment, is the one that there was then."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.balances.grant import CannotGrant, grant
from billing.document.importer import BillingImporter
from billing.models import Balance, Plan
from billing.subscriptions import CannotSubscribe, attach_plan, cancel_subscription, change_plan, renew
from billing.usage.deduct import UsageRefused, UsageRequest
from billing.usage.record import record_usage
from crm.dedupe.merges.merge import CannotMerge, merge
from crm.dedupe.merges.unmerge import CannotUnmerge, unmerge
from crm.demo.documents import demo_documents
from crm.document.importer import CrmImporter
from crm.models import Contact, Document, Merge, Note
from customers import clock
from customers.as_of import NotKnownThen
from customers.bulk import delete_rows
from customers.document.importer import PaymentsImporter
from customers.ingest.importer import Importer
from customers.models import Address, Customer
from tests import strategies_billing, strategies_crm, strategies_payments
from tests.crm.document.recorded_history import BEGINNING, Life, documents_then, take_what_fits
from tests.examples import examples

pytestmark = pytest.mark.django_db

IMPORTERS: dict[str, Callable[[], Importer[Any]]] = {
    "payments": PaymentsImporter,
    "billing": BillingImporter,
    "crm": CrmImporter,
}
#: Two customers whom all three platforms know.
DEMO = {source: found[-2:] for source, found in demo_documents(3, BEGINNING).items()}
#: What a document that comes again says anew.
FREE = {
    "payments": ["name", "phone", "status", "custom_data", "addresses", "businesses", "payment_methods"],
    "billing": [
        *("name", "fingerprint", "metadata", "billing_controls", "subscriptions", "purchases", "licenses"),
        *("balances", "flags", "invoices", "entities", "trials_used", "rewards", "referrals"),
    ],
    "crm": ["domains", "document_counts", "poc", "metadata", "merged_customers", "start_date", "notes"],
}

one = st.integers(0, 1)


def documents_of(source: str, others: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A document that comes again, some of it new and some left out."""
    return st.tuples(
        st.just(source),
        one,
        st.fixed_dictionaries(
            {
                "new": others,
                "taken": st.sets(st.sampled_from(FREE[source])),
                "left_out": st.sets(st.sampled_from(FREE[source]), max_size=2),
            }
        ),
    )


arriving = (
    documents_of("payments", strategies_payments.customers())
    | documents_of("billing", strategies_billing.customers())
    | documents_of("crm", strategies_crm.customers())
)
deeds = st.tuples(
    st.sampled_from(
        [
            *("use", "use", "grant", "attach", "change", "cancel", "renew", "renew", "edit", "delete"),
            *("merge", "merge", "unmerge", "unmerge"),
        ]
    ),
    one,
    st.integers(1, 12),
)


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, int, Any]]:
    """What is done, and documents that arrive in between."""
    steps: list[tuple[str, int, Any]] = draw(st.lists(deeds, min_size=5, max_size=8))
    for document in draw(st.lists(arriving, max_size=2)):
        steps.insert(draw(st.integers(0, len(steps))), document)
    return steps


def arrive(life: Life, source: str, number: int, said: dict[str, Any]) -> None:
    document = {name: value for name, value in DEMO[source][number].items() if name not in said["left_out"]}
    document |= {name: said["new"][name] for name in said["taken"] if name in said["new"]}
    take_what_fits(IMPORTERS[source](), document)


def use(life: Life, customer: Customer, number: int) -> None:
    for balance in Balance.objects.filter(customer=customer, feature__type="metered"):
        wanted = UsageRequest(
            customer_id=str(customer.pk),
            feature=balance.feature,
            amount=Decimal(number - 3),
            done_by="test",
            at=life.now,
        )
        try:
            record_usage(wanted)
        except UsageRefused:
            continue


def give(life: Life, customer: Customer, number: int) -> None:
    balance = Balance.objects.filter(customer=customer, feature__type="metered").first()
    if balance is not None:
        interval = "month" if number % 2 else ""
        grant(customer, balance.feature, Decimal(number), interval=interval, done_by="test")


def attach(life: Life, customer: Customer, number: int) -> None:
    plans = list(Plan.objects.filter(env="live", is_stub=False).order_by("plan_id", "version"))
    if plans:
        attach_plan(customer, plans[number % len(plans)], done_by="test")


def change(life: Life, customer: Customer, number: int) -> None:
    plans = list(Plan.objects.filter(env="live", is_stub=False).order_by("plan_id", "version"))
    subscription = customer.subscriptions.active().first()
    if plans and subscription is not None:
        change_plan(subscription, plans[number % len(plans)], done_by="test")


def cancel(life: Life, customer: Customer, number: int) -> None:
    subscription = customer.subscriptions.active().first()
    if subscription is not None:
        cancel_subscription(subscription, at_once=number % 2 == 0, done_by="test")


def pass_time(life: Life, customer: Customer, number: int) -> None:
    life.go_on(days=9 * number)
    list(renew(life.now, done_by="test"))


def edit(life: Life, customer: Customer, number: int) -> None:
    customer.name = f"Name {number}"
    customer.archived_at = clock.now() if number % 5 == 0 else None
    customer.save()
    Note.objects.create(customer=customer, body=f"Note {number}")
    Document.objects.create(customer=customer, type=f"kind {number % 3}", title="A document")
    is_first = not Address.objects.filter(customer=customer, is_default=True).exists()
    Address.objects.create(customer=customer, line1=f"{number} Main Street", is_default=is_first)


def delete(life: Life, customer: Customer, number: int) -> None:
    for model in (Note, Document, Contact, Address):
        rows: Any = model._default_manager.filter(customer=customer)
        delete_rows(list(rows)[:1])


def make_one(life: Life, customer: Customer, number: int) -> None:
    other = Customer.objects.unmerged().exclude(pk=customer.pk).order_by("pk").first()
    if other is not None:
        merge(str(customer.pk), [str(other.pk)])


def undo(life: Life, customer: Customer, number: int) -> None:
    last = Merge.objects.standing().order_by("-made_at", "-pk").first()
    if last is not None:
        unmerge(last)


DEEDS: dict[str, Callable[[Life, Customer, int], None]] = {
    "use": use,
    "grant": give,
    "attach": attach,
    "change": change,
    "cancel": cancel,
    "renew": pass_time,
    "edit": edit,
    "delete": delete,
    "merge": make_one,
    "unmerge": undo,
}


def live(steps: list[tuple[str, int, Any]], watch: Callable[[Life], None] = lambda life: None) -> None:
    life = Life()
    with life.lived(), transaction.atomic():
        for source, importer in IMPORTERS.items():
            for document in DEMO[source]:
                take_what_fits(importer(), document)
        life.note()
        for name, number, what in steps:
            life.go_on(hours=7)
            if name in IMPORTERS:
                arrive(life, name, number, what)
            else:
                customers = list(Customer.objects.unmerged().order_by("pk"))
                try:
                    with transaction.atomic():
                        DEEDS[name](life, customers[number % len(customers)], what)
                except (CannotGrant, CannotSubscribe, CannotMerge, CannotUnmerge):
                    continue
            life.note()
        life.go_on(days=400)
        watch(life)
        life.assert_remembered()
        for moment, key in life.unknown:
            with pytest.raises(NotKnownThen, match="was not known before"):
                documents_then(key, moment)
        transaction.set_rollback(True)


@settings(max_examples=examples(2), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(lives())
def test_every_moment_is_remembered(steps: list[tuple[str, int, Any]]) -> None:
    live(steps)


@pytest.mark.soak
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives())
def test_every_moment_of_many_lives_is_remembered(steps: list[tuple[str, int, Any]]) -> None:
    live(steps)
