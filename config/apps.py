from typing import Any

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.contrib.auth.signals import user_logged_in
from django.core.checks import Tags, register
from django.core.management import call_command
from django.db.models.signals import post_migrate

from config.checks import proxy_problems
from config.session_times import signed_in


class AdminWithLeanSite(admin_apps.AdminConfig):
    """Django's admin with our site."""

    default = False
    default_site = "config.admin_site.LeanAdminSite"


class ConfigConfig(AppConfig):
    """The app of the project itself: settings, the admin of users, static files."""

    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        """Create the cache table after each `migrate`, keep the time of sign-ins, check the settings of the proxy."""
        user_logged_in.connect(signed_in, dispatch_uid="config.session_limits")
        register(proxy_problems, Tags.security, deploy=True)
        # One sender is enough: each migrated database sends it once. Django sends none for this app, which has no models.
        post_migrate.connect(
            create_cache_table, sender=apps.get_app_config("customers"), dispatch_uid="config.cache"
        )


def create_cache_table(using: str, **options: Any) -> None:
    """Create the table of the database cache if it is missing. A receiver of `post_migrate`."""
    call_command("createcachetable", database=using, verbosity=0)
