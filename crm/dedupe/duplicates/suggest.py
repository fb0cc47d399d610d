"""Possible duplicates of a customer that is being added or changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Lower, Replace
from msgspec import Struct

from crm.dedupe.duplicates.blocking_keys import KeyKind, blocking_keys_of
from crm.dedupe.duplicates.profile import Profile
from crm.dedupe.duplicates.read_profile import read_profiles
from crm.dedupe.duplicates.score import judge
from crm.dedupe.duplicates.sweep import to_be_swept
from customers.models import Customer, Environment
from customers.models.customer import CustomerQuerySet
from customers.readings.mail_words import SAME_PROVIDER
from customers.readings.mailboxes import Mailbox, company_domains, in_ascii, read_mailbox
from customers.readings.names import is_everyday, read_name
from customers.readings.phones import read_phone, tail_of
from customers.readings.text import plain

#: The score from which the form warns. Lower than in a sweep, because less is known: a name alone is enough, also beside
#: another mailbox.
LIKELY_SCORE = 0.35

_MOST = 5
_CANDIDATES = 60
_FIRST_LETTERS = 5
_PHONE_MARKS = " -()./"


class LikelyMatch(Struct, frozen=True):
    """A customer that may be the one being added, and why."""

    customer: Customer
    score: float
    reasons: list[str]


def likely_matches(
    name: str = "",
    email: str = "",
    phone: str = "",
    *,
    external_id: str = "",
    stripe_id: str = "",
    fingerprint: str = "",
    env: str = Environment.LIVE,
    besides: str | None = None,
) -> list[LikelyMatch]:
    """Up to five customers, neither merged nor archived, that may be the one described, likeliest first.

    `besides` is the ID of the customer described, if it exists already.
    Looks for the address, numbers, identifiers and words of the name. A name in another script is found by the rest only.
    """
    read = read_name(name) if name else None
    mailbox = read_mailbox(email) if email else None
    number = read_phone(phone) if phone else ""
    elsewhere = {"external ID": external_id, "Stripe ID": stripe_id}
    described = Profile(
        id="",
        env=env,
        names=(read,) if read else (),
        mailboxes=(mailbox,) if mailbox else (),
        phones=(number,) if number else (),
        fingerprint=fingerprint,
        named_elsewhere=tuple(f"{words}:{value}" for words, value in elsewhere.items() if value),
        domains=company_domains(mailbox.host) if mailbox else (),
    )
    candidates = _candidates(described)
    if besides is not None:
        candidates = candidates.exclude(pk=besides)
    profiles = [profile for piece in read_profiles(candidates) for profile in piece]
    crowd = CandidateCrowd([described, *profiles])
    judged = ((judge(described, profile, crowd), profile.id) for profile in profiles)
    likely = sorted(
        ((verdict, pk) for verdict, pk in judged if verdict.score >= LIKELY_SCORE),
        key=lambda each: (-each[0].score, each[1]),
    )[:_MOST]
    customers = Customer.objects.in_bulk([pk for _, pk in likely])
    return [LikelyMatch(customers[pk], verdict.score, verdict.reasons) for verdict, pk in likely]


class CandidateCrowd:
    """A `Crowd` that counts blocking keys among the candidates only, except `known` ones; the total is the database's."""

    repetition = 1.0

    def __init__(
        self, profiles: Iterable[Profile], known: Mapping[tuple[KeyKind, str], int] | None = None
    ) -> None:
        self._counts = Counter(mark for profile in profiles for mark in set(blocking_keys_of(profile)))
        self._counts |= Counter(known or {})
        self._total = Customer.objects.count()

    def total(self, env: str) -> int:
        return self._total

    def count(self, mark: KeyKind, env: str, key: str) -> int:
        return self._counts[mark, key]


def _candidates(described: Profile) -> CustomerQuerySet:
    """Customers that share an identifier or words of the name, at most `_CANDIDATES` from each query."""
    known = to_be_swept().annotate(
        bare_email=Lower(Replace(F("email"), Value("."), Value(""))), digits=_digits_of("phone")
    )
    same_env = known.filter(env=described.env)
    found = set(known.filter(_elsewhere(described)).values_list("pk", flat=True)[:_CANDIDATES])
    wanted = Q(pk__in=[])
    for mailbox in described.mailboxes:
        wanted |= _written_to(mailbox)
    for phone in described.phones:
        wanted |= Q(digits__endswith=tail_of(phone))
    if described.fingerprint:
        wanted |= Q(fingerprint=described.fingerprint)
    found.update(same_env.filter(wanted).values_list("pk", flat=True)[:_CANDIDATES])
    for called in _called(described):
        found.update(same_env.filter(called).values_list("pk", flat=True)[:_CANDIDATES])
    return Customer.objects.filter(pk__in=found)


def _elsewhere(described: Profile) -> Q:
    wanted = Q(pk__in=[])
    for identifier in described.named_elsewhere:
        kind, _, value = identifier.partition(":")
        column = "stripe_id" if kind == "Stripe ID" else "external_id"
        wanted |= Q(**{column: value}) & ~Q(env=described.env)
    return wanted


def _written_to(mailbox: Mailbox) -> Q:
    """Addresses that may be the same mailbox: with dots, with a tag, at another domain of the provider."""
    name = mailbox.name.replace(".", "")
    hosts = [mailbox.host, *(host for host, same in SAME_PROVIDER.items() if same == mailbox.host)]
    if not mailbox.host.isascii():
        hosts += filter(None, [in_ascii(mailbox.host)])
    is_named = Q(bare_email__startswith=f"{name}@") | Q(bare_email__startswith=f"{name}+")
    is_there = Q(pk__in=[])
    for host in hosts:
        is_there |= Q(bare_email__endswith=f"@{host.replace('.', '')}")
    return is_named & is_there


def _called(described: Profile) -> list[Q]:
    """Names with all of the words, then names with a distinctive one, as written and in plain letters."""
    queries = []
    for name in described.names:
        written = [word.strip(".,;") for word in name.text.split()]
        spellings = {plain(word): {word, plain(word)} for word in written if plain(word) in name.words}
        begins = [_begins(words) for words in spellings.values()]
        if len(begins) > 1:
            together = Q()
            for begin in begins:
                together &= begin
            queries.append(together)
        telling = [_begins(words) for word, words in spellings.items() if not is_everyday(word)]
        if telling or begins:
            any_of_them = Q(pk__in=[])
            for begin in telling or begins[-1:]:
                any_of_them |= begin
            queries.append(any_of_them)
    return queries


def _begins(words: set[str]) -> Q:
    wanted = Q(pk__in=[])
    for word in words:
        wanted |= Q(name__icontains=word[:_FIRST_LETTERS])
    return wanted


def _digits_of(column: str) -> Any:
    shorter: Any = F(column)
    for mark in _PHONE_MARKS:
        shorter = Replace(shorter, Value(mark), Value(""), output_field=CharField())
    return shorter
