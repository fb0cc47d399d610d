from django.apps import AppConfig
from django.db.models.signals import post_migrate

from crm.roles import sync_after_migrate


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Update the built-in roles after every `migrate`."""
        # Connected after Django's own receiver, which creates this app's permissions. Those of earlier apps exist already.
        post_migrate.connect(sync_after_migrate, sender=self, dispatch_uid="crm.roles")
