import pytest

from crm.document.importer import CrmImporter
from crm.models import MergedRecord
from customers.ingest.importer import ImportOutcome
from customers.models import Customer, ReceivedPayload, SourceRecord
from tests.crm.import_documents import document, shown, take_crm, take_one
from tests.customers.import_documents import customer_of, outcomes, row_counts, take
from tests.factories import make_customer, make_merged_record, make_source_record
from tests.strategies_crm import Json

pytestmark = pytest.mark.django_db

OLD: Json = {
    "id": "old",
    "company": {"name": "Old Acme", "annual_revenue": 123456789012345.0625},
    "domains": ["old.example.com"],
    "poc": [{"name": "Jo", "obfuscated_id": "p1", "metadata": {"title": "CEO"}}],
}
OLDER: Json = {"id": "older", "company": {"name": "Older Acme"}, "notes": "Founded in a garage."}


def tree() -> set[tuple[str, str | None]]:
    """Who is merged into whom: (id, id of the one it had been merged into before, if any)."""
    return {
        (row.crm_id, row.parent.crm_id if row.parent else None)
        for row in MergedRecord.objects.select_related("parent")
    }


def test_merged_customers_come_back_in_their_tree() -> None:
    payload = document(merged_customers=[{**OLD, "merged_customers": [OLDER]}, document(id="third")])

    take_crm(payload)

    assert shown() == payload
    assert tree() == {("old", None), ("older", "old"), ("third", None)}


def test_every_merged_id_finds_the_survivor_and_owns_nothing() -> None:
    survivor = take_one(merged_customers=[{**OLD, "merged_customers": [OLDER]}])

    assert customer_of("crm", "old") == customer_of("crm", "older") == survivor
    assert set(Customer.objects.exclude(pk=survivor.pk).values_list("name", "merged_into", "env")) == {
        ("Old Acme", survivor.pk, "live"),
        ("Older Acme", survivor.pk, "live"),
    }
    assert set(SourceRecord.objects.values_list("source_id", "customer", "is_merged")) == {
        ("acme", survivor.pk, False),
        ("old", survivor.pk, True),
        ("older", survivor.pk, True),
    }
    assert SourceRecord.objects.get(source_id="old").claims == {}
    assert not survivor.domains.exists()
    assert not survivor.contacts.exists()
    assert set(MergedRecord.objects.values_list("crm_id", "tombstone__name")) == {
        ("old", "Old Acme"),
        ("older", "Older Acme"),
    }


def test_the_name_of_a_merged_customer_is_not_the_survivors() -> None:
    survivor = take_one(merged_customers=[OLD])

    assert survivor.name == "Acme"


def test_a_merged_id_of_ours_is_kept() -> None:
    take_one(merged_customers=[document(id="cus_01h3vjs3b16yc3f9q8q9pfrb78")])

    assert Customer.objects.get(pk="cus_01h3vjs3b16yc3f9q8q9pfrb78").merged_into is not None


def test_a_list_replaces_the_earlier_tree() -> None:
    take_one(merged_customers=[{**OLD, "merged_customers": [OLDER]}])

    payload = document(merged_customers=[{**OLDER, "merged_customers": [{**OLD, "notes": "New."}]}])
    take_crm(payload)

    assert shown() == payload
    assert tree() == {("older", None), ("old", "older")}
    assert Customer.objects.exclude(merged_into=None).count() == 2


def test_one_below_another_that_goes_stays() -> None:
    take_one(merged_customers=[{**OLD, "merged_customers": [OLDER]}])

    take_one(merged_customers=[OLDER])

    assert shown()["merged_customers"] == [OLDER]


def test_an_empty_list_takes_them_away_and_the_ids_still_find_the_survivor() -> None:
    survivor = take_one(merged_customers=[{**OLD, "merged_customers": [OLDER]}])

    take_one(merged_customers=[])

    assert "merged_customers" not in shown()
    assert Customer.objects.filter(merged_into=survivor).count() == 2
    assert customer_of("crm", "old") == customer_of("crm", "older") == survivor


def test_one_that_is_listed_again_is_made_no_second_time() -> None:
    take_one(merged_customers=[OLD])
    take_one(merged_customers=[])
    customers = Customer.objects.count()

    take_one(merged_customers=[OLD])

    assert shown()["merged_customers"] == [OLD]
    assert Customer.objects.count() == customers


def test_an_id_of_ours_that_is_listed_again_gets_its_customer_back() -> None:
    payload = document(id="cus_01h3vjs3b16yc3f9q8q9pfrb78")
    take_one(merged_customers=[payload])
    take_one(merged_customers=[])

    take_one(merged_customers=[payload])

    assert MergedRecord.objects.get().tombstone_id == "cus_01h3vjs3b16yc3f9q8q9pfrb78"


def test_an_absent_list_leaves_them() -> None:
    take_one(merged_customers=[OLD])

    take_one(notes="Something else.")

    assert shown()["merged_customers"] == [OLD]


def test_what_a_person_merged_stays() -> None:
    survivor = take_one(merged_customers=[OLD])
    make_merged_record(survivor=survivor, crm_id="ours", document='{"id": "ours", "company": {"name": "O"}}')

    take_one(merged_customers=[])

    assert [nested["id"] for nested in shown()["merged_customers"]] == ["ours"]


