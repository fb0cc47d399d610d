"""People, and the contacts that they are for customers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from customers.models import Customer, ListItem, PinnedFields
from customers.models.orders import letters, words
from customers.typed_ids import TypedIdField


class Person(PinnedFields):
    """A person. One person may be a contact of several customers."""

    class Type(models.TextChoices):
        FULL_TIME = "FULL_TIME", "Full-time"
        CONTRACTOR = "CONTRACTOR", "Contractor"
        NON_EMPLOYEE = "NON_EMPLOYEE", "Non-employee"
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

    changes_customer_of = "contacts"

    id = TypedIdField(prefix="per", primary_key=True, editable=False)
    obfuscated_id = models.CharField(
        "ID in the CRM",
        max_length=255,
        unique=True,
        null=True,
        blank=True,
        help_text="Leave blank for people who aren't in the CRM.",
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
    email = models.CharField("email", max_length=320, blank=True, db_index=True)
    alias_emails = models.JSONField("other emails", default=list, blank=True)
    phone = models.CharField(blank=True)
    location = models.CharField(blank=True)
    timezone = models.CharField("time zone", blank=True)
    photo_url = models.CharField("photo", blank=True, help_text="Starts with http:// or https://.")
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)
    bio = models.TextField(blank=True)
    social_network = models.JSONField(
        "social profiles",
        default=list,
        blank=True,
        help_text="A list of objects with name, profile_url, profile_name and icon_url.",
    )
    related_documents = models.JSONField(default=list, blank=True, help_text="As received from the CRM.")
    manager = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reports"
    )

    history = HistoricalRecords(excluded_fields=["pinned_fields"])

    class Meta:
        ordering = ["name", "id"]
        verbose_name_plural = "people"
        indexes = [
            models.Index(letters("name"), "id", name="person_by_name"),
            models.Index(words("title"), "id", name="person_by_title"),
            models.Index(words("email"), "id", name="person_by_email"),
            models.Index(words("location"), "id", name="person_by_location"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(obfuscated_id=""), name="person_no_empty_id"),
            models.CheckConstraint(
                condition=Q(manager=None) | ~Q(manager=F("id")),
                name="person_not_their_own_manager",
                violation_error_message="Choose another manager. A person can't manage themselves.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Store an ID that is left blank as None: blank IDs wouldn't be unique."""
        self.obfuscated_id = self.obfuscated_id or None


class Contact(ListItem):
    """A contact (POC): a person's role at a customer."""

    id = TypedIdField(prefix="poc", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="contacts")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="contacts")
    role = models.CharField(blank=True, help_text="For example, decision maker, billing or technical.")

    history = HistoricalRecords(no_db_index=["came_with", "person"])

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "contact"
        verbose_name_plural = "contacts"
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "person"],
                condition=Q(came_with=None),
                name="contact_once_per_customer",
                violation_error_message="This person is already a contact of the customer.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "person"],
                name="contact_once_per_customer_came_with",
                violation_error_message="This person is already a contact of the customer.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} ({self.role})" if self.role else str(self.person)
