"""Imports reverted in any order, with what users do between them: what is left is what users did."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from billing.models import Balance, Grant, Invoice, Plan, Subscription
from crm.dedupe.links.link import CannotLink, link_records
from crm.dedupe.merges.merge import CannotMerge, merge
from crm.exchange.exports import customers_to_export, exported
from crm.imports.revert import begin_revert, preview_revert, revert, revert_customer
from crm.models import Company, Contact, CustomerTag, FileImport, Note, Person, Relationship, Tag, Task
from crm.notes import write_note
from customers.document.importer import PaymentsImporter
from customers.models import Customer, Source, SourceRecord
from customers.row_snapshots import take_snapshot
from tests.billing.payloads import BALANCE, INVOICE, SUBSCRIPTION
from tests.crm.imports.test_files import imported
from tests.crm.imports.test_revert import _known_customers, _table
from tests.customers.import_documents import take
from tests.examples import examples

pytestmark = pytest.mark.django_db

#: What users see, beside the documents. Removed balances, ended grants and archived customers are history, and a feature
#: stays as long as the ledger names it.
_SEEN: dict[Any, dict[str, Any]] = {
    Balance: {"removed_at": None},
    Grant: {"ended_at": None},
    Subscription: {},
    Invoice: {},
    Plan: {},
    Company: {},
    Relationship: {},
    Contact: {},
    Person: {},
    Tag: {},
    CustomerTag: {},
    Note: {},
    Task: {},
    SourceRecord: {},
}
#: Keys, counters, and when a row was written.
_LEFT_OUT = (
    "entries",
    "last_received_at",
    "first_received_at",
    "id",
    "created_at",
    "updated_at",
    "changed_at",
)


def seen() -> dict[str, Any]:
    """Every document, and every row that pages and lists show."""
    kept = customers_to_export().filter(archived_at=None)
    found: dict[str, Any] = {source: sorted(exported(source, kept)) for source in Source}
    found["customers"] = sorted(map(str, kept))
    for model, condition in _SEEN.items():
        found[model.__name__] = sorted(
            json.dumps(
                {key: value for key, value in columns.items() if not _is_left_out(model, key)}, default=str
            )
            for row in model.objects.filter(**condition)
            for columns in [take_snapshot(row)["columns"]]
        )
    return found


def _is_left_out(model: Any, column: str) -> bool:
    # A customer has one of these, so it is no matter which of its records came with it.
    return column in _LEFT_OUT or (model in (Company, Relationship) and column == "came_with_id")


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: (one[key], other[key]) for key in one if one[key] != other[key]}


def a_file(chance: random.Random) -> tuple[str, bytes]:
    """A table or documents, about customers that are known or not."""
    kind = chance.choice(["table", "table", "crm", "payments", "billing"])
    if kind == "table":
        return f"list {chance.randint(1, 3)}.csv", _table(chance)
    makers: dict[str, Callable[[random.Random], Any]] = {
        "crm": _crm,
        "payments": _payments,
        "billing": _billing,
    }
    documents = {each["id"]: each for each in (makers[kind](chance) for _ in range(chance.randint(1, 3)))}
    return f"{kind}.ndjson", b"\n".join(json.dumps(each).encode() for each in documents.values())


def _crm(chance: random.Random) -> Any:
    own = chance.choice(["c-1", "c-2", "c-3"])
    return {
        "id": own,
        "company": {
            "name": chance.choice(["Umbra SA", "Tern Tools"]),
            "industry": chance.choice(["", "Tools"]),
        },
        "domains": chance.sample([f"{own}.example", "umbra.example", "tern.example"], 2),
        "poc": [
            {"name": name, "obfuscated_id": name, "metadata": {"email": f"{name}@people.example"}}
            for name in chance.sample(["ann", "bo", "cy"], chance.randint(0, 2))
        ],
    }


def _payments(chance: random.Random) -> Any:
    own = chance.choice(["p-1", "p-2", "p-5", "p-6", "p-7", "p-8"])
    return {
        "id": own,
        "name": chance.choice(["Orbit Ltd", "Orbit Limited", "Tern Tools"]),
        "email": chance.choice([f"{own}@mail.example", "ola@tern.example"]),
        "status": chance.choice(["active", "inactive"]),
        "addresses": [
            {"id": f"a-{own}-{at}", "city": chance.choice(["Oslo", "Leeds"])}
            for at in range(chance.randint(0, 2))
        ],
    }


def _billing(chance: random.Random) -> Any:
    own = chance.choice(["b-1", "b-2"])
    used = chance.randint(0, 900)
    row = {**BALANCE["breakdown"][0], "usage": used, "remaining": 1000 - used, "reset": None}
    balance = {**BALANCE, "usage": used, "remaining": 1000 - used, "next_reset_at": None, "breakdown": [row]}
    return {
        "id": own,
        "env": "live",
        "name": chance.choice(["Boxworks", "Tern Tools"]),
        "email": chance.choice([f"{own}@box.example", "ola@tern.example"]),
        "created_at": 1_700_000_000_000,
        "balances": {"api_calls": balance} if chance.random() < 0.7 else {},
        "subscriptions": [SUBSCRIPTION] if chance.random() < 0.5 else [],
        "invoices": [INVOICE] if chance.random() < 0.5 else [],
    }


def acts_of(chance: random.Random) -> list[Callable[[], None]]:
    """What users do between imports, with customers that they knew before."""

    def known(source_id: str) -> Customer:
        return SourceRecord.objects.get(source_id=source_id).customer

    def note() -> None:
        write_note(known("p-2"), "Called", by=None)

    def edit() -> None:
        customer = known("p-1")
        customer.phone = "+44 20 7946 0999"
        customer.pinned_fields = [*customer.pinned_fields, "phone"]
        customer.save()

    def join() -> None:
        try:
            merge(str(known("p-5").pk), [str(known("p-6").pk)])
        except CannotMerge:
            return

    def link() -> None:
        try:
            link_records([SourceRecord.objects.get(source_id="c-1")], str(known("p-2").pk))
        except CannotLink:
            return

    return chance.sample([note, edit, join, link], chance.randint(0, 3))


def _nothing(done: int, total: int) -> None:
    pass


def put_back(file_import: FileImport, chance: random.Random) -> None:
    """Revert an import, sometimes customer by customer first."""
    if chance.random() < 0.3:
        records = file_import.records.filter(is_preview=False).exclude(customer_id=None)
        for key in list(records.values_list("customer_id", flat=True).distinct())[:2]:
            revert_customer(file_import, str(key), None)
    preview_revert(file_import)
    begin_revert(file_import, None)
    revert(file_import, _nothing)


def wander(seed: int) -> dict[str, Any]:
    """Differences between what users did alone, and what is left of that with imports that are reverted."""
    chance = random.Random(seed)
    _known_customers()
    take(PaymentsImporter(), {"id": "p-5", "name": "Fern Hill"}, {"id": "p-6", "name": "Fern Hill Ltd"})
    acts = acts_of(chance)
    with transaction.atomic():
        for act in acts:
            act()
        alone = seen()
        transaction.set_rollback(True)
    steps: list[Any] = [*acts, *(a_file(chance) for _ in range(chance.randint(2, 4)))]
    order = sorted(range(len(steps)), key=lambda at: (chance.random(), at))
    # The acts keep their order.
    places = [at for at in order if at < len(acts)]
    following = iter(sorted(places))
    order = [next(following) if at < len(acts) else at for at in order]
    imports = []
    for at in order:
        step = steps[at]
        if callable(step):
            step()
        else:
            imports.append(imported(*step))
    chance.shuffle(imports)
    for file_import in imports:
        put_back(file_import, chance)
    return differences(alone, seen())


#: With 102, a customer that gets another name loses its only email address. With 107, a contact that an import removed
#: comes back to a customer that was linked since. With 119, what is imported last keeps the customer of an earlier import.
#: With 135, a tag waits for the last customer that has it.
@pytest.mark.parametrize("seed", [*range(examples(1)), 102, 107, 119, 135])
def test_only_what_users_did_is_left(seed: int) -> None:
    assert wander(seed) == {}


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 250))
def test_only_what_users_did_is_left_of_many(seed: int) -> None:
    assert wander(seed) == {}
