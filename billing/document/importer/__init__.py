"""Imports billing documents into rows.

What a document leaves out stays unchanged; a list in it is the whole list. Rows that are no longer listed are ended or
removed, with history, and restored when they are listed again.
"""

from billing.document.importer.importer import BillingImporter

__all__ = ["BillingImporter"]
