"""Each rule, by pairs made by hand: what it finds, and on which side of the default score the pair comes to lie."""

from __future__ import annotations

import pytest

from crm.dedupe.duplicates.blocking_keys import LIMITS, KeyKind
from crm.dedupe.duplicates.profile import Profile
from crm.dedupe.duplicates.score import Verdict, judge
from crm.dedupe.duplicates.weights import CURRENT, DEFAULT_SCORE
from tests.crm.dedupe.duplicates.profiles import BOISE, Crowd, contact, profile

DENVER = {"line1": "9 Oak Ave", "city": "Denver", "postal": "80014", "country": "US"}


def verdict(one: Profile, other: Profile, crowd: Crowd | None = None) -> Verdict:
    """What is judged of a pair; the same from either side."""
    crowd = crowd or Crowd()
    found = judge(one, other, crowd)
    assert found.score == judge(other, one, crowd).score
    return found


def rules(found: Verdict) -> set[str]:
    """The rules that found something."""
    return {each.rule for each in found.evidence}


ONE: dict[str, tuple[Profile, Profile, str]] = {
    "a word added, in one place": (
        profile("Harbor Foods", "a@harbor-foods.example", place=BOISE),
        profile("Harbor Fine Foods", "b@harbor-foods.example", place={"city": "Boise"}),
        "a part of a company in one place",
    ),
    "an address spelled otherwise": (
        profile("Jane Doe", "jane.doe+a@gmail.com"),
        profile("", "JaneDoe@googlemail.com"),
        "same mailbox",
    ),
    "a tag at a domain of its own": (
        profile("Jane Doe", "jane@acme.example"),
        profile("Jane Doe", "jane+b@acme.example"),
        "same mailbox, tagged",
    ),
    "an office's address": (
        profile("Acme GmbH", "info@acme.example"),
        profile("", "info@acme.example"),
        "same office mailbox",
    ),
    "a slip in the address": (
        profile("Jane Doe", "janet.doe@acme.example"),
        profile("Jane Doe", "janet.deo@acme.example"),
        "mistyped mailbox",
    ),
    "a phone number": (
        profile("Jane Doe", "a@example.net", "+1 217 555 0123"),
        profile("Jane Doe", "b@example.org", "(217) 555-0123"),
        "same phone",
    ),
    "a phone number without its country": (
        profile("Jane Doe", phones=("+4930901820",)),
        profile("Jane Doe", phones=("…30901820",)),
        "same phone, without its country",
    ),
    "a device": (
        profile("Jane Doe", "jane@a.example", fingerprint="device-1"),
        profile("", "jd@b.example", fingerprint="device-1"),
        "same fingerprint",
    ),
    "an id in another environment": (
        profile("Jane Doe", named_elsewhere=("Stripe ID:cus_9s6XKzkNRiz8i3",)),
        profile("Jane Doe", named_elsewhere=("Stripe ID:cus_9s6XKzkNRiz8i3",), env="sandbox"),
        "same id in another environment",
    ),
    "a tax id, the name another": (
        profile("Acme GmbH", tax_id="DE136695976"),
        profile("Globex AG", tax_id="DE 136 695 976"),
        "same tax id",
    ),
    "a company number": (
        profile("Acme GmbH", company_numbers=("HRB12345",)),
        profile("Acme", company_numbers=("HRB12345",)),
        "same company number",
    ),
    "a contact by address": (
        profile("Acme GmbH", domain="acme.example", contacts=(contact("Jane Doe", "jane@acme.example"),)),
        profile("Jane Doe", "jane@acme.example", place=BOISE),
        "a contact's mailbox",
    ),
    "a contact who has a name in common with the company": (
        profile(
            "Rodriguez Health S.r.l.",
            domain="rodriguez.example",
            contacts=(contact("Nancy Rodriguez", "nancy@rodriguez.example"),),
        ),
        profile("Nancy Rodriguez", "nancy@rodriguez.example", place=BOISE),
        "a contact's mailbox",
    ),
    "a contact by phone": (
        profile("Acme GmbH", contacts=(contact("Jane Doe", phone="(217) 555-0123"),)),
        profile("Jane Doe", phone="(217) 555-0123"),
        "a contact's phone",
    ),
    "a contact by name, in one company": (
        profile("Acme GmbH", domain="acme.example", contacts=(contact("Jane Doe"),)),
        profile("Jane Doe", "jd@acme.example"),
        "a contact's name",
    ),
    "a company's domain": (
        profile("Acme GmbH", "sales@acme.example"),
        profile("Acme Group", "jane@acme.example"),
        "same domain",
    ),
    "a domain that is the name": (
        profile("Acme GmbH", "sales@acme.example"),
        profile("", "info@acme.example"),
        "the domain is the name",
    ),
    "a typo in a name at one address": (
        profile("Jane Doering", "a@example.net", place=BOISE),
        profile("Jane Dorring", "b@example.org", place=BOISE),
        "same name in the same place",
    ),
    "a name in one city": (
        profile("Jane Doering", place=BOISE),
        profile("Doering, Jane", place={"city": "Boise"}),
        "same name in the same place",
    ),
    "a rare name in one city, with another postal code": (
        profile("Jane Doering", place={"city": "Boise", "postal": "83701"}),
        profile("Jane Doering", place={"city": "Boise", "postal": "83799"}),
        "another postal code",
    ),
}
TWO: dict[str, tuple[Profile, Profile, str]] = {
    "another tax id": (
        profile("Acme GmbH", "info@acme.example", place=BOISE, tax_id="DE136695976"),
        profile("Acme GmbH", "info@acme.example", place=BOISE, tax_id="DE129273398"),
        "another tax id",
    ),
    "a tax id with a slip": (
        profile("Acme GmbH", place=BOISE, tax_id="DE111111125"),
        profile("Acme GmbH", place=BOISE, tax_id="DE111111126"),
        "a tax id that may be mistyped",
    ),
    "another kind of tax id": (
        profile("Acme GmbH", place=BOISE, tax_id="DE136695976"),
        profile("Acme GmbH", place=BOISE, tax_id="ATU13585627"),
        "a tax id of another kind",
    ),
    "another company number": (
        profile("Acme GmbH", phone="(217) 555-0123", company_numbers=("HRB12345",)),
        profile("Acme GmbH", phone="(217) 555-0123", company_numbers=("HRB67890",)),
        "another company number",
    ),
    "a family": (
        profile("Jane Doering", "jane@a.example", "(217) 555-0123", place=BOISE),
        profile("Paul Doering", "paul@b.example", "(217) 555-0123", place=BOISE),
        "family",
    ),
    "another generation": (
        profile("John Doering Sr.", phone="(217) 555-0123", place=BOISE),
        profile("John Doering Jr.", phone="(217) 555-0123", place=BOISE),
        "family",
    ),
    "sister companies": (
        profile("Acme Logistics GmbH", "a@acme.example", "(217) 555-0123", place=BOISE),
        profile("Acme Energy GmbH", "b@acme.example", "(217) 555-0123", place=BOISE),
        "another company of a group",
    ),
    "a part of a company": (
        profile("Acme Holding GmbH", "a@acme.example"),
        profile("Acme GmbH", "b@acme.example"),
        "a part of a company",
    ),
    "colleagues": (
        profile("Jane Doering", "jane@acme.example", "(217) 555-0123"),
        profile("Paul Kern", "paul@acme.example", "(217) 555-0123"),
        "unrelated names",
    ),
    "companies with one phone": (
        profile("Acme GmbH", phone="(217) 555-0123"),
        profile("Globex GmbH", phone="(217) 555-0123"),
        "unrelated names of companies",
    ),
    "somebody of the same given name": (
        profile("Jane Doering", phone="(217) 555-0123"),
        profile("Jane Kern", phone="(217) 555-0123"),
        "another family name",
    ),
    "another phone": (
        profile("Jane Doering", phone="(217) 555-0123"),
        profile("Jane Doering", phone="(217) 555-0199"),
        "another phone",
    ),
    "a person with a company's phone": (
        profile("Acme GmbH", "info@acme.example", "(217) 555-0123"),
        profile("Jane Doering", "jane@gmail.com", "(217) 555-0123"),
        "a person and a company",
    ),
    "a namesake in another city": (
        profile("Jane Doering", "a@gmail.com", place=BOISE),
        profile("Jane Doering", "b@yahoo.com", place=DENVER),
        "another city",
    ),
    "a namesake in another country": (
        profile("Jane Doering", place=BOISE),
        profile("Jane Doering", place={**BOISE, "country": "CA"}),
        "another country",
    ),
    "a namesake next door": (
        profile("Jane Doering", "a@gmail.com", place=BOISE),
        profile("Jane Doering", "b@yahoo.com", place={**BOISE, "line1": "7 Main St"}),
        "another address",
    ),
    "a contact of a usual name, by name alone": (
        profile("Acme GmbH", place=BOISE, contacts=(contact("Jane Doering"),)),
        profile("Jane Doering", "jd@gmail.com", place={"city": "Boise"}),
        "a contact's name",
    ),
    "a name alone": (profile("Jane Doering"), profile("Jane Doering"), "same name in the same place"),
    "a domain alone": (
        profile("", "jane@acme.example"),
        profile("", "paul@acme.example"),
        "same domain",
    ),
    "a short id in another environment": (
        profile("Jane Doering", named_elsewhere=("external ID:1",)),
        profile("Paul Kern", named_elsewhere=("external ID:1",), env="sandbox"),
        "same short id in another environment",
    ),
    "a look-alike name": (
        profile("Acme Tools", place=BOISE),
        profile("Аcme Tools", "info@mail.com", place=BOISE),
        "look-alike name",
    ),
    "a look-alike domain": (
        profile("Acme Tools", "info@acme.example", place={"city": "Boise"}),
        profile("Acme Tools", "info@acrne.example", place={"city": "Boise"}),
        "look-alike domain",
    ),
    "a look-alike mailbox": (
        profile("Jane Doering", "jane@gmail.com", place={"city": "Boise"}),
        profile("Jane Doering", "jane@gmai1.com", place={"city": "Boise"}),
        "look-alike mailbox",
    ),
    "only the card": (
        profile("Jane Doering", methods=("visa 4242 4 2030",)),
        profile("", methods=("visa 4242 4 2030",)),
        "same payment method",
    ),
}


