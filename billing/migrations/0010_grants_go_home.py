"""Give each account its balances back: grants and rollovers that a merge put into another account's balance.

A balance that a merge deleted is made again with its key, from its history. Figures and ledger entries stay as they are,
because entries belong to their grant. Running this backwards leaves the balances side by side.
"""

from django.db import migrations
from django.db.models import F, Q

_COLUMNS = ("overage_allowed", "max_purchase", "position", "imported", "removed_at")


def claim_rows(apps, schema_editor):
    """Give what came of a merged customer's subscriptions and entities since the merge to that customer's account."""
    sources = {
        "Subscription": ("follows", "entity"),
        "Purchase": ("entity",),
        "Invoice": ("subscription",),
        "Grant": ("subscription", "purchase", "entity"),
        "Rollover": ("grant",),
    }
    for name, parents in sources.items():
        rows = apps.get_model("billing", name).objects
        for parent in parents:
            # A subscription may follow one that follows another.
            while keys := list(
                rows.filter(came_with=None, **{f"{parent}__came_with__isnull": False})
                .order_by("pk")
                .values_list("pk", f"{parent}__came_with")
            ):
                for pk, came_with_id in keys:
                    rows.filter(pk=pk).update(came_with_id=came_with_id)


def go_home(apps, schema_editor):
    models = {name: apps.get_model("billing", name) for name in ("Balance", "Grant", "Rollover")}
    histories = {name: apps.get_model("billing", f"Historical{name}") for name in models}
    for name in ("Grant", "Rollover"):
        rows = models[name].objects.filter(
            Q(came_with=None, balance__came_with__isnull=False)
            | Q(came_with__isnull=False, balance__came_with=None)
            | Q(came_with__isnull=False, balance__came_with__isnull=False)
            & ~Q(came_with=F("balance__came_with"))
        )
        pairs = rows.order_by("balance", "came_with").values_list("balance", "came_with").distinct()
        for balance_id, came_with_id in list(pairs):
            away = models["Balance"].objects.get(pk=balance_id)
            home = _home(models["Balance"], histories["Balance"], away, came_with_id)
            moving = models[name].objects.filter(balance=away, came_with=came_with_id)
            keys = list(moving.values_list("pk", flat=True))
            models[name].objects.filter(pk__in=keys).update(balance=home)
            histories[name].objects.filter(id__in=keys).update(balance_id=home.pk)


def _home(balances, history, away, came_with_id):
    """The balance of the account that `came_with_id` names, made again or new."""
    found = balances.objects.filter(customer=away.customer_id, came_with=came_with_id, feature=away.feature_id).first()
    if found is not None:
        return found
    values = {name: getattr(away, name) for name in _COLUMNS}
    kept = {"customer_id": away.customer_id, "came_with_id": came_with_id, "feature_id": away.feature_id}
    if came_with_id is not None:
        deleted = history.objects.filter(
            customer_id=came_with_id, feature_id=away.feature_id, history_type="-"
        ).order_by("-history_date", "-history_id")
        last = deleted.first()
        if last is not None and not balances.objects.filter(pk=last.id).exists():
            values = {name: getattr(last, name) for name in _COLUMNS}
            kept["id"] = last.id
            last.delete()
    return balances.objects.create(**kept, **values)


def stay(apps, schema_editor):
    """Nothing to take back."""


class Migration(migrations.Migration):
    dependencies = [("billing", "0009_accounts_side_by_side")]
    operations = [migrations.RunPython(claim_rows, stay), migrations.RunPython(go_home, stay)]