class TestCustomersOfTheirOwn:
    def test_one_that_we_have_is_not_merged(self) -> None:
        take_crm({**OLD, "start_date": "2020-01-01"})
        before = shown("old")

        [report] = take_crm(document(merged_customers=[OLD]))

        other = customer_of("crm", "old")
        assert other.merged_into is None
        assert other != customer_of("crm", "acme")
        assert shown("old") == before
        assert shown()["merged_customers"] == [OLD]
        assert MergedRecord.objects.get().tombstone is None
        assert [(remark.path, other.pk in remark.text) for remark in report.remarks] == [
            ("$.merged_customers[0].id", True)
        ]
        assert ReceivedPayload.objects.get(record__source_id="acme").remarks[0]["path"] == (
            "$.merged_customers[0].id"
        )

    def test_one_further_down_is_named_at_its_place(self) -> None:
        take_crm(document(id="older"))

        [report] = take_crm(
            document(merged_customers=[document(id="x"), {**OLD, "merged_customers": [OLDER]}])
        )

        assert [remark.path for remark in report.remarks] == ["$.merged_customers[1].merged_customers[0].id"]

    @pytest.mark.usefixtures("shared_ids")
    def test_one_known_by_another_platforms_id_is_not_merged(self) -> None:
        other = make_customer(external_id="old")

        [report] = take_crm(document(merged_customers=[OLD]))

        other.refresh_from_db()
        assert other.merged_into is None
        assert not SourceRecord.objects.filter(source_id="old").exists()
        assert len(report.remarks) == 1

    def test_one_that_was_merged_into_somebody_else_stays_there(self) -> None:
        take_crm(document(id="first", merged_customers=[OLD]))

        [report] = take_crm(document(id="second", merged_customers=[OLD]))

        assert customer_of("crm", "old") == customer_of("crm", "first")
        assert shown("first")["merged_customers"] == shown("second")["merged_customers"] == [OLD]
        assert len(report.remarks) == 1

    @pytest.mark.usefixtures("shared_ids")
    def test_another_id_of_the_survivor_is_only_noted(self) -> None:
        survivor = make_customer(external_id="acme")
        make_source_record(customer=survivor, source="payments", source_id="old")

        [report] = take_crm(document(merged_customers=[OLD]))

        assert Customer.objects.get() == survivor
        assert report.remarks == []
        assert shown()["merged_customers"] == [OLD]
        assert SourceRecord.objects.get(source="crm", source_id="old").is_merged

    def test_order_in_the_file_counts_also_within_a_batch(self) -> None:
        outer = document(merged_customers=[OLD])

        own_first = take(CrmImporter(), OLD, outer)

        assert [len(report.remarks) for report in own_first] == [0, 1]
        assert Customer.objects.filter(merged_into=None).count() == 2

    def test_the_survivor_first_in_the_file(self) -> None:
        outer = document(merged_customers=[OLD])

        reports = take(CrmImporter(), outer, OLD)

        assert outcomes(reports) == [ImportOutcome.CREATED, ImportOutcome.UNCHANGED]
        assert Customer.objects.filter(merged_into=None).count() == 1

    def test_two_documents_of_one_file_that_list_the_same_one(self) -> None:
        reports = take_crm(
            document(id="first", merged_customers=[OLD]), document(id="second", merged_customers=[OLD])
        )

        assert [len(report.remarks) for report in reports] == [0, 1]
        assert customer_of("crm", "old") == customer_of("crm", "first")


class TestDocumentsUnderAMergedId:
    def test_one_that_changed_is_kept_and_changes_nothing(self) -> None:
        take_one(merged_customers=[OLD], notes="Ours.")
        before = shown()
        changed = {**OLD, "company": {"name": "Something else"}, "notes": "Theirs.", "domains": []}

        [report] = take_crm(changed)

        assert report.outcome is ImportOutcome.UPDATED
        assert [remark.path for remark in report.remarks] == ["$.id"]
        assert shown() == before
        assert Customer.objects.get(merged_into=None).name == "Acme"
        assert ReceivedPayload.objects.filter(record__source_id="old").count() == 1

    def test_it_is_unchanged_the_second_time(self) -> None:
        take_one(merged_customers=[OLD])
        changed = {**OLD, "notes": "Theirs."}
        take_crm(changed)
        before = row_counts()

        [report] = take_crm(changed)

        assert report.outcome is ImportOutcome.UNCHANGED
        assert row_counts() == before

    def test_the_survivor_goes_on_as_before(self) -> None:
        take_one(merged_customers=[OLD])
        take_crm({**OLD, "company": {"name": "Something else"}})

        take_one(company={"name": "Acme 2"})

        assert Customer.objects.get(merged_into=None).name == "Acme 2"
        assert shown()["merged_customers"] == [OLD]


def test_a_batch_with_one_record_under_a_merged_id_and_one_of_the_survivor() -> None:
    take_one(merged_customers=[OLD])

    reports = take_crm({**OLD, "notes": "Theirs."}, document(notes="Ours."))

    assert outcomes(reports) == [ImportOutcome.UPDATED, ImportOutcome.UPDATED]
    assert shown()["notes"] == "Ours."


def test_camel_case_is_read_as_well() -> None:
    payload = document(mergedCustomers=[{**OLD, "mergedCustomers": [OLDER]}])

    take_crm(payload)

    assert shown() == document(merged_customers=[{**OLD, "merged_customers": [OLDER]}])
    assert outcomes(take_crm(payload)) == [ImportOutcome.UNCHANGED]
    assert outcomes(take_crm(OLDER)) == [ImportOutcome.UNCHANGED]


def test_an_export_of_merged_customers_comes_in_again() -> None:
    take_one(merged_customers=[{**OLD, "merged_customers": [OLDER]}])
    before = shown()
    customers = Customer.objects.count()

    take_crm(before)

    assert shown() == before
    assert Customer.objects.count() == customers
