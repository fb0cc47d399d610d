"""The catalog: features, and the plans that include them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeVar

from msgspec import UNSET, UnsetType

from billing.document.schema.prices import PlanItemPrice, PlanPrice
from billing.document.schema.scalars import (
    Bounded,
    Count,
    Env,
    Identifier,
    NonNegative,
    Positive,
    ResetInterval,
    Whole,
    refuse_other,
    refuse_repeats,
)
from customers.json_types import AnyEpochMs, JsonDocument, Refused, free_form, missing_key, parse, within
from customers.limits import refuse_oversized

_D = TypeVar("_D", bound=JsonDocument)

_NO_CREDIT_COST = missing_key("credit_cost")
_GRADUATED_CREDITS = (
    "Expected one `credit_cost` per unit of the metered feature. Graduated tiers of credits aren't supported."
)


class CreditCost(JsonDocument, kw_only=True):
    """The credits that one unit of a metered feature costs."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("metered_feature_id",)

    metered_feature_id: Identifier
    credit_cost: Positive


class FeatureDisplay(JsonDocument, kw_only=True):
    """The names of one unit and of several units."""

    singular: str | None = None
    plural: str | None = None


class Feature(JsonDocument, kw_only=True):
    """Something that customers may use: on or off, metered, or a credit system."""

    #: Costs are replaced as a whole, so a list with a gap would remove one.
    NEEDED: ClassVar[frozenset[str]] = frozenset({"credit_schema"})
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"name": "", "consumable": False, "archived": False}

    id: Identifier
    name: str
    type: Literal["boolean", "metered", "credit_system"]
    consumable: bool
    archived: bool
    event_names: list[Identifier] | UnsetType = UNSET
    credit_schema: list[CreditCost] | UnsetType = UNSET
    display: FeatureDisplay | UnsetType = UNSET

    def verify(self, at: str) -> None:
        """Raise `Refused` for two costs of one metered feature."""
        costs = self.credit_schema or []
        refuse_repeats(
            within(at, "credit_schema"), "metered_feature_id", (c.metered_feature_id for c in costs)
        )


class ItemFeature(JsonDocument, kw_only=True):
    """The feature of a plan item: a whole `Feature`, or the short form of the billing platform's plans.

    In the short form, `type` tells whether a metered feature is used up (`single_use`) or held (`continuous_use`), and
    the rest is optional.
    """

    NEEDED: ClassVar[frozenset[str]] = Feature.NEEDED

    id: Identifier
    name: str | UnsetType | None = UNSET
    type: Literal["boolean", "metered", "credit_system", "static", "single_use", "continuous_use"]
    consumable: bool | UnsetType = UNSET
    archived: bool | UnsetType | None = UNSET
    event_names: list[Identifier] | UnsetType = UNSET
    credit_schema: list[CreditCost] | UnsetType | None = UNSET
    display: FeatureDisplay | UnsetType | None = UNSET

    _TYPES: ClassVar[dict[str, Literal["boolean", "metered", "credit_system"]]] = {
        "boolean": "boolean",
        "static": "boolean",
        "metered": "metered",
        "single_use": "metered",
        "continuous_use": "metered",
        "credit_system": "credit_system",
    }

    def whole(self) -> Feature:
        """The feature in full. In the short form, the name defaults to the ID, and the feature isn't archived."""
        consumable = self.type in ("single_use", "credit_system")
        return Feature(
            id=self.id,
            name=self.name or self.id,
            type=self._TYPES[self.type],
            consumable=consumable if self.consumable is UNSET else self.consumable,
            archived=self.archived or False,
            event_names=self.event_names,
            credit_schema=UNSET if self.credit_schema is None else self.credit_schema,
            display=UNSET if self.display is None else self.display,
        )


class PlanItemReset(JsonDocument, kw_only=True):
    """How often the included amount resets."""

    NEEDED: ClassVar[frozenset[str]] = frozenset({"interval_count"})

    interval: ResetInterval
    interval_count: Count | UnsetType = UNSET


class ItemRollover(JsonDocument, kw_only=True):
    """How much of the unused amount is carried over (null for all of it), and for how many months."""

    NEEDED: ClassVar[frozenset[str]] = frozenset({"max", "expiry_duration_length"})

    max: NonNegative | None = None
    expiry_duration_type: Literal["month", "forever"]
    expiry_duration_length: Whole | UnsetType = UNSET

    def verify(self, at: str) -> None:
        """Raise `Refused` for rollovers that expire immediately."""
        if self.expiry_duration_type == "month" and self.expiry_duration_length == 0:
            raise Refused(
                within(at, "expiry_duration_length"), "Expected at least one month, or the type `forever`."
            )


