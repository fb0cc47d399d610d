"""While a customer is being erased, personal columns of the ledger and of issued invoices may change, and no others.

An erasure is a row of `customers_erasure` without `finished_at`; the verb that makes it ends it in the same transaction.
"""

from django.db import migrations

#: By table: the columns that an erasure may change, and on SQLite all others, which it may not.
_WRITTEN_ONCE = {
    "billing_posting": (
        ("reason", "key", "digest", "answer"),
        (
            "id",
            "customer_id",
            "kind",
            "feature_id",
            "entity_id",
            "amount",
            "occurred_at",
            "recorded_at",
            "done_by",
            "reverses_id",
        ),
    ),
    "billing_payment": (
        ("reference",),
        ("id", "invoice_id", "amount", "paid_at", "recorded_by", "recorded_at"),
    ),
    "billing_paymentreversal": (("reason",), ("id", "payment_id", "reversed_at", "reversed_by")),
    "billing_creditnote": (
        ("reason",),
        ("id", "invoice_id", "number", "total", "tax", "issued_at", "issued_by"),
    ),
}
_FIXED = (
    "number",
    "currency",
    "total",
    "created_at",
    "issued_at",
    "due_at",
    "period_start",
    "period_end",
    "subscription_id",
    "tax_rate",
    "no_tax_reason",
    "plan_ids",
)
_ERASING = "EXISTS (SELECT 1 FROM customers_erasure WHERE finished_at IS NULL)"
_INVOICE_STAYS = "an issued invoice never changes: correct it by a credit note"


def _sqlite(is_erasable):
    for table, (_, others) in _WRITTEN_ONCE.items():
        name = f"{table}_no_update"
        yield f"DROP TRIGGER {name}"
        changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in others)
        when = f"WHEN {changed} OR NOT {_ERASING}" if is_erasable else ""
        yield f"""
            CREATE TRIGGER {name} BEFORE UPDATE ON {table} {when}
            BEGIN SELECT RAISE(ABORT, '{table} is written once: correct it by another row'); END"""
    yield "DROP TRIGGER billing_invoice_issued_no_update"
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in _FIXED)
    erasable = f" AND NOT {_ERASING}" if is_erasable else ""
    yield f"""
        CREATE TRIGGER billing_invoice_issued_no_update BEFORE UPDATE ON billing_invoice
        WHEN OLD.number <> '' AND ({changed} OR (OLD.bill_to IS NOT NEW.bill_to{erasable}))
        BEGIN SELECT RAISE(ABORT, '{_INVOICE_STAYS}'); END"""


def _postgresql(is_erasable):
    let = f"""
        IF TG_OP = 'UPDATE' AND TG_NARGS > 0 THEN
            IF to_jsonb(OLD) - TG_ARGV = to_jsonb(NEW) - TG_ARGV AND {_ERASING} THEN
                RETURN NEW;
            END IF;
        END IF;"""
    yield f"""
        CREATE OR REPLACE FUNCTION billing_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN{let if is_erasable else ""}
            RAISE EXCEPTION '% is written once: correct it by another row', TG_TABLE_NAME USING ERRCODE = '23514';
        END $$"""
    for table, (columns, _) in _WRITTEN_ONCE.items():
        arguments = ", ".join(f"'{column}'" for column in columns) if is_erasable else ""
        yield f"DROP TRIGGER {table}_written_once ON {table}"
        yield f"""
            CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION billing_written_once({arguments})"""
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _FIXED)
    erasable = f" AND NOT {_ERASING}" if is_erasable else ""
    yield f"""
        CREATE OR REPLACE FUNCTION billing_invoice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                IF OLD.number <> '' THEN
                    RAISE EXCEPTION 'an issued invoice is never deleted: void it' USING ERRCODE = '23514';
                END IF;
                RETURN OLD;
            END IF;
            IF OLD.number <> '' AND ({changed} OR (OLD.bill_to IS DISTINCT FROM NEW.bill_to{erasable})) THEN
                RAISE EXCEPTION '{_INVOICE_STAYS}' USING ERRCODE = '23514';
            END IF;
            IF OLD.number = '' AND NEW.number <> '' AND NEW.total <> (
                SELECT COALESCE(SUM(amount), 0) FROM billing_invoiceline WHERE invoice_id = NEW.id
            ) THEN
                RAISE EXCEPTION 'the total of an invoice is the sum of its lines' USING ERRCODE = '23514';
            END IF;
            RETURN NEW;
        END $$"""


def _install(schema_editor, is_erasable):
    make = _postgresql if schema_editor.connection.vendor == "postgresql" else _sqlite
    for statement in make(is_erasable):
        schema_editor.execute(statement, params=None)


def let_erasures(apps, schema_editor):
    _install(schema_editor, True)


def let_none(apps, schema_editor):
    _install(schema_editor, False)


class Migration(migrations.Migration):
    dependencies = [("billing", "0024_exchange_rates"), ("customers", "0011_erasures")]
    operations = [migrations.RunPython(let_erasures, let_none)]
