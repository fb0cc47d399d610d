"""The page of one person: how to reach them, the customers they are a contact of, and what was said with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.overview.header import dialable
from crm.desk.pages.overview.key_facts import KeyFact
from crm.desk.pages.records.happenings import Happening
from crm.desk.pages.records.shell import (
    Fact,
    Head,
    Meta,
    mail_link,
    menu_of,
    record_page,
    requested_row,
)
from crm.desk.pages.records.tables import Cell, Table, cells
from crm.models import Activity, Contact, Note, Person, Relationship
from customers import clock
from customers.formats import ago, customer_url, day, number, opens_a_page, page_of, user_name
from customers.readings.phones import in_groups
from customers.readings.time_zones import time_zones

_SHOWN = 50
_ENTRIES = 30
#: A shorter name names too much else in a note.
_SHORTEST_NAME = 4
_ICONS = {Activity.Kind.CALL: "call", Activity.Kind.MEETING: "groups", Activity.Kind.MAIL: "mail"}


def person_page(request: HttpRequest, key: str) -> HttpResponse:
    """The person with this ID. The number of queries doesn't depend on the amount of data."""
    row = requested_row(request, Person.objects.select_related("manager"), key, "crm.view_person")
    may, now = request.user.has_perm, clock.now()
    contacts = _contacts(row) if may("crm.view_contact") else []
    activities = list(_activities(row)) if may("crm.view_activity") else []
    happened = [_spoke(activity) for activity in activities]
    if may("crm.view_note") and contacts:
        happened += _named_in_notes(row, contacts)
    reports = list(row.reports.order_by("name", "pk")[:_SHOWN])
    context = {
        "row": row,
        "tables": [table for table in (_customer_table(contacts),) if table.rows],
        "facts": list(_rail(row, reports)),
        "happened": sorted(happened, key=attrgetter("at"), reverse=True),
    }
    head = Head(
        kind="person",
        name=str(row),
        icon="person",
        chips=[("Former employee", "warn")] if row.type == Person.Type.FORMER_EMPLOYEE else [],
        meta=_meta(row, contacts),
        facts=list(_facts(row, contacts, activities, now)),
        actions=menu_of(request, row, ()),
    )
    return record_page(request, "crm/desk/records/person.html", head, _crumbs(row, contacts), context)


def _contacts(row: Person) -> list[Contact]:
    found = row.contacts.select_related("customer__relationship__owner").order_by("customer_id", "pk")[
        :_SHOWN
    ]
    return list({contact.customer_id: contact for contact in found}.values())


def _activities(row: Person) -> list[Activity]:
    found = Activity.objects.filter(person=row).select_related("logged_by", "customer")
    return list(found.order_by("-happened_at", "-pk")[:_ENTRIES])


def _crumbs(row: Person, contacts: list[Contact]) -> list[Crumb]:
    if contacts:
        return crumbs_of(contacts[0].customer, Crumb(str(row)))
    return [Crumb("People", reverse("desk-people")), Crumb(str(row))]


def _meta(row: Person, contacts: list[Contact]) -> list[Meta]:
    meta = [Meta(text) for text in (", ".join(filter(None, (row.title, row.department))),) if text]
    meta += [Meta(str(each.customer), customer_url(each.customer_id)) for each in contacts[:3]]
    return meta


def _facts(
    row: Person, contacts: list[Contact], activities: list[Activity], now: datetime
) -> Iterator[KeyFact]:
    last = activities[0] if activities else None
    yield KeyFact(
        label="Last contact",
        value=ago(last.happened_at, now) if last else "None",
        detail=last.get_kind_display() if last else "No call, meeting or email yet",
        url="#section-activity",
    )
    yield KeyFact(
        label="Email",
        value=row.email or "Unknown",
        detail=", ".join(filter(None, (alias_of(each) for each in row.alias_emails[:2]))),
        url=mail_link(row.email) if row.email else "#section-facts",
    )
    yield KeyFact(
        label="Phone",
        value=in_groups(row.phone) or "Unknown",
        url=f"tel:{dialable(row.phone)}" if row.phone else "#section-facts",
    )
    zone = row.timezone if row.timezone in time_zones() else ""
    yield KeyFact(
        label="Local time",
        value=f"{now.astimezone(ZoneInfo(zone)):%a %H:%M}" if zone else "Unknown",
        detail=row.location,
        url="#section-facts",
    )
    yield KeyFact(
        label="Customers",
        value=number(len(contacts)) if contacts else "None",
        detail=", ".join(dict.fromkeys(each.role for each in contacts if each.role)),
        url="#section-customers",
    )


