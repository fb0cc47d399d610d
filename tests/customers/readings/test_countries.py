"""How sources write countries: codes and names, in any language."""

import pytest
from babel import Locale
from django.utils import translation
from django_countries.base import CountriesBase
from django_countries.data import ALT_CODES, COUNTRIES
from hypothesis import given
from hypothesis import strategies as st

from customers.readings import countries


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Tanzania", "TZ"),
        ("tanzania ", "TZ"),
        ("United Republic of Tanzania", "TZ"),
        ("Tanzania, United Republic of", "TZ"),
        ("Tanzania (the United Republic of)", "TZ"),
        ("TZA", "TZ"),
        ("tza", "TZ"),
        ("tz", "TZ"),
        ("834", "TZ"),
        ("UK", "GB"),
        ("united kingdom", "GB"),
        ("England", "GB"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("U.S.", "US"),
        ("US-CA", "US"),
        ("GB-ENG", "GB"),
        ("Germany (DE)", "DE"),
        ("DE - Germany", "DE"),
        ("\U0001f1ef\U0001f1f5", "JP"),
        ("한국", "KR"),
        ("米国", "US"),
        ("ABD", "US"),
        ("السعودية", "SA"),
        ("İngiltere", "GB"),
        ("INGILTERE", "GB"),
        ("Αγγλία", "GB"),
        ("Shqipëria", "AL"),
        ("ประเทศไทย", "TH"),
        ("Holy See (Vatican City State)", "VA"),
        ("United States of America", "US"),
        ("The Gambia", "GM"),
        ("Côte d\u2019Ivoire", "CI"),
        ("COTE D'IVOIRE", "CI"),
        ("Ivory Coast", "CI"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("Saint Lucia", "LC"),
        ("Bosnia-Herzegovina", "BA"),
        ("Trinidad & Tobago", "TT"),
        ("South Korea", "KR"),
        ("Korea, Republic of", "KR"),
        ("Korea (the Democratic People's Republic of)", "KP"),
        ("Democratic Republic of the Congo", "CD"),
        ("Republic of the Congo", "CG"),
        ("Kingdom of the Netherlands", "NL"),
        ("Republic of the Union of Myanmar", "MM"),
        ("People's Republic of China", "CN"),
        ("Republic of China", "TW"),
        ("Kosovo", "XK"),
        ("UK.", "GB"),
        ("EL", "GR"),
        ("el", "GR"),
        ("XI", "GB"),
    ],
)
def test_a_country_is_known_by_its_names_and_codes(text: str, code: str) -> None:
    assert countries.country(text) == (code, f"“{text}” was changed to {code}.")


@pytest.mark.parametrize("code", ["TZ", "GB", "XK"])
def test_a_code_stays_as_it_is(code: str) -> None:
    assert countries.country(code) == (code, None)


@pytest.mark.parametrize(
    "text", ["Atlantis", "EU", "State of Georgia", "ZZ", "XXX", "Republic of", "東京", "..."]
)
def test_what_is_no_country_is_kept(text: str) -> None:
    assert countries.country(text) == (
        text,
        f"“{text}” is not a country that we know. It was kept.",
    )


def test_every_name_that_iso_gives_is_known() -> None:
    old = {(code, name) for code, names in CountriesBase.OLD_NAMES.items() for name in names}
    with translation.override("en"):
        named = [*COUNTRIES.items(), *CountriesBase.COMMON_NAMES.items(), *sorted(old, key=str)]
        wrong = [(code, str(name)) for code, name in named if countries.country(str(name))[0] != code]
    assert wrong == []
    assert len(named) > 270


def test_every_three_letter_code_is_known() -> None:
    assert [code for code, (alpha3, _) in ALT_CODES.items() if countries.country(alpha3)[0] != code] == []


