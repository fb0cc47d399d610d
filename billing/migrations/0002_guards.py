"""What the database itself guards: the ledger, and invoices once they are issued.

Both databases refuse to change or delete what was written down. PostgreSQL also refuses, at the end of a
transaction, a figure that is not the sum of its entries: every entry goes on from the one before it (`after` is the
earlier `after` plus `amount`), and the figure of the row is the last `after`.
"""

from django.db import migrations

_APPEND_ONLY = ("billing_posting", "billing_ledgerentry", "billing_payment", "billing_creditnote")
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
    "bill_to",
    "plan_ids",
)


def _sqlite():
    for table in _APPEND_ONLY:
        for verb in ("update", "delete"):
            yield f"""
                CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table}
                BEGIN SELECT RAISE(ABORT, '{table} is written once: correct it by another row'); END"""
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in _FIXED)
    yield f"""
        CREATE TRIGGER billing_invoice_issued_no_update BEFORE UPDATE ON billing_invoice
        WHEN OLD.number <> '' AND ({changed})
        BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes: correct it by a credit note'); END"""
    yield """
        CREATE TRIGGER billing_invoice_issued_no_delete BEFORE DELETE ON billing_invoice
        WHEN OLD.number <> ''
        BEGIN SELECT RAISE(ABORT, 'an issued invoice is never deleted: void it'); END"""
    yield """
        CREATE TRIGGER billing_invoice_issued_sums BEFORE UPDATE ON billing_invoice
        WHEN OLD.number = '' AND NEW.number <> '' AND NEW.total <> (
            SELECT COALESCE(SUM(amount), 0) FROM billing_invoiceline WHERE invoice_id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'the total of an invoice is the sum of its lines'); END"""
    for verb, row in (("insert", "NEW"), ("update", "OLD"), ("update", "NEW"), ("delete", "OLD")):
        yield f"""
            CREATE TRIGGER billing_invoiceline_issued_no_{verb}_{row.lower()} BEFORE {verb.upper()} ON billing_invoiceline
            WHEN (SELECT number FROM billing_invoice WHERE id = {row}.invoice_id) <> ''
            BEGIN SELECT RAISE(ABORT, 'an issued invoice never changes: correct it by a credit note'); END"""