@pytest.mark.parametrize("case", ONE)
def test_these_are_taken_for_one(case: str) -> None:
    one, other, rule = ONE[case]
    found = verdict(one, other)
    assert rule in rules(found)
    assert found.score >= DEFAULT_SCORE, found


@pytest.mark.parametrize("case", TWO)
def test_these_are_not(case: str) -> None:
    one, other, rule = TWO[case]
    found = verdict(one, other)
    assert rule in rules(found)
    assert found.score < DEFAULT_SCORE, found


def test_every_rule_is_tried_here() -> None:
    tried = {rule for cases in (ONE, TWO) for _, _, rule in cases.values()}
    seen = {
        rule
        for cases in (ONE, TWO)
        for one, other, _ in cases.values()
        for rule in rules(verdict(one, other))
    }
    elsewhere = {"namesakes in the same place", "part of the name"}
    assert set(CURRENT.rules) - tried - elsewhere <= seen
    assert tried <= set(CURRENT.rules)


def test_what_speaks_for_it_comes_first() -> None:
    one = profile("Jane Doering", "a@example.net", "(217) 555-0123")
    other = profile("Jane Doering", "b@example.org", "(217) 555-0123")
    assert verdict(one, other).reasons == [
        "same phone number: +12175550123",
        "the same name: “Jane Doering”, “Jane Doering”",
        "another email address",
        "another company domain",
    ]


