"""Standing merges no longer note what they did to balances, billing accounts and defaults, which stand side by side now.

A billing account that a merge deleted is made again for the survivor. What a merge took from it into the survivor's
account, and what it allowed in the survivor's balances, goes back to what it was unless it was changed since.
"""

from django.db import migrations

_ACCOUNT, _BALANCE = "billing.BillingAccount", "billing.Balance"


def put_side_by_side(apps, schema_editor):
    for merge in apps.get_model("crm", "Merge").objects.filter(undone_at=None).order_by("-made_at", "-pk"):
        changes = dict(merge.changes)
        kept = []
        for change in changes.pop("set", ()):
            if change["model"] in (_ACCOUNT, _BALANCE):
                _take_back(apps, change)
            else:
                kept.append(change)
        away = []
        for snapshot in changes.pop("put_away", ()):
            if snapshot["model"] == _ACCOUNT:
                _restore(apps, merge, snapshot["columns"])
            else:
                away.append(snapshot)
        changes.pop("balances", None)
        flags = []
        for label, key in changes.pop("flags", ()):
            if label in ("customers.Address", "customers.PaymentMethod"):
                _mark(apps.get_model(label), merge, key)
            else:
                flags.append([label, key])
        changes |= {name: value for name, value in (("set", kept), ("put_away", away), ("flags", flags)) if value}
        if changes != merge.changes:
            merge.changes = changes
            merge.save(update_fields=["changes"])


def _mark(model, merge, key):
    """Make the row the default of the account that it came with, unless that has another by now."""
    row = model.objects.filter(pk=key).first()
    if row is not None and row.came_with_id is not None:
        if not model.objects.filter(came_with=row.came_with_id, is_default=True).exists():
            model.objects.filter(pk=key).update(is_default=True)


def _take_back(apps, change):
    model = apps.get_model(change["model"])
    row = model.objects.filter(pk=change["pk"]).first()
    if row is not None and _as_json(row, change["column"]) == change["after"]:
        setattr(row, change["column"], _value(model, change["column"], change["before"]))
        row.save(update_fields=[change["column"]])


def _restore(apps, merge, columns):
    model = apps.get_model(_ACCOUNT)
    survivor = merge.survivor
    while survivor.merged_into is not None:
        survivor = survivor.merged_into
    if model.objects.filter(came_with=merge.other_id).exists():
        return
    values = {name: _value(model, name, value) for name, value in columns.items()}
    values |= {"customer_id": survivor.pk, "came_with_id": columns.get("came_with_id") or merge.other_id}
    model.objects.create(**values)
    history = apps.get_model("billing", "HistoricalBillingAccount").objects
    history.filter(id=columns["id"], history_type="-").delete()


def _field(model, column):
    return next(field for field in model._meta.concrete_fields if field.attname == column)


def _as_json(row, column):
    value = getattr(row, column)
    plain = value is None or isinstance(value, (str, bool, int, float, list, dict))
    return value if plain else _field(type(row), column).value_to_string(row)


def _value(model, column, value):
    field = _field(model, column)
    return value if value is None or field.get_internal_type() == "JSONField" else field.to_python(value)


def leave(apps, schema_editor):
    """Nothing to take back: earlier versions undo such a merge too."""


class Migration(migrations.Migration):
    dependencies = [("crm", "0009_duplicate_terms"), ("billing", "0011_grants_follow_their_balance"),
        ("customers", "0007_defaults_of_accounts"),
    ]
    operations = [migrations.RunPython(put_side_by_side, leave)]
