"""Whom somebody who is about to be written down may be already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Lower, Replace
from msgspec import Struct

from crm.dedupe.duplicates.blocking_keys import Mark, marks_of
from crm.dedupe.duplicates.mail_words import SAME_PROVIDER
from crm.dedupe.duplicates.mailboxes import Mailbox, company_domains, read_mailbox
from crm.dedupe.duplicates.names import is_everyday, read_name
from crm.dedupe.duplicates.phones import read_phone, tail_of
from crm.dedupe.duplicates.profile import Profile
from crm.dedupe.duplicates.read_profile import read_profiles
from crm.dedupe.duplicates.score import judge
from crm.dedupe.duplicates.sweep import to_be_swept
from crm.dedupe.duplicates.text import plain
from customers.models import Customer, Environment
from customers.models.customer import CustomerQuerySet

#: The score from which somebody who is added is warned. Less is known then than in a sweep.
LIKELY_SCORE = 0.5

_MOST = 5
_CANDIDATES = 60
_FIRST_LETTERS = 5
_PHONE_MARKS = " -()./"


class LikelyMatch(Struct, frozen=True):
    """A customer who may be the one that is about to be added, and why."""

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
) -> list[LikelyMatch]:
    """Up to five customers, neither merged nor archived, who may be the one described, the likeliest first.

    Looks for them by address, number, identifier and the words of the name; a name that is written in another
    script is found by the rest only.
    """
    read = read_name(name) if name else None
    mailbox = read_mailbox(email) if email else None
    number = read_phone(phone) if phone else ""
    elsewhere = {"external id": external_id, "Stripe id": stripe_id}
    somebody = Profile(
        id="",
        env=env,
        names=(read,) if read else (),
        mailboxes=(mailbox,) if mailbox else (),
        phones=(number,) if number else (),
        fingerprint=fingerprint,
        named_elsewhere=tuple(f"{words}:{value}" for words, value in elsewhere.items() if value),
        domains=company_domains(mailbox.host) if mailbox else (),
    )
    profiles = [profile for piece in read_profiles(_candidates(somebody)) for profile in piece]
    crowd = _Few([somebody, *profiles])
    judged = ((judge(somebody, profile, crowd), profile.id) for profile in profiles)
    likely = sorted(
        ((verdict, pk) for verdict, pk in judged if verdict.score >= LIKELY_SCORE),
        key=lambda each: (-each[0].score, each[1]),
    )[:_MOST]
    customers = Customer.objects.in_bulk([pk for _, pk in likely])
    return [LikelyMatch(customers[pk], verdict.score, verdict.reasons) for verdict, pk in likely]


class _Few:
    """What the candidates alone tell of how usual anything is; of how many customers there are, the database."""

    repetition = 1.0

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._counts = Counter(mark for profile in profiles for mark in set(marks_of(profile)))
        self._total = Customer.objects.count()

    def total(self, env: str) -> int:
        return self._total

    def count(self, mark: Mark, env: str, key: str) -> int:
        return self._counts[mark, key]


def _candidates(somebody: Profile) -> CustomerQuerySet:
    """Who shares something with `somebody`: all by what is theirs alone, and some by the name."""
    known = to_be_swept().annotate(
        bare_email=Lower(Replace(F("email"), Value("."), Value(""))), digits=_digits_of("phone")
    )
    same_env = known.filter(env=somebody.env)
    found = set(known.filter(_elsewhere(somebody)).values_list("pk", flat=True)[:_CANDIDATES])
    wanted = Q(pk__in=[])
    for mailbox in somebody.mailboxes:
        wanted |= _written_to(mailbox)
    for phone in somebody.phones:
        wanted |= Q(digits__endswith=tail_of(phone))
    if somebody.fingerprint:
        wanted |= Q(fingerprint=somebody.fingerprint)
    found.update(same_env.filter(wanted).values_list("pk", flat=True)[:_CANDIDATES])
    for called in _called(somebody):
        found.update(same_env.filter(called).values_list("pk", flat=True)[:_CANDIDATES])
    return Customer.objects.filter(pk__in=found)


def _elsewhere(somebody: Profile) -> Q:
    wanted = Q(pk__in=[])
    for identifier in somebody.named_elsewhere:
        kind, _, value = identifier.partition(":")
        column = "stripe_id" if kind == "Stripe id" else "external_id"
        wanted |= Q(**{column: value}) & ~Q(env=somebody.env)
    return wanted


def _written_to(mailbox: Mailbox) -> Q:
    """Addresses that may be the same mailbox: with dots, with a tag, at another domain of the provider."""
    name = mailbox.name.replace(".", "")
    hosts = [mailbox.host, *(host for host, same in SAME_PROVIDER.items() if same == mailbox.host)]
    if not mailbox.host.isascii():
        hosts.append(mailbox.host.encode("idna").decode())
    is_named = Q(bare_email__startswith=f"{name}@") | Q(bare_email__startswith=f"{name}+")
    is_there = Q(pk__in=[])
    for host in hosts:
        is_there |= Q(bare_email__endswith=f"@{host.replace('.', '')}")
    return is_named & is_there


def _called(somebody: Profile) -> list[Q]:
    """Names with all of the words, then names with one that tells: each as it was written, and in plain letters."""
    queries = []
    for name in somebody.names:
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
