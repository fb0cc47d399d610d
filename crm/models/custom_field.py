"""Custom fields: what they are, the values that users enter, and the values of all customers for lists and filters."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from simple_history.models import HistoricalRecords

from customers.models import Customer, CustomerRow, Source
from customers.typed_ids import TypedIdField

#: Characters of a value that lists sort by and filters compare.
SORTED_LENGTH = 100
#: Where the values of a field come from that users enter.
OURS = "ours"


class FieldDefinition(models.Model):
    """A custom field of customers, defined once.

    Its values are those that a source sent under `key`, or those that users enter. `name` stands for it in URLs, segments and
    JSON, so it never changes.
    """

    class Type(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        YES_NO = "yes_no", "Yes or no"
        CHOICE = "choice", "One of a list"
        LINK = "link", "Link"

    class Origin(models.TextChoices):
        """`Source`, and what users enter."""

        PAYMENTS = Source.PAYMENTS.value, Source.PAYMENTS.label
        BILLING = Source.BILLING.value, Source.BILLING.label
        CRM = Source.CRM.value, Source.CRM.label
        OURS = OURS, "Entered in Clientele"

    id = TypedIdField(prefix="fld", primary_key=True, editable=False)
    name = models.CharField(max_length=40, unique=True, validators=[RegexValidator(r"^[a-z][a-z0-9_]*\Z")])
    label = models.CharField(max_length=60)
    type = models.CharField(max_length=10, choices=Type, default=Type.TEXT)
    origin = models.CharField("values from", max_length=10, choices=Origin, default=Origin.OURS)
    key = models.CharField(max_length=255, blank=True)
    options = models.JSONField(default=list, blank=True, help_text="What a value of a list can be.")

    history = HistoricalRecords()

    class Meta:
        ordering = ["label"]
        verbose_name = "custom field"
        constraints = [
            models.UniqueConstraint(Lower("label"), name="field_label_once"),
            models.UniqueConstraint(
                fields=["origin", "key"], condition=~Q(origin=OURS), name="field_key_once_per_source"
            ),
        ]

    def __str__(self) -> str:
        return self.label


class FieldValue(CustomerRow):
    """A value that users entered for a custom field, as the text that `crm.custom_fields.types` writes.

    A customer without a value has no row, or an empty one that hides the row of a merged customer.
    """

    id = TypedIdField(prefix="fval", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="field_values")
    field = models.ForeignKey(FieldDefinition, on_delete=models.CASCADE, related_name="values")
    text = models.TextField("value", max_length=1000)

    history = HistoricalRecords(no_db_index=["came_with"])

    class Meta:
        ordering = ["field__label", "id"]
        verbose_name = "value of a custom field"
        verbose_name_plural = "values of custom fields"
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "field"], condition=Q(came_with=None), name="field_value_once"
            ),
            models.UniqueConstraint(fields=["came_with", "field"], name="field_value_once_came_with"),
        ]

    def __str__(self) -> str:
        return f"{self.field}: {self.text}"


class FieldFacts(models.Model):
    """The value of a custom field of a customer, wherever it comes from. No row stands for no value.

    `text` is the value as received, or as it was entered. What fits the type of the field has one of the columns that lists
    sort by and filters compare: `sort`, `number` or `day`.
    """

    #: Derived from other rows, which are the change.
    changes_customer_of = None

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="field_facts", db_index=False, editable=False
    )
    field = models.ForeignKey(
        FieldDefinition, on_delete=models.CASCADE, related_name="facts", db_index=False, editable=False
    )
    text = models.TextField("value")
    fits = models.BooleanField("fits its type", default=True)
    sort = models.CharField("text to sort by", max_length=SORTED_LENGTH, null=True)
    number = models.FloatField(null=True)
    day = models.DateField(null=True)

    class Meta:
        ordering = ["customer_id", "field_id"]
        verbose_name_plural = "field facts"
        constraints = [models.UniqueConstraint(fields=["customer", "field"], name="field_facts_once")]
        indexes = [
            models.Index(fields=["field", "sort", "customer"], name="field_facts_by_sort"),
            models.Index(fields=["field", "number", "customer"], name="field_facts_by_number"),
            models.Index(fields=["field", "day", "customer"], name="field_facts_by_day"),
            models.Index(fields=["field", "fits", "customer"], name="field_facts_by_fit"),
        ]

    def __str__(self) -> str:
        return self.text
