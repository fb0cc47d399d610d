"""PostgreSQL: record a use that one grant serves alone, in one statement.

The order of grants is that of `billing.using.drawing`, what counts and what is due that of `billing.using.holdings`; tests hold
them against each other. Whatever is not plain is left to these, with nothing done: credit systems, unlimited grants,
rollovers, something due, a use that no single grant has room for, a key that was used before.
"""

from django.db import migrations

_FUNCTION = """
CREATE FUNCTION billing_record_plain_use(
    used_by uuid, used_feature uuid, used_entity uuid, used_amount numeric, used_at timestamptz,
    learned_at timestamptz, used_through text, used_because text, used_key text, used_digest text,
    posting uuid, entry uuid, OUT drawn_from uuid, OUT remaining numeric)
LANGUAGE plpgsql AS $$
#variable_conflict error
DECLARE
    held_in billing_balance%ROWTYPE;
    one record;
    chosen record;
    chosen_holds numeric := 0;
    remains numeric := 0;
    holds numeric;
BEGIN
    SELECT balance.* INTO held_in FROM billing_balance AS balance
    WHERE balance.customer_id = used_by AND balance.feature_id = used_feature FOR NO KEY UPDATE;
    IF NOT FOUND OR EXISTS (SELECT FROM billing_creditcost AS cost WHERE cost.metered_feature_id = used_feature) THEN
        RETURN;
    END IF;
    FOR one IN
        SELECT owned.id, owned.included_grant, owned.prepaid_grant, owned.usage, owned.entries, owned.unlimited,
               (owned.expires_at IS NULL OR owned.expires_at > used_at)
                   AND (owned.entity_id IS NULL OR owned.entity_id = used_entity) AS reaches,
               (owned.reset_interval NOT IN ('', 'one_off') AND owned.next_reset_at <= used_at)
                   OR subscription.current_period_end <= used_at OR subscription.expires_at <= used_at AS is_due
        FROM billing_grant AS owned
        LEFT JOIN billing_subscription AS subscription ON subscription.id = owned.subscription_id
        LEFT JOIN billing_purchase AS purchase ON purchase.id = owned.purchase_id
        LEFT JOIN billing_plan AS plan ON plan.id = owned.plan_id
        WHERE owned.balance_id = held_in.id AND owned.ended_at IS NULL
        ORDER BY owned.entity_id IS NULL,
            COALESCE(owned.reset_interval_count, 1) * CASE owned.reset_interval
                WHEN 'minute' THEN 1 WHEN 'hour' THEN 60 WHEN 'day' THEN 1440 WHEN 'week' THEN 10080
                WHEN 'month' THEN 43200 WHEN 'quarter' THEN 129600 WHEN 'semi_annual' THEN 262080
                WHEN 'year' THEN 525600 END NULLS LAST,
            owned.expires_at NULLS LAST,
            COALESCE(subscription.add_on, plan.add_on, false),
            -- Where no grant is usage-based, either all of them allow overage or none does.
            owned.billing_method = 'usage_based',
            COALESCE(subscription.started_at, purchase.started_at, owned.created_at), owned.position, owned.id
    LOOP
        IF one.is_due OR (one.unlimited AND one.reaches) THEN
            RETURN;
        END IF;
        holds := one.included_grant + one.prepaid_grant - one.usage;
        IF one.reaches AND holds > 0 THEN
            IF chosen_holds = 0 THEN
                chosen := one;
                chosen_holds := holds;
            END IF;
            remains := remains + holds;
        END IF;
    END LOOP;
    IF chosen_holds < used_amount THEN
        RETURN;
    END IF;
    IF chosen.usage + used_amount > 1000000000000000 OR EXISTS (
        SELECT FROM billing_rollover AS carried
        WHERE carried.balance_id = held_in.id AND carried.ended_at IS NULL AND carried."left" > 0)
    THEN
        RETURN;
    END IF;
    INSERT INTO billing_posting (
        id, customer_id, kind, feature_id, entity_id, amount, occurred_at, recorded_at, done_by, reason, key, digest,
        answer)
    VALUES (
        posting, used_by, 'usage', used_feature, used_entity, used_amount, used_at, learned_at, used_through,
        used_because, used_key, used_digest,
        CASE WHEN used_key IS NOT NULL THEN jsonb_build_object(
            'amount', trim_scale(used_amount)::text,
            'parts', jsonb_build_array(jsonb_build_array(
                chosen.id, 'granted', trim_scale(used_amount)::text, trim_scale(used_amount)::text)),
            'dropped', '0',
            'why', '',
            'remaining', jsonb_build_object(used_feature, trim_scale(remains - used_amount)::text)) END)
    ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE billing_grant AS drawn SET usage = drawn.usage + used_amount, entries = drawn.entries + 1
    WHERE drawn.id = chosen.id;
    INSERT INTO billing_ledgerentry (id, posting_id, grant_id, figure, number, amount, after)
    VALUES (
        entry, posting, chosen.id, 'usage', chosen.entries + 1, used_amount, chosen.usage + used_amount);
    drawn_from := chosen.id;
    remaining := remains - used_amount;
END $$"""


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_FUNCTION, params=None)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION billing_record_plain_use", params=None)


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_guards")]
    operations = [migrations.RunPython(install, remove)]
