from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.ingest.matching import Identity, match
from customers.ingest.signs import Signs
from customers.models import Customer
from customers.readings.tax_ids import TaxId
from tests.billing.corrupt import unguarded
from tests.customers.import_documents import take_payments
from tests.factories import make_customer, make_source_record

pytestmark = pytest.mark.django_db

#: An ID that no two systems give by chance.
UNIQUE = "acct_9f8K2mX41qLz"
OURS = "cus_01h3vjs3b16yc3f9q8q9pfrb78"


def identity(source_id: str = "new", source: str = "billing", env: str = "live", **fields: Any) -> Identity:
    return Identity(source=source, env=env, source_id=source_id, **fields)


def matched(**fields: Any) -> Customer | None:
    [found] = match([identity(**fields)])
    assert found.refused is None
    return found.customer


class TestStrongIdentifiers:
    def test_nobody(self) -> None:
        make_customer()

        [found] = match([identity(email="new@example.com", external_id="new", names=("new",))])

        assert (found.customer, found.record, found.refused, found.free_id) == (None, None, None, None)

    def test_the_sources_own_id(self) -> None:
        record = make_source_record(source="billing", source_id="b1")

        [found] = match([identity("b1")])

        assert (found.customer, found.record) == (record.customer, record)

    @pytest.mark.parametrize(("source", "env"), [("payments", "live"), ("billing", "sandbox")])
    def test_the_same_id_of_another_source_or_environment_is_nobodys(self, source: str, env: str) -> None:
        make_source_record(source=source, env=env, source_id="b1")

        assert matched(source_id="b1") is None

    def test_our_own_id(self) -> None:
        customer = make_customer(id=OURS)

        assert matched(names=(OURS,)) == customer

    def test_our_own_id_in_another_environment_is_nobodys_and_not_free(self) -> None:
        make_customer(id=OURS, env="sandbox")

        [found] = match([identity(names=(OURS,))])

        assert (found.customer, found.free_id) == (None, None)

    def test_our_own_id_that_nobody_has_is_free(self) -> None:
        [found] = match([identity(names=("x", OURS))])

        assert (found.customer, found.free_id) == (None, OURS)

    @pytest.mark.parametrize(
        "name", ["CUS_01h3vjs3b16yc3f9q8q9pfrb78", "cus_1", "adr_01h3vjs3b16yc3f9q8q9pfrb78"]
    )
    def test_what_is_no_id_of_ours_is_not_free(self, name: str) -> None:
        [found] = match([identity(names=(name,))])

        assert found.free_id is None

    def test_the_external_id(self) -> None:
        customer = make_customer(external_id="x")

        assert matched(external_id="x") == customer
        assert matched(names=("x",)) == customer
        assert matched(external_id="x", env="sandbox") is None

    def test_the_stripe_id(self) -> None:
        customer = make_customer(stripe_id="cus_N1")

        assert matched(stripe_id="cus_N1") == customer
        assert matched(names=("cus_N1",)) == customer
        assert matched(stripe_id="cus_N1", env="sandbox") is None

    def test_an_external_id_is_no_stripe_id(self) -> None:
        make_customer(external_id="x")

        assert matched(stripe_id="x") is None

    def test_the_id_of_a_record_of_another_source(self) -> None:
        record = make_source_record(source="payments", source_id=UNIQUE)

        assert matched(names=(UNIQUE,)) == record.customer
        assert matched(names=(UNIQUE,), env="sandbox") is None

    @pytest.mark.parametrize("spaces", [["payments", "billing"], ["crm", "billing", "payments"]])
    def test_a_short_id_of_sources_that_share_their_ids(self, settings: Any, spaces: list[str]) -> None:
        record = make_source_record(source="payments", source_id="1001")

        assert matched(names=("1001",)) is None
        settings.SHARED_ID_SPACES = spaces
        assert matched(names=("1001",)) == record.customer
        settings.SHARED_ID_SPACES = ["crm", "billing"]
        assert matched(names=("1001",)) is None

    @pytest.mark.parametrize(
        ("sign", "joins"),
        [
            *((Signs(names=frozenset(["ACME Limited"])), True), (Signs(names=frozenset(["Zeta"])), False)),
            *(
                (Signs(domains=frozenset(["acme.example"])), True),
                (Signs(domains=frozenset(["b.example"])), False),
            ),
            *(
                (Signs(phones=frozenset(["+12025550101"])), True),
                (Signs(phones=frozenset(["+12025550102"])), False),
            ),
            (Signs(tax_ids=frozenset([TaxId("129274202", "DE", True)])), True),
            (Signs(names=frozenset(["Acme"]), tax_ids=frozenset([TaxId("811569869", "DE", True)])), False),
            (Signs(), False),
        ],
    )
    def test_a_short_id_with_a_second_sign(self, sign: Signs, joins: bool) -> None:
        customer = make_customer(name="Acme Ltd", email="jo@acme.example", phone="+12025550101")
        signs = {"tax_ids": [["129274202", "DE", True]]}
        make_source_record(customer=customer, source="payments", source_id="1001", signs=signs)

        assert matched(names=("1001",), signs=sign) == (customer if joins else None)

    def test_an_id_that_two_sources_give_to_two_customers_says_nothing(self) -> None:
        make_source_record(source="payments", source_id="1")
        make_source_record(source="crm", source_id="1")

        assert matched(names=("1",)) is None

    def test_an_id_is_stronger_than_an_email(self) -> None:
        customer = make_customer(external_id="x")
        make_customer(email="jo@example.com")

        assert matched(external_id="x", email="jo@example.com") == customer

    @pytest.mark.parametrize("holder", ["external_id", "stripe_id"])
    def test_identifiers_of_two_customers_are_refused(self, holder: str) -> None:
        make_customer(id=OURS)
        other = make_customer(**{holder: "x"})

        [found] = match([identity(names=(OURS,), **{holder: "x"})])

        assert found.refused is not None
        assert found.refused.path == ("$.id" if holder == "external_id" else "$.stripe_id")
        assert other.pk in found.refused.reason
        assert OURS in found.refused.reason

    def test_another_record_of_the_same_source_is_refused(self) -> None:
        customer = make_customer(stripe_id="s")
        make_source_record(customer=customer, source="billing", source_id="b1")

        [found] = match([identity("b2", stripe_id="s")])

        assert found.refused is not None
        assert found.refused.path == "$.id"
        assert "b1" in found.refused.reason

    def test_our_own_id_contradicts_no_record_of_the_same_source(self) -> None:
        customer = make_customer(id=OURS)
        make_source_record(customer=customer, source="billing", source_id="b1")

        assert matched(source_id=OURS, names=(OURS,)) == customer

    def test_a_merged_record_of_the_same_source_is_in_nobodys_way(self) -> None:
        customer = make_customer(stripe_id="s")
        make_source_record(customer=customer, source="billing", source_id="b1", is_merged=True)

        assert matched(source_id="b2", stripe_id="s") == customer

    def test_a_record_without_an_id_joins_by_a_strong_identifier(self) -> None:
        customer = make_customer(stripe_id="s")
        make_source_record(customer=customer, source="billing", source_id="b1")

        assert matched(source_id="stripe:s", has_own_id=False, stripe_id="s") == customer

    def test_an_id_that_comes_later_joins_the_record_that_had_none(self) -> None:
        customer = make_customer(stripe_id="s")
        make_source_record(customer=customer, source="billing", source_id="stripe:s")

        assert matched(source_id="b1", stripe_id="s") == customer