#: A language's own name for a country, as people write it.
FOREIGN = {
    "AR": ["República Argentina", "Argentinien"],
    "AM": ["Հայաստան"],
    "AT": ["Österreich", "ÖSTERREICH", "osterreich", "Oesterreich", "Republik Österreich", "Autriche"],
    "BA": ["Bosnien & Herzegowina", "Bosnien und Herzegowina", "Bosna i Hercegovina"],
    "BE": ["België", "Belgique", "Koninkrijk België"],
    "BR": ["Brasil", "Brésil"],
    "BY": ["Беларусь", "Республика Беларусь", "Weißrussland"],
    "CH": ["Schweiz", "Suisse", "Svizzera", "Швейцария"],
    "CL": ["República de Chile"],
    "CN": ["中国", "中國", "中华人民共和国"],
    "CZ": ["Česko", "CESKO", "Česká republika", "Tschechien"],
    "DE": ["Deutschland", " deutschland ", "DEUTSCHLAND", "Bundesrepublik Deutschland", "Allemagne", "Alemania", "ドイツ", "Германия",
           "Deutsch\u00adland"],
    "DK": ["Danmark", "Daenemark", "Dänemark"],
    "EG": ["مصر"],
    "ES": ["España", "Espana", "ESPAÑA", "Reino de España", "Espan\u0303a"],
    "FR": ["République française", "Frankreich"],
    "GB": ["Royaume-Uni", "Vereinigtes Königreich", "Großbritannien", "Reino Unido", "イギリス"],
    "GE": ["საქართველო"],
    "GR": ["Ελλάδα", "ΕΛΛΑΔΑ", "ελλαδα", "Griechenland", "Ελλάς"],
    "HR": ["Hrvatska", "Republika Hrvatska"],
    "HU": ["Magyarország"],
    "IL": ["ישראל"],
    "IN": ["भारत", "Indien"],
    "IS": ["Ísland"],
    "JP": ["日本", "日本国", "Japón"],
    "KR": ["대한민국", "韓国"],
    "LK": ["ශ්‍රී ලංකාව"],
    "NL": ["Die Niederlande", "Nederland", "Pays-Bas", "Países Bajos"],
    "NO": ["Norge", "Kongeriket Norge"],
    "PL": ["Polska", "Rzeczpospolita Polska"],
    "RU": ["Россия", "РОССИЯ", "Российская Федерация"],
    "SA": ["المملكة العربية السعودية"],
    "TD": ["Čad"],
    "TH": ["ไทย"],
    "TR": ["TÜRKİYE", "turkiye", "Tuerkei"],
    "UA": ["Україна", "Украина"],
    "US": ["Estados Unidos", "Estados Unidos de América", "États-Unis", "Vereinigte Staaten", "EE. UU.", "США", "美国"],
    "VN": ["Việt Nam", "VIỆT NAM", "Viet Nam"],
    "ZA": ["Suedafrika", "Südafrika"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "text"), [(code, name) for code, names in FOREIGN.items() for name in names]
)
def test_a_country_is_known_in_other_languages(code: str, text: str) -> None:
    assert countries.country(text) == (code, f"“{text}” was changed to {code}.")


@pytest.mark.parametrize("text", ["Kongo", "Конго", "Nigeri", "toga"])
def test_a_name_of_two_countries_is_of_none(text: str) -> None:
    assert countries.country(text)[0] == text


@pytest.mark.parametrize(
    "text",
    [
        "n.a.",
        "N.A.",
        "i.e.",
        "cat",
        "man",
        "mon",
        "cad",
        "tai",
        "n/a",
        "none",
        "unknown",
        "test",
        "-",
        "Bayern",
        "California",
        "Victoria",
        "Paris",
        "Berlin",
    ],
)
def test_a_short_word_or_another_place_is_no_country(text: str) -> None:
    assert countries.country(text)[0] == text


@pytest.mark.parametrize("language", ["de", "el", "ja", "vi", "hi", "sr_Latn"])
def test_the_file_has_the_names_of_babel(language: str) -> None:
    names = {
        name: code
        for code, name in Locale.parse(language).territories.items()
        if code in countries.COUNTRY_CODES
    }
    wrong = {
        name: countries.country(name)[0] for name, code in names.items() if countries.country(name)[0] != code
    }
    # What is ambiguous in other languages.
    assert len(wrong) <= 3, wrong
    assert len(names) > 240


@given(st.text(max_size=20) | st.sampled_from([name for names in FOREIGN.values() for name in names]))
def test_reading_twice_is_reading_once(text: str) -> None:
    once, _ = countries.country(text)
    again, remark = countries.country(once)
    assert again == once
    assert remark is None or once == text
