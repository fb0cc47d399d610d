"""Act on the billing controls that documents brought before there were tables and columns for them.

They were kept with the source record, as JSON. Usage limits and controls of overage become rows. A spend limit that is a
percentage is no longer read as units. What an item says beyond that stays with the record. Kinds of alerts that are known
now come with the next import of their document, which is taken even if it says nothing new.
"""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
from django.db import migrations

from customers.typed_ids import new_typed_id

_REASON = "Taken from documents received before"
_INTERVALS = ("day", "week", "month", "year")
_ANCHORS = (None, "billing_cycle", "utc")
_TYPES = ("absolute", "usage_percentage")
_OF_REMAINING = ("remaining", "remaining_percentage")
_MOST = Decimal(10) ** 15
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def take(apps, schema_editor):
    records = apps.get_model("customers", "SourceRecord").objects.filter(
        source="billing", not_understood__contains='"billing_controls"'
    )
    for record in records.order_by("pk").iterator(chunk_size=500):
        kept = _decoder.decode(record.not_understood)
        controls = kept.get("billing_controls", {}).get("in", {})
        if not controls:
            continue
        before = record.not_understood
        _take_list(apps, record, controls, "usage_limits", _usage_limit)
        _take_list(apps, record, controls, "overage_allowed", _overage_allowed)
        _take_limit_types(apps, record, controls)
        waits = any(
            node.get("is", {}).get("threshold_type") in _OF_REMAINING
            or {"basis", "filter"} & node.get("in", {}).keys()
            for node in controls.get("usage_alerts", {}).get("items", ())
        )
        if not controls:
            del kept["billing_controls"]
        record.not_understood = _encoder.encode(kept).decode() if kept else ""
        if waits:
            record.digest = ""
        if waits or record.not_understood != before:
            record.save(update_fields=["not_understood", "digest"])


def _take_list(apps, record, controls, name, read):
    """Make rows of the items of a list that was kept as a whole, and keep the rest of each item."""
    items = controls.get(name, {}).get("is")
    if not isinstance(items, list):
        return
    rest = []
    for at, item in enumerate(items):
        taken = read(item) if isinstance(item, dict) else None
        if taken is None:
            rest.append({"at": at, "id": {}, "is": item})
            continue
        model, identity, columns = taken
        feature = _feature(apps, item["feature_id"])
        row = apps.get_model("billing", model)(
            id=new_typed_id({"UsageLimit": "cap", "OverageAllowed": "over"}[model]),
            customer_id=record.customer_id,
            came_with_id=record.came_with_id,
            feature=feature,
            position=at,
            imported=True,
            **columns(record),
        )
        row.save()
        _remember(apps, model, row)
        beyond = {
            key: {"is": value}
            for key, value in item.items()
            if key not in ("feature_id", "limit", "interval", "enabled", "anchor", "filter", "usage")
            or (model == "OverageAllowed" and key not in ("feature_id", "enabled"))
        }
        if beyond:
            rest.append({"at": at, "id": {key: item[key] for key in identity}, "in": beyond})
    if rest:
        controls[name] = {"items": rest}
    else:
        del controls[name]


def _usage_limit(item):
    limit, usage = item.get("limit"), item.get("usage")
    is_known = (
        isinstance(item.get("feature_id"), str)
        and 0 < len(item["feature_id"]) <= 255
        and _is_figure(limit)
        and item.get("interval") in _INTERVALS
        and item.get("anchor") in _ANCHORS
        and item.get("enabled") in (None, True, False)
        and isinstance(item.get("filter"), dict | None)
        and (usage is None or _is_figure(usage))
        and item.get("entity_id") is None
    )
    if not is_known:
        return None

    def columns(record):
        return {
            "limit": Decimal(limit),
            "interval": item["interval"],
            "anchor": item.get("anchor") or "",
            "enabled": item.get("enabled"),
            "filter": item.get("filter"),
            "reported": None if usage is None else Decimal(usage),
            "reported_at": None if usage is None else record.last_received_at,
        }

    return "UsageLimit", ("feature_id", "interval"), columns


def _overage_allowed(item):
    is_known = (
        isinstance(item.get("feature_id"), str)
        and 0 < len(item["feature_id"]) <= 255
        and item.get("enabled") in (None, True, False)
        and item.get("entity_id") is None
    )
    if not is_known:
        return None
    return "OverageAllowed", ("feature_id",), lambda record: {"enabled": item.get("enabled")}


def _is_figure(value):
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 <= value < _MOST


def _take_limit_types(apps, record, controls):
    """Set the type of spend limits, which were found by their feature, in order."""
    nodes = controls.get("spend_limits", {}).get("items", [])
    rows = list(
        apps.get_model("billing", "SpendLimit")
        .objects.filter(customer=record.customer_id, came_with=record.came_with_id, imported=True)
        .select_related("feature")
        .order_by("position", "pk")
    )
    for node in nodes:
        kept = node.get("in", {}).get("limit_type")
        if kept is None or kept.get("is") not in _TYPES:
            continue
        feature_id = node.get("id", {}).get("feature_id")
        if feature_id is None:
            found = next((row for row in rows if row.position == node["at"]), None)
        else:
            found = next((row for row in rows if row.feature and row.feature.feature_id == feature_id), None)
        if found is None:
            continue
        rows.remove(found)
        found.limit_type = kept["is"]
        found.save(update_fields=["limit_type"])
        _remember(apps, "SpendLimit", found, "~")
        del node["in"]["limit_type"]
    if nodes:
        nodes[:] = [node for node in nodes if node.get("in") or "is" in node]
        if not nodes:
            del controls["spend_limits"]


def _feature(apps, feature_id):
    model = apps.get_model("billing", "Feature")
    found = model.objects.filter(feature_id=feature_id).first()
    if found is None:
        found = model(id=new_typed_id("feat"), feature_id=feature_id, name=feature_id, is_stub=True)
        found.save()
        _remember(apps, "Feature", found)
    return found


def _remember(apps, name, row, kind="+"):
    """Write the history of a row."""
    history = apps.get_model("billing", f"Historical{name}")
    columns = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    history.objects.create(
        **columns, history_date=datetime.now(UTC), history_type=kind, history_change_reason=_REASON
    )


def leave(apps, schema_editor):
    """The rows go with their tables. The documents bring them again."""


class Migration(migrations.Migration):
    dependencies = [("billing", "0018_usage_limits_are_not_plain"), ("customers", "0007_defaults_of_accounts")]
    operations = [migrations.RunPython(take, leave)]
