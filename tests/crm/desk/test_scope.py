"""Mine, my team's, all."""

from __future__ import annotations

import pytest

from crm.desk.scope import Scope
from customers import clock
from customers.models import Customer
from tests.factories import make_customer, make_relationship, make_team, make_user

pytestmark = pytest.mark.django_db


def test_what_an_address_names() -> None:
    assert [Scope.chosen(text) for text in ("team", "all", "mine", "theirs", "", None)] == [
        Scope.TEAM,
        Scope.ALL,
        Scope.MINE,
        Scope.MINE,
        Scope.MINE,
        Scope.MINE,
    ]
    assert Scope.chosen("theirs", Scope.ALL) is Scope.ALL


def test_each_scope_has_the_accounts_of_its_people() -> None:
    ada, ben, cy, dee = (make_user() for _ in range(4))
    make_team(members=[ada, ben])
    make_team(members=[ada, cy, ben])
    accounts = {user: make_relationship(owner=user).customer for user in (ada, ben, cy, dee)}
    unowned = make_customer()
    make_relationship(owner=ada, customer=make_customer(archived_at=clock.now()))
    merged = make_relationship(owner=ada).customer
    Customer.objects.filter(pk=merged.pk).update(merged_into=unowned)

    assert set(Scope.MINE.customers(ada)) == {accounts[ada]}
    assert sorted(Scope.TEAM.customers(ada).values_list("pk")) == sorted(
        (accounts[user].pk,) for user in (ada, ben, cy)
    )
    assert set(Scope.TEAM.customers(ben)) == {accounts[ada], accounts[ben], accounts[cy]}
    assert set(Scope.ALL.customers(ada)) == {*accounts.values(), unowned}


def test_whoever_is_in_no_team_is_a_team_of_one() -> None:
    user = make_user()
    account = make_relationship(owner=user).customer
    make_relationship(owner=make_user())
    assert set(Scope.TEAM.customers(user)) == {account}
