"""What the database guards: triggers, idempotency keys with digests, rows that may exist once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import Count, Model

from billing.doctor.findings import Advance, Finding
from billing.models import Balance, Flag, Posting
from customers import triggers
from customers.triggers import outbox

_WRITTEN_ONCE = (
    "billing_posting",
    "billing_ledgerentry",
    "billing_payment",
    "billing_paymentreversal",
    "billing_creditnote",
)

_AUDIT_LOG = ("customers_auditentry", "customers_auditdetails", "customers_auditseal")
_OF_AUDIT_LOG = {
    "postgresql": {f"{table}_{rule}" for table in _AUDIT_LOG for rule in ("stays", "not_emptied")},
    "sqlite": {f"{table}_no_{verb}" for table in _AUDIT_LOG for verb in ("update", "delete")},
}

#: The triggers that migrations make, by database.
TRIGGERS = {
    "postgresql": {
        *_OF_AUDIT_LOG["postgresql"],
        *(f"{table}_written_once" for table in _WRITTEN_ONCE),
        "billing_ledgerentry_goes_on",
        "billing_grant_adds_up",
        "billing_rollover_adds_up",
        "billing_invoice_stays",
        "billing_invoice_seller_stays",
        "billing_invoice_lines_stay",
    },
    "sqlite": {
        *_OF_AUDIT_LOG["sqlite"],
        *(f"{table}_no_{verb}" for table in _WRITTEN_ONCE for verb in ("update", "delete")),
        "billing_invoice_issued_no_update",
        "billing_invoice_seller_stays",
        "billing_invoice_issued_no_delete",
        "billing_invoice_issued_sums",
        *(
            f"billing_invoiceline_issued_no_{verb}"
            for verb in ("insert_new", "update_old", "update_new", "delete_old")
        ),
    },
}
_INSTALLED = {
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')",
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
}


def check_triggers(advance: Advance) -> Iterator[Finding]:
    """Triggers that are missing or disabled."""
    following = triggers.names(connection.vendor)
    wanted = TRIGGERS[connection.vendor] | following
    with connection.cursor() as cursor:
        cursor.execute(_INSTALLED[connection.vendor])
        installed = {name for (name,) in cursor.fetchall()}
    recording = {name for name, _, _ in outbox.triggers(connection.vendor)}
    for name in sorted(wanted - installed):
        guards = (
            "customers/migrations/0014_audit.py"
            if name.startswith(_AUDIT_LOG)
            else "billing/migrations/0002_guards.py"
        )
        remedy = f"Create it again as {guards} does."
        if name in following:
            remedy = "Run `manage.py migrate` to create it."
        if name in recording:
            remedy += " Then run `prune_changes --all`, so that readers of the changes start over."
        yield Finding(
            name,
            "a trigger of the database",
            "it is missing or disabled, so changes of customers are not recorded"
            if name in recording
            else "it is missing or disabled, so protected rows can be changed",
            remedy,
        )
    advance(len(wanted))


def check_keys(advance: Advance) -> Iterator[Finding]:
    """Idempotency keys without a digest: another request with the same key can't be told apart from the first.

    The key of a manual expiry names the grant, so it needs no digest.
    """
    keyed = Posting.objects.filter(key__isnull=False, digest="").exclude(kind=Posting.Kind.EXPIRY)
    postings = keyed.select_related("customer")
    for posting in postings.order_by("pk").iterator():
        yield Finding(
            str(posting.pk),
            f"{posting} for {posting.customer}",
            f"its key {posting.key!r} has no digest, so other usage with this key would be mistaken for this one",
            "Do not use this key again. Ledger entries can't be changed.",
        )


def check_twice(advance: Advance) -> Iterator[Finding]:
    """Two flags or balances of one account for one feature."""
    yield from _twice(Balance)
    yield from _twice(Flag)


def _twice(model: type[Model]) -> Iterator[Finding]:
    rows: Any = model._default_manager
    places = rows.order_by().values("customer", "came_with", "feature")
    for place in places.annotate(count=Count("pk")).filter(count__gt=1).iterator():
        del place["count"]
        same = list(rows.filter(**place).select_related("customer", "feature"))
        first, *others = sorted(same, key=lambda row: str(row.pk))
        for row in others:
            yield Finding(
                str(row.pk),
                f"{row.feature} of {row.customer}",
                f"the customer has another {model._meta.verbose_name} of this feature: {first.pk}",
                "Rebuild the database's indexes, because its constraint should refuse this, then delete one.",
            )