_POSTGRESQL = [
    """
    CREATE FUNCTION billing_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is written once: correct it by another row', TG_TABLE_NAME USING ERRCODE = '23514';
    END $$""",
    *(
        f"""
        CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION billing_written_once()"""
        for table in _APPEND_ONLY
    ),
    """
    CREATE FUNCTION billing_entry_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.grant_id IS NOT NULL THEN
            IF NEW.after <> NEW.amount + COALESCE((
                SELECT earlier.after FROM billing_ledgerentry AS earlier
                WHERE earlier.grant_id = NEW.grant_id AND earlier.figure = NEW.figure AND earlier.number < NEW.number
                ORDER BY earlier.number DESC LIMIT 1), 0)
            THEN
                RAISE EXCEPTION 'a ledger entry does not go on from the one before it' USING ERRCODE = '23514';
            ELSIF NEW.number > (SELECT owner.entries FROM billing_grant AS owner WHERE owner.id = NEW.grant_id) THEN
                RAISE EXCEPTION 'a ledger entry was added without its figure' USING ERRCODE = '23514';
            END IF;
        ELSIF NEW.after <> NEW.amount + COALESCE((
            SELECT earlier.after FROM billing_ledgerentry AS earlier
            WHERE earlier.rollover_id = NEW.rollover_id AND earlier.figure = NEW.figure
              AND earlier.number < NEW.number
            ORDER BY earlier.number DESC LIMIT 1), 0)
        THEN
            RAISE EXCEPTION 'a ledger entry does not go on from the one before it' USING ERRCODE = '23514';
        ELSIF NEW.number > (SELECT owner.entries FROM billing_rollover AS owner WHERE owner.id = NEW.rollover_id) THEN
            RAISE EXCEPTION 'a ledger entry was added without its figure' USING ERRCODE = '23514';
        END IF;
        RETURN NULL;
    END $$""",
    """
    CREATE TRIGGER billing_ledgerentry_goes_on AFTER INSERT ON billing_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION billing_entry_goes_on()""",
    """
    CREATE FUNCTION billing_grant_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM billing_grant AS owner WHERE owner.id = NEW.id AND (
                owner.usage <> COALESCE((SELECT after FROM billing_ledgerentry
                    WHERE grant_id = owner.id AND figure = 'usage' ORDER BY number DESC LIMIT 1), 0)
                OR owner.included_grant <> COALESCE((SELECT after FROM billing_ledgerentry
                    WHERE grant_id = owner.id AND figure = 'included_grant' ORDER BY number DESC LIMIT 1), 0)
                OR owner.prepaid_grant <> COALESCE((SELECT after FROM billing_ledgerentry
                    WHERE grant_id = owner.id AND figure = 'prepaid_grant' ORDER BY number DESC LIMIT 1), 0))
        ) THEN
            RAISE EXCEPTION 'grant %: a figure is not the sum of its ledger entries', NEW.id USING ERRCODE = '23514';
        END IF;
        RETURN NULL;
    END $$""",
    """
    CREATE CONSTRAINT TRIGGER billing_grant_adds_up
    AFTER INSERT OR UPDATE OF included_grant, prepaid_grant, usage, entries ON billing_grant
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_grant_adds_up()""",
    """
    CREATE FUNCTION billing_rollover_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        row_now billing_rollover%ROWTYPE;
    BEGIN
        SELECT * INTO row_now FROM billing_rollover WHERE id = NEW.id;
        IF FOUND AND (
            row_now.granted <> COALESCE((SELECT after FROM billing_ledgerentry
                WHERE rollover_id = NEW.id AND figure = 'granted' ORDER BY number DESC LIMIT 1), 0)
            OR row_now."left" <> COALESCE((SELECT after FROM billing_ledgerentry
                WHERE rollover_id = NEW.id AND figure = 'left' ORDER BY number DESC LIMIT 1), 0)
        ) THEN
            RAISE EXCEPTION 'rollover %: a figure is not the sum of its ledger entries', NEW.id
                USING ERRCODE = '23514';
        END IF;
        RETURN NULL;
    END $$""",
    """
    CREATE CONSTRAINT TRIGGER billing_rollover_adds_up
    AFTER INSERT OR UPDATE OF granted, "left", entries ON billing_rollover
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_rollover_adds_up()""",
    f"""
    CREATE FUNCTION billing_invoice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF OLD.number <> '' THEN
                RAISE EXCEPTION 'an issued invoice is never deleted: void it' USING ERRCODE = '23514';
            END IF;
            RETURN OLD;
        END IF;
        IF OLD.number <> '' AND ({" OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _FIXED)}) THEN
            RAISE EXCEPTION 'an issued invoice never changes: correct it by a credit note' USING ERRCODE = '23514';
        END IF;
        IF OLD.number = '' AND NEW.number <> '' AND NEW.total <> (
            SELECT COALESCE(SUM(amount), 0) FROM billing_invoiceline WHERE invoice_id = NEW.id
        ) THEN
            RAISE EXCEPTION 'the total of an invoice is the sum of its lines' USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END $$""",
    """
    CREATE TRIGGER billing_invoice_stays BEFORE UPDATE OR DELETE ON billing_invoice
    FOR EACH ROW EXECUTE FUNCTION billing_invoice_stays()""",
    """
    CREATE FUNCTION billing_invoice_lines_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (TG_OP <> 'INSERT' AND EXISTS (
                SELECT FROM billing_invoice WHERE id = OLD.invoice_id AND number <> ''))
           OR (TG_OP <> 'DELETE' AND EXISTS (
                SELECT FROM billing_invoice WHERE id = NEW.invoice_id AND number <> ''))
        THEN
            RAISE EXCEPTION 'an issued invoice never changes: correct it by a credit note' USING ERRCODE = '23514';
        END IF;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END $$""",
    """
    CREATE TRIGGER billing_invoice_lines_stay BEFORE INSERT OR UPDATE OR DELETE ON billing_invoiceline
    FOR EACH ROW EXECUTE FUNCTION billing_invoice_lines_stay()""",
]


def install(apps, schema_editor):
    statements = _POSTGRESQL if schema_editor.connection.vendor == "postgresql" else _sqlite()
    for statement in statements:
        schema_editor.execute(statement, params=None)


def remove(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "postgresql":
            for name in (
                "billing_written_once",
                "billing_entry_goes_on",
                "billing_grant_adds_up",
                "billing_rollover_adds_up",
                "billing_invoice_stays",
                "billing_invoice_lines_stay",
            ):
                cursor.execute(f"DROP FUNCTION {name} CASCADE")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'billing_%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_schema")]
    operations = [migrations.RunPython(install, remove)]
