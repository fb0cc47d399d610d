from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from crm.roles import sync_after_migrate
from customers.readings.sql_functions import add_to_sqlite


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Update the built-in roles after every `migrate`, and give SQLite the functions of the search."""
        # Connected after Django's own receiver, which creates this app's permissions. Those of earlier apps exist already.
        post_migrate.connect(sync_after_migrate, sender=self, dispatch_uid="crm.roles")
        connection_created.connect(add_to_sqlite, dispatch_uid="crm.search")
