"""The importer of each source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.document.importer import BillingImporter
from crm.document.importer import CrmImporter
from customers.document.importer import PaymentsImporter
from customers.ingest.importer import Importer
from customers.models import Source

IMPORTERS: dict[str, Callable[[], Importer[Any]]] = {
    Source.PAYMENTS.value: PaymentsImporter,
    Source.BILLING.value: BillingImporter,
    Source.CRM.value: CrmImporter,
}
