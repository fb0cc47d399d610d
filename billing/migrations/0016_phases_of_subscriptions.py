"""What subscriptions and invoices had before there were phases: the first phase, and the time of invoice lines.

Only lines of a period that has not ended matter, because only their time can be given back.
"""

from contextlib import contextmanager

from django.db import migrations
from django.utils import timezone

_BATCH = 1000


def begin_phases(apps, schema_editor):
    phase, subscription = (apps.get_model("billing", name) for name in ("SubscriptionPhase", "Subscription"))
    rows = subscription.objects.filter(billed_here=True).exclude(status="scheduled").order_by("pk")
    phase.objects.bulk_create(
        (
            phase(
                subscription_id=row.pk,
                plan_id=row.plan_id,
                quantity=row.quantity,
                prepaid_quantities=row.prepaid_quantities,
                starts_at=row.started_at,
                reason="Attached",
            )
            for row in rows.iterator()
        ),
        batch_size=_BATCH,
    )


def date_lines(apps, schema_editor):
    invoice, line = (apps.get_model("billing", name) for name in ("Invoice", "InvoiceLine"))
    running = invoice.objects.exclude(number="").filter(period_end__gt=timezone.now())
    of_time = line.objects.filter(invoice__in=running, kind__in=["base", "prepaid", "proration"])
    if not of_time.exists():
        return
    with _lines_that_change(schema_editor):
        for row in running.prefetch_related("lines").iterator(chunk_size=_BATCH):
            lines = [each for each in row.lines.all() if each.kind in ("base", "prepaid", "proration")]
            off = -sum(each.amount for each in row.lines.all() if each.kind == "discount")
            for each, share in zip(lines, _shares(off, [each.amount for each in lines]), strict=True):
                each.period_start = row.created_at if each.kind == "proration" else row.period_start
                each.period_end, each.discounted = row.period_end, share
            line.objects.bulk_update(lines, ["period_start", "period_end", "discounted"])


def _shares(amount, weights):
    """`amount` in shares proportional to the weights above 0."""
    weights = [max(0, weight) for weight in weights]
    whole, reached, given, shares = sum(weights), 0, 0, []
    for weight in weights:
        reached += weight
        share = amount * reached // whole - given if whole else 0
        given += share
        shares.append(share)
    return shares


@contextmanager
def _lines_that_change(schema_editor):
    """Switch off the triggers that keep the lines of issued invoices as they are."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE billing_invoiceline DISABLE TRIGGER billing_invoice_lines_stay")
        yield
        # A deferred constraint with events to come would refuse to alter the table.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        schema_editor.execute("ALTER TABLE billing_invoiceline ENABLE TRIGGER billing_invoice_lines_stay")
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'trigger' AND name LIKE 'billing_invoiceline_issued_no_update_%'"
        )
        triggers = cursor.fetchall()
    for name, _ in triggers:
        schema_editor.execute(f"DROP TRIGGER {name}", params=None)
    yield
    for _, statement in triggers:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("billing", "0015_subscription_phases")]
    operations = [
        migrations.RunPython(begin_phases, migrations.RunPython.noop),
        migrations.RunPython(date_lines, migrations.RunPython.noop),
    ]
