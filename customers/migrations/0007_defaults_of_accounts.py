"""One default address and payment method of each account, not of each customer: a merge changes none."""

from django.db import migrations, models

_TABLES = (("address", "address", "default address"), ("paymentmethod", "payment_method", "default payment method"))


def _constraints(name, words):
    message = f"This customer already has a {words}. Unset that one first."
    yield models.UniqueConstraint(
        fields=["customer"],
        condition=models.Q(is_default=True, came_with=None),
        name=f"{name}_one_default_per_customer",
        violation_error_message=message,
    )
    yield models.UniqueConstraint(
        fields=["came_with"],
        condition=models.Q(is_default=True),
        name=f"{name}_one_default_came_with",
        violation_error_message=message,
    )


class Migration(migrations.Migration):
    dependencies = [("customers", "0006_changes")]
    operations = [
        *(
            migrations.RemoveConstraint(model, f"{name}_one_default_per_customer")
            for model, name, _ in _TABLES
        ),
        *(
            migrations.AddConstraint(model, constraint)
            for model, name, words in _TABLES
            for constraint in _constraints(name, words)
        ),
    ]
