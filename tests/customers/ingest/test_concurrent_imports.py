from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from billing.document.importer import BillingImporter
from customers.document.importer import PaymentsImporter
from customers.ingest.engine import BATCH
from customers.ingest.importer import ImportOutcome, ImportReport
from customers.models import Address, Customer, SourceRecord
from tests.customers.import_documents import outcomes, payment, take
from tests.strategies_payments import Json

CREATED, UPDATED, UNCHANGED, _, _, REFUSED = ImportOutcome


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    """Two imports of the same new customers, on both databases."""

    def run(self, *imports: tuple[Any, list[Json]]) -> list[list[ImportReport]]:
        barrier = Barrier(len(imports))
        results: list[list[ImportReport]] = [[] for _ in imports]

        def work(index: int) -> None:
            importer, payloads = imports[index]
            try:
                barrier.wait()
                results[index] = take(importer, *payloads)
            finally:
                connection.close()

        threads = [Thread(target=work, args=(index,)) for index in range(len(imports))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def test_the_same_file(self) -> None:
        payloads = [payment(number, address={"city": "Arusha"}) for number in range(3 * BATCH)]

        first, second = self.run((PaymentsImporter(), payloads), (PaymentsImporter(), payloads))

        together = sorted(zip(outcomes(first), outcomes(second), strict=True))
        assert set(together) <= {(CREATED, UNCHANGED), (UNCHANGED, CREATED)}
        assert len(together) == Customer.objects.count() == Address.objects.count() == 3 * BATCH

    def test_the_same_people_from_two_sources(self) -> None:
        payments = [payment(number) for number in range(2 * BATCH)]
        billing = [{"id": f"b{number}", "email": f"c{number}@example.com"} for number in range(2 * BATCH)]

        results = self.run((PaymentsImporter(), payments), (BillingImporter(), billing))

        assert REFUSED not in outcomes(results[0]) + outcomes(results[1])
        assert Customer.objects.count() == 2 * BATCH
        assert SourceRecord.objects.count() == 4 * BATCH
