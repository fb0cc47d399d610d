"""Which value of a setting counts, and when a process sees a change."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

from customers.configuration.table import DEFAULT_CURRENCY, DUNNING_STEPS, INVOICE_DUE_DAYS
from customers.configuration.values import (
    STORED,
    SettingLocked,
    is_given,
    reset,
    steady_settings,
    store,
    value_of,
)
from customers.models import StoredSetting

pytestmark = pytest.mark.django_db


def test_a_page_comes_before_the_environment_and_that_before_the_default(settings: Any) -> None:
    assert (value_of(INVOICE_DUE_DAYS), is_given(INVOICE_DUE_DAYS)) == (45, False)
    settings.INVOICE_DUE_DAYS, settings.GIVEN_SETTINGS = 30, frozenset({"INVOICE_DUE_DAYS"})
    assert (value_of(INVOICE_DUE_DAYS), is_given(INVOICE_DUE_DAYS)) == (30, True)
    store(INVOICE_DUE_DAYS, 14, None)
    STORED.forget()
    assert value_of(INVOICE_DUE_DAYS) == 14
    reset(INVOICE_DUE_DAYS, None)
    STORED.forget()
    assert value_of(INVOICE_DUE_DAYS) == 30


def test_the_environment_can_lock_a_setting(settings: Any) -> None:
    store(INVOICE_DUE_DAYS, 14, None)
    STORED.forget()
    settings.LOCKED_SETTINGS = frozenset({"INVOICE_DUE_DAYS"})
    assert value_of(INVOICE_DUE_DAYS) == 45
    with pytest.raises(SettingLocked):
        store(INVOICE_DUE_DAYS, 10, None)
    with pytest.raises(SettingLocked):
        reset(INVOICE_DUE_DAYS, None)
    assert StoredSetting.objects.get().value == "14"


def test_who_changed_it_stays_known_after_a_reset(admin_user: User) -> None:
    store(DUNNING_STEPS, (3, 9), admin_user)
    store(DUNNING_STEPS, (3, 9, 27), admin_user)
    reset(DUNNING_STEPS, admin_user)
    found = list(
        StoredSetting.history.order_by("history_id").values_list("history_type", "value", "history_user")
    )
    assert found == [
        ("+", "3,9", admin_user.pk),
        ("~", "3,9,27", admin_user.pk),
        ("-", "3,9,27", admin_user.pk),
    ]


def test_values_are_read_once_in_five_seconds(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    STORED.forget()
    with django_assert_num_queries(1):
        assert [value_of(INVOICE_DUE_DAYS), value_of(DEFAULT_CURRENCY)] == [45, "USD"]
    StoredSetting.objects.create(name="INVOICE_DUE_DAYS", value="7")
    now[0] += 4.9
    with django_assert_num_queries(0):
        assert value_of(INVOICE_DUE_DAYS) == 45
    now[0] += 0.2
    assert value_of(INVOICE_DUE_DAYS) == 7


def test_a_request_sees_one_state_and_a_job_starts_with_the_newest() -> None:
    with steady_settings():
        assert value_of(INVOICE_DUE_DAYS) == 45
        store(INVOICE_DUE_DAYS, 7, None)
        STORED.forget()
        assert value_of(INVOICE_DUE_DAYS) == 45
    assert value_of(INVOICE_DUE_DAYS) == 7
    StoredSetting.objects.update(value="8")
    with steady_settings(fresh=True):
        assert value_of(INVOICE_DUE_DAYS) == 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
def test_this_process_sees_its_own_change_once_it_is_committed() -> None:
    store(INVOICE_DUE_DAYS, 7, None)
    assert value_of(INVOICE_DUE_DAYS) == 7


def test_what_no_longer_fits_counts_as_not_stored() -> None:
    StoredSetting.objects.create(name="INVOICE_DUE_DAYS", value="soon")
    StoredSetting.objects.create(name="NO_LONGER_THERE", value="1")
    STORED.forget()
    assert value_of(INVOICE_DUE_DAYS) == 45