def test_a_tax_id_that_many_share_joins_no_strangers() -> None:
    one, other = profile("Acme GmbH", tax_id="DE129274202"), profile("Globex GmbH", tax_id="DE129274202")
    crowd = Crowd({(KeyKind.TAX_ID, "129274202"): 9})
    assert verdict(one, other).score >= DEFAULT_SCORE
    assert verdict(one, other, crowd).score < DEFAULT_SCORE


def test_a_switchboard_tells_nothing() -> None:
    one = profile("", "a@gmail.com", "(217) 555-0123")
    other = profile("", "b@gmail.com", "(217) 555-0123")
    assert verdict(one, other).score >= DEFAULT_SCORE
    many = Crowd({(KeyKind.PHONE, "+12175550123"): 20})
    found = verdict(one, other, many)
    assert found.score < 0.2
    assert "same phone number: +12175550123, shared by 20 customers" in found.reasons


def test_a_mailbox_that_many_gave_tells_nothing() -> None:
    one, other = profile("Acme GmbH", "clients@tax.example"), profile("", "clients@tax.example")
    assert verdict(one, other).score >= DEFAULT_SCORE
    many = Crowd({(KeyKind.MAILBOX, "clients@tax.example"): 40, (KeyKind.DOMAIN, "tax.example"): 40})
    assert verdict(one, other, many).score < DEFAULT_SCORE


