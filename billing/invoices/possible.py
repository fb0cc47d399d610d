"""Which verbs fit the status of an invoice."""

from __future__ import annotations

from billing.invoices.credit_notes import creditable
from billing.models import Invoice


def possible_verbs(invoice: Invoice) -> set[str]:
    """Of `issue`, `send`, `record-payment`, `reverse-payment`, `credit`, `void` and `uncollectible`, those that fit it now.

    A draft of the billing platform has none.
    """
    status, states = invoice.status, Invoice.Status
    if not invoice.number:
        return {"issue", "void"} if status == states.DRAFT and not invoice.imported else set()
    possible = set() if status == states.VOID else {"send"}
    if status in (states.OPEN, states.UNCOLLECTIBLE):
        possible.add("record-payment")
        if not invoice.paid and not invoice.credited:
            possible.add("void")
    if status == states.PAID and not invoice.total:
        possible.add("void")
    if status != states.VOID and invoice.paid:
        possible.add("reverse-payment")
    if status == states.OPEN:
        possible.add("uncollectible")
    if status in (states.OPEN, states.PAID, states.UNCOLLECTIBLE) and creditable(invoice) > 0:
        possible.add("credit")
    return possible
