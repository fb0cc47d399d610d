"""Balances found by their figures in SQL, against the reference, on random rows."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.ledger.balance_figures import figures_of_balances
from billing.ledger.figure_range import with_figure_between
from billing.models import Balance
from billing.rules.exact import EXACT
from billing.rules.figures import UPPER_BOUND, FigureName
from customers.json_types import DECIMALS
from tests.billing.uses import NOON
from tests.examples import examples
from tests.factories import make_balance, make_grant, make_rollover

pytestmark = pytest.mark.django_db

NAMES: tuple[FigureName, ...] = ("remaining", "granted", "usage", "usage_percent")
MOMENTS = st.sampled_from([None, None, None, NOON, NOON + timedelta(days=1)])

#: Small numbers, so that sums hit the bounds; and the finest and the largest ones, which no float tells apart.
figures = st.one_of(
    st.integers(-30, 30).map(lambda tenths: Decimal(tenths) / 10),
    st.sampled_from([Decimal("1e-10"), -Decimal("1e-10"), UPPER_BOUND - Decimal("1e-10"), Decimal("0.3")]),
)
above_zero = figures.map(abs)
grants = st.fixed_dictionaries(
    {
        "included_grant": figures,
        "prepaid_grant": above_zero,
        "usage": figures,
        "unlimited": st.sampled_from([False] * 9 + [True]),
        "expires_at": MOMENTS,
        "ended_at": st.sampled_from([None, None, None, NOON]),
    }
)
rollovers = st.fixed_dictionaries(
    {
        "granted": above_zero,
        "left": above_zero,
        "expires_at": MOMENTS,
        "ended_at": st.sampled_from([None, None, None, NOON]),
    }
)
worlds = st.lists(
    st.tuples(st.lists(grants, max_size=3), st.lists(rollovers, max_size=2)), min_size=1, max_size=4
)
_STEPS = [Decimal(0), Decimal("1e-10"), -Decimal("1e-10"), Decimal(1)]
#: A percentage may have more than ten decimals, so its bounds may not; of the others, finer bounds change nothing.
offsets = {name: st.sampled_from(_STEPS) for name in NAMES} | {
    name: st.sampled_from([*_STEPS, Decimal("1e-11")]) for name in ("remaining", "granted", "usage")
}


class _Undone(Exception):
    pass


def _as_bound(figure: Decimal) -> Decimal:
    return figure.quantize(DECIMALS, context=EXACT)


def build(world: list[Any]) -> list[Balance]:
    balances = []
    for grants, rollovers in world:
        balance = make_balance()
        for row in grants:
            make_grant(balance=balance, **row)
        for row in rollovers:
            make_rollover(balance=balance, **row)
        balances.append(balance)
    return balances


@given(worlds, st.data())
@settings(
    max_examples=examples(12),
    deadline=None,
    phases=[Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_sql_finds_what_the_reference_finds(world: list[Any], data: st.DataObject) -> None:
    try:
        with transaction.atomic():
            keys = [str(balance.pk) for balance in build(world)]
            reference = figures_of_balances(keys, NOON)
            for name in NAMES:
                # Bounds that lie on a figure, or next to one, decide whether a comparison is exact.
                found = [getattr(each, name) for each in reference.values()]
                values = st.sampled_from(
                    [_as_bound(each) for each in found if each is not None] or [Decimal(0)]
                )
                bounds = st.one_of(st.none(), st.builds(EXACT.add, values, offsets[name]))
                low, high = data.draw(bounds), data.draw(bounds)

                within = with_figure_between(Balance.objects.filter(pk__in=keys), name, low, high, NOON)

                expected = {key for key in keys if reference[key].is_between(name, low, high)}
                assert {str(key) for key in within.values_list("pk", flat=True)} == expected, (
                    name,
                    low,
                    high,
                )
            raise _Undone
    except _Undone:
        pass


def test_tenths_add_up() -> None:
    balance = make_balance()
    for tenths in ("0.1", "0.2"):
        make_grant(balance=balance, included_grant=Decimal(tenths), usage=Decimal(0))

    def found(low: str, high: str) -> bool:
        within = with_figure_between(Balance.objects.all(), "granted", Decimal(low), Decimal(high), NOON)
        return within.exists()

    assert found("0.2999999999", "0.3")
    assert not found("0.3", "0.4")


def test_a_bound_of_any_size_is_taken() -> None:
    make_grant(balance=make_balance(), included_grant=Decimal(5), usage=Decimal(0))

    for bound in ("1e-999999", "-1e-999999", "1e15", "0.00000000000001"):
        within = with_figure_between(Balance.objects.all(), "usage_percent", Decimal(bound), None, NOON)
        assert within.count() == (0 if bound != "-1e-999999" else 1)
