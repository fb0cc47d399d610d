from django.apps import AppConfig

from customers import history_managers, triggers


class CustomersConfig(AppConfig):
    name = "customers"
    verbose_name = "Customers"

    def ready(self) -> None:
        """Keep the database's triggers in step with the migrations, and make history managers cheap."""
        triggers.connect(self)
        history_managers.install()
