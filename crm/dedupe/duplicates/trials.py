"""Trials of different customers that share a device, a company or a payment method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Exists, OuterRef
from msgspec import Struct

from billing.models import TrialUsed
from crm.dedupe.duplicates.profile import Profile
from crm.dedupe.duplicates.read_profile import PIECE, read_profiles
from crm.dedupe.duplicates.trial_marks import sharers
from customers.models import Customer

_WHAT = {
    "fingerprint": "fingerprint {}",
    "domain": "company domain {}",
    "payment_method": "payment method {}",
}


class Taker(Struct, frozen=True):
    """A customer that took trials, and the plans."""

    customer: str
    name: str
    ids: list[str]
    plans: list[str]


class SharedTrials(Struct, frozen=True):
    """Trials of several customers that share a fingerprint, domain or payment_method (`by`)."""

    by: str
    value: str
    takers: list[Taker]

    @property
    def what(self) -> str:
        """The shared thing in words."""
        return _WHAT[self.by].format(self.value)


def shared_trials(env: str | None = None) -> list[SharedTrials]:
    """Trials that several customers took with the same fingerprint, company domain or payment method.

    Customers of different environments are not compared. Archived customers count. A merged customer's trials
    are its survivor's. Domains of public mail providers are ignored. Only customers that share something are
    read completely.
    """
    taken = TrialUsed.objects.filter(customer=OuterRef("pk"))
    customers = Customer.objects.unmerged().filter(Exists(taken))
    if env:
        customers = customers.filter(env=env)
    takers: dict[tuple[str, str, str], list[Taker]] = defaultdict(list)
    for piece in _profiles(sorted(sharers(customers))):
        plans, fingerprints = _trials_of(piece)
        for profile in piece:
            name = profile.names[0].text if profile.names else ""
            taker = Taker(profile.id, name, list(profile.ids), plans[profile.id])
            for by, value in _shared_by(profile, fingerprints[profile.id]):
                takers[profile.env, by, value].append(taker)
    return [
        SharedTrials(by, value, together)
        for (_, by, value), together in sorted(takers.items(), key=lambda item: item[0])
        if len(together) > 1
    ]


def _profiles(ids: list[str]) -> Iterator[list[Profile]]:
    for first in range(0, len(ids), PIECE):
        yield from read_profiles(Customer.objects.filter(pk__in=ids[first : first + PIECE]))


def _trials_of(profiles: list[Profile]) -> tuple[dict[str, list[str]], dict[str, set[str]]]:
    """Plans whose trials customers took, and the fingerprints."""
    plans: dict[str, list[str]] = defaultdict(list)
    fingerprints: dict[str, set[str]] = defaultdict(set)
    trials = TrialUsed.objects.filter(customer__in=[profile.id for profile in profiles]).order_by("pk")
    for customer, plan, fingerprint in trials.values_list("customer_id", "plan__plan_id", "fingerprint"):
        if plan not in plans[str(customer)]:
            plans[str(customer)].append(plan)
        if fingerprint:
            fingerprints[str(customer)].add(fingerprint.strip())
    return plans, fingerprints


def _shared_by(profile: Profile, fingerprints: set[str]) -> Iterator[tuple[str, str]]:
    for fingerprint in sorted({*fingerprints, profile.fingerprint} - {""}):
        yield "fingerprint", fingerprint
    for domain in profile.domains[:1]:
        yield "domain", domain
    for method in profile.methods:
        yield "payment_method", method
