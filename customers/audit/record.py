"""Write audit entries: the verb that does something calls `audit` in its transaction."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from customers.audit.actor import acting_now
from customers.models import AuditAction, AuditDetails, AuditEntry

_SALT_BYTES = 32


def audit(
    action: AuditAction,
    customer_id: str | None = None,
    subject: str = "",
    *,
    by: Any = None,
    done_by: str = "",
    details: Mapping[str, Any] | None = None,
    key: str | None = None,
    **data: Any,
) -> None:
    """Record in the caller's transaction that something was done.

    `by` is the user; without one it is who acts now (`customers.audit.actor`). `details` holds what may be personal, `data` IDs, counts
    and words of the code alone. With a `key`, it is recorded once; such an entry has no details.
    """
    actor = acting_now()
    known = getattr(by, "pk", None)
    shown = {name: value for name, value in (details or {}).items() if value}
    salt = secrets.token_hex(_SALT_BYTES) if shown else ""
    entry = AuditEntry(
        action=action,
        user_id=actor.user_id() if known is None and not done_by else known,
        done_by=done_by or actor.done_by,
        address=actor.address(),
        customer_id=customer_id,
        subject=subject,
        data=data,
        details_digest=digest_of_details(shown, salt) if shown else "",
        key=key,
    )
    if not shown:
        AuditEntry.objects.bulk_create([entry], ignore_conflicts=key is not None)
        return
    with transaction.atomic():
        AuditEntry.objects.bulk_create([entry])
        AuditDetails.objects.bulk_create([AuditDetails(entry=entry, values=shown, salt=salt)])


def digest_of_details(values: Mapping[str, Any], salt: str) -> str:
    """The digest of details that their entry keeps."""
    return hashlib.sha256(f"{salt}\0{canonical_json(values)}".encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """A value as JSON with sorted keys and without spaces: the same text on every database."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
