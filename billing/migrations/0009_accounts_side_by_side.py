"""Allow several billing accounts of a customer, and a balance of each feature in each of them."""

import django.db.models.deletion
from django.db import migrations, models

from customers.migrations._together import Together


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_plain_words"), ("customers", "0002_came_with_unchecked")]
    operations = [
        migrations.RemoveConstraint("balance", "balance_once_per_feature"),
        migrations.AlterField(
            "billingaccount",
            "customer",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="billing_accounts",
                to="customers.customer",
            ),
        ),
        Together(
            [
                migrations.AddConstraint(
                    "balance",
                    models.UniqueConstraint(
                        fields=["customer", "feature"],
                        condition=models.Q(came_with=None),
                        name="balance_once_per_feature",
                        violation_error_message="The customer already has a balance of this feature.",
                    ),
                ),
                migrations.AddConstraint(
                    "balance",
                    models.UniqueConstraint(
                        fields=["came_with", "feature"],
                        name="balance_once_per_feature_came_with",
                        violation_error_message="The customer already has a balance of this feature.",
                    ),
                ),
                migrations.AddConstraint(
                    "billingaccount",
                    models.UniqueConstraint(
                        fields=["customer"],
                        condition=models.Q(came_with=None),
                        name="account_once_per_customer",
                        violation_error_message="The customer already has a billing account.",
                    ),
                ),
                migrations.AddConstraint(
                    "billingaccount",
                    models.UniqueConstraint(
                        fields=["came_with"],
                        name="account_once_per_customer_came_with",
                        violation_error_message="The customer already has a billing account.",
                    ),
                ),
            ]
        ),
    ]
