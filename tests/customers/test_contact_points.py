"""How addresses are called where they are listed."""

from __future__ import annotations

import pytest

from customers.models import Address


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (
            {
                "line1": "1 Mill Lane",
                "city": "Austin",
                "state": "TX",
                "postal_code": "78701",
                "country": "US",
            },
            "1 Mill Lane, Austin, 78701, US",
        ),
        ({"state": "Bavaria"}, "Bavaria"),
        ({"state": "Bavaria", "country": "DE"}, "Bavaria, DE"),
        ({"line2": "Unit 4"}, "Unit 4"),
        ({"description": "Head office"}, "Head office"),
    ],
)
def test_an_address_is_called_by_what_is_known_of_it(values: dict[str, str], name: str) -> None:
    assert str(Address(**values)) == name