def alias_of(value: object) -> str:
    """Another address of a person, which a source may have sent as any JSON value."""
    return value if isinstance(value, str) else ""


def _customer_table(contacts: list[Contact]) -> Table:
    def owner(contact: Contact) -> str:
        relationship: Relationship | None = getattr(contact.customer, "relationship", None)
        return user_name(relationship.owner) if relationship else ""

    return Table(
        key="customers",
        title="Customers",
        headings=("Customer", "Role", "Account manager"),
        rows=[
            cells(
                Cell(text=str(each.customer), url=customer_url(each.customer_id)),
                each.role,
                owner(each) or "None",
            )
            for each in contacts
        ],
    )


def _spoke(activity: Activity) -> Happening:
    by = user_name(activity.logged_by) or "Someone"
    return Happening(
        at=activity.happened_at,
        icon=_ICONS.get(Activity.Kind(activity.kind), "call"),
        actor=by,
        words=f"logged a {activity.get_kind_display().lower()} for {activity.customer}",
        body=activity.summary,
    )


def _named_in_notes(row: Person, contacts: list[Contact]) -> Iterator[Happening]:
    """The notes of their customers that have their name."""
    if len(row.name) < _SHORTEST_NAME:
        return
    notes = Note.objects.filter(
        customer__in=[each.customer_id for each in contacts], body__icontains=row.name
    ).select_related("author", "customer")
    for note in notes.order_by("-created_at", "-pk")[:_ENTRIES]:
        yield Happening(
            at=note.created_at,
            icon="sticky_note_2",
            actor=user_name(note.author) or "A note",
            words=f"mentioned them in a note on {note.customer}",
            body=note.body,
        )


def _rail(row: Person, reports: list[Person]) -> Iterator[Fact]:
    yield from _ways_to_reach(row)
    for label, value in (
        ("Preferred name", row.preferred_name),
        ("Pronoun", row.pronoun),
        ("Business unit", row.business_unit),
        ("Employment", row.get_type_display()),
        ("Location", row.location),
        ("Time zone", row.timezone),
        ("About", row.bio),
    ):
        if value:
            yield Fact(label=label, value=value)
    for label, at in (("Since", row.start_date), ("Until", row.end_date)):
        if at:
            yield Fact(label=label, value=day(at))
    if row.manager is not None:
        yield Fact(label="Manager", value=str(row.manager), url=page_of(row.manager))
    for each in reports:
        yield Fact(label="Manages", value=str(each), url=page_of(each))
    yield Fact(label="Person ID", value=str(row.pk), copied=True)
    if row.obfuscated_id:
        yield Fact(label="ID in the CRM", value=row.obfuscated_id, copied=True)


def _ways_to_reach(row: Person) -> Iterator[Fact]:
    if row.email:
        yield Fact(label="Email", value=row.email, url=mail_link(row.email))
    for alias in filter(None, map(alias_of, row.alias_emails)):
        yield Fact(label="Other email", value=alias, url=mail_link(alias))
    if row.phone:
        yield Fact(label="Phone", value=in_groups(row.phone), url=f"tel:{dialable(row.phone)}")
    for profile in row.social_network if isinstance(row.social_network, list) else []:
        url = profile.get("profile_url") if isinstance(profile, dict) else None
        if opens_a_page(url):
            name = str(profile.get("profile_name") or url)
            yield Fact(label=str(profile.get("name") or "Profile"), value=name, url=str(url))
