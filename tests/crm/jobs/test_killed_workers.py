"""Workers killed at any point: the effect of each job happens once."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
from django.db import connection

from crm.models import Job, Tag
from tests.crm.jobs.killed_workers import run_all
from tests.processes import in_a_process

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("many processes"),
]


def effects(jobs: int, workers: int, *, is_atomic: bool, deadly: int, kill_every: int = 0) -> Counter[int]:
    """How many jobs had their effect how many times. Every `deadly`-th job kills its worker once."""
    Job.objects.bulk_create(
        [Job(kind="test", arguments={"kills": number % deadly == 0}) for number in range(jobs)]
    )
    # As autovacuum does, which is off here: without statistics, PostgreSQL sorts all waiting jobs for each one taken.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_job")
    died = in_a_process(partial(run_all, workers, is_atomic=is_atomic, kill_every=kill_every))
    assert died >= jobs // deadly
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    names = Tag.objects.values_list("name", flat=True)
    return Counter(Counter(name.split()[0] for name in names).values())


def test_each_job_has_its_effect_once() -> None:
    assert effects(60, 4, is_atomic=True, deadly=20) == {1: 60}


def test_without_one_transaction_effects_double() -> None:
    assert effects(20, 4, is_atomic=False, deadly=10) == {1: 18, 2: 2}


@pytest.mark.soak
def test_ten_thousand_jobs_and_eight_workers_killed_at_random() -> None:
    assert effects(10_000, 8, is_atomic=True, deadly=100, kill_every=25) == {1: 10_000}