def test_a_device_that_many_use_tells_nothing() -> None:
    one, other = profile("Jane Doering", fingerprint="kiosk"), profile("", fingerprint="kiosk")
    assert verdict(one, other).score >= DEFAULT_SCORE
    assert verdict(one, other, Crowd({(KeyKind.FINGERPRINT, "kiosk"): 40})).score < DEFAULT_SCORE


def test_a_usual_name_says_less_than_a_rare_one() -> None:
    one, other = profile("John Smith", place=BOISE), profile("John Smith", place={"city": "Boise"})
    assert verdict(one, other).score >= DEFAULT_SCORE
    usual = Crowd({(KeyKind.WORD, "iohn"): 200, (KeyKind.WORD, "smit"): 150})
    assert verdict(one, other, usual).score < DEFAULT_SCORE


def test_a_name_that_is_usual_in_one_city_says_less_there() -> None:
    one, other = profile("Jane Roe", place={"city": "Boise"}), profile("Jane Roe", place={"city": "Boise"})
    local = Crowd({(KeyKind.WORD_IN_CITY, "iane boise"): 60, (KeyKind.WORD_IN_CITY, "ro boise"): 60})
    assert verdict(one, other).score >= DEFAULT_SCORE
    assert verdict(one, other, local).score < DEFAULT_SCORE


def test_a_company_of_one_word_is_as_rare_as_its_name() -> None:
    one, other = profile("Acme GmbH", place={"city": "Boise"}), profile("Acme GmbH", place={"city": "Boise"})
    assert verdict(one, other, Crowd({(KeyKind.WORD, "akme"): 150})).score >= DEFAULT_SCORE
    assert verdict(one, other, Crowd({(KeyKind.NAME, "akme"): 150})).score < DEFAULT_SCORE


def test_a_usual_name_with_one_phone_is_enough() -> None:
    usual = Crowd({(KeyKind.WORD, "iohn"): 200, (KeyKind.WORD, "smit"): 150})
    one = profile("John Smith", "a@gmail.com", "(217) 555-0123")
    other = profile("John Smith", "b@yahoo.com", "(217) 555-0123")
    assert verdict(one, other, usual).score >= DEFAULT_SCORE


def test_namesakes_in_the_same_city_take_away() -> None:
    one, other = profile("Jane Roe", place={"city": "Boise"}), profile("Jane Roe", place={"city": "Boise"})
    many = Crowd({(KeyKind.NAME_CITY, "iane ro boise"): 9})
    found = verdict(one, other, many)
    assert found.score < verdict(one, other).score
    assert "7 more with this name in the same place" in found.reasons


def test_part_of_a_name_says_nothing_by_itself() -> None:
    found = verdict(profile("Jane", "jane@acme.example"), profile("Jane Doering", "jane@acme.example"))
    assert "part of the name" in rules(found)
    assert found.score >= DEFAULT_SCORE


def test_look_alikes_are_told_even_where_something_else_decides() -> None:
    one = profile("Acme Tools", "info@acme.example", tax_id="DE136695976")
    other = profile("Аcme Tools", "info@acme.example", tax_id="DE136695976")
    found = verdict(one, other)
    assert found.score >= DEFAULT_SCORE
    assert any(reason.startswith("look-alike: ") for reason in found.reasons)


def test_customers_of_two_environments_cannot_be_merged_and_it_is_said() -> None:
    found = verdict(*ONE["an id in another environment"][:2])
    assert "one is live, the other sandbox: they can't be merged" in found.reasons or (
        "one is sandbox, the other live: they can't be merged" in found.reasons
    )


def test_two_who_share_nothing_are_not_looked_at_further() -> None:
    assert verdict(profile("Jane Doering", place=BOISE), profile("Paul Kern", place=BOISE)) == Verdict(
        0.0, ()
    )


def test_each_kind_of_key_that_makes_pairs_has_a_limit() -> None:
    counted = {KeyKind.WORD, KeyKind.CITY, KeyKind.POSTAL, KeyKind.WORD_IN_CITY}
    assert set(KeyKind) - counted == set(LIMITS)
