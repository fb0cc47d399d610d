"""Batches: one customer's failure is logged and skipped, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.core.management import CommandError, call_command

from crm.desk.batches import in_batches, lock_current
from crm.desk.health import refresh as health
from crm.desk.health.scoring import health_of
from crm.desk.worklist import refresh as worklist
from crm.desk.worklist.rules import reasons_of
from crm.models import CustomerFacts, DeskRefresh, HealthScore, Tag, WorklistEntry
from customers import clock
from tests.factories import (
    make_customer,
    make_note,
    make_relationship,
    make_subscription,
    make_tag,
    make_user,
)

pytestmark = pytest.mark.django_db


def failing(*bad: str) -> Callable[[Sequence[str]], int]:
    """Work that writes a row, and then fails if one of these is in the batch."""

    def work(keys: Sequence[str]) -> int:
        make_tag(name=" ".join(keys))
        if set(bad) & set(keys):
            raise ZeroDivisionError
        return len(keys)

    return work


def test_a_batch_that_fails_is_done_one_by_one(caplog: pytest.LogCaptureFixture) -> None:
    done = list(in_batches("abcdef", 3, failing("b"), "health"))
    assert [(list(each.customer_ids), each.value) for each in done] == [
        (["a"], 1),
        (["b"], None),
        (["c"], 1),
        (["d", "e", "f"], 3),
    ]
    assert [record.message for record in caplog.records] == [
        "event=batch_failed customers=3 job=health error=ZeroDivisionError",
        "event=customer_skipped customer=b job=health error=ZeroDivisionError",
    ]
    assert caplog.records[1].exc_info is not None


def test_what_a_failed_customer_wrote_is_rolled_back() -> None:
    list(in_batches("ab", 2, failing("b"), "health"))
    assert list(Tag.objects.values_list("name", flat=True)) == ["a"]


def test_when_everything_fails_the_run_ends() -> None:
    keys = [str(number) for number in range(200)]
    with pytest.raises(ZeroDivisionError):
        list(in_batches(keys, 60, failing(*keys), "health"))
    seen = list(in_batches(keys, 60, failing(*keys[10:59]), "health"))
    assert sum(each.value is None for each in seen) == 49


def test_customers_that_are_not_current_are_not_locked() -> None:
    current, archived = make_customer(), make_customer(archived_at=clock.now())
    merged = make_customer(merged_into=current)
    assert lock_current([str(each.pk) for each in (merged, archived, current)]) == [str(current.pk)]


def test_the_command_skips_who_fails_and_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    user = make_user()
    broken, *others = (make_relationship(owner=user).customer for _ in range(3))
    for customer in (broken, *others):
        make_subscription(customer=customer, past_due=True)
        make_note(customer=customer)

    def unless_broken(
        read: Callable[..., object], keys_of: Callable[..., Sequence[str]]
    ) -> Callable[..., object]:
        def instead(*args: object) -> object:
            if str(broken.pk) in keys_of(*args):
                raise ValueError(f"the email address {broken.email} is odd")
            return read(*args)

        return instead

    monkeypatch.setattr(health, "health_of", unless_broken(health_of, lambda keys, at: keys))
    monkeypatch.setattr(worklist, "reasons_of", unless_broken(reasons_of, lambda batch: batch.customer_ids))
    with pytest.raises(CommandError) as refused:
        call_command("refresh_desk")
    assert refused.value.returncode == 1
    assert str(refused.value) == f"Couldn't refresh 1 customer: {broken.pk}. The log says why."
    for model in (HealthScore, WorklistEntry, CustomerFacts):
        assert set(model.objects.values_list("customer", flat=True)) == {each.pk for each in others}
    finished = DeskRefresh.objects.filter(finished_at__isnull=False)
    assert {"health", "worklist"} <= set(finished.values_list("name", flat=True))
    skipped = [record.message for record in caplog.records if "customer_skipped" in record.message]
    assert skipped == [
        f"event=customer_skipped customer={broken.pk} job=refresh error=ValueError",
    ]