class TestEmail:
    def test_the_only_one_who_has_it(self) -> None:
        customer = make_customer(email="jo@example.com")

        assert matched(email="jo@example.com") == customer

    @pytest.mark.parametrize(
        "email", ["Jo@Example.com", " jo@example.com ", "jo\u200b@example.com", "mailto:jo@example.com"]
    )
    def test_another_spelling_of_the_same_mailbox(self, email: str) -> None:
        customer = make_customer(email="jo@example.com")

        assert matched(email=email) == customer

    @pytest.mark.parametrize(
        ("held", "email"),
        [
            ("jane.doe@gmail.com", "JaneDoe+shop@googlemail.com"),
            ("jane@bücher.example", "jane@xn--bcher-kva.example"),
            ("jane+shop@example.com", "Jane+Shop@example.com"),
        ],
    )
    def test_a_provider_reads_both_as_one(self, held: str, email: str) -> None:
        take_payments({"id": "p1", "email": held})

        assert matched(email=email) == Customer.objects.get()

    @pytest.mark.parametrize("email", ["jo+x@example.com", "j.o@example.com", ""])
    def test_another_mailbox(self, email: str) -> None:
        make_customer(email="jo@example.com")
        make_customer(email="")

        assert matched(email=email) is None

    @pytest.mark.parametrize(
        "email",
        [
            *("n/a", "-", "none", "noreply@example.com", "no-reply@example.com", "test@example.com"),
            *("info@example.com", "billing@example.com", "SALES@example.com", "unknown", "null@example.com"),
        ],
    )
    def test_nobodys_and_an_offices_mailbox(self, email: str) -> None:
        make_customer(email=email)

        assert matched(email=email) is None

    @pytest.mark.parametrize(
        ("name", "joins"),
        [
            *(("Acme Ltd", True), ("ACME", True), ("Jo Doe", True), ("", True)),
            *(("Bob Plumbing GmbH", False), ("Zeta Mining Inc", False)),
        ],
    )
    def test_a_name_that_speaks_against_it(self, name: str, joins: bool) -> None:
        customer = make_customer(email="jo@example.com", name="Acme Limited")

        said = Signs(names=frozenset(filter(None, [name])))
        assert matched(email="jo@example.com", signs=said) == (customer if joins else None)

    @pytest.mark.parametrize(("domain", "joins"), [("acme.example", True), ("zeta.example", False)])
    def test_a_domain_that_speaks_against_it(self, domain: str, joins: bool) -> None:
        customer = make_customer(email="jo@gmail.com", name="")
        make_source_record(customer=customer, source="payments", signs={"domains": ["acme.example"]})

        said = Signs(domains=frozenset([domain]))
        assert matched(email="jo@gmail.com", signs=said) == (customer if joins else None)

    def test_in_another_environment(self) -> None:
        make_customer(email="jo@example.com", env="sandbox")

        assert matched(email="jo@example.com") is None
        assert matched(email="jo@example.com", env="sandbox") is not None

    def test_two_who_have_it(self) -> None:
        make_customer(email="jo@example.com")
        make_customer(email="jo@example.com")

        assert matched(email="jo@example.com") is None

    def test_a_merged_one_does_not_count(self) -> None:
        customer = make_customer(email="jo@example.com")
        make_customer(email="jo@example.com", merged_into=customer)

        assert matched(email="jo@example.com") == customer

    def test_one_who_has_an_id_of_the_same_source(self) -> None:
        record = make_source_record(customer=make_customer(email="jo@example.com"), source="billing")

        assert matched(email="jo@example.com") is None
        assert matched(email="jo@example.com", env="sandbox") is None
        assert matched(email="jo@example.com", source="payments") == record.customer

    def test_a_record_without_an_id_joins_them_all_the_same(self) -> None:
        record = make_source_record(customer=make_customer(email="jo@example.com"), source="billing")

        assert (
            matched(source_id="email:jo@example.com", has_own_id=False, email="jo@example.com")
            == record.customer
        )

    def test_one_whose_record_of_the_same_source_has_no_id(self) -> None:
        customer = make_customer(email="jo@example.com")
        make_source_record(customer=customer, source="billing", source_id="email:jo@example.com")

        assert matched(source_id="b1", email="jo@example.com") == customer


