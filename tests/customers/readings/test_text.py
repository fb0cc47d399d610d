"""How texts are read, how they sound, and how they look."""

from __future__ import annotations

import pytest

from customers.readings.text import looks, mixes_scripts, plain, sound


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jane  DOE", "jane doe"),
        ("O’Neill & Söhne", "oneill and sohne"),
        ("Straße", "strasse"),
        ("Øystein Łukasz", "oystein lukasz"),
        ("Юлия Щукина", "yuliya shchukina"),
        ("Γιώργος Παπαδόπουλος", "giorgos papadopoulos"),
        ("S.r.l.", "srl"),
        ("Ａｃｍｅ", "acme"),
        ("Ac\u200bme", "acme"),
        ("東京", "東京"),
        ("", ""),
    ],
)
def test_a_text_is_read_in_plain_letters(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "Mueller"),
        ("Юлия", "Julia"),
        ("Юлия", "Yuliya"),
        ("Dmitriy", "Dmitry"),
        ("Nicolas", "Nikolas"),
        ("Philipp", "Filip"),
        ("Søren", "Soeren"),
        ("Anna", "Ana"),
        ("Соловьёв", "Solovyov"),
        ("Соловьёв", "Soloviev"),
        ("Ефимов", "Yefimov"),
        ("Артём", "Artyom"),
        ("Μπακογιάννης", "Mpakogiannis"),
    ],
)
def test_spellings_of_one_sound_fall_together(one: str, other: str) -> None:
    assert sound(plain(one)) == sound(plain(other))


@pytest.mark.parametrize(("one", "other"), [("Maria", "Mario"), ("Karl", "Kurt"), ("acme1", "acme2")])
def test_other_words_stay_apart(one: str, other: str) -> None:
    assert sound(plain(one)) != sound(plain(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("acme", "асme"),
        ("paypal", "paypa1"),
        ("google", "g00gle"),
        ("rnicrosoft", "microsoft"),
        ("vvorld", "world"),
        ("apple.com", "аpple.com"),
        ("initech", "іnіtech"),
    ],
)
def test_what_looks_the_same_has_one_look(one: str, other: str) -> None:
    assert looks(one) == looks(other)


def test_what_looks_different_has_two_looks() -> None:
    assert looks("acme") != looks("acne")


@pytest.mark.parametrize("text", ["аcme", "Pаul Smith", "micrοsoft"])
def test_words_that_mix_alphabets_are_noticed(text: str) -> None:
    assert mixes_scripts(text)


@pytest.mark.parametrize("text", ["acme", "Юлия", "ООО Acme", "Γιώργος", "Müller", "Acme株式会社"])
def test_other_words_do_not_mix(text: str) -> None:
    assert not mixes_scripts(text)
