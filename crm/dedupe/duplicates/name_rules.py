"""Rules about names. The rarer a name is where both customers are, the more it weighs."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from crm.dedupe.duplicates.addresses import Nearness
from crm.dedupe.duplicates.blocking_keys import KeyKind
from crm.dedupe.duplicates.comparison import Comparison
from crm.dedupe.duplicates.contacts import is_contact, likeness_of_contact
from crm.dedupe.duplicates.evidence import Evidence, found
from customers.readings.mailboxes import label_of
from customers.readings.names import NameKind, Relation
from customers.readings.text import plain

#: The most weight of a name, by the nearness of the places.
_MOST_BY_NAME = {
    Nearness.OTHER_COUNTRY: 2.0,
    Nearness.OTHER_CITY: 2.5,
    Nearness.UNKNOWN: 2.5,
    Nearness.SAME_COUNTRY: 2.8,
    Nearness.SAME_CITY: 6.0,
    Nearness.SAME_POSTAL: 6.5,
    Nearness.SAME_STREET: 7.5,
}
_MOST_BY_DOMAIN = 6.0
_MOST_BY_CONTACT = 4.0
#: Common names recur in a city, so a contact of that name may be another person.
_MOST_BY_CONTACT_NEARBY = 2.5
_LEAST_BY_NAME = -2.0
_LEAST_IF_SHARED = 2.5
#: A domain that more customers share may be that of a group.
_FEW = 3


def name(pair: Comparison) -> Iterator[Evidence]:
    """How alike the names are, weighed by their rarity in that place."""
    likeness = pair.likeness
    if likeness is None:
        return
    if likeness.relation == Relation.ALIKE:
        yield from _same_name(pair)
    elif likeness.relation == Relation.LOOKS_ALIKE:
        yield found("look-alike name", f"look-alike: {likeness.how}")
    elif is_contact(pair):
        return
    elif likeness.relation == Relation.PART:
        yield found(_part_of(pair), likeness.how)
    elif likeness.relation == Relation.UNLIKE_KINDS:
        yield found("a person and a company", likeness.how)
    elif likeness.relation == Relation.UNRELATED:
        is_company = pair.a.names[0].kind == pair.b.names[0].kind == NameKind.COMPANY
        yield found("unrelated names of companies" if is_company else "unrelated names", likeness.how)
    else:
        rules = {
            Relation.KIN: "family",
            Relation.GROUP: "another company of a group",
            Relation.RENAMED: "another family name",
        }
        yield found(rules[likeness.relation], likeness.how)


def _part_of(pair: Comparison) -> str:
    """The rule for a name that is a part of the other.

    A company that dropped or added a word keeps its domain and its city. A group has one domain for many.
    """
    if NameKind.COMPANY not in (pair.a.names[0].kind, pair.b.names[0].kind):
        return "part of the name"
    is_one_place = pair.has_telling_domain and pair.near >= Nearness.SAME_CITY
    if is_one_place and pair.count(KeyKind.DOMAIN, pair.same_domains[0]) <= _FEW:
        return "a part of a company in one place"
    return "a part of a company"


def _same_name(pair: Comparison) -> Iterator[Evidence]:
    likeness = pair.likeness
    if likeness is None:
        return
    most = _MOST_BY_NAME[pair.near]
    if pair.has_telling_domain and pair.near >= Nearness.UNKNOWN:
        most = max(most, _MOST_BY_DOMAIN)
    # Two customers that share a phone usually have different names. If the names agree, even common ones are evidence.
    is_shared = pair.same_boxes or pair.same_phones or pair.is_one_device or pair.is_across_envs
    least = _LEAST_IF_SHARED if is_shared else _LEAST_BY_NAME
    weight = max(least, min(most, pair.rarity(likeness))) - likeness.doubt
    where = _WHERE[pair.near]
    shown = f"“{pair.a.names[0].text}”, “{pair.b.names[0].text}”"
    yield found("same name in the same place", f"{likeness.how}{where}: {shown}", weight)
    others = pair.namesakes(pair.a.names)
    if others > 0 and pair.near < Nearness.SAME_STREET:
        words = f"{others} more with this name in the same place"
        yield found("namesakes in the same place", words, log(1 + others))


_WHERE = {
    Nearness.OTHER_COUNTRY: "",
    Nearness.OTHER_CITY: "",
    Nearness.UNKNOWN: "",
    Nearness.SAME_COUNTRY: ", in the same country",
    Nearness.SAME_CITY: ", in the same city",
    Nearness.SAME_POSTAL: ", with the same postal code",
    Nearness.SAME_STREET: ", at the same address",
}


def contact_name(pair: Comparison) -> Iterator[Evidence]:
    """A contact of one has the name of the other, in one company or place."""
    if pair.relation not in (Relation.UNLIKE_KINDS, Relation.UNRELATED):
        return
    for customer, other in ((pair.a, pair.b), (pair.b, pair.a)):
        likeness = likeness_of_contact(customer, other, pair)
        is_reached = pair.has_telling_domain or bool(pair.same_phones)
        if likeness is None or not (is_reached or pair.near >= Nearness.SAME_CITY):
            continue
        if customer.boxes & other.contact_boxes:
            return
        most = (
            _MOST_BY_CONTACT if is_reached or pair.near >= Nearness.SAME_POSTAL else _MOST_BY_CONTACT_NEARBY
        )
        weight = max(0.0, min(most, pair.rarity(likeness)) - likeness.doubt)
        yield found(
            "a contact's name",
            f"“{customer.names[0].text}” is also the name of a contact of the other customer",
            weight,
        )
        return


def domain_is_the_name(pair: Comparison) -> Iterator[Evidence]:
    """One customer has no name, and a company domain that they share spells the name of the other."""
    if pair.likeness is not None or not pair.same_domains:
        return
    label = plain(label_of(pair.same_domains[0])).replace(" ", "")
    if any("".join(name.words) == label for name in (*pair.a.names, *pair.b.names)):
        yield found("the domain is the name", f"the domain spells the name: {pair.same_domains[0]}")
