"""Who takes in the documents of each source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from billing.importing import BillingImporter
from crm.crm_import import CrmImporter
from customers.importing import Importer
from customers.models import Source
from customers.payments_import import PaymentsImporter

#: One importer serves one file after the other.
IMPORTERS: dict[str, Callable[[], Importer[Any]]] = {
    Source.PAYMENTS.value: PaymentsImporter,
    Source.BILLING.value: BillingImporter,
    Source.CRM.value: CrmImporter,
}
