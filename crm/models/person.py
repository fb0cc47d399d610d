"""People, and their part at a customer."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from customers.models import Customer, ListItem, PinnedFields
from customers.typed_ids import TypedIdField


class Person(PinnedFields):
    """Somebody whom the CRM knows. One person may be a point of contact of several customers."""

    class Type(models.TextChoices):
        FULL_TIME = "FULL_TIME", "Full-time"
        CONTRACTOR = "CONTRACTOR", "Contractor"
        NON_EMPLOYEE = "NON_EMPLOYEE", "Not an employee"
        FORMER_EMPLOYEE = "FORMER_EMPLOYEE", "Former employee"

    PINNABLE = (
        "name",
        "type",
        "first_name",
        "last_name",
        "preferred_name",
        "pronoun",
        "title",
        "business_unit",
        "department",
        "email",
        "alias_emails",
        "phone",
        "location",
        "timezone",
        "photo_url",
        "start_date",
        "end_date",
        "bio",
        "social_network",
        "related_documents",
        "manager",
    )

    id = TypedIdField(prefix="per", primary_key=True, editable=False)
    obfuscated_id = models.CharField(
        "id in the CRM",
        max_length=255,
        unique=True,
        null=True,
        blank=True,
        help_text="Empty for people added here.",
    )
    name = models.CharField()
    type = models.CharField(max_length=20, choices=Type, blank=True)
    first_name = models.CharField(blank=True)
    last_name = models.CharField(blank=True)
    preferred_name = models.CharField(blank=True)
    pronoun = models.CharField(blank=True)
    title = models.CharField(blank=True)
    business_unit = models.CharField(blank=True)
    department = models.CharField(blank=True)
    email = models.CharField("e-mail", max_length=320, blank=True, db_index=True)
    alias_emails = models.JSONField("other e-mails", default=list, blank=True)
    phone = models.CharField(blank=True)
    location = models.CharField(blank=True)
    timezone = models.CharField("time zone", blank=True)
    photo_url = models.CharField(
        "photo", blank=True, help_text="A link that begins with http:// or https://."
    )
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    bio = models.TextField(blank=True)
    social_network = models.JSONField(
        default=list,
        blank=True,
        help_text="A list of objects with name, profile_url, profile_name and icon_url.",
    )
    related_documents = models.JSONField(default=list, blank=True, help_text="As the CRM gives them.")
    manager = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reports"
    )

    history = HistoricalRecords(excluded_fields=["pinned_fields"])

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "people"
        constraints = [
            models.CheckConstraint(condition=~Q(obfuscated_id=""), name="person_no_empty_id"),
            models.CheckConstraint(
                condition=Q(manager=None) | ~Q(manager=F("id")),
                name="person_not_their_own_manager",
                violation_error_message="Nobody is their own manager.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """An id left empty in a form is an unknown id."""
        self.obfuscated_id = self.obfuscated_id or None


class Contact(ListItem):
    """A point of contact (POC): a person's part at a customer."""

    id = TypedIdField(prefix="poc", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contacts")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="contacts")
    role = models.CharField(
        blank=True, help_text="Their part at this customer: decision maker, billing, technical, …"
    )

    history = HistoricalRecords(no_db_index=["came_with", "person"])

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "point of contact"
        verbose_name_plural = "points of contact"
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "person"],
                condition=Q(came_with=None),
                name="contact_once_per_customer",
                violation_error_message="This person is a point of contact of the customer already.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "person"],
                name="contact_once_per_customer_came_with",
                violation_error_message="This person is a point of contact of the customer already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} ({self.role})" if self.role else str(self.person)
