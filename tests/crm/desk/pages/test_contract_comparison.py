"""What is said of a contract beside the yearly amount billed."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from crm.desk.pages.overview import money


@pytest.mark.parametrize(
    ("billed", "words"),
    [
        ({"USD": 120_000}, "Billing matches the contract."),
        ({"USD": 90_000}, "$300.00/yr below the contract, 75% of it is billed."),
        ({"USD": 150_000}, "$300.00/yr above the contract, 125% of it is billed."),
        ({"EUR": 120_000}, "No recurring billing in USD."),
        ({}, "No recurring billing in USD."),
    ],
)
def test_a_contract_of_1200_dollars_per_year(billed: dict[str, int], words: str) -> None:
    rates: Any = {currency: SimpleNamespace(arr=arr) for currency, arr in billed.items()}

    assert money._compared(Decimal(1200), "USD", rates) == words
