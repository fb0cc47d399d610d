from django.apps import AppConfig

from customers import triggers


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = "Customers"

    def ready(self) -> None:
        """Let the database's guards follow the migrations."""
        triggers.connect(self)
