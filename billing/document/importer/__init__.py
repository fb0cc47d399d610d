"""Take in billing documents: `BillingImporter` brings them into rows.

What a document does not mention stays as we have it; a list it gives is the whole list. Rows that an empty or
shorter list no longer has are ended or removed with their history, and come back when they are listed again.
"""

from billing.document.importer.importer import BillingImporter

__all__ = ["BillingImporter"]