class ItemExpiry(JsonDocument, kw_only=True):
    """How long after it was granted an amount that never resets expires."""

    duration: Literal["day", "week", "month", "year"]
    length: Count


class ThresholdBilling(JsonDocument, kw_only=True):
    """Bills this many units of overage as soon as they are reached."""

    threshold: Positive


class ItemProration(JsonDocument, kw_only=True):
    """How more or fewer seats within a period are billed."""

    NEEDED: ClassVar[frozenset[str]] = frozenset({"on_increase", "on_decrease"})

    on_increase: (
        Literal["prorate", "prorate_immediately", "prorate_next_cycle", "bill_immediately", "bill_next_cycle"]
        | UnsetType
    ) = UNSET
    on_decrease: (
        Literal["prorate", "prorate_immediately", "prorate_next_cycle", "none", "no_prorations"] | UnsetType
    ) = UNSET


class PlanItem(JsonDocument, kw_only=True):
    """What a plan includes of one feature, and the price of more.

    A `pooled` amount of an entity's plan is the customer's as a whole.
    """

    IDENTITY: ClassVar[tuple[str, ...]] = ("feature_id",)
    NEEDED: ClassVar[frozenset[str]] = frozenset(
        {"reset", "price", "rollover", "expiry", "threshold_billing", "proration", "pooled"}
    )

    feature_id: Identifier
    included: NonNegative
    unlimited: bool
    reset: PlanItemReset | None = None
    price: PlanItemPrice | None = None
    rollover: ItemRollover | UnsetType = UNSET
    expiry: ItemExpiry | UnsetType = UNSET
    threshold_billing: ThresholdBilling | UnsetType | None = UNSET
    proration: ItemProration | UnsetType = UNSET
    pooled: bool | UnsetType = UNSET
    feature: ItemFeature | UnsetType = UNSET

    def verify(self, at: str) -> None:
        """Raise `Refused` for an invalid price, rollover or feature."""
        if self.price is not None:
            self.price.verify(within(at, "price"))
        if self.rollover is not UNSET:
            self.rollover.verify(within(at, "rollover"))
        if self.feature is not UNSET:
            refuse_other(within(at, "feature", "id"), self.feature.id, self.feature_id)
            self.feature.whole().verify(within(at, "feature"))


class FreeTrial(JsonDocument, kw_only=True):
    """The free trial of a plan."""

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"card_required": False}

    duration_length: Count
    duration_type: Literal["day", "month", "year"]
    card_required: bool
    on_end: Literal["bill", "revert"] | UnsetType = UNSET


class Plan(JsonDocument, kw_only=True):
    """One version of a plan. `config` and `metadata` are free-form.

    A plan whose price or items can't be read is left out as a whole: what a version grants and costs never changes
    later, so it must not begin with half of it. The plan is then known by its ID alone.
    """

    ALWAYS_SENT: ClassVar[frozenset[str]] = frozenset({"config", "metadata"})
    NEEDED: ClassVar[frozenset[str]] = frozenset({"price", "items"})
    DEFAULTS: ClassVar[Mapping[str, Any]] = {
        "name": "",
        "add_on": False,
        "auto_enable": False,
        "archived": False,
    }

    id: Identifier
    name: str
    description: str | None = None
    group: Bounded | None = None
    version: Whole
    add_on: bool
    auto_enable: bool
    price: PlanPrice | None = None
    items: list[PlanItem]
    free_trial: FreeTrial | UnsetType = UNSET
    #: 0 in a catalog without dates.
    created_at: AnyEpochMs
    env: Env
    archived: bool
    base_variant_id: Identifier | None = None
    config: dict[str, Any] | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET

    def __post_init__(self) -> None:
        self.config = free_form(self.config)
        self.metadata = free_form(self.metadata)

    def verify(self, at: str) -> None:
        """Raise `Refused` for an invalid item."""
        for index, item in enumerate(self.items):
            item.verify(within(at, "items", index))


def parse_feature(value: object) -> Feature:
    """Parse a feature from what the reader returned. Raises `Refused`."""
    feature = parse_with_reasons(Feature, value)
    feature.verify("$")
    return feature


def parse_plan(value: object) -> Plan:
    """Parse a plan from what the reader returned. Raises `Refused`."""
    plan = parse_with_reasons(Plan, value)
    plan.verify("$")
    return plan


def parse_with_reasons(kind: type[_D], value: object) -> _D:
    """`parse` and check the limits.

    The refusal of a credit system with graduated tiers says that they aren't supported.
    """
    try:
        document = parse(kind, value)
    except Refused as problem:
        if problem.reason == _NO_CREDIT_COST:
            raise Refused(problem.path, _GRADUATED_CREDITS) from None
        raise
    refuse_oversized(document)
    return document
