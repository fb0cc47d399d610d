"""Load the demo: customers through the importers, users, and what the desk computes."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta

from django.contrib.auth.models import Group, User
from django.db import transaction

from crm.dedupe.duplicates.review import record
from crm.dedupe.duplicates.sweep import swept
from crm.dedupe.merges.merge import merge
from crm.demo.documents import KESTREL, demo_documents
from crm.desk.health.refresh import score_customers
from crm.desk.home.movement import refresh_movements
from crm.desk.refresh import refresh_all
from crm.exchange.importers import IMPORTERS
from crm.models import DuplicatePair, Merge, Relationship, Team
from crm.reports.refresh import refresh_figures
from customers.bulk import pieces
from customers.ingest.engine import import_records
from customers.ingest.importer import ImportCounts, ImportOutcome
from customers.ingest.reader import read_records
from customers.models import Customer

#: User name, first name, last name and role of each demo user. The password is the user name.
LOGINS = (
    ("admin", "Ada", "Adeyemi", "Administrator"),
    ("manager", "Max", "Mwangi", "Account manager"),
    ("billing", "Bea", "Bianchi", "Billing operations"),
    ("viewer", "Vic", "Varga", "Viewer"),
)


#: Why the demo's own merge was done.
_MERGED_BECAUSE = "Entered twice"


class DemoRefused(Exception):
    """An importer refused one of our own documents."""


def load_demo_customers(count: int, today: datetime) -> dict[str, ImportCounts]:
    """Import the documents of `count` invented customers. Raises `DemoRefused` if an importer refuses one."""
    counts = {}
    for source, documents in demo_documents(count, today).items():
        stream = io.BytesIO(json.dumps(documents).encode())
        counts[source] = ImportCounts()
        for report in import_records(IMPORTERS[source](), read_records(stream), origin="demo"):
            if report.outcome is ImportOutcome.REFUSED and report.bad is not None:
                raise DemoRefused(f"{source} record {report.number}: {report.bad.path}: {report.bad.reason}")
            counts[source].add(report.outcome)
    return counts


@transaction.atomic
def create_demo_logins() -> list[tuple[str, str]]:
    """Create a user for each role; return (user name, role).

    The account manager gets half of the accounts, the administrator a quarter, and both form a team. Existing users
    stay unchanged.
    """
    anyone_new = False
    for name, given, family, role in LOGINS:
        user, created = User.objects.get_or_create(
            username=name,
            defaults={
                "first_name": given,
                "last_name": family,
                "email": f"{name}@example.com",
                "is_staff": True,
                "is_superuser": role == "Administrator",
            },
        )
        if created:
            user.set_password(name)
            user.save()
            user.groups.add(Group.objects.get(name=role))
            anyone_new = True
    if anyone_new:
        team = [User.objects.get(username=name) for name in ("manager", "admin")]
        Team.objects.get_or_create(name="Key accounts")[0].members.set(team)
        _assign_accounts(*team)
    return [(name, role) for name, _, _, role in LOGINS]


def review_duplicates() -> None:
    """Look for duplicates, and merge the likeliest pair of two customers, so that there is a merge to undo. Once."""
    if DuplicatePair.objects.exists() or Merge.objects.filter(reason=_MERGED_BECAUSE).exists():
        return
    with swept() as sweep:
        record(sweep.pairs())
    pair = DuplicatePair.objects.waiting().order_by("-score", "pk").first()
    if pair is not None:
        administrator = User.objects.filter(username="admin").first()
        merge(str(pair.a_id), [str(pair.b_id)], by=administrator, reason=_MERGED_BECAUSE)


def settle_desk(now: datetime) -> None:
    """Compute health scores (for three days, as a history), the worklist, the facts and revenue movements."""
    keys = map(str, Customer.objects.current().order_by("pk").values_list("pk", flat=True))
    for piece in pieces(keys):
        for days in (60, 30):
            score_customers(piece, now - timedelta(days=days))
    for _ in refresh_all(now):
        pass
    refresh_movements()
    refresh_figures()


def _assign_accounts(manager: User, administrator: User) -> None:
    unowned = list(Relationship.objects.filter(owner=None).order_by("crm_id").values_list("pk", flat=True))
    Relationship.objects.filter(pk__in=unowned[::2]).update(owner=manager)
    Relationship.objects.filter(pk__in=unowned[1::4]).update(owner=administrator)
    Relationship.objects.filter(crm_id=KESTREL.external_id).update(owner=manager)
