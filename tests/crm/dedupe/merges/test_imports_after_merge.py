"""What arrives under an old id, or for the survivor itself, after two customers were merged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from billing.models import Balance, BillingAccount, Grant, Rollover
from crm.dedupe.merges.merge import merge
from crm.exchange.importers import IMPORTERS
from crm.models import Company, Domain, Relationship
from customers import clock
from customers.ingest.importer import ImportOutcome
from customers.models import Address, Customer, PartOfList, PaymentMethod, default_of
from tests.billing.payloads import BALANCE, CUSTOMER, INVOICE, ROW, SUBSCRIPTION
from tests.crm.import_documents import document
from tests.customers.import_documents import customer_of, outcomes, row_counts, take
from tests.factories import MOMENT
from tests.strategies_payments import Json

pytestmark = pytest.mark.django_db


def arrive(source: str, *payloads: Json) -> list[ImportOutcome]:
    reports = take(IMPORTERS[source](), *payloads)
    assert [report.bad for report in reports if report.bad] == []
    return outcomes(reports)


def merge_into(survivor: Customer, other: Customer) -> None:
    """Make `other` part of `survivor`."""
    merge(str(survivor.pk), [str(other.pk)])


def merged(source: str, first: Json, second: Json) -> tuple[Customer, Customer]:
    """Two customers of one source, the second merged into the first."""
    arrive(source, first, second)
    env = first.get("env", "live")
    survivor, other = (customer_of(source, payload["id"], env) for payload in (first, second))
    merge_into(survivor, other)
    return survivor, other


def rows() -> Counter[tuple[Any, ...]]:
    """All rows of lists, each without its keys, and whether it came with a merged customer."""
    found: Counter[tuple[Any, ...]] = Counter()
    for model in apps.get_models():
        fields: Any = model._meta.concrete_fields
        if not issubclass(model, PartOfList):
            continue
        if any(isinstance(field, models.OneToOneField) for field in fields):
            continue
        columns = [field.name for field in fields if not field.is_relation and not field.primary_key]
        if model is Grant:
            # When we first saw it, and how often it was written.
            columns.remove("created_at")
            columns.remove("entries")
        for row in model._default_manager.all():
            values = (repr(getattr(row, name)) for name in columns)
            owner: Any = row.balance if isinstance(row, Grant | Rollover) else row
            found[(model.__name__, owner.came_with_id is None, *values)] += 1
    return found


def payments(name: str, *cities: str) -> Json:
    return {
        "id": name,
        "name": f"Payments {name}",
        "created_at": f"2024-0{len(cities) + 1}-01T00:00:00.000Z",
        "addresses": [{"id": f"a{city}", "city": city, "is_default": city == cities[0]} for city in cities],
        "businesses": [{"id": f"b{city}", "name": f"Of {city}"} for city in cities],
        "payment_methods": [{"id": f"card_{city}", "type": "card", "last4": "4242"} for city in cities],
    }


def billing(name: str, usage: int, *features: str) -> Json:
    balances = {
        feature: {
            **BALANCE,
            "feature_id": feature,
            "usage": usage,
            "remaining": 1000 - usage,
            "breakdown": [{**ROW, "usage": usage, "remaining": 1000 - usage, "id": f"row {feature}"}],
        }
        for feature in features
    }
    subscription = {**SUBSCRIPTION, "quantity": usage}
    invoice = {**INVOICE, "total": usage}
    changes = {"id": name, "stripe_id": None, "email": None, "balances": balances}
    return {**CUSTOMER, **changes, "subscriptions": [subscription], "invoices": [invoice]}


def crm(name: str, *domains: str) -> Json:
    return document(
        id=name,
        domains=list(domains),
        metadata={"custom_data": {domain: {"string_value": domain} for domain in domains}},
        poc=[{"name": domain, "obfuscated_id": f"p{domain}"} for domain in domains],
        merged_customers=[document(id=f"old {name} {domain}") for domain in domains],
    )


FILES: dict[str, tuple[Json, Json, Json, Json]] = {
    # Both as they were, then both as they have become.
    "payments": (
        payments("one", "x", "y"),
        payments("two", "x", "z"),
        payments("one", "y", "w"),
        payments("two", "z", "v"),
    ),
    "billing": (
        billing("one", 10, "calls", "seats"),
        billing("two", 20, "calls", "mails"),
        billing("one", 11, "calls", "mails"),
        billing("two", 21, "calls", "disks"),
    ),
    "crm": (
        crm("one", "x.example", "y.example"),
        crm("two", "x.example", "z.example"),
        crm("one", "y.example", "w.example"),
        crm("two", "z.example", "x.example"),
    ),
}


@pytest.mark.parametrize("source", FILES)
class TestEachSpeaksForItsOwn:
    @pytest.mark.parametrize("which", [2, 3])
    def test_it_is_as_if_it_had_arrived_before_the_merge(
        self, source: str, which: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clock, "now", lambda: MOMENT)
        first, second, *new = FILES[source]

        def told(*steps: Callable[[], object]) -> Counter[tuple[Any, ...]]:
            with transaction.atomic():
                for step in steps:
                    step()
                found = rows()
                transaction.set_rollback(True)
            return found

        def arrives() -> object:
            return arrive(source, new[which - 2])

        def joins() -> None:
            env = first.get("env", "live")
            merge_into(customer_of(source, "one", env), customer_of(source, "two", env))

        def both() -> object:
            return arrive(source, first, second)

        before, after = told(both, arrives, joins), told(both, joins, arrives)
        assert after - before == Counter()
        assert before - after == Counter()

    def test_the_same_files_again_change_nothing(self, source: str) -> None:
        first, second, *_ = FILES[source]
        merged(source, first, second)
        before, counts = rows(), row_counts()

        assert arrive(source, second, first) == [ImportOutcome.UNCHANGED] * 2
        assert (rows(), row_counts()) == (before, counts)

    def test_one_file_with_both(self, source: str) -> None:
        first, second, *new = FILES[source]
        survivor, other = merged(source, first, second)

        assert arrive(source, *new) == [ImportOutcome.UPDATED] * 2

        assert {record.came_with for record in survivor.source_records.filter(is_merged=False)} == {
            None,
            other,
        }
        counts = row_counts()
        assert arrive(source, *new) == [ImportOutcome.UNCHANGED] * 2
        assert row_counts() == counts


class TestDefaults:
    def default(self, model: Any) -> Any:
        return default_of(model.objects.all())

    def test_what_comes_with_an_old_id_does_not_take_the_default(self) -> None:
        merged("payments", payments("one", "x"), payments("two", "z"))

        arrive("payments", payments("two", "v", "z") | {"payment_method": "card_v"})

        assert self.default(Address).city == "x"
        # The survivor has no default method of its own, so this one may be it.
        assert self.default(PaymentMethod).source_id == "card_v"

    def test_the_survivors_own_takes_it_back(self) -> None:
        survivor, other = merged("payments", {"id": "one", "name": "One"}, payments("two", "z"))
        assert self.default(Address).came_with == other

        arrive("payments", payments("one", "x"))

        assert (self.default(Address).city, self.default(Address).customer) == ("x", survivor)
        assert set(Address.objects.filter(is_default=True).values_list("city", flat=True)) == {"x", "z"}

    def test_an_address_alone_stays_with_the_one_it_came_with(self) -> None:
        survivor, other = merged(
            "payments",
            {"id": "one", "address": {"city": "Arusha"}},
            {"id": "two", "address": {"city": "Moshi"}},
        )

        arrive("payments", {"id": "two", "address": {"city": "Dodoma"}})

        found = Address.objects.filter(customer=survivor).values_list("city", "came_with", "is_default")
        assert set(found) == {("Arusha", None, True), ("Dodoma", other.pk, True)}


class TestBalances:
    def test_a_document_removes_those_of_its_own_account_alone(self) -> None:
        first, second, *_ = FILES["billing"]
        survivor, other = merged("billing", first, second)

        arrive("billing", billing("one", 10))
        assert set(
            Balance.objects.filter(customer=survivor, removed_at=None).values_list(
                "feature__feature_id", "came_with"
            )
        ) == {("calls", other.pk), ("mails", other.pk)}
        calls = Grant.objects.filter(balance__feature__feature_id="calls")
        assert calls.get(balance__came_with=None).ended_at is not None
        assert calls.get(balance__came_with=other).ended_at is None

    def test_its_own_columns_are_its_own_records(self) -> None:
        first, second, *_ = FILES["billing"]
        survivor, other = merged("billing", first, second)
        theirs = billing("two", 20, "calls", "mails")
        for balance in theirs["balances"].values():
            balance["overage_allowed"] = True

        arrive("billing", theirs)

        assert set(
            Balance.objects.filter(customer=survivor).values_list(
                "came_with", "feature__feature_id", "overage_allowed"
            )
        ) == {
            (None, "calls", False),
            (None, "seats", False),
            (other.pk, "calls", True),
            (other.pk, "mails", True),
        }


class TestWhatThereIsOneOf:
    def test_the_record_that_changed_last_speaks_for_the_company(self) -> None:
        company = {"name": "Two", "industry": "Mining", "location": "Moshi"}
        survivor, other = merged(
            "crm",
            document(id="one", company={"name": "One", "industry": "Farming"}, notes="Of one."),
            document(id="two", company=company, notes="Of two.", start_date="2020-01-01"),
        )

        arrive("crm", document(id="two", company=company | {"industry": "Trade"}, notes="Of two."))

        kept = Company.objects.get(customer=survivor)
        assert (kept.name, kept.industry, kept.location) == ("Two", "Trade", "Moshi")
        relationship = Relationship.objects.get(customer=survivor)
        assert (relationship.crm_id, relationship.reported_notes) == ("one", "Of one.")
        assert not Company.objects.filter(customer=other).exists()

    @pytest.mark.usefixtures("shared_ids")
    def test_one_that_speaks_for_the_first_time_is_heard_first(self) -> None:
        survivor, other = merged("payments", payments("one", "x"), payments("two", "z"))
        arrive("crm", document(id="one", company={"name": "One"}))

        arrive(
            "crm", document(id="two", company={"name": "Two", "industry": "Mining"}, domains=["two.example"])
        )

        company = Company.objects.get(customer=survivor)
        assert (company.name, company.industry) == ("Two", "Mining")
        assert Domain.objects.get().came_with == other

    def test_each_has_an_account_of_its_own(self) -> None:
        one, two = ({"id": name, "metadata": {"of": name}} for name in ("one", "two"))
        survivor, other = merged("billing", one, two)

        arrive("billing", two | {"send_email_receipts": True})

        accounts = BillingAccount.objects.filter(customer=survivor)
        assert set(accounts.values_list("came_with", "metadata__of", "send_email_receipts")) == {
            (None, "one", False),
            (other.pk, "two", True),
        }

    def test_a_payload_that_cannot_be_read_any_more_stops_nothing(self) -> None:
        one, two = (document(id=name, company={"name": name}) for name in ("one", "two"))
        survivor, _ = merged("crm", one, two)
        survivor.source_records.get(source_id="two").payloads.update(text="{")

        arrive("crm", document(id="two", company={"name": "two", "industry": "Mining"}))

        assert Company.objects.get(customer=survivor).name == "two"


def test_a_customer_merged_twice_is_still_at_home() -> None:
    first, second, _, new = FILES["crm"]
    middle, last = merged("crm", first, second)
    [third] = [payload for payload in [document(id="three")] if arrive("crm", payload)]
    merge_into(customer_of("crm", third["id"]), middle)

    arrive("crm", new)

    assert set(Domain.objects.values_list("name", "came_with")) == {
        ("x.example", middle.pk),
        ("y.example", middle.pk),
        ("z.example", last.pk),
        ("x.example", last.pk),
    }


def test_the_number_of_queries_does_not_grow_with_the_customers() -> None:
    def queries(count: int) -> int:
        files = [crm(f"{count}-{number}", "x.example") for number in range(2 * count)]
        arrive("crm", *files)
        for number in range(count):
            merge_into(
                customer_of("crm", f"{count}-{number}"), customer_of("crm", f"{count}-{count + number}")
            )
        news = [crm(f"{count}-{count + number}", f"y{count}.example") for number in range(count)]
        with CaptureQueriesContext(connection) as captured:
            assert arrive("crm", *news) == [ImportOutcome.UPDATED] * count
        return len(captured)

    assert queries(1) == queries(4)
