"""Exports of customers: requested on a page, written part by part, kept for `EXPORTS_KEPT_DAYS`."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Count, Q

from customers import clock
from customers.typed_ids import TypedIdField


class ExportQuerySet(models.QuerySet["Export"]):
    def with_waiting(self) -> Self:
        """Annotate `parts_waiting`, the number of parts that aren't written yet."""
        return self.annotate(parts_waiting=Count("parts", filter=Q(parts__data=None)))


class Export(models.Model):
    """A file that a user requested. Only that user may download it."""

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"

    id = TypedIdField(prefix="exp", primary_key=True, editable=False)
    title = models.TextField(help_text="The filter of the customers, in words.")
    format = models.CharField(max_length=4, choices=Format)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="exports")
    made_at = models.DateTimeField(default=clock.now, db_index=True)
    columns = models.JSONField(default=list, help_text="Names of the columns, in order.")
    customers = models.PositiveIntegerField(default=0, help_text="Number of customers.")

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]

    def __str__(self) -> str:
        return self.title


class ExportPartQuerySet(models.QuerySet["ExportPart"]):
    def waiting(self) -> Self:
        """Parts that aren't written yet."""
        return self.filter(data=None)


class ExportPart(models.Model):
    """Some rows of the file: the IDs of their customers, and the bytes once they are written."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    customer_ids = models.JSONField(default=list)
    data = models.BinaryField(null=True)

    objects = ExportPartQuerySet.as_manager()

    class Meta:
        ordering = ["export", "number"]
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="export_part_once")]

    def __str__(self) -> str:
        return f"Part {self.number}"
