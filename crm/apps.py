from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.module_loading import import_string

from crm.roles import sync_after_migrate
from customers.readings.sql_functions import add_to_sqlite
from customers.signals import act_done


def _refresh_after_act(sender: Any, customer_id: str, **others: Any) -> None:
    """So that the page that the user comes back to shows what the act changed."""
    refresh_customers: Any = import_string("crm.desk.refresh.refresh_customers")
    refresh_customers([customer_id])


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Update the built-in roles after every `migrate`, give SQLite the functions of the search, and keep the desk
        current after each act, upgrade and rename.
        """
        # Connected after Django's own receiver, which creates this app's permissions. Those of earlier apps exist already.
        post_migrate.connect(sync_after_migrate, sender=self, dispatch_uid="crm.roles")
        connection_created.connect(add_to_sqlite, dispatch_uid="crm.search")
        watch: Any = import_string("crm.jobs.stale_facts.watch")
        watch(self)
        act_done.connect(_refresh_after_act, dispatch_uid="crm.desk")
