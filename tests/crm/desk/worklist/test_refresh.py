"""The worklist as it is written down, and what people decide of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.desk.refresh import refresh_all
from crm.desk.worklist import refresh
from crm.desk.worklist.decisions import ReasonGone, WrongDecision, decide, undo
from crm.desk.worklist.reason import Reason, WorklistBatch
from crm.desk.worklist.refresh import refresh_customers
from crm.models import DecisionKind, DeskRefresh, WorklistDecision, WorklistEntry, WorklistReason
from customers import clock
from customers.models import Customer
from tests.factories import make_relationship, make_user

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


class Rules:
    """Rules that find what a test says."""

    def __init__(self) -> None:
        self.found: list[Reason] = []

    def says(
        self,
        customer: Customer,
        weight: int,
        *,
        key: str = "k",
        words: str = "late",
        person: User | None = None,
    ) -> None:
        """From now on a reason like this is found."""
        self.found.append(
            Reason(
                customer_id=str(customer.pk),
                rule="r",
                key=key,
                words=words,
                weight=weight,
                person_id=person and person.pk,
            )
        )

    def look(self, batch: WorklistBatch) -> Iterator[Reason]:
        """What is said of the customers of the batch."""
        return iter([reason for reason in self.found if reason.customer_id in set(batch.customer_ids)])


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Rules:
    rules = Rules()
    monkeypatch.setattr(refresh, "reasons_of", rules.look)
    monkeypatch.setattr(clock, "now", lambda: AT)
    return rules


def account(owner: User | None = None) -> Customer:
    return make_relationship(owner=owner).customer


def refreshed(at: datetime = AT) -> list[tuple[str, str | None, int, int]]:
    """The worklist after a refresh: customer, person, weight, heaviest."""
    list(refresh_all(at))
    return [
        (str(entry.customer), entry.person.username if entry.person else None, entry.weight, entry.heaviest)
        for entry in WorklistEntry.objects.waiting().by_need()
    ]


def the_reason() -> WorklistReason:
    return WorklistReason.objects.get()


def test_accounts_come_in_order_of_need(rules: Rules) -> None:
    ada = make_user(username="ada")
    light, heavy, spread = account(ada), account(), account(ada)
    rules.says(light, 30)
    rules.says(heavy, 60)
    for number in range(3):
        rules.says(spread, 20, key=str(number))
    assert refreshed() == [
        (str(heavy), None, 60, 60),
        (str(spread), "ada", 60, 20),
        (str(light), "ada", 30, 30),
    ]
    assert DeskRefresh.objects.get(name="worklist").finished_at == AT
    assert DeskRefresh.objects.get(name="worklist").customers == 3


def test_what_addresses_a_colleague_is_on_the_colleague_s_list_alone(rules: Rules) -> None:
    ada, ben = make_user(username="ada"), make_user(username="ben")
    customer = account(ada)
    rules.says(customer, 30)
    rules.says(customer, 20, key="for the owner", person=ada)
    rules.says(customer, 10, key="for ben", person=ben)
    assert refreshed() == [(str(customer), "ada", 50, 30), (str(customer), "ben", 10, 10)]


def test_a_refresh_writes_what_differs_and_nothing_else(rules: Rules) -> None:
    ada, ben = make_user(username="ada"), make_user(username="ben")
    customer = account(ada)
    rules.says(customer, 30, key="a")
    rules.says(customer, 20, key="b")
    assert [step.reasons for step in refresh_all(AT)] == [2]
    assert [step.reasons for step in refresh_all(AT + DAY)] == [0]
    assert {reason.since for reason in WorklistReason.objects.all()} == {AT}
    rules.found.pop(0)
    rules.says(customer, 5, key="c")
    assert [step.reasons for step in refresh_all(AT + DAY)] == [2]
    assert dict(WorklistReason.objects.values_list("key", "since")) == {"b": AT, "c": AT + DAY}
    customer.relationship.owner = ben
    customer.relationship.save()
    assert refreshed() == [(str(customer), "ben", 25, 20)]
    rules.found.clear()
    assert refreshed() == []
    assert not WorklistEntry.objects.exists()


def test_who_is_merged_or_archived_falls_out(rules: Rules) -> None:
    stays, archived, merged = (account() for _ in range(3))
    for customer in (stays, archived, merged):
        rules.says(customer, 10)
    assert len(refreshed()) == 3
    Customer.objects.filter(pk=archived.pk).update(archived_at=AT)
    Customer.objects.filter(pk=merged.pk).update(merged_into=stays)
    assert WorklistEntry.objects.waiting().count() == 1
    refreshed()
    assert WorklistEntry.objects.get().customer == stays


@pytest.mark.parametrize("decision", [DecisionKind.DONE, DecisionKind.NOT_RELEVANT])
def test_what_is_decided_stays_until_the_reason_changes(rules: Rules, decision: DecisionKind) -> None:
    user = make_user()
    customer = account(user)
    rules.says(customer, 30, key="18 days")
    rules.says(customer, 7, key="other")
    refreshed()
    reason = WorklistReason.objects.get(key="18 days")
    decide(str(reason.pk), decision, by=user)
    assert WorklistEntry.objects.get().weight == 7
    assert refreshed(AT + 900 * DAY) == [(str(customer), user.username, 7, 7)]
    written = WorklistDecision.objects.get()
    assert (written.decision, written.decided_by, written.words) == (decision, user, "late")
    rules.found[0] = Reason(customer_id=str(customer.pk), rule="r", key="30 days", words="later", weight=40)
    assert refreshed() == [(str(customer), user.username, 47, 40)]


def test_what_is_snoozed_comes_back(rules: Rules) -> None:
    user = make_user()
    customer = account(user)
    rules.says(customer, 30)
    refreshed()
    decide(str(the_reason().pk), DecisionKind.SNOOZED, by=user, until=AT + 5 * DAY)
    assert the_reason().until == AT + 5 * DAY
    assert refreshed(AT + 4 * DAY) == []
    assert refreshed(AT + 5 * DAY) == [(str(customer), user.username, 30, 30)]
    assert (the_reason().decision, the_reason().until) == ("", None)


@pytest.mark.parametrize("until", [None, AT, AT - DAY])
def test_a_snooze_needs_a_moment_that_lies_ahead(rules: Rules, until: datetime | None) -> None:
    rules.says(account(), 30)
    refreshed()
    with pytest.raises(WrongDecision):
        decide(str(the_reason().pk), DecisionKind.SNOOZED, by=make_user(), until=until)
    assert not WorklistDecision.objects.exists()


def test_a_decision_is_changed_and_taken_back(rules: Rules) -> None:
    user = make_user()
    rules.says(account(), 30)
    refreshed()
    key = str(the_reason().pk)
    decide(key, DecisionKind.SNOOZED, by=user, until=AT + DAY)
    decide(key, DecisionKind.DONE, by=user)
    assert WorklistDecision.objects.get().until is None
    assert undo(WorklistDecision.objects.all()) == 1
    assert not WorklistDecision.objects.exists()
    assert WorklistEntry.objects.get().weight == 30


def test_a_reason_that_two_have_is_decided_for_both(rules: Rules) -> None:
    ada, ben = make_user(), make_user()
    customer = account(ada)
    rules.says(customer, 30)
    rules.says(customer, 30, person=ben)
    refreshed()
    assert WorklistEntry.objects.waiting().count() == 2
    first = WorklistReason.objects.first()
    assert first is not None
    decide(str(first.pk), DecisionKind.DONE, by=ada)
    assert WorklistEntry.objects.waiting().count() == 0


def test_a_reason_that_is_gone_cannot_be_decided(rules: Rules) -> None:
    rules.says(account(), 30)
    refreshed()
    key = str(the_reason().pk)
    rules.found.clear()
    refreshed()
    with pytest.raises(ReasonGone):
        decide(key, DecisionKind.DONE, by=make_user())


def test_a_refresh_takes_as_many_queries_for_many_customers_as_for_one(rules: Rules) -> None:
    refreshed()
    counts = []
    customers: list[Customer] = []
    for size in (1, 6):
        customers = [account(make_user()) for _ in range(size)]
        for customer in customers:
            rules.says(customer, 30)
        with CaptureQueriesContext(connection) as captured:
            refresh_customers([str(customer.pk) for customer in customers], AT)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_new_owner_has_the_customer_on_the_worklist_after_the_commit(
    rules: Rules, django_capture_on_commit_callbacks: Any
) -> None:
    ada, ben = make_user(username="ada"), make_user(username="ben")
    customer = account(ada)
    rules.says(customer, 30)
    refreshed()
    client = Client()
    client.force_login(make_user("Account manager"))
    relationship = customer.relationship
    address = reverse("admin:crm_relationship_change", args=[quote(relationship.pk)])
    form = client.get(address).context["adminform"].form
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    with django_capture_on_commit_callbacks() as callbacks:
        assert client.post(address, values | {"owner": ben.pk}).status_code == 302
    for callback in callbacks:
        callback()
    assert WorklistEntry.objects.get().person == ben
