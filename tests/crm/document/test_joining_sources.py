"""The same person from several sources, in every order of arrival."""

from itertools import permutations
from typing import Any

import pytest

from crm.exchange.importers import IMPORTERS
from customers.ingest.importer import ImportOutcome
from customers.models import Customer, SourceRecord
from tests.crm.import_documents import document
from tests.customers.import_documents import customer_of, outcomes, row_counts, take
from tests.strategies_crm import Json

pytestmark = pytest.mark.django_db

Arrival = tuple[str, Json]

OURS = "cus_01h3vjs3b16yc3f9q8q9pfrb78"


def arrive(*arrivals: Arrival) -> list[ImportOutcome]:
    """Import each document as a file of its own; none may be refused."""
    reports = [report for source, payload in arrivals for report in take(IMPORTERS[source](), payload)]
    assert [report.bad for report in reports if report.bad] == []
    return outcomes(reports)


def sources_of(customer: Customer) -> set[tuple[str, str]]:
    return set(customer.source_records.values_list("source", "source_id"))


def orders(*arrivals: Arrival) -> Any:
    return pytest.mark.parametrize("arrivals", [list(order) for order in permutations(arrivals)])


@orders(
    ("payments", {"id": "p1", "email": "jo@example.com"}),
    ("billing", {"id": "b1", "email": "jo@example.com"}),
)
def test_an_exact_email(arrivals: list[Arrival]) -> None:
    assert arrive(*arrivals) == [ImportOutcome.CREATED, ImportOutcome.UPDATED]

    assert sources_of(Customer.objects.get()) == {("payments", "p1"), ("billing", "b1")}
    assert Customer.objects.get().external_id == "b1"


@orders(
    ("payments", {"id": "acme", "email": "jo@example.com"}),
    ("billing", {"id": "acme", "email": "billing@example.com"}),
    ("crm", document(id="acme")),
)
def test_an_id_that_sources_share(settings: Any, arrivals: list[Arrival]) -> None:
    settings.SHARED_ID_SPACES = ["payments", "billing", "crm"]
    arrive(*arrivals)

    assert sources_of(Customer.objects.get()) == {("payments", "acme"), ("billing", "acme"), ("crm", "acme")}
    assert Customer.objects.get().email == "jo@example.com"


@orders(
    ("payments", {"id": "1001", "name": "Alice Bakery", "email": "alice@bakery.example"}),
    ("billing", {"id": "1001", "name": "Bob Plumbing", "email": "bob@plumbing.example"}),
    ("crm", document(id="1001", company={"name": "Zeta Mining"})),
)
def test_a_number_that_three_systems_gave_to_three_customers(arrivals: list[Arrival]) -> None:
    assert arrive(*arrivals) == [ImportOutcome.CREATED] * 3
    before = row_counts()

    assert arrive(*arrivals) == [ImportOutcome.UNCHANGED] * 3
    assert row_counts() == before


@orders(
    ("payments", {"name": "Alice Bakery", "email": "n/a", "phone": "+12025550101"}),
    ("payments", {"name": "Bob Plumbing", "email": "n/a", "phone": "+12025550102"}),
    ("payments", {"name": "Carol Mining", "email": "N/A"}),
)
def test_records_without_an_id_and_with_one_placeholder(arrivals: list[Arrival]) -> None:
    arrive(*arrivals)
    before = row_counts()

    assert set(Customer.objects.values_list("name", flat=True)) == {
        "Alice Bakery",
        "Bob Plumbing",
        "Carol Mining",
    }
    assert arrive(*reversed(arrivals)) == [ImportOutcome.UNCHANGED] * 3
    assert row_counts() == before


@orders(
    ("payments", {"id": "cus_NffrFeUfNV2Hib", "email": "jo@example.com"}),
    ("billing", {"id": "b1", "stripe_id": "cus_NffrFeUfNV2Hib", "email": None}),
)
def test_the_stripe_id(arrivals: list[Arrival]) -> None:
    arrive(*arrivals)

    assert sources_of(Customer.objects.get()) == {("payments", "cus_NffrFeUfNV2Hib"), ("billing", "b1")}


@orders(
    ("payments", {"id": OURS, "email": "jo@example.com"}),
    ("billing", {"id": OURS}),
    ("crm", document(id=OURS)),
)
def test_our_own_id(arrivals: list[Arrival]) -> None:
    arrive(*arrivals)

    assert Customer.objects.get().pk == OURS
    assert Customer.objects.get().source_records.count() == 3


