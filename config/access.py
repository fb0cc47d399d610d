"""Users can grant only access that they have themselves.

Otherwise an Administrator who isn't a superuser could become one: by ticking a box, by joining a group, by adding
permissions to a group of theirs, or by setting the password of a user who has more access.
"""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.db.models import Q, QuerySet


def permissions_held(user: User) -> QuerySet[Permission]:
    """The permissions of a user, whether or not the account is active now."""
    if user.is_superuser:
        return Permission.objects.all()
    return Permission.objects.filter(Q(user=user) | Q(group__user=user)).distinct()


def grantable_permissions(actor: AbstractBaseUser | AnonymousUser) -> QuerySet[Permission]:
    """The permissions that `actor` may give to others: those that they have."""
    if not isinstance(actor, User) or not actor.is_active:
        return Permission.objects.none()
    return permissions_held(actor)


def grantable_groups(actor: AbstractBaseUser | AnonymousUser) -> QuerySet[Group]:
    """The groups that `actor` may put people in: those that have no permission that `actor` lacks."""
    return Group.objects.exclude(permissions__in=_lacked_by(actor))


def may_manage_group(actor: AbstractBaseUser | AnonymousUser, group: Group) -> bool:
    """Whether `actor` has every permission of the group."""
    return not group.permissions.filter(pk__in=_lacked_by(actor)).exists()


def may_manage_user(actor: AbstractBaseUser | AnonymousUser, user: User) -> bool:
    """Whether `actor` may change, deactivate or delete `user`, or set their password.

    A superuser may. Others may if `user` is not a superuser and has no permission that `actor` lacks.
    """
    if isinstance(actor, User) and actor.is_superuser:
        return True
    return not user.is_superuser and not permissions_held(user).filter(pk__in=_lacked_by(actor)).exists()


def _lacked_by(actor: AbstractBaseUser | AnonymousUser) -> QuerySet[Permission]:
    return Permission.objects.exclude(pk__in=grantable_permissions(actor).values("pk"))
