"""Small stories after public bug reports of other systems, with variants: who is joined, and what merging and undoing leaves.

Reports: withoneai/cli#194, mautic/mautic#5309 and #12277, SalesforceFoundation/NPSP#3820, #6161 and #2158,
chatwoot/chatwoot#12325, arvarik/contrack#56, twentyhq/twenty#23892 and #23903, acquia/mc-cs-plugin-custom-objects#329,
nextcloud/contacts#4064, odoo/odoo#13837. All inputs are invented.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from customers.models import Customer
from tests.crm.cases.story import Story

pytestmark = pytest.mark.django_db

UUID = "3f2c1b9e-8d7a-4c55-9b1e-2f6a7c8d9e01"


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def joined(story: Story, pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[int]:
    """The places of the pairs (payments, billing) that became one customer. All are in one file of each."""
    story.bring("payments", *({"id": f"p{place}", **one} for place, (one, _) in enumerate(pairs)))
    story.bring(
        "billing", *({"id": f"b{place}", "name": None, **other} for place, (_, other) in enumerate(pairs))
    )
    together = [records for records in story.customers() if len(records) > 1]
    return sorted(
        int(record.partition(":p")[2]) for records in together for record in records if ":p" in record
    )


#: Two spellings of one mailbox; {} is the number of the pair.
ONE_MAILBOX = [
    ("jane{}@shop.example", "JANE{}@Shop.Example"),
    ("jane{}@shop.example", "\u00a0jane{}@shop.example\u200b"),
    ("jane{}@shop.example", "mailto:jane{}@shop.example?subject=Hi"),
    ("jane{}@shop.example", "Jane Doe <jane{}@shop.example>"),
    ("jane{}@shop.example", "jane{} @shop.example"),
    ("jane{}@shop.example", "jane{}(at)shop.example"),
    ("jane{}@shop.example", "jane{}%40shop.example"),
    ("jane{}@shop.example", "&lt;jane{}@shop.example&gt;"),
    ("jane{}@shop.example", "jane{}\uff20shop.example"),
    ("jane{}@m\u00fcnchen.example", "jane{}@xn--mnchen-3ya.example"),
    ("ja.ne{}+shop@gmail.com", "jane{}@googlemail.com"),
    ("jane{}+crm@outlook.com", "jane{}@outlook.com"),
    ("jose\u0301{}@shop.example", "jos\u00e9{}@shop.example"),
]
TWO_MAILBOXES = [
    ("jane{}+x@shop.example", "jane{}+y@shop.example"),
    ("ja.ne{}@shop.example", "jane{}@shop.example"),
    ("jane{}@gmail.com", "jane{}@gmall.com"),
]


def test_a_mailbox_joins_however_it_is_written(story: Story) -> None:
    said = [*ONE_MAILBOX, *TWO_MAILBOXES]
    pairs = [({"email": one.format(at)}, {"email": other.format(at)}) for at, (one, other) in enumerate(said)]

    assert joined(story, pairs) == list(range(len(ONE_MAILBOX)))


PLACEHOLDERS = [
    "n/a", "-", "none", "null", "n.a.@n.a.", "noreply@shop.example", "no-reply@shop.example", "donotreply@shop.example",
    "mailer-daemon@shop.example", "info@shop.example", "facturacion@shop.example", "marketplace@shop.example",
    "test@shop.example", "unknown@shop.example", "no@no.com", "no@email.com", "a@a.com", "x@y.z", "aaa@shop.example",
    "123@123.com", "qwerty@shop.example", "your@email.com", "name@domain.com", "not-provided@shop.example",
    "noemailprovided@shop.example", "hidden@shop.example", "do_not_reply@shop.example", "bounces@shop.example",
    "tbd@tbd.com", "abc@abc.com", "foo@bar.com", "unbekannt@shop.example", "kein@email.de", "pas-de-mail@shop.example",
    "sinemail@shop.example", "achats@shop.example", "buero@shop.example", "büro@shop.example", "ekonomi@shop.example",
    "laskut@shop.example", "ksiegowosc@shop.example", "muhasebe@shop.example", "経理@shop.example",
]  # fmt: skip


def test_what_stands_for_no_mailbox_joins_nobody(story: Story) -> None:
    assert joined(story, [({"email": each}, {"email": each}) for each in PLACEHOLDERS]) == []

    # Without an ID, the names keep strangers apart.
    strangers = [
        {"name": name, "email": each} for each in PLACEHOLDERS for name in ("Alice Bakery", "Bob Plumbing")
    ]
    before = story.count()
    story.bring("payments", *strangers)
    assert story.count() == before + len(strangers)


def test_an_id_of_two_systems_joins_with_a_second_sign_alone(story: Story) -> None:
    def same(identifier: str, one: dict[str, Any], other: dict[str, Any]) -> Any:
        return {"id": identifier, **one}, {"id": identifier, **other}

    apart = [
        same("1001", {"name": "Alice Bakery"}, {"name": "Bob Plumbing"}),
        same("1002", {"name": "Test"}, {"name": "test"}),
        same("1003", {"name": "N/A"}, {"name": "n/a"}),
        same("1004", {"name": "Customer"}, {"name": "customer"}),
        same("1005", {"name": "Alice Bakery", "email": "n/a"}, {"name": "Bob Plumbing", "email": "n/a"}),
        same("00000000-0000-0000-0000-000000000000", {"name": "Alice Bakery"}, {"name": "Bob Plumbing"}),
    ]
    story.bring("payments", *(one for one, _ in apart))
    story.bring("billing", *(other for _, other in apart))
    assert story.count() == 2 * len(apart)

    together = [
        same("2001", {"name": "Harbor Foods Ltd"}, {"name": "Harbor Foods Limited"}),
        same(
            "2002",
            {"name": "Jane Doe", "email": "jane@harbor.example"},
            {"name": "J", "email": "JANE@harbor.example"},
        ),
        same("2003", {"email": "jo@quay.example"}, {"email": "max@quay.example"}),
        same(UUID, {"name": "Alice Bakery"}, {"name": "Bob Plumbing"}),
    ]
    before = story.count()
    story.bring("payments", *(one for one, _ in together))
    story.bring("billing", *(other for _, other in together))
    assert story.count() == before + len(together)


def test_what_stands_for_no_id_is_none(story: Story) -> None:
    no_ids = ("n/a", "-", "null", "#N/A", "TBD")
    rows = [{"id": no_id, "email": f"bob{at}@shop.example"} for at, no_id in enumerate(no_ids)]
    story.bring("payments", *rows, *({**row, "email": "alice@shop.example"} for row in rows))
    assert story.count() == len(no_ids) + 1

    story.bring("billing", *({"id": f"b{at}", "name": f"B{at}", "stripe_id": "null"} for at in range(2)))
    assert story.count() == len(no_ids) + 3


A: dict[str, Any] = {
    "id": "pA", "name": "Acme Ltd", "email": "info@acme.example", "phone": "+442079460958",
    "custom_data": {"vip": "yes"}, "status": "active", "address": {"line1": "1 High St", "city": "London", "country": "GB"},
}  # fmt: skip
B: dict[str, Any] = {
    "id": "pB", "name": "ACME Limited", "email": "billing@acme.example", "phone": "+12025550143",
    "custom_data": {"tier": "gold"}, "status": "active", "address": {"line1": "1 High St", "city": "London", "country": "GB"},
}  # fmt: skip
LATER: dict[str, Any] = {
    "name": "Other", "email": "other@acme.example", "phone": None, "custom_data": {"tier": "silver"},
    "status": "suspended", "address": {"line1": "9 Low St", "city": "Paris", "country": "FR"},
}  # fmt: skip
SHOWN = ("name", "email", "phone", "custom_data", "status")


def said(document: dict[str, Any]) -> dict[str, Any]:
    """What was sent of a payments document."""
    address = document.get("address") or {}
    return {name: document[name] for name in ("id", *SHOWN)} | {
        "address": {name: address[name] for name in ("line1", "city", "country")}
    }


@pytest.mark.parametrize("changes", ["A", "B"])
def test_an_undo_after_an_import_leaves_each_its_own(story: Story, changes: str) -> None:
    sent = {
        "pA": {**A, **(LATER if changes == "A" else {})},
        "pB": {**B, **(LATER if changes == "B" else {})},
    }
    story.bring("payments", A, B)
    story.merged("pA", "pB")
    assert Customer.objects.get(merged_into=None).custom_data == {"vip": "yes", "tier": "gold"}
    story.bring("payments", *sent.values())
    assert {each["id"]: said(each) for each in story.export("payments")} == sent
    story.bring(
        "billing",
        {"id": "bB", "name": "ACME", "email": sent["pB"]["email"], "stripe_id": "cus_NffrFeUfNV2Hib"},
    )

    story.undo()

    assert {each["id"]: said(each) for each in story.export("payments") if each["id"] in sent} == sent
    shown = {
        record.source_id: {name: getattr(record.customer, name) or None for name in SHOWN}
        for customer in Customer.objects.all()
        for record in customer.source_records.filter(source="payments")
    }
    assert shown == {key: {name: each[name] for name in SHOWN} for key, each in sent.items()}
    assert "2 unchanged" in story.bring("payments", *sent.values())
    again = story.bring(
        "billing",
        {"id": "bB", "name": "ACME", "email": sent["pB"]["email"], "stripe_id": "cus_NffrFeUfNV2Hib"},
    )
    assert "1 unchanged" in again
    assert "No problems" in story.doctor()


def test_exports_imported_again_change_nothing_and_make_nobody(story: Story) -> None:
    """Each customer is known to one platform alone; then all are one."""
    story.bring("payments", {"id": "p", "name": "Acme Ltd", "email": "joe@acme.example"})
    story.bring("crm", {"id": "c", "company": {"name": "Zeta"}, "domains": ["zeta.example"]})
    story.bring("billing", {"id": "b", "name": "Omega", "email": None})
    for expected in (3, 1):
        for source in ("payments", "crm", "billing"):
            assert "0 created, 0 updated" in story.bring(source, *story.export(source))
            assert story.count() == expected
        if expected > 1:
            story.merged("p", "c", "b")

    # Nothing of its own in the CRM: the record that joined has the only document.
    story.bring("payments", {"id": "q", "name": "Quay", "email": "q@quay.example"})
    story.bring("crm", {"id": "d", "company": {"name": "Dock"}})
    story.merged("q", "d")
    assert [each["id"] for each in story.export("crm") if each["company"]["name"] in ("Quay", "Dock")] == [
        "d"
    ]


@pytest.mark.parametrize(
    ("payments", "billing"),
    [
        ({"name": "Jane Doe"}, {"name": "Jane"}),
        ({"name": "Jane Doe"}, {"name": None}),
        ({"name": None}, {"name": "Jane"}),
        ({"name": "Jane Doe", "phone": None}, {"name": "JANE DOE"}),
    ],
)
def test_each_source_gets_its_own_words_back(
    story: Story, payments: dict[str, Any], billing: dict[str, Any]
) -> None:
    sent = {
        "payments": {"id": "p", "email": "jane@shop.example", **payments},
        "billing": {"id": "b", "email": "Jane@Shop.example", **billing},
        "crm": {"id": "c", "company": {"name": "Jane's Shop"}},
    }
    for source, document in sent.items():
        story.bring(source, document)
    story.run("link_records", "crm:c", "p")
    assert story.count() == 1

    for source, document in sent.items():
        (exported,) = story.export(source)
        assert {name: exported[name] for name in document} == document
        assert "0 created, 0 updated" in story.bring(source, exported)


def test_a_locked_field_is_no_words_of_a_source(story: Story) -> None:
    sent = {"id": "p", "email": "jane@shop.example", "name": "Jane Doe"}
    story.bring("payments", sent)
    customer = Customer.objects.get()
    customer.name, customer.pinned_fields = "Jane Smith", ["name"]
    customer.save()

    (exported,) = story.export("payments")
    assert {name: exported[name] for name in sent} == sent
    assert "0 created, 0 updated" in story.bring("payments", exported)
    customer.refresh_from_db()
    assert customer.name == "Jane Smith"


def test_merges_are_undone_in_their_order_alone(story: Story) -> None:
    c = {"id": "pC", "name": "Acme GmbH", "email": "c@acme.example"}
    story.bring("payments", A, B, c)
    first = story.merged("pB", "pC")
    second = story.merged("pA", "pB")

    assert "Undo" in story.run("unmerge", first, may_fail=True)
    story.undo(second)
    story.undo(first)
    assert story.customers() == [{"payments:pA"}, {"payments:pB"}, {"payments:pC"}]
    assert "already undone" in story.run("unmerge", first, may_fail=True)
    assert "into itself" in story.run("merge_customers", "pA", "pA", may_fail=True)
    assert "3 unchanged" in story.bring("payments", A, B, c)


FOUND = {
    "@acme.example": "A", "acme.example/": "A", "//acme.example": "A", "acme.example:443": "A", "*.acme.example": "A",
    "https://user:pw@www.acme.example:8443/x?y": "A", "acme\u3002example": "A",
    "mueller": "M\u00fcller & S\u00f6hne", "STRASSENBAU": "Stra\u00dfenbau", "istanbul": "\u0130stanbul Ticaret",
    "oneil": "O\u2019Neil Group", "o\u2018neil": "O\u2019Neil Group", "\u91d1": "\u91d1\u7530", "jose nun": "Jos\u00e9 N\u00fa\u00f1ez",
    "jean-luc": "Jean\u2011Luc", "zolc": "\u017b\u00f3\u0142\u0107",
}  # fmt: skip


def test_a_customer_is_found_however_one_writes_it(story: Story) -> None:
    names = sorted(set(FOUND.values()) - {"A"})
    story.bring("payments", *({"id": f"p{at}", "name": name} for at, name in enumerate(names)))
    story.bring("crm", {"id": "c", "company": {"name": "A"}, "domains": ["www.Acme.example"]})

    assert {text: story.find(text)[:1] for text in FOUND} == {text: [name] for text, name in FOUND.items()}
