"""Read and store settings.

The value of a setting is, in this order: what a page has stored, unless the environment locks the setting; what the
environment gives; the default. A process reads what is stored at most every five seconds. A request or a job sees one
state of the settings from start to end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from customers import clock
from customers.audit.record import audit
from customers.configuration.kinds import Setting, WrongValue
from customers.configuration.table import BY_NAME
from customers.logs import log_event
from customers.models import AuditAction
from customers.models.setting import StoredSetting

T = TypeVar("T")

_MAX_AGE = 5.0


class SettingLocked(Exception):
    """The environment locks the setting, so that no page can change it."""


class StoredValues:
    """The stored values by name, read from the database when they are older than five seconds."""

    def __init__(self) -> None:
        self._values: Mapping[str, Any] = {}
        self._read_at = -_MAX_AGE

    def get(self) -> Mapping[str, Any]:
        """The values. A query if they are older than five seconds."""
        now = time.monotonic()
        if now - self._read_at >= _MAX_AGE:
            self._values = dict(_read())
            self._read_at = now
        return self._values

    def forget(self) -> None:
        """Read them again at the next use."""
        self._read_at = -_MAX_AGE


#: Of this process.
STORED = StoredValues()

#: A cell for the values of the running request or job, filled at the first use.
_steady: ContextVar[list[Mapping[str, Any]] | None] = ContextVar("steady_settings", default=None)


def value_of(setting: Setting[T]) -> T:
    """The value of a setting now, without a query if the process has read the stored values lately."""
    if not is_locked(setting):
        stored = _stored()
        if setting.name in stored:
            return cast("T", stored[setting.name])
    return given_value(setting)


def given_value(setting: Setting[T]) -> T:
    """The value without what pages have stored: that of the environment, else the default."""
    return cast("T", getattr(settings, setting.name))


def is_given(setting: Setting[Any]) -> bool:
    """Whether the environment gives a value."""
    return setting.name in settings.GIVEN_SETTINGS


def is_locked(setting: Setting[Any]) -> bool:
    """Whether the environment locks the setting: its stored value, if any, does not count."""
    return setting.name in settings.LOCKED_SETTINGS


@contextmanager
def steady_settings(*, fresh: bool = False) -> Iterator[None]:
    """Keep the values of all settings the same within, as of the first use; with `fresh`, read anew for it."""
    if fresh:
        STORED.forget()
    token = _steady.set([])
    try:
        yield
    finally:
        _steady.reset(token)


@contextmanager
def assumed(values: Mapping[str, Any]) -> Iterator[None]:
    """Let `value_of` return these values by name within, for a preview."""
    token = _steady.set([{**_stored(), **values}])
    try:
        yield
    finally:
        _steady.reset(token)


class SteadySettingsMiddleware:
    """Answers each request with one state of the settings."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        with steady_settings():
            return self.get_response(request)


def store(setting: Setting[T], value: T, by: User | None) -> None:
    """Store a value, which counts from now on for this process, and within seconds for others.

    Raises `SettingLocked`, and `IntegrityError` if another transaction stored a first value at the same moment.
    """
    _refuse_locked(setting)
    held = StoredSetting.objects.filter(pk=setting.name).first()
    row = held or StoredSetting(name=setting.name)
    row.value, row.changed_at, row.changed_by = setting.write(value), clock.now(), by
    row._history_user = by  # type: ignore[attr-defined]
    row.save(force_insert=held is None)
    _announce(setting, by)


def reset(setting: Setting[Any], by: User | None) -> None:
    """Forget the stored value, so that the environment's or the default counts again. Raises `SettingLocked`."""
    _refuse_locked(setting)
    for row in StoredSetting.objects.filter(pk=setting.name):
        row._history_user = by  # type: ignore[attr-defined]
        row.delete()
        _announce(setting, by)


def _refuse_locked(setting: Setting[Any]) -> None:
    if is_locked(setting):
        raise SettingLocked(setting.name)


def _announce(setting: Setting[Any], by: User | None) -> None:
    transaction.on_commit(STORED.forget)
    log_event("setting_changed", setting=setting.name, by=None if by is None else by.pk)
    audit(AuditAction.SETTING_CHANGED, subject=setting.name, by=by)


def _stored() -> Mapping[str, Any]:
    cell = _steady.get()
    if cell is None:
        return STORED.get()
    if not cell:
        cell.append(STORED.get())
    return cell[0]


def _read() -> Iterator[tuple[str, Any]]:
    """What is stored, without settings that no longer exist and values that no longer fit."""
    for name, text in StoredSetting.objects.values_list("name", "value"):
        if name in BY_NAME:
            try:
                yield name, BY_NAME[name].read(text)
            except WrongValue:
                continue