class TestMergedCustomers:
    @pytest.mark.usefixtures("shared_ids")
    def test_every_identifier_leads_to_the_survivor(self) -> None:
        survivor = make_customer()
        middle = make_customer(merged_into=survivor)
        with unguarded():
            last = make_customer(id=OURS, external_id="x", stripe_id="s", merged_into=middle)
            make_source_record(customer=last, source="billing", source_id="b1")

        assert matched(source_id="b2", source="crm", names=(OURS,)) == survivor
        assert matched(source_id="b2", source="crm", external_id="x") == survivor
        assert matched(source_id="b2", source="crm", stripe_id="s") == survivor
        assert matched(source_id="b1") == survivor

    def test_what_is_new_under_an_old_identifier_is_at_home_there(self) -> None:
        survivor = make_customer()
        middle = make_customer(merged_into=survivor)
        with unguarded():
            last = make_customer(id=OURS, email="old@example.com", merged_into=middle)
        make_source_record(customer=survivor, came_with=middle, source="billing", source_id="b1")

        for found in match([identity("n1", names=(OURS,)), identity("n2", email="old@example.com")]):
            assert (found.customer, found.merged_origin, found.came_with_id) == (survivor, last, last.pk)
        [found] = match([identity("b1")])
        assert (found.customer, found.merged_origin) == (survivor, middle)

    def test_an_email_that_both_had_is_the_survivors(self) -> None:
        survivor = make_customer(email="jo@example.com")
        make_customer(email="jo@example.com", merged_into=survivor)

        [found] = match([identity(email="jo@example.com")])

        assert (found.customer, found.merged_origin) == (survivor, None)

    def test_a_source_that_knows_both_by_their_emails_knows_nobody_new(self) -> None:
        survivor = make_customer(email="jo@example.com")
        other = make_customer(email="jo@example.com", merged_into=survivor)
        make_source_record(customer=survivor, source="billing", source_id="b1")

        assert match([identity("b3", email="jo@example.com")])[0].merged_origin == other
        make_source_record(customer=survivor, came_with=other, source="billing", source_id="b2")
        assert matched(source_id="b3", email="jo@example.com") is None

    def test_an_identifier_that_a_merged_customer_keeps_is_no_contradiction(self) -> None:
        survivor = make_customer(external_id="a")
        make_customer(stripe_id="s", merged_into=survivor)

        [found] = match([identity("a", external_id="a", stripe_id="s")])

        assert (found.customer, found.refused, found.kept) == (survivor, None, frozenset({"stripe_id"}))

    def test_an_identifier_of_a_merged_customer_is_not_anothers(self) -> None:
        survivor = make_customer(id=OURS)
        make_customer(external_id="x", merged_into=survivor)

        assert matched(names=(OURS,), external_id="x") == survivor


def test_keys_name_all_that_two_records_could_share() -> None:
    keys = identity(
        "b1", external_id="x", stripe_id="s", email="e@example.com", names=("n",), mentions=("m",)
    ).keys

    assert keys == {
        *(("name", "live", name) for name in ("b1", "x", "s", "n", "m")),
        ("email", "live", "e@example.com"),
    }


def test_the_number_of_queries_does_not_depend_on_how_many_there_are() -> None:
    def queries(count: int) -> int:
        identities = []
        for number in range(count):
            name = f"{count}-{number}"
            survivor = make_customer()
            make_customer(external_id=name, merged_into=survivor)
            make_customer(email=f"{name}@example.com")
            identities += [
                identity(name, external_id=name),
                identity(f"e{name}", email=f"{name}@example.com"),
            ]
        with CaptureQueriesContext(connection) as captured:
            assert None not in [found.customer for found in match(identities)]
        return len(captured)

    assert queries(1) == queries(20)


def test_a_name_that_no_rule_can_read_is_like_itself() -> None:
    strange = Signs(names=frozenset(["è𝛍¡c"]))
    assert not strange.contradict(strange)
