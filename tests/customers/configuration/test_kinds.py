"""Which texts each setting takes, and that a value survives being written and read again."""

import pytest

from customers.configuration.kinds import WrongValue
from customers.configuration.table import BY_NAME, TABLE


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("INVOICE_DUE_DAYS", "0", 0),
        ("INVOICE_DUE_DAYS", "3650", 3650),
        ("RESET_PAST_DUE", "Yes", True),
        ("RESET_PAST_DUE", "off", False),
        ("DUNNING_OUTCOME", "CANCEL", "cancel"),
        ("DUNNING_STEPS", "3, 10,30", (3, 10, 30)),
        ("DUNNING_STEPS", "none", ()),
        ("DEFAULT_CURRENCY", "KWD", "KWD"),
        ("INVOICE_PREFIX", "R-2025", "R-2025"),
        (
            "INVOICE_SELLER",
            "Example Ltd; 1 Example Street\r\nVAT EX1",
            ("Example Ltd", "1 Example Street", "VAT EX1"),
        ),
        ("SHARED_ID_SPACES", "", ()),
        ("WORKLIST_REASONS_OFF", "", ()),
        ("WORKLIST_REASONS_OFF", "mention, unowned", ("unowned", "mention")),
        ("SHARED_ID_SPACES", "billing, crm", ("billing", "crm")),
        ("SOURCE_PRECEDENCE_NAME", "crm,billing,payments", ("crm", "billing", "payments")),
    ],
)
def test_what_a_text_means(name: str, text: str, value: object) -> None:
    setting = BY_NAME[name]
    assert setting.read(text) == value
    assert setting.read(setting.write(value)) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("INVOICE_DUE_DAYS", "3651"),
        ("INVOICE_DUE_DAYS", "-1"),
        ("INVOICE_DUE_DAYS", "1.5"),
        ("INVOICE_DUE_DAYS", "٣"),
        ("INVOICE_DUE_DAYS", "9" * 5000),
        ("INVOICE_DUE_DAYS", ""),
        ("RESET_PAST_DUE", "maybe"),
        ("DUNNING_OUTCOME", "sue"),
        ("DUNNING_STEPS", "7,14,7"),
        ("DUNNING_STEPS", "0,7"),
        ("DUNNING_STEPS", "7,a week"),
        ("DUNNING_STEPS", ""),
        ("DEFAULT_CURRENCY", "usd"),
        ("DEFAULT_CURRENCY", "XAU"),
        ("DEFAULT_CURRENCY", ""),
        ("INVOICE_PREFIX", "CN"),
        ("INVOICE_PREFIX", "inv 1"),
        ("INVOICE_PREFIX", "ABCDEFGHIJKLM"),
        ("SHARED_ID_SPACES", "billing"),
        ("WORKLIST_REASONS_OFF", "weather"),
        ("SHARED_ID_SPACES", "billing,billing"),
        ("SOURCE_PRECEDENCE_EMAIL", "payments,crm"),
        ("SOURCE_PRECEDENCE_EMAIL", "crm,crm,billing"),
    ],
)
def test_what_does_not_fit(name: str, text: str) -> None:
    with pytest.raises(WrongValue):
        BY_NAME[name].read(text)


def test_every_default_can_be_entered() -> None:
    for setting in TABLE:
        assert setting.read(setting.write(setting.default)) == setting.default, setting.name
    assert len(BY_NAME) == len(TABLE)
