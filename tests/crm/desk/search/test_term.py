"""What somebody typed, and how well texts match it."""

from __future__ import annotations

import pytest

from crm.desk.search.term import MatchRank, read_term


@pytest.mark.parametrize(
    ("typed", "value", "match"),
    [
        ("acme", "Acme", MatchRank.EXACT),
        ("acme", "ACME Tools", MatchRank.BEGINS),
        ("tools acme", "Acme  Tools", MatchRank.WORD),
        ("cme", "Acme Tools", MatchRank.INSIDE),
        ("acme paint", "Acme Tools", None),
        ("ac", "Big Ac Me", MatchRank.WORD),
        ("cm", "Acme", None),
        ("MÜLLER", "müller", MatchRank.EXACT),
        ("müller", "Mu\u0308ller AG", MatchRank.BEGINS),
        ("straße", "Hohe STRASSE", MatchRank.WORD),
        ("иван", "Наталья ИВАНОВА", MatchRank.WORD),
        ("100%", "100 % Cotton", None),
        ("smith-jones", "A. Smith-Jones", MatchRank.WORD),
    ],
)
def test_how_well_a_text_matches(typed: str, value: str, match: MatchRank | None) -> None:
    term = read_term(typed)
    assert term is not None
    assert term.match(value) == match


@pytest.mark.parametrize("typed", ["+1 (555) 010-0199", "001 555 010 0199", "555.010.0199", "0555 0100199"])
@pytest.mark.parametrize("value", ["+1 555 010 0199", "1-555-010-0199", "(0555) 010/0199"])
def test_a_phone_number_is_known_however_it_is_written(typed: str, value: str) -> None:
    term = read_term(typed)
    assert term is not None
    assert term.match_phone(value) is MatchRank.EXACT


@pytest.mark.parametrize("typed", ["123", "Room 12345", "ab 5550100", "+", "()"])
def test_what_is_no_phone_number_has_no_digits(typed: str) -> None:
    term = read_term(typed)
    assert term is not None
    assert term.digits == ""


def test_another_number_does_not_match() -> None:
    term = read_term("+1 555 0100")
    assert term is not None
    assert term.match_phone("+1 555 0101") is None


@pytest.mark.parametrize("typed", ["", "   ", "\0", "a\0b", "x" * 401, "\ud800"])
def test_what_cannot_be_found_is_nothing(typed: str) -> None:
    assert read_term(typed) is None
