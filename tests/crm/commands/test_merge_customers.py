"""The commands that merge customers and undo it."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crm.models import Merge
from customers.models import Customer
from tests.factories import make_customer, make_note

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    """What a command writes to standard output."""
    stdout = StringIO()
    call_command(*arguments, stdout=stdout)
    return stdout.getvalue()


@pytest.fixture
def twice() -> tuple[Customer, Customer]:
    """Ada, twice: under two external ids."""
    ada = make_customer(name="Ada Finch", email="ada@example.com", external_id="a")
    other = make_customer(name="A. Finch", email="finch@example.com", external_id="b", phone="+1 555 0100")
    make_note(customer=other)
    return ada, other


def test_any_identifier_will_do_and_what_happens_is_told(twice: tuple[Customer, Customer]) -> None:
    ada, other = twice

    told = run("merge_customers", "a", "finch@example.com", "--field", "name=b", "--reason", "Same person")

    merge = Merge.objects.get()
    assert (merge.survivor, merge.other, merge.reason) == (ada, other, "Same person")
    ada.refresh_from_db()
    assert (ada.name, ada.phone, ada.pinned_fields) == ("A. Finch", "+1 555 0100", ["name"])
    lines = told.splitlines()
    assert lines[0] == f"Merge A. Finch ({other.pk}) into Ada Finch ({ada.pk}):"
    assert "  name: A. Finch (of A. Finch), not Ada Finch" in lines
    assert "  notes: 0 + 1 → 1" in lines
    assert lines[-1] == f"Merged A. Finch ({other.pk}) into A. Finch ({ada.pk}): {merge.pk}"


def test_a_dry_run_changes_nothing(twice: tuple[Customer, Customer]) -> None:
    told = run("merge_customers", "a", "b", "--dry-run")

    assert told.splitlines()[-1] == "Nothing was changed (--dry-run)."
    assert not Merge.objects.exists()
    assert not Customer.objects.exclude(merged_into=None).exists()


def test_undoing_asks_what_becomes_of_what_was_edited(twice: tuple[Customer, Customer]) -> None:
    ada, other = twice
    run("merge_customers", "a", "b", "--field", "name=b")
    merge = Merge.objects.get()
    Customer.objects.filter(pk=ada.pk).update(phone="+1 555 0199")

    assert "phone: now +1 555 0199" in run("unmerge", str(merge.pk), "--dry-run")
    with pytest.raises(CommandError, match=r"phone: now \+1 555 0199, \+1 555 0100 after the merge"):
        run("unmerge", str(merge.pk))
    told = run("unmerge", str(merge.pk), "--keep", "phone")

    assert (
        told == f"Undid the merge. A. Finch ({other.pk}) and Ada Finch ({ada.pk}) are two customers again.\n"
    )
    assert not Customer.objects.exclude(merged_into=None).exists()
    assert Customer.objects.get(pk=ada.pk).phone == "+1 555 0199"


def test_a_decision_is_for_each_of_several_merges_that_needs_it(twice: tuple[Customer, Customer]) -> None:
    third = make_customer(name="Third", phone="")
    fourth = make_customer(name="Fourth", phone="+1 555 0177")
    run("merge_customers", "a", "b")
    run("merge_customers", str(third.pk), str(fourth.pk))
    merges = [str(merge.pk) for merge in Merge.objects.all()]
    Customer.objects.filter(pk=third.pk).update(phone="+1 555 0199")
    with pytest.raises(CommandError, match="No decision is needed for email"):
        run("unmerge", *merges, "--keep", "phone", "--keep", "email")
    assert Merge.objects.standing().count() == 2
    run("unmerge", *merges, "--keep", "phone")
    assert not Merge.objects.standing().exists()
    assert Customer.objects.get(pk=third.pk).phone == "+1 555 0199"


@pytest.mark.parametrize(
    ("arguments", "why", "status"),
    [
        (["merge_customers", "a", "nobody"], "No customer is known by “nobody”", 1),
        (["merge_customers", "a", "a"], "can't be merged into itself.* Nothing was changed", 1),
        (["merge_customers", "a", "b", "--field", "shoe=b"], "There is no field 'shoe'", 1),
        (["merge_customers", "a", "b", "--field", "name"], "is not FIELD=CUSTOMER", 1),
        (["unmerge", "merge_1"], "There is no merge “merge_1”", 1),
    ],
)
def test_what_is_wrong_is_said(
    twice: tuple[Customer, Customer], arguments: list[str], why: str, status: int
) -> None:
    with pytest.raises(CommandError, match=why) as refused:
        run(*arguments)
    assert refused.value.returncode == status
