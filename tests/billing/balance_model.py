"""What a customer's balances are, worked out again in the plainest way: lists of dicts, a walk through time.

It knows nothing of the code it is held against. Rows and rollovers that no longer count are taken out of the lists.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any


class Row(dict[str, Any]):
    """A dict that equals itself alone."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__  # type: ignore[assignment]


#: By interval: how long it is taken to be, in days.
LENGTHS = {"day": 1, "week": 7, "month": 30}

#: By plan: price a month, group, and what it includes: feature, amount, interval, rollover (maximum, months), and
#: how far below zero it may go (None: not at all).
PLANS: dict[str, dict[str, Any]] = {
    "basic": {
        "price": 10,
        "group": "main",
        "add_on": False,
        "items": [("calls", 100, "month", (150, 2), None), ("credits", 30, "week", None, None)],
    },
    "pro": {
        "price": 30,
        "group": "main",
        "add_on": False,
        "items": [("calls", 200, "month", None, 50), ("credits", 60, "week", None, None)],
    },
    "extra": {
        "price": 5,
        "group": None,
        "add_on": True,
        "items": [("calls", 40, "week", (None, 1), None)],
    },
}
#: What a call costs in credits.
COST = Decimal("0.3")


def months_later(moment: datetime, months: int, day: int) -> datetime:
    """So many months on, on that day or the last one there is."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    return moment.replace(year=year, month=month + 1, day=min(day, monthrange(year, month + 1)[1]))


def later(moment: datetime, interval: str, day: int) -> datetime:
    """One interval on."""
    if interval == "month":
        return months_later(moment, 1, day)
    return moment + timedelta(days=LENGTHS[interval])


class Model:
    """One customer."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.subscriptions: list[Row] = []
        self.rows: list[Row] = []
        self.rollovers: list[Row] = []
        self.features: list[str] = []
        self.made = 0

    # What people do.

    def attach(self, plan: str) -> bool:
        """False: it may not be."""
        if PLANS[plan]["group"]:
            current = self.main()
            if current is not None:
                return self.change(current, plan, 1)
        self._begin(Row(plan=plan, quantity=1, anchor=self.now.day), self.now)
        return True

    def change(self, current: Row, plan: str, quantity: int) -> bool:
        """Up at once, down when the period ends."""
        if (plan, quantity) == (current["plan"], current["quantity"]):
            return False
        self._drop_followers(current)
        new = Row(plan=plan, quantity=quantity, status="scheduled", follows=current)
        if self.price(new) < self.price(current):
            current["canceled_at"], current["expires_at"] = self.now, current["period_end"]
            new |= {"started_at": current["period_end"], "anchor": current["anchor"]}
            self.subscriptions.append(new)
            return True
        if plan == current["plan"]:
            self._resize(current, quantity)
            return True
        before = self._of(current)
        self._end(current)
        new |= {"anchor": current["anchor"], "period_end": current["period_end"]}
        self._begin(new, self.now)
        new["started_at"] = current["started_at"]
        for row in self._of(new):
            for old in before:
                if (old["feature"], old["interval"]) == (row["feature"], row["interval"]):
                    row["resets_at"], row["anchor"] = old["resets_at"], old["anchor"]
        return True

    def _resize(self, current: Row, quantity: int) -> None:
        """More or less of the same plan: it is what it was, with what was used of it."""
        for row in self._of(current):
            row["included"] = row["included"] / current["quantity"] * quantity
        current |= {"quantity": quantity, "canceled_at": None, "expires_at": None}

    def cancel(self, current: Row, *, at_once: bool) -> bool:
        if current["status"] == "scheduled":
            self.subscriptions.remove(current)
            current["follows"]["canceled_at"] = current["follows"]["expires_at"] = None
            return True
        is_followed = self._drop_followers(current)
        if current["canceled_at"] is not None and not at_once and not is_followed:
            return False
        current["canceled_at"] = current["canceled_at"] or self.now
        if at_once:
            self._end(current)
        else:
            current["expires_at"] = current["period_end"]
        return True

    def uncancel(self, current: Row) -> bool:
        if current["canceled_at"] is None:
            return False
        current["canceled_at"] = current["expires_at"] = None
        self._drop_followers(current)
        return True

    def grant(self, feature: str, amount: Decimal, interval: str | None, expires_at: datetime | None) -> None:
        self._row(feature, amount, interval, None, None, None, expires_at)

    def add(self, row: Row, amount: Decimal) -> None:
        row["adjusted"] += amount

    def use(self, feature: str, amount: Decimal, *, cap: bool = False) -> Decimal | None:
        """What did not fit and was dropped; None if the use was refused whole."""
        if feature not in self.features and not (feature == "calls" and "credits" in self.features):
            return None
        left = amount
        parts: list[tuple[Row, str, Decimal]] = []
        rows = self.drawn(feature)
        for rollover in sorted(
            (each for each in self.rollovers if each["row"] in rows and each["left"] > 0),
            key=lambda each: (
                each["expires_at"] is None,
                each["expires_at"],
                each["row"]["feature"] != feature,
            ),
        ):
            left = self._take(
                parts, rollover["row"]["feature"] != feature, rollover, "left", rollover["left"], left
            )
        held = {each["number"]: self.held(each) for each in rows}
        for row in rows:
            left = self._take(parts, row["feature"] != feature, row, "usage", held[row["number"]], left)
        for row in rows:
            if row["floor"] is not None and row["feature"] == feature:
                below = sum((charged for each, _, charged in parts if each is row), Decimal(0))
                left = self._take(
                    parts, False, row, "usage", held[row["number"]] - below + row["floor"], left
                )
        if left and not cap:
            return None
        for each, figure, charged in parts:
            each[figure] += charged if figure == "usage" else -charged
        return left

    def refund(self, feature: str, amount: Decimal) -> Decimal | None:
        """What was not given back, because it had not been used."""
        if feature not in self.features and not (feature == "calls" and "credits" in self.features):
            return None
        left = amount
        for heal in (True, False):
            for row in self.drawn(feature):
                room = max(Decimal(0), -self.held(row)) if heal else max(Decimal(0), row["usage"])
                parts: list[tuple[Row, str, Decimal]] = []
                left = self._take(
                    parts, row["feature"] != feature, row, "usage", min(room, row["usage"]), left
                )
                for _, _, charged in parts:
                    row["usage"] -= charged
        return left

    # What time does.

    def advance(self, to: datetime) -> None:
        """Everything that falls due by then, each at its moment."""
        while due := [moment for moment in self._due() if moment <= to]:
            self.now = min(due)
            self._happen()
        self.now = to

    def _due(self) -> list[datetime]:
        moments = [row["resets_at"] for row in self.rows] + [row["expires_at"] for row in self.rows]
        moments += [rollover["expires_at"] for rollover in self.rollovers]
        for each in self.subscriptions:
            moments.append(each["started_at"] if each["status"] == "scheduled" else each["period_end"])
        return [moment for moment in moments if moment is not None]

    def _happen(self) -> None:
        self.rollovers = [
            each for each in self.rollovers if each["expires_at"] is None or each["expires_at"] > self.now
        ]
        for row in [
            each for each in self.rows if each["expires_at"] is not None and each["expires_at"] <= self.now
        ]:
            self._remove(row)
        self._end_due()
        for row in self.rows:
            if row["resets_at"] is not None and row["resets_at"] <= self.now:
                self._reset(row)
        for each in self.subscriptions:
            if each["status"] == "active" and each["period_end"] <= self.now:
                each["period_end"] = months_later(each["period_end"], 1, each["anchor"])
        for each in [*self.subscriptions]:
            if each["status"] == "scheduled" and each["started_at"] <= self.now:
                self.subscriptions.remove(each)
                self._begin(each, each["started_at"])
                if each.get("follows") is not None:
                    each["started_at"] = each["follows"]["started_at"]

    def _end_due(self) -> None:
        for each in [*self.subscriptions]:
            if (
                each["status"] == "active"
                and each["expires_at"] is not None
                and each["expires_at"] <= self.now
            ):
                less = [next_ for next_ in self._followers(each) if next_["plan"] == each["plan"]]
                if less:
                    # Less of the same: what is left is carried over as it would have been.
                    for row in self._of(each):
                        if row["resets_at"] is not None and row["resets_at"] <= self.now:
                            self._reset(row)
                    self._resize(each, less[0]["quantity"])
                    self.subscriptions.remove(less[0])
                else:
                    self._end(each)

    def _reset(self, row: Row) -> None:
        leftover = self.held(row)
        if row["rollover"] is not None and leftover > 0:
            maximum, months = row["rollover"]
            day = row["anchor"] if row["interval"] == "month" else row["resets_at"].day
            own = Row(row=row, left=leftover, granted=leftover)
            own["expires_at"] = months_later(row["resets_at"], months, day)
            self.rollovers.append(own)
            if maximum is not None:
                mine = [each for each in self.rollovers if each["row"] is row]
                excess = sum(each["left"] for each in mine) - maximum
                for each in sorted(mine, key=lambda each: each["expires_at"]):
                    cut = min(max(Decimal(0), excess), each["left"])
                    excess -= cut
                    each["left"] -= cut
                    each["granted"] -= cut
                    if cut and not each["left"]:
                        self.rollovers.remove(each)
        row["usage"] = row["adjusted"] = Decimal(0)
        row["resets_at"] = later(row["resets_at"], row["interval"], row["anchor"])

    # What is there.

    def figures(self, feature: str) -> tuple[Decimal, Decimal, Decimal, datetime | None]:
        """Granted, remaining, usage, and the next reset."""
        rows = [row for row in self.rows if row["feature"] == feature]
        carried = [each for each in self.rollovers if each["row"]["feature"] == feature]
        granted = sum((row["included"] + row["adjusted"] for row in rows), Decimal(0))
        remaining = sum((max(Decimal(0), self.held(row)) for row in rows), Decimal(0))
        usage = sum((row["usage"] for row in rows), Decimal(0))
        resets = [row["resets_at"] for row in rows if row["resets_at"] is not None]
        return (
            granted + sum((each["granted"] for each in carried), Decimal(0)),
            remaining + sum((each["left"] for each in carried), Decimal(0)),
            usage + sum((each["granted"] - each["left"] for each in carried), Decimal(0)),
            min(resets, default=None),
        )

    def drawn(self, feature: str) -> list[Row]:
        """The rows that a use draws, in its order."""
        features = ["calls", "credits"] if feature == "calls" else [feature]
        return sorted(
            (row for row in self.rows if row["feature"] in features),
            key=lambda row: (
                row["feature"] != feature,
                LENGTHS.get(row["interval"], 10**6),
                (row["expires_at"] is None, row["expires_at"]),
                bool(row["source"] and PLANS[row["source"]["plan"]]["add_on"]),
                row["floor"] is not None,
                row["since"],
                row["number"],
            ),
        )

    def main(self) -> Row | None:
        """The active plan of the group."""
        for each in self.subscriptions:
            if each["status"] == "active" and PLANS[each["plan"]]["group"]:
                return each
        return None

    @staticmethod
    def held(row: Row) -> Decimal:
        """Below zero when it is overdrawn."""
        held: Decimal = row["included"] + row["adjusted"] - row["usage"]
        return held

    @staticmethod
    def price(subscription: Row) -> int:
        price: int = PLANS[subscription["plan"]]["price"] * subscription["quantity"]
        return price

    def _take(
        self,
        parts: list[tuple[Row, str, Decimal]],
        in_credits: bool,
        row: Row,
        figure: str,
        room: Decimal,
        left: Decimal,
    ) -> Decimal:
        """Takes what fits into `room`, and answers what is left to be taken."""
        if room <= 0 or left <= 0:
            return left
        cost = COST if in_credits else Decimal(1)
        units, charged = left, round(left * cost, 10)
        if charged > room:
            units, charged = round(room / cost, 10), room
        if units:
            parts.append((row, figure, charged))
        return left - units

    def _begin(self, subscription: Row, at: datetime) -> None:
        subscription |= {"status": "active", "started_at": at, "canceled_at": None, "expires_at": None}
        subscription.setdefault("period_end", months_later(at, 1, subscription["anchor"]))
        self.subscriptions.append(subscription)
        for feature, amount, interval, rollover, floor in PLANS[subscription["plan"]]["items"]:
            included = Decimal(amount * subscription["quantity"])
            self._row(feature, included, interval, subscription, rollover, floor, None)

    def _row(
        self,
        feature: str,
        included: Decimal,
        interval: str | None,
        source: Row | None,
        rollover: tuple[int | None, int] | None,
        floor: int | None,
        expires_at: datetime | None,
    ) -> None:
        self.made += 1
        anchor = source["anchor"] if source else self.now.day
        self.rows.append(
            Row(
                {
                    "number": self.made,
                    "feature": feature,
                    "included": included,
                    "adjusted": Decimal(0),
                    "usage": Decimal(0),
                    "interval": interval,
                    "resets_at": None if interval is None else later(self.now, interval, anchor),
                    "anchor": anchor,
                    "expires_at": expires_at,
                    "source": source,
                    "since": self.now,
                    "rollover": rollover,
                    "floor": None if floor is None else Decimal(floor),
                }
            )
        )
        if feature not in self.features:
            self.features.append(feature)

    def _of(self, subscription: Row) -> list[Row]:
        return [row for row in self.rows if row["source"] is subscription]

    def _end(self, subscription: Row) -> None:
        for row in self._of(subscription):
            self._remove(row)
        self.subscriptions.remove(subscription)

    def _remove(self, row: Row) -> None:
        self.rollovers = [each for each in self.rollovers if each["row"] is not row]
        self.rows.remove(row)

    def _drop_followers(self, current: Row) -> bool:
        """Whether there was one."""
        dropped = self._followers(current)
        for each in dropped:
            self.subscriptions.remove(each)
        return bool(dropped)

    def _followers(self, current: Row) -> list[Row]:
        return [
            each
            for each in self.subscriptions
            if each["status"] == "scheduled" and each["follows"] is current
        ]
