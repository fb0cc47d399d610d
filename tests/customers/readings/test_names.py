"""Names taken apart and compared."""

from __future__ import annotations

import pytest

from customers.readings.names import Likeness, Name, NameKind, Relation, compare, name_keys, read_name


def name(text: str) -> Name:
    """A name that has words."""
    found = read_name(text)
    assert found is not None
    return found


def likeness(one: str, other: str, *usual: str) -> Likeness:
    """How alike two names are, where the words of `usual` are usual."""
    return compare(name(one), name(other), lambda word: word in usual)


@pytest.mark.parametrize(
    ("text", "words", "kind", "form"),
    [
        ("Jane Doe", ("jane", "doe"), NameKind.PERSON, ""),
        ("Doe, Jane", ("doe", "jane"), NameKind.PERSON, ""),
        ("Dr. Hans Weber", ("hans", "weber"), NameKind.PERSON, ""),
        ("Acme, Inc.", ("acme",), NameKind.COMPANY, "inc"),
        ("Acme Incorporated", ("acme",), NameKind.COMPANY, "inc"),
        ("Acme Limmited", ("acme",), NameKind.COMPANY, "ltd"),
        ("Nordwind GmbH & Co. KG", ("nordwind",), NameKind.COMPANY, "gmbh and co kg"),
        ("Bianchi S.r.l.", ("bianchi",), NameKind.COMPANY, "srl"),
        ("ООО Ромашка", ("romashka",), NameKind.COMPANY, "ooo"),
        ("株式会社東京商事", ("東京商事",), NameKind.COMPANY, "株式会社"),
        ("Amber Analytics", ("amber", "analytics"), NameKind.COMPANY, ""),
        ("Carol House", ("carol", "house"), NameKind.UNKNOWN, ""),
        ("João Sá", ("joao", "sa"), NameKind.PERSON, ""),
        ("Acme SA", ("acme",), NameKind.COMPANY, "sa"),
        ("Qwertz Asdfg", ("qwertz", "asdfg"), NameKind.UNKNOWN, ""),
    ],
)
def test_a_name_is_taken_apart(text: str, words: tuple[str, ...], kind: NameKind, form: str) -> None:
    found = name(text)
    assert (found.words, found.kind, found.form) == (words, kind, form)


def test_a_name_without_words_is_none() -> None:
    assert read_name(" - ") is None
    assert read_name("") is None


def test_a_legal_form_alone_is_a_name() -> None:
    assert name("Limited").words == ("limited",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jane Doe", "DOE Jane"),
        ("Bob Smith", "Robert Smith"),
        ("Rob Smith", "Bob Smith"),
        ("Müller GmbH", "Mueller"),
        ("Юлия Петрова", "Julia Petrova"),
        ("Dima Ivanov", "Дмитрий Иванов"),
        ("Jhon Smith", "John Smith"),
        ("Karim Gößmann", "Karim Gömann"),
        ("J. Doe", "Jane Doe"),
        ("Piet Jansen", "Pieter Jansen"),
        ("Hristos Papadopoulos", "Χρήστος Παπαδόπουλος"),
        ("Uschi Kern", "Ursula Kern"),
        ("Polar Sp. z o.o.", "Polar Spółka z ograniczoną odpowiedzialnością"),
        ("Polar S.à r.l.", "Polar SARL"),
        ("Brisamar Tools", "Bismaar Tools"),
        ("Jane Marie Doe", "Jane Doe"),
        ("Anna Schmidt-Weber", "Anna Schmidt"),
        ("Micro Soft Inc", "MicroSoft"),
        ("Acme Group", "Acme"),
        ("The Acme Company", "Acme"),
        ("Acme GmbH", "Acme Ltd"),
        ("Pieter van Dijk", "Pieter Dijk"),
        ("Nordwimd Logistik", "Nordwind Logistik"),
    ],
)
def test_these_are_one_name(one: str, other: str) -> None:
    assert likeness(one, other).relation == Relation.ALIKE
    assert likeness(other, one).relation == Relation.ALIKE


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("Maria Schmidt", "Mario Schmidt", Relation.KIN),
        ("Daniel Weber", "Daniela Weber", Relation.KIN),
        ("Jan Weber", "Janine Weber", Relation.KIN),
        ("Paul Weber", "Paula Weber", Relation.KIN),
        ("Ivan Ivanov", "Olga Ivanova", Relation.UNRELATED),
        ("John Smith Jr.", "John Smith Sr.", Relation.KIN),
        ("Alexander Weber", "Alexandra Weber", Relation.KIN),
        ("Jane Doe", "Jane Roe", Relation.RENAMED),
        ("Jane Doe", "Jane von Roe", Relation.RENAMED),
        ("Jane Doe", "Peter Smith", Relation.UNRELATED),
        ("Nordwind Logistik GmbH", "Nordwind Solar GmbH", Relation.GROUP),
        ("Coffee Corner Berlin", "Coffee Corner Hamburg", Relation.GROUP),
        ("Customer 1", "Customer 2", Relation.GROUP),
        ("Acme Holding", "Acme", Relation.PART),
        ("Jane", "Jane Doe", Relation.PART),
        ("Amber Logistics", "Cobalt Logistics", Relation.UNRELATED),
        ("Jane Doe", "Acme GmbH", Relation.UNLIKE_KINDS),
        ("John Thompson", "Thompson Oscorp Analytics", Relation.UNLIKE_KINDS),
        ("Аcme", "Acme", Relation.LOOKS_ALIKE),
        ("PayPa1", "PayPal", Relation.LOOKS_ALIKE),
        ("Pаul Smith", "Paul Smith", Relation.LOOKS_ALIKE),
    ],
)
def test_these_are_two_names(one: str, other: str, relation: Relation) -> None:
    assert likeness(one, other).relation == relation
    assert likeness(other, one).relation == relation


def test_a_word_that_many_have_is_no_typo_of_another_that_many_have() -> None:
    assert likeness("Karim Becker", "Karim Beckner").relation == Relation.ALIKE
    both = likeness("Karim Becker", "Karim Beckner", "beker", "bekner")
    assert both.relation == Relation.RENAMED


def test_two_typos_are_as_many_as_may_be() -> None:
    assert likeness("Johannes Weidemann", "Johanes Weidmann").relation == Relation.ALIKE
    assert likeness("Johannes Weidemann", "Johanes Wiedmnan").relation != Relation.ALIKE


def test_the_better_a_name_fits_the_less_doubt_there_is() -> None:
    doubts = [
        likeness("Robert Smithson", other).doubt
        for other in ("Robert Smithson", "Smithson Robert", "Bob Smithson", "Robert Smihtson", "R. Smithson")
    ]
    assert doubts == sorted(doubts)
    assert doubts[0] == 0


def test_what_differs_is_said_in_words() -> None:
    assert likeness("Acme GmbH", "Acme").how == "the same name, except for the legal form"
    assert (
        likeness("Doe Bob", "Robert Doe").how
        == "the same name (a short form, the same words in a different order)"
    )


def test_names_that_are_one_share_a_key() -> None:
    keys = set(name_keys(name("Bob Smith")))
    assert keys & set(name_keys(name("Smith, Robert")))
    assert not keys & set(name_keys(name("Robert Smythson")))
    assert len(name_keys(name("Alex Sam Pat Chris Nick Sandy"))) <= 6