@orders(
    ("payments", {"id": "p1", "email": "jo@example.com"}),
    ("billing", {"id": "b1", "email": "jo@example.com"}),
    ("crm", document(id="b1")),
)
def test_a_link_that_comes_last_joins_by_its_id_and_merges_nobody(
    settings: Any, arrivals: list[Arrival]
) -> None:
    settings.SHARED_ID_SPACES = ["billing", "crm"]
    arrive(*arrivals)

    assert customer_of("crm", "b1") == customer_of("billing", "b1")
    is_billing_last = arrivals[-1][0] == "billing"
    assert Customer.objects.count() == (2 if is_billing_last else 1)


@orders(
    ("payments", {"email": "jo@example.com", "name": "Jo"}),
    ("payments", {"id": "p1", "email": "jo@example.com", "name": "Jo"}),
)
def test_one_source_that_gives_an_id_only_sometimes(arrivals: list[Arrival]) -> None:
    arrive(*arrivals)
    before = row_counts()

    assert Customer.objects.count() == 1
    assert arrive(*arrivals) == [ImportOutcome.UNCHANGED, ImportOutcome.UNCHANGED]
    assert row_counts() == before


@orders(
    ("billing", {"id": None, "stripe_id": "s1"}),
    ("billing", {"id": "b1", "stripe_id": "s1"}),
)
def test_an_id_that_was_null_before(arrivals: list[Arrival]) -> None:
    arrive(*arrivals)
    before = row_counts()

    assert Customer.objects.count() == 1
    assert arrive(*arrivals) == [ImportOutcome.UNCHANGED, ImportOutcome.UNCHANGED]
    assert row_counts() == before


@orders(
    ("payments", {"id": "p1", "email": "jo@example.com"}),
    ("billing", {"id": "b1", "email": "jo@example.com", "env": "sandbox"}),
)
def test_another_environment_stays_two(arrivals: list[Arrival]) -> None:
    arrive(*arrivals)

    assert set(Customer.objects.values_list("env", flat=True)) == {"live", "sandbox"}


@orders(
    ("payments", {"id": "p1", "email": "jo@example.com"}),
    ("billing", {"id": "b1", "email": "Jo@Example.com"}),
)
def test_letter_case_of_an_email_makes_no_difference(arrivals: list[Arrival]) -> None:
    arrive(*arrivals)

    assert Customer.objects.count() == 1


@orders(
    ("payments", {"id": "p1", "email": "jo@example.com"}),
    ("payments", {"id": "p2", "email": "jo@example.com"}),
)
def test_two_ids_of_one_source_stay_two(arrivals: list[Arrival]) -> None:
    arrive(*arrivals)

    assert Customer.objects.count() == 2


def test_two_candidates_stay_two_and_the_third_is_a_third() -> None:
    arrive(
        ("payments", {"id": "p1", "email": "jo@example.com"}),
        ("payments", {"id": "p2", "email": "jo@example.com"}),
        ("billing", {"id": "b1", "email": "jo@example.com"}),
    )

    assert Customer.objects.count() == 3


@orders(
    ("payments", {"id": "p1", "email": None}),
    ("billing", {"id": "b1", "email": None}),
    ("billing", {"id": "b2", "email": None}),
)
def test_no_email_is_no_email_in_common(arrivals: list[Arrival]) -> None:
    arrive(*arrivals)

    assert Customer.objects.count() == 3


def test_one_id_of_ours_in_two_environments() -> None:
    arrive(("billing", {"id": OURS, "env": "live"}), ("billing", {"id": OURS, "env": "sandbox"}))

    assert customer_of("billing", OURS).pk == OURS
    assert customer_of("billing", OURS, env="sandbox").pk != OURS
    assert set(Customer.objects.values_list("external_id", flat=True)) == {OURS}


def test_one_id_of_ours_in_two_environments_of_one_file() -> None:
    payloads = [{"id": OURS, "env": "sandbox"}, {"id": OURS, "env": "live"}]

    reports = take(IMPORTERS["billing"](), *payloads)

    assert outcomes(reports) == [ImportOutcome.CREATED, ImportOutcome.CREATED]
    assert outcomes(take(IMPORTERS["billing"](), *payloads)) == [
        ImportOutcome.UNCHANGED,
        ImportOutcome.UNCHANGED,
    ]


def test_one_stripe_id_with_two_ids_is_refused() -> None:
    arrive(("billing", {"id": "b1", "stripe_id": "s1"}))

    [report] = take(IMPORTERS["billing"](), {"id": "b2", "stripe_id": "s1"})

    assert report.bad is not None
    assert "b1" in report.bad.reason
    assert Customer.objects.count() == SourceRecord.objects.count() == 1


def test_an_email_that_changes_joins_nobody_afterwards() -> None:
    arrive(
        ("payments", {"id": "p1", "email": "jo@example.com"}),
        ("billing", {"id": "b1", "email": "other@example.com"}),
        ("billing", {"id": "b1", "email": "jo@example.com"}),
    )

    assert customer_of("payments", "p1") != customer_of("billing", "b1")
