"""Payment methods: what may be shown of a card, a mobile money account or a bank account."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from customers.models.customer import Customer
from customers.models.list_item import ListItem
from customers.models.pinned_fields import PinnedFields
from customers.typed_ids import TypedIdField, with_prefix


class PaymentMethod(PinnedFields, ListItem):
    """What may be shown of a payment method. Full card and account numbers are never stored."""

    class Type(models.TextChoices):
        CARD = "card", "Card"
        MOBILE_MONEY = "mobile_money", "Mobile money"
        BANK_ACCOUNT = "bank_account", "Bank account"

    #: The prefix of the public ID of each type.
    PREFIXES = {Type.CARD.value: "card", Type.MOBILE_MONEY.value: "momo", Type.BANK_ACCOUNT.value: "bank"}

    PINNABLE = (
        "type",
        "brand",
        "last4",
        "exp_month",
        "exp_year",
        "provider",
        "phone",
        "bank_name",
        "country",
        "status",
    )

    id = TypedIdField(prefix="pm", also=("card", "momo", "bank"), primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="payment_methods")
    source_id = models.CharField(max_length=255, blank=True, editable=False)
    type = models.CharField(
        max_length=20,
        choices=Type,
        blank=True,
        help_text="Blank if the source sent only an ID without a known prefix.",
    )
    brand = models.CharField(max_length=255, blank=True, help_text="Cards only, such as Visa.")
    last4 = models.CharField(
        "last four digits",
        max_length=4,
        blank=True,
        help_text="Cards and bank accounts only.",
    )
    exp_month = models.PositiveSmallIntegerField("expiry month", null=True, blank=True)
    exp_year = models.PositiveSmallIntegerField("expiry year", null=True, blank=True)
    provider = models.CharField(max_length=255, blank=True, help_text="Mobile money only, such as M-Pesa.")
    phone = models.CharField(max_length=255, blank=True, help_text="Mobile money only.")
    bank_name = models.CharField(max_length=255, blank=True)
    country = models.CharField(
        max_length=255, blank=True, help_text="Bank accounts only, as a two-letter code such as TZ."
    )
    is_default = models.BooleanField(
        "default", default=False, help_text="Payments use this method unless another one is chosen."
    )
    status = models.CharField(max_length=50, default="active")

    history = HistoricalRecords(excluded_fields=["pinned_fields"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(is_default=True, came_with=None),
                name="payment_method_one_default_per_customer",
                violation_error_message="This customer already has a default payment method. Unset that one first.",
            ),
            models.UniqueConstraint(
                fields=["came_with"],
                condition=Q(is_default=True),
                name="payment_method_one_default_came_with",
                violation_error_message="This customer already has a default payment method. Unset that one first.",
            ),
            models.CheckConstraint(
                condition=Q(last4="") | Q(last4__regex=r"^[0-9]{4}$"),
                name="payment_method_last4_is_four_digits",
                violation_error_message="Enter exactly four digits, such as 4242.",
            ),
            models.CheckConstraint(
                condition=Q(exp_month=None) | Q(exp_month__range=(1, 12)),
                name="payment_method_exp_month_1_to_12",
                violation_error_message="Enter a month from 1 to 12.",
            ),
            models.CheckConstraint(
                condition=Q(type__in=["", "card", "mobile_money", "bank_account"]),
                name="payment_method_type_known",
            ),
        ]

    def __str__(self) -> str:
        if self.type == self.Type.CARD:
            return f"{self.brand or 'Card'} ···· {self.last4 or '????'}"
        if self.type == self.Type.MOBILE_MONEY:
            return " ".join(part for part in (self.provider or "Mobile money", self.phone) if part)
        if self.type == self.Type.BANK_ACCOUNT:
            return f"{self.bank_name or 'Bank account'} ···· {self.last4 or '????'}"
        return self.public_id

    @property
    def public_id(self) -> str:
        """The ID in the documents, with the prefix of its type (`card_…`, `momo_…`, `bank_…`)."""
        return with_prefix(str(self.pk), self.PREFIXES.get(self.type, "pm"))
