from django.apps import AppConfig
from django.core.checks import register

from config.checks import TAG, check_default_currency, check_invoice_prefix, check_source_precedence


class ConfigConfig(AppConfig):
    """The project itself: its checks, the administration of users, its static files."""

    name = "config"
    verbose_name = "Configuration"

    def ready(self) -> None:
        """Registers the checks of the product's settings."""
        register(check_default_currency, TAG)
        register(check_source_precedence, TAG)
        register(check_invoice_prefix, TAG)
