"""Tell users something: in the bell, and by email if they chose that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse

from crm.mail import absolute, queue_notification
from crm.models import EmailChoice, Notification, NotificationChoice, NotificationKind
from customers import clock
from customers.configuration.table import NOTIFICATIONS
from customers.configuration.values import value_of
from customers.formats import counted, customer_url, user_name
from customers.models import Customer

_SEE_CUSTOMERS = "customers.view_customer"
_LONGEST_DETAIL = 300

#: The subjects of emails: they name no customer, person or amount.
_SUBJECTS = {
    NotificationKind.MENTIONED: "You were mentioned in a note",
    NotificationKind.ASSIGNED: "You have a new task",
    NotificationKind.TASK_DUE: "You have a task that is due",
    NotificationKind.ACCOUNT: "You have a new account",
    NotificationKind.JOINED: "One of your accounts was merged or linked",
    NotificationKind.ALERT: "A usage alert fired",
    NotificationKind.PAST_DUE: "An invoice is past due",
    NotificationKind.TRIAL_ENDING: "A trial is about to end",
    NotificationKind.IMPORT_DONE: "An import ended",
    NotificationKind.EXPORT_DONE: "Your export ended",
}


@transaction.atomic
def notify(
    kind: NotificationKind,
    user_ids: Iterable[int | None],
    text: str,
    *,
    actor: Any = None,
    customer: Customer | None = None,
    detail: str = "",
    link: str = "",
    key: str | None = None,
) -> list[Notification]:
    """Tell the users, and return the notifications. `text` is a sentence that doesn't name the customer.

    Left out are the actor, deactivated users, users who may not see the customer, users who chose not to be told, and,
    with a `key`, users who were told about this kind and key before.
    """
    wanted = {user_id for user_id in user_ids if user_id is not None} - {getattr(actor, "pk", None)}
    if not wanted:
        return []
    users = get_user_model()._default_manager.filter(pk__in=wanted, is_active=True).order_by("pk")
    told = set(_told(kind, key)) if key is not None else set()
    choices = {each.user_id: each for each in NotificationChoice.objects.filter(user__in=wanted, kind=kind)}
    default = default_choice(kind)
    made = []
    for user in users:
        choice = choices.get(user.pk, default)
        is_wanted = choice.bell or choice.email != EmailChoice.NEVER
        if user.pk in told or not is_wanted or not _may_see(user, customer):
            continue
        made.append(
            Notification(
                user=user,
                kind=kind,
                text=text,
                detail=detail[:_LONGEST_DETAIL],
                customer_id=customer.pk if customer is not None else None,
                link=link,
                key=key,
                at=clock.now(),
                in_bell=choice.bell,
                waits_for_digest=choice.email == EmailChoice.DAILY,
            )
        )
        if choice.email == EmailChoice.NOW:
            _email(made[-1])
    Notification.objects.bulk_create(made)
    return made


def default_choice(kind: NotificationKind) -> NotificationChoice:
    """How users are told about a kind until they choose: an unsaved choice, of no user."""
    words = value_of(NOTIFICATIONS[kind]).split("+")
    email = next((each for each in EmailChoice if each in words), EmailChoice.NEVER)
    return NotificationChoice(kind=kind, bell="bell" in words, email=email)


def tell_account_manager(
    user_id: int | None, count: int, *, by: Any, customer: Customer | None = None
) -> None:
    """Notify a user who became the account manager of `count` accounts, or of this one."""
    if count:
        what = "this account" if customer is not None else counted(count, "account")
        notify(
            NotificationKind.ACCOUNT,
            [user_id],
            f"{name_of(by)} made you the account manager of {what}",
            actor=by,
            customer=customer,
            link="" if customer is not None else reverse("desk-worklist"),
        )


def target_of(notification: Notification) -> str:
    """The path of the page that a notification leads to."""
    if notification.link:
        return notification.link
    if notification.customer_id:
        return customer_url(notification.customer_id)
    return reverse("desk-notifications")


def names_of(notifications: Iterable[Notification]) -> dict[str, str]:
    """The present names of the customers of notifications, by ID: for a merged one, the survivor's."""
    ids = {each.customer_id for each in notifications if each.customer_id}
    found = Customer.objects.filter(pk__in=ids).select_related("merged_into")
    return {str(each.pk): str(each.merged_into or each) for each in found}


def email_lines(notifications: Sequence[Notification]) -> list[dict[str, str]]:
    """What an email says of each notification."""
    names = names_of(notifications)
    return [
        {
            "text": each.text,
            "detail": each.detail,
            "customer": names.get(str(each.customer_id), ""),
            "link": absolute(target_of(each)),
        }
        for each in notifications
    ]


def name_of(user: Any) -> str:
    """The user's full name, else the user name; “Clientele” for None, which is a command or a job."""
    return user_name(user) or "Clientele"


def _email(notification: Notification) -> None:
    [line] = email_lines([notification])
    subject = _SUBJECTS[NotificationKind(notification.kind)]
    queue_notification(notification.user, notification.kind, subject, "notification", {"line": line})


def _told(kind: NotificationKind, key: str) -> Iterable[int]:
    return Notification.objects.filter(kind=kind, key=key).values_list("user_id", flat=True)


def _may_see(user: Any, customer: Customer | None) -> bool:
    return customer is None or bool(user.has_perm(_SEE_CUSTOMERS))
