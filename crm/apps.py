from django.apps import AppConfig
from django.db.models.signals import post_migrate

from crm.roles import sync_after_migrate


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Let the built-in roles follow their table."""
        # After Django's own receiver, which makes the permissions of this app; those of the apps before it exist.
        post_migrate.connect(sync_after_migrate, sender=self, dispatch_uid="crm.roles")
