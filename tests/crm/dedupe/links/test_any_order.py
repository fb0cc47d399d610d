"""Whatever order led there: the same records, changed at the same moments and linked alike, are the same customers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from billing.doctor.checks import CHECKS
from crm.dedupe.links.link import CannotLink, link_records, unlink_record
from crm.dedupe.merges.merge import merge
from crm.dedupe.merges.unmerge import KEEP, conflicts_of, hindrance, unmerge
from crm.exchange.exports import customers_to_export, exported
from crm.exchange.importers import IMPORTERS
from crm.models import Merge
from customers.ingest.importer import ImportOutcome
from customers.models import Customer, Source, SourceRecord
from tests.billing.payloads import BALANCE, SUBSCRIPTION
from tests.crm.import_documents import document
from tests.customers.import_documents import outcomes, take
from tests.examples import examples

pytestmark = pytest.mark.django_db

_START = datetime(2026, 3, 1, tzinfo=UTC)
_SOURCES = ("payments", "billing", "crm")
_SHOWN = ("name", "email", "phone", "status", "custom_data", "fingerprint")
_CHECKED = {"what records say", "merged customers", "rows of merged customers", "merged origins of rows"}


class World:
    """Some records, each with two versions of its document and the moments at which these arrive."""

    def __init__(self, random: Random) -> None:
        count = random.randint(3, 6)
        self.records = [(random.choice(_SOURCES), f"r{number}") for number in range(count)]
        moments = [_START + timedelta(hours=hour) for hour in range(2 * count)]
        random.shuffle(moments)
        self.arrivals: dict[tuple[str, int], datetime] = {}
        self.documents: dict[tuple[str, int], Any] = {}
        for number, (source, name) in enumerate(self.records):
            times = sorted(moments[2 * number : 2 * number + 2])
            for version, moment in enumerate(times):
                self.arrivals[name, version] = moment
                self.documents[name, version] = _document(random, source, name, version)
        self.groups = [random.randrange(2) for _ in self.records]


def _document(random: Random, source: str, name: str, version: int) -> Any:
    own = f"{name} v{version}"
    if source == "crm":
        return document(
            id=name,
            company={"name": own},
            domains=[f"{name}-{version}.example"],
            poc=[{"name": own, "obfuscated_id": own}],
        )
    values: dict[str, Any] = {"id": name, "name": own, "email": f"{name}@{name}-mail.example"}
    if source == "billing":
        return values | {
            "env": "live",
            "created_at": 1_700_000_000_000,
            "fingerprint": random.choice([None, own]),
            "stripe_id": None,
            "balances": {
                "calls": {
                    **BALANCE,
                    "feature_id": "calls",
                    "usage": version,
                    "remaining": BALANCE["granted"] - version,
                }
            }
            if random.random() < 0.7
            else {},
            "subscriptions": [SUBSCRIPTION] if random.random() < 0.5 else [],
        }
    return values | {
        "created_at": "2025-01-01T00:00:00.000Z",
        "status": random.choice(["active", "inactive"]),
        "phone": random.choice([None, "+1 202 555 0100", "+1 202 555 0101"]),
        "custom_data": random.choice([None, {"tier": own}, {name: version}]),
        "addresses": [{"id": f"a-{name}", "city": own, "is_default": True}],
    }


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: moment)

    return set_to


def record_of(name: str) -> SourceRecord:
    return SourceRecord.objects.select_related("customer").get(source_id=name)


def arrive(world: World, source: str, name: str, version: int, at: Any) -> None:
    at(world.arrivals[name, version])
    reports = take(IMPORTERS[source](), world.documents[name, version])
    assert [report.bad for report in reports if report.bad] == []


def wander(world: World, random: Random, at: Any) -> None:
    """Reach the world's end by any way: versions, links, merges and undos in any order."""
    left = [(source, name, version) for source, name in world.records for version in (0, 1)]
    random.shuffle(left)
    left.sort(key=lambda each: each[2] if random.random() < 0.5 else random.random())
    late = _START + timedelta(days=30)
    came: dict[str, int] = {}
    while left:
        source, name, version = left.pop(0)
        if came.get(name, -1) > version:
            continue
        arrive(world, source, name, version, at)
        came[name] = version
        late += timedelta(minutes=1)
        at(late)
        if len(came) > 1:
            _detour(sorted(came), random)
    for source, name in world.records:
        if came[name] == 0:
            arrive(world, source, name, 1, at)
    at(late + timedelta(days=1))
    _regroup(world, random)


def _detour(names: list[str], random: Random) -> None:
    one, other = random.sample(names, 2)
    act = random.randrange(4)
    if act == 0 and record_of(one).customer != record_of(other).customer:
        merge(str(record_of(one).customer_id), [str(record_of(other).customer_id)])
    elif act == 1:
        for standing in Merge.objects.standing().order_by("?"):
            if not hindrance(standing):
                unmerge(standing, settle={each.name: KEEP for each in conflicts_of(standing)})
                break
    elif act == 2:
        _attempt(lambda: link_records([record_of(one)], str(record_of(other).customer_id)))
    else:
        _attempt(lambda: unlink_record(record_of(one)))


def _attempt(act: Any) -> None:
    try:
        act()
    except CannotLink:
        return


def _regroup(world: World, random: Random) -> None:
    """Take all apart, then link what belongs together."""
    names = [name for _, name in world.records]
    for name in random.sample(names, len(names)):
        _attempt(lambda name=name: unlink_record(record_of(name)))
    for group in set(world.groups):
        members = [name for name, its in zip(names, world.groups, strict=True) if its == group]
        random.shuffle(members)
        for name in members[1:]:
            link_records([record_of(name)], str(record_of(members[0]).customer_id))


def shown(world: World) -> Iterator[Any]:
    """The customers by their records, and every record's own document, without our own IDs."""
    for group in sorted(set(world.groups)):
        names = [name for (_, name), its in zip(world.records, world.groups, strict=True) if its == group]
        [customer] = {record_of(name).customer for name in names}
        yield names, {name: getattr(customer, name) for name in _SHOWN}
    for source in _SOURCES:
        own = {name for its, name in world.records if its == source}
        documents = [json.loads(line) for line in exported(Source(source), customers_to_export())]
        yield source, sorted((each for each in documents if each["id"] in own), key=lambda each: each["id"])


def problems() -> list[str]:
    found = [check for check in CHECKS if check.words in _CHECKED]
    assert len(found) == len(_CHECKED)
    return [str(each) for check in found for each in check.run(lambda count: None, fix=False)]


@pytest.mark.parametrize("seed", range(examples(2)))
def test_two_ways_lead_to_the_same_customers(seed: int, at: Any) -> None:
    world = World(Random(seed))
    results = []
    for way in range(2):
        with transaction.atomic():
            wander(world, Random(f"{seed} {way}"), at)
            assert problems() == []
            results.append(list(shown(world)))
            for source, name in world.records:
                reports = take(IMPORTERS[source](), world.documents[name, 1])
                assert outcomes(reports) == [ImportOutcome.UNCHANGED]
            transaction.set_rollback(True)
    assert results[0] == results[1]


def test_a_customer_that_is_not_what_its_records_say_is_found(at: Any) -> None:
    at(_START)
    take(IMPORTERS["payments"](), {"id": "r1", "name": "Yew Farm"})
    Customer.objects.update(name="Elm Farm")
    [problem] = problems()
    assert "it has name “Elm Farm”, but its records say “Yew Farm”" in problem
