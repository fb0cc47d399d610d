"""Send invoices, credit notes and receipts by email, and record what was sent, to whom, and whether it failed."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from billing.formats import money
from billing.invoices.locking import CannotChangeInvoice, locked_issued
from billing.invoices.paper import Paper
from billing.invoices.pdf import to_pdf
from billing.models import Invoice, InvoiceEmail
from customers import clock
from customers.local_formats import formats_of

MOST_RECIPIENTS = 5
_LONGEST_ANSWER = 300


def proposed_recipient(invoice: Invoice) -> str:
    """The address that the invoice keeps, else the customer's."""
    return invoice.bill_to.get("email") or invoice.customer.email or ""


# The customer reads it.
@formats_of("")
def proposed_text(invoice: Invoice, paper: Paper) -> str:
    """A short text that names the attached document, and what is due by when."""
    greeting = invoice.bill_to.get("name") or invoice.customer.name
    parts = [f"Hello {greeting}," if greeting else "Hello,"]
    amount = next((row.amount for row in paper.sums if row.is_total), "")
    parts.append(f"{paper.title} of {amount} is attached.")
    if paper.kind == "Invoice" and invoice.is_owed and invoice.due > 0:
        due = dict(paper.facts).get("Due")
        by = f" by {due}" if due else ""
        parts.append(f"Please pay {money(invoice.due, invoice.currency)}{by}.")
    parts += [part for part in (paper.to_pay.strip(), f"Kind regards\n{paper.seller[0]}") if part]
    return "\n\n".join(parts)


def emails_so_far(invoice: Invoice) -> str:
    """How many emails of the invoice there are: another number means that someone sent one since."""
    return str(InvoiceEmail.objects.filter(invoice=invoice).count())


def send_paper(
    invoice: Invoice,
    paper: Paper,
    *,
    recipients: Sequence[str],
    subject: str,
    text: str,
    seen: str,
    done_by: str,
) -> list[InvoiceEmail]:
    """Send the paper as PDF to each recipient, in an email of its own, and record each.

    Returns the emails with their status; one that the mail server refused says why. `seen` is `emails_so_far` of the
    moment at which the sender decided. Raises `CannotChangeInvoice`, and sends nothing, if another email was sent since,
    if the invoice was never issued here, or if no mail server is set up.
    """
    if not settings.EMAIL_IS_SET_UP:
        raise CannotChangeInvoice("Couldn't send the email because no mail server is set up.")
    content = to_pdf(paper)
    with transaction.atomic():
        found = locked_issued(invoice, "sent")
        if found.status == Invoice.Status.VOID:
            raise CannotChangeInvoice(f"{found} can't be sent because it is void.")
        if emails_so_far(found) != seen:
            raise CannotChangeInvoice("Check the emails and send again. Someone else just sent one.")
        emails = [
            InvoiceEmail(
                invoice=found,
                attachment=paper.file_name,
                recipients=[recipient],
                subject=subject,
                text=text,
                sent_at=clock.now(),
                sent_by=done_by,
            )
            for recipient in recipients
        ]
        InvoiceEmail.objects.bulk_create(emails)
    for email in emails:
        _send(email, content, (invoice.bill_from or {}).get("email", ""))
    return emails


def _send(email: InvoiceEmail, content: bytes, reply_to: str) -> None:
    message = EmailMessage(
        email.subject,
        email.text,
        to=email.recipients,
        reply_to=[reply_to] if reply_to else None,
        attachments=[(email.attachment, content, "application/pdf")],
    )
    try:
        message.send()
    except (OSError, ValueError) as problem:
        # SMTP's own exceptions are OSErrors. An address that can't be written into a header is a ValueError.
        email.status, email.error = InvoiceEmail.Status.FAILED, mail_problem(problem)
    else:
        email.status = InvoiceEmail.Status.SENT
    email.save(update_fields=["status", "error"])


def mail_problem(problem: Exception) -> str:
    """Why an email wasn't sent, for a page."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        [(code, answer), *_] = problem.recipients.values()
        return _answered("The mail server refused the address", code, answer)
    if isinstance(problem, smtplib.SMTPAuthenticationError):
        return "The mail server refused the sign-in of Clientele."
    if isinstance(problem, smtplib.SMTPResponseException):
        return _answered("The mail server refused the email", problem.smtp_code, problem.smtp_error)
    # smtplib reports a server that falls silent as one that closed the connection.
    if isinstance(problem, TimeoutError) or isinstance(problem.__context__, TimeoutError):
        return "The mail server didn't answer in time."
    if isinstance(problem, smtplib.SMTPNotSupportedError):
        return "The mail server supports no encrypted connection or no sign-in, but the settings ask for it."
    if isinstance(problem, smtplib.SMTPServerDisconnected):
        return "The mail server closed the connection."
    if isinstance(problem, ValueError):
        return "The address can't be used in an email."
    return "The mail server couldn't be reached."


def _answered(what: str, code: int, answer: bytes | str) -> str:
    said = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    said = " ".join("".join(char if char.isprintable() else " " for char in said).split())
    return f"{what}: {code} {said}"[:_LONGEST_ANSWER]
