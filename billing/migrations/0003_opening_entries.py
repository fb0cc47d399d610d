"""Gives every grant and rollover the ledger entries that its figures are the sum of."""

from itertools import islice

from django.db import migrations
from typeid import TypeID

_OF_GRANT = ("included_grant", "prepaid_grant", "usage")
_OF_ROLLOVER = ("granted", "left")
_BATCH = 500


def post_opening_figures(apps, schema_editor):
    for name, owner, figures in (("Grant", "grant", _OF_GRANT), ("Rollover", "rollover", _OF_ROLLOVER)):
        model = apps.get_model("billing", name)
        rows = model.objects.select_related("balance__customer").order_by("pk").iterator(_BATCH)
        while batch := list(islice(rows, _BATCH)):
            _post(apps, model, owner, figures, batch)


def _post(apps, model, owner, figures, rows):
    posting_model = apps.get_model("billing", "Posting")
    entry_model = apps.get_model("billing", "LedgerEntry")
    postings, entries = [], []
    for row in rows:
        posting = posting_model(
            id=str(TypeID("post")),
            customer_id=row.balance.customer_id,
            kind="import",
            feature_id=row.balance.feature_id,
            occurred_at=getattr(row, "created_at", None) or row.balance.customer.created_at,
            done_by="migration",
            reason="Opening figures",
        )
        for figure in figures:
            amount = getattr(row, figure)
            if not amount:
                continue
            row.entries += 1
            entries.append(
                entry_model(
                    id=str(TypeID("led")),
                    posting=posting,
                    figure=figure,
                    number=row.entries,
                    amount=amount,
                    after=amount,
                    **{owner: row},
                )
            )
        if row.entries:
            postings.append(posting)
    posting_model.objects.bulk_create(postings)
    entry_model.objects.bulk_create(entries)
    model.objects.bulk_update(rows, ["entries"], batch_size=100)


def remove_opening_figures(apps, schema_editor):
    apps.get_model("billing", "LedgerEntry").objects.all().delete()
    apps.get_model("billing", "Posting").objects.all().delete()
    for name in ("Grant", "Rollover"):
        apps.get_model("billing", name).objects.update(entries=0)


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_ledger_and_invoices")]
    operations = [migrations.RunPython(post_opening_figures, remove_opening_figures)]
