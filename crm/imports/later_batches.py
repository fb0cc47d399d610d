"""The batches of imports that were written after one that is reverted: what can't be undone yet is left to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.apps import apps

from crm.imports.journal import Entry
from crm.models import ImportBatch
from customers.bulk import pieces
from customers.models import Customer

RECORD = "customers.SourceRecord"

Place = tuple[str, str]


class Later:
    """The batches that stand and were written after this one, for the same customers.

    `own` is the batch itself if only a customer's part is undone: what can't be undone then stays in it.
    """

    def __init__(self, batch: ImportBatch, owners: Iterable[str], own: ImportBatch | None) -> None:
        self._own = own
        wanted = set(owners)
        merged = Customer.objects.filter(pk__in=wanted, merged_into__isnull=False)
        wanted |= {str(key) for key in merged.values_list("merged_into", flat=True)}
        self._others = ImportBatch.objects.filter(is_reverted=False).exclude(pk=batch.pk)
        standing = self._others.filter(pk__gt=batch.pk)
        keys: set[int] = set()
        for piece in pieces(sorted(wanted)):
            keys |= set(
                standing.filter(records__customer_id__in=piece, records__is_preview=False)
                .values_list("pk", flat=True)
                .distinct()
            )
        self.batches = list(
            ImportBatch.objects.filter(pk__in=keys).order_by("pk").select_related("file_import")
        )
        self._places: list[set[Place]] = [
            {
                (entry["model"], entry["key"])
                for own in (each.entries, *(layer["entries"] for layer in each.earlier))
                for entry in own
            }
            for each in self.batches
        ]
        self._owners = [
            {
                entry.get("of", "")
                for own in (each.entries, *(layer["entries"] for layer in each.earlier))
                for entry in own
            }
            for each in self.batches
        ]
        self._left: dict[tuple[int, int], list[Entry]] = defaultdict(list)

    def records_among(self, entries: Iterable[Entry]) -> Mapping[str, ImportBatch]:
        """Customers with a source record that a later batch imported again, each with the first such batch."""
        found: dict[str, ImportBatch] = {}
        for entry in entries:
            if entry["model"] == RECORD and entry["of"]:
                batch = self._first_with((RECORD, entry["key"]))
                if batch is not None:
                    found.setdefault(entry["of"], batch)
        return found

    def batch_with(self, entry: Entry) -> ImportBatch | None:
        """The first later batch that wrote the row of an entry that can't be undone; None if none did.

        A row that belongs to no customer, such as a tag, is in use: any other batch may be the reason.
        """
        batch = self._first_with((entry["model"], entry["key"]))
        if batch is not None:
            return batch
        if "gone" in entry:
            return self._first_of(entry["model"])
        if "new" in entry and not hasattr(apps.get_model(entry["model"]), "customer_id"):
            return self._others.order_by("-pk").first()
        return None

    def first_about(self, customer: str) -> ImportBatch | None:
        """The first later batch that wrote something of the customer."""
        return next(
            (batch for batch, owners in zip(self.batches, self._owners, strict=True) if customer in owners),
            None,
        )

    def leave(self, following: ImportBatch, batch_key: int, entry: Entry) -> None:
        """Leave the undo of an entry to a later batch."""
        self._left[following.pk, batch_key].append(entry)

    def keep(self, batch_key: int, entry: Entry) -> None:
        """Keep an entry that can't be undone in its own batch, if the rest of that still stands."""
        if self._own is not None:
            self._left[self._own.pk, batch_key].append(entry)

    def save(self) -> None:
        """Save what was left to later batches."""
        by_key = {batch.pk: batch for batch in [*self.batches, *filter(None, [self._own])]}
        for (key, batch_key), entries in self._left.items():
            batch = by_key.get(key) or self._others.get(pk=key)
            layer = next((each for each in batch.earlier if each["batch"] == batch_key), None)
            if layer is None:
                layer = {"batch": batch_key, "entries": []}
                batch.earlier.append(layer)
            layer["entries"] += entries
            batch.save(update_fields=["earlier"])

    def _first_with(self, place: Place) -> ImportBatch | None:
        return next(
            (batch for batch, places in zip(self.batches, self._places, strict=True) if place in places), None
        )

    def _first_of(self, label: str) -> ImportBatch | None:
        return next(
            (
                batch
                for batch, places in zip(self.batches, self._places, strict=True)
                if any(each == label for each, _ in places)
            ),
            None,
        )
