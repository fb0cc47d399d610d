"""Files that users import: the file, how its columns were read, what became of each record, and how to revert it."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers import clock
from customers.ingest.importer import ImportOutcome
from customers.typed_ids import TypedIdField


class ImportMapping(models.Model):
    """How the columns of a file are read. The next file with the same columns is read in the same way."""

    id = TypedIdField(prefix="map", primary_key=True, editable=False)
    name = models.CharField(max_length=80)
    headings = models.JSONField(default=list, help_text="The headings of the columns, in order.")
    fields = models.JSONField(default=dict, help_text="The field of each column, by its heading.")
    options = models.JSONField(default=dict, help_text="Order of dates, decimal mark, source.")
    used = models.PositiveIntegerField(default=0, help_text="How many files were imported with it.")
    used_at = models.DateTimeField(default=clock.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-used_at", "-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="import_mapping_name_once",
                violation_error_message="Another mapping has this name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FileImportQuerySet(models.QuerySet["FileImport"]):
    def unfinished(self) -> Self:
        """Files that were uploaded and not imported."""
        return self.filter(
            state__in=[FileImport.State.UPLOADED, FileImport.State.READY, FileImport.State.PREVIEWING]
        )


class FileImport(models.Model):
    """A file that a user uploaded, from the upload to the end of the import, and its revert."""

    class Kind(models.TextChoices):
        PAYMENTS = "payments", "payments documents"
        BILLING = "billing", "billing documents"
        CRM = "crm", "CRM documents"
        CSV = "csv", "CSV"
        XLSX = "xlsx", "Excel"

    class State(models.TextChoices):
        UPLOADING = "uploading", "Uploading"
        UPLOADED = "uploaded", "Needs mapping"
        PREVIEWING = "previewing", "Preparing preview"
        READY = "ready", "Ready"
        RUNNING = "running", "Importing"
        DONE = "done", "Imported"
        FAILED = "failed", "Failed"
        REVERTING = "reverting", "Reverting"
        REVERTED = "reverted", "Reverted"

    #: Files that are read by a mapping of their columns.
    TABLES = (Kind.CSV, Kind.XLSX)

    id = TypedIdField(prefix="imp", primary_key=True, editable=False)
    name = models.CharField(max_length=255, help_text="The name of the file.")
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.UPLOADED)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="file_imports",
    )
    made_at = models.DateTimeField("uploaded", default=clock.now)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes, unpacked.")
    source = models.CharField(max_length=80, help_text="The source of its records.")
    layout = models.JSONField(default=dict, help_text="How the file is read: encoding, delimiter, sheet.")
    columns = models.JSONField(default=list, help_text="What was found in each column.")
    fields = models.JSONField(default=dict, help_text="The field of each column, by its heading.")
    options = models.JSONField(default=dict, help_text="Order of dates, decimal mark.")
    mapping = models.ForeignKey(ImportMapping, on_delete=models.SET_NULL, null=True, blank=True)
    total = models.PositiveBigIntegerField(default=0, help_text="How many records there are, if known.")
    counts = models.JSONField(default=dict, help_text="The number of records by outcome.")
    remarks = models.PositiveBigIntegerField(default=0)
    duplicates = models.PositiveBigIntegerField(default=0, help_text="Possible duplicates that it found.")
    error = models.TextField(blank=True, help_text="Why the file could not be read to its end.")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reverted_at = models.DateTimeField(null=True, blank=True)
    reverted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = FileImportQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]
        default_permissions = ("add",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_table(self) -> bool:
        """Whether its columns are mapped."""
        return self.kind in self.TABLES


class FileImportPart(models.Model):
    """A piece of the bytes of a file. All servers and workers have the database, so files are kept there."""

    file_import = models.ForeignKey(FileImport, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["file_import", "number"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["file_import", "number"], name="file_import_part_once")
        ]

    def __str__(self) -> str:
        return f"Part {self.number}"


class ImportedRecord(models.Model):
    """What became of one record of a file, or what would, in its preview.

    All records that were created, updated or refused are kept, of the others only their number.
    """

    OUTCOMES: Any = [(each.value, each.value.capitalize()) for each in ImportOutcome]

    file_import = models.ForeignKey(FileImport, on_delete=models.CASCADE, related_name="records")
    is_preview = models.BooleanField(default=False)
    number = models.PositiveBigIntegerField(help_text="Its place in the file.")
    outcome = models.CharField(max_length=10, choices=OUTCOMES)
    batch = models.ForeignKey(
        "ImportBatch",
        on_delete=models.SET_NULL,
        null=True,
        related_name="records",
        help_text="The rows that were written with it.",
    )
    customer_id = TypedIdField(prefix="cus", null=True, blank=True)
    is_reverted = models.BooleanField(default=False, help_text="Whether its customer's part was reverted.")
    title = models.TextField(blank=True, help_text="The customer's name.")
    changes = models.JSONField(default=list, help_text="Lists of a field, its old and its new value.")
    remarks = models.JSONField(default=list, help_text="What the import changed or doubted.")
    place = models.TextField(blank=True, help_text="The column or key for which it was refused.")
    reason = models.TextField(blank=True, help_text="Why it was refused.")
    text = models.TextField(blank=True, help_text="A refused record as it was in the file, as JSON.")

    class Meta:
        ordering = ["number"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["file_import", "is_preview", "number"], name="imported_record_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["file_import", "is_preview", "outcome", "number"], name="imported_record_by_outcome"
            ),
            models.Index(
                fields=["customer_id"],
                condition=Q(is_preview=False, customer_id__isnull=False),
                name="imported_record_by_customer",
            ),
        ]

    def __str__(self) -> str:
        return f"Record {self.number}: {self.outcome}"


class ImportBatch(models.Model):
    """The rows that one transaction of an import wrote, as they were before and what it made of them.

    `entries` has for each row its model, its key, the customer that it is `of`, and one of these: `new`, the digest of a
    row that was created; `changed`, the former and the new value of each column; `gone`, the columns of a deleted row.
    `earlier` has what reverted imports left to this one, because it wrote the same rows later: their batch and entries.
    """

    file_import = models.ForeignKey(FileImport, on_delete=models.CASCADE, related_name="batches")
    entries = models.JSONField(default=list)
    earlier = models.JSONField(default=list)
    is_reverted = models.BooleanField(default=False)

    class Meta:
        ordering = ["pk"]
        default_permissions = ()
        indexes = [
            models.Index(
                fields=["file_import"], condition=Q(is_reverted=False), name="import_batch_standing"
            ),
        ]

    def __str__(self) -> str:
        return f"Batch {self.pk}"
