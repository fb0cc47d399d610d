from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import register
from django.core.management import call_command
from django.db.models.signals import post_migrate

from config.checks import TAG, check_default_currency, check_invoice_prefix, check_source_precedence


class ConfigConfig(AppConfig):
    """The project itself: its checks, the admin of users, its static files."""

    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        """Register the checks of the product's settings, and let `migrate` make the table of the cache."""
        register(check_default_currency, TAG)
        register(check_source_precedence, TAG)
        register(check_invoice_prefix, TAG)
        # Once for each migrated database. This app has no models, so the signal is never sent for it.
        post_migrate.connect(
            create_cache_table, sender=apps.get_app_config("customers"), dispatch_uid="config.cache"
        )


def create_cache_table(using: str, **options: Any) -> None:
    """Receive `post_migrate`: make the table of a cache in the database, unless it is there."""
    call_command("createcachetable", database=using, verbosity=0)
