from django.apps import AppConfig

from customers import triggers


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = "Customers"

    def ready(self) -> None:
        """Keep the database's triggers in step with the migrations."""
        triggers.connect(self)
