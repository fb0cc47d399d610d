"""What makes the facts of all customers stale at once: an upgrade that adds some, other names and rates that lists sort by.

None changes a customer, so `follow_changes` doesn't see it: the job that refreshes everyone is requested.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.apps import apps as installed_apps
from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models.signals import post_migrate, pre_save

from billing.models import Feature, Plan
from crm.desk.refresh import FACTS
from crm.jobs.refresh import REFRESH
from crm.queue import enqueue
from customers import clock
from customers.signals import rates_entered, renamed

#: The columns that name a row, of models whose names other lists sort by.
_NAMES: dict[Any, tuple[str, ...]] = {
    Plan: ("name",),
    Feature: ("name",),
    User: ("first_name", "last_name", "username"),
}


def watch(sender: Any) -> None:
    """Request the refresh from now on. `sender` is the configuration of the app `crm`."""
    post_migrate.connect(_after_migrate, sender=sender, dispatch_uid="crm.stale_facts")
    renamed.connect(_request, dispatch_uid="crm.stale_facts")
    rates_entered.connect(_request, dispatch_uid="crm.stale_facts")
    for model in _NAMES:
        pre_save.connect(_before_save, sender=model, dispatch_uid=f"crm.stale_facts.{model.__name__}")


def _after_migrate(
    sender: Any, apps: Any = installed_apps, using: str = DEFAULT_DB_ALIAS, plan: Any = (), **options: Any
) -> None:
    """Request a refresh: migrations may have added columns that lists sort by, and facts of before lack them."""
    if not any(not is_backwards for _, is_backwards in plan):
        return
    try:
        # As the tables are now: `migrate` may have stopped at an older state.
        refreshes, jobs = apps.get_model("crm", "DeskRefresh"), apps.get_model("crm", "Job")
    except LookupError:
        return
    if refreshes.objects.using(using).filter(name=FACTS).exists():
        job = jobs(kind=REFRESH, key=REFRESH, run_after=clock.now())
        jobs.objects.using(using).bulk_create([job], ignore_conflicts=True)


def _request(sender: Any, **options: Any) -> None:
    # Within a long transaction, it would hold up everyone else who requests the job.
    transaction.on_commit(partial(enqueue, REFRESH, key=REFRESH))


def _before_save(
    sender: Any, instance: Any, raw: bool = False, update_fields: Any = None, **options: Any
) -> None:
    names = _NAMES[sender]
    # A sign-in saves nothing but its time.
    if raw or instance._state.adding or (update_fields is not None and not set(names) & set(update_fields)):
        return
    before = sender._base_manager.filter(pk=instance.pk).values_list(*names).first()
    if before is not None and before != tuple(getattr(instance, name) for name in names):
        _request(sender)
