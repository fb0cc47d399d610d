import pytest

from crm.models import Contact, Person
from tests.crm.import_documents import document, shown, take_crm, take_one
from tests.factories import make_contact, make_person
from tests.strategies_crm import Json

pytestmark = pytest.mark.django_db

JANE: Json = {
    "name": "Jane Doe",
    "obfuscated_id": "p-jane",
    "metadata": {
        "type": "FULL_TIME",
        "email": "jane@example.com",
        "alias_emails": ["jd@example.com"],
        "start_date": "2020-02-29",
        "manager": {"name": "Max Mustermann", "obfuscated_id": "p-max"},
    },
    "related_documents": [{"relation": "RECENT", "score": 0.5}],
}


def test_one_row_for_a_person_of_two_customers() -> None:
    person = {"name": "Jo", "obfuscated_id": "p1", "metadata": {"title": "CEO"}}

    take_crm(document(id="one", poc=[person]), document(id="two", poc=[person]))

    assert Person.objects.count() == 1
    assert shown("one")["poc"] == shown("two")["poc"] == [person]


def test_the_later_word_wins_for_all_their_customers() -> None:
    take_crm(document(id="one", poc=[{"name": "Jo", "obfuscated_id": "p1", "metadata": {"title": "CEO"}}]))

    take_crm(document(id="two", poc=[{"name": "Jo", "obfuscated_id": "p1", "metadata": {"title": "CFO"}}]))

    assert shown("one")["poc"][0]["metadata"]["title"] == "CFO"


def test_who_is_only_named_keeps_what_is_known() -> None:
    max_ = {
        "name": "Max",
        "obfuscated_id": "p-max",
        "metadata": {"title": "CEO", "type": "CONTRACTOR"},
        "related_documents": [{"relation": "CASE"}],
    }
    stub = {"name": "Max", "obfuscated_id": "p-max"}
    jo = {"name": "Jo", "obfuscated_id": "p-jo", "metadata": {"manager": stub}}

    take_crm(document(id="one", poc=[max_]), document(id="two", poc=[jo, stub]))

    assert shown("one")["poc"] == [max_]
    assert shown("two")["poc"] == [{**jo, "metadata": {"manager": max_}}, max_]


def test_who_is_only_named_first_is_known_from_the_same_document() -> None:
    stub = {"name": "Max", "obfuscated_id": "p-max"}
    max_ = {**stub, "metadata": {"title": "CEO"}}
    jo = {"name": "Jo", "obfuscated_id": "p-jo", "metadata": {"manager": max_}}

    take_crm(document(poc=[stub, jo]))

    assert shown()["poc"] == [max_, jo]


def test_managers_to_any_depth() -> None:
    person: Json = {"name": "Boss 29", "obfuscated_id": "p29"}
    for number in reversed(range(29)):
        person = {"name": f"Boss {number}", "obfuscated_id": f"p{number}", "metadata": {"manager": person}}

    take_crm(document(poc=[person]))

    assert Person.objects.count() == 30
    assert shown()["poc"] == [person]


def test_a_manager_who_is_null_goes() -> None:
    jo = {"name": "Jo", "obfuscated_id": "p1"}
    take_crm(
        document(poc=[{**jo, "metadata": {"title": "CFO", "manager": {"name": "M", "obfuscated_id": "p2"}}}])
    )

    take_crm(document(poc=[{**jo, "metadata": {"manager": None}}]))

    assert shown()["poc"] == [{**jo, "metadata": {"title": "CFO"}}]


def test_metadata_that_is_null_is_emptied() -> None:
    take_crm(document(poc=[JANE]))

    take_crm(document(poc=[{"name": "Jane Doe", "obfuscated_id": "p-jane", "metadata": None}]))

    jane = Person.objects.get(obfuscated_id="p-jane")
    assert (jane.manager, jane.email, jane.alias_emails) == (None, "", [])
    assert jane.start_date is None
    assert jane.related_documents == [{"relation": "RECENT", "score": 0.5}]


def test_two_documents_that_make_each_the_others_manager() -> None:
    a, b = {"name": "A", "obfuscated_id": "a"}, {"name": "B", "obfuscated_id": "b"}

    take_crm(document(id="one", poc=[{**a, "metadata": {"manager": b}}]))
    take_crm(document(id="two", poc=[{**b, "metadata": {"manager": a}}]))

    assert shown("one")["poc"] == [{**a, "metadata": {"manager": b}}]
    assert shown("two")["poc"] == [{**b, "metadata": {"manager": a}}]


def test_somebody_added_here_comes_back_under_our_id() -> None:
    customer = take_one()
    ours = make_person(name="Ours", email="ours@example.com")
    make_contact(customer=customer, person=ours)

    take_crm(shown())

    assert Person.objects.get() == ours
    assert Person.objects.get().obfuscated_id is None
    assert Contact.objects.count() == 1


def test_the_history_says_where_a_change_came_from() -> None:
    take_crm(document(poc=[{"name": "Jo", "obfuscated_id": "p1"}]))
    take_crm(document(poc=[{"name": "Joanna", "obfuscated_id": "p1"}]))

    changes = Person.objects.get().history.order_by("history_id")
    assert list(changes.values_list("history_type", "name", "history_change_reason")) == [
        ("+", "Jo", "Imported from crm"),
        ("~", "Joanna", "Imported from crm"),
    ]
