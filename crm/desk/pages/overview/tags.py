"""The tags of a customer, and the form to add more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.http import urlencode

from crm.desk.pages.forms import AddTagsForm
from crm.desk.pages.overview.section import list_of
from crm.models import CustomerTag, Tag
from customers.models import Customer

_SHOWN = 12
_SUGGESTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTag:
    """A tag. `url` lists the customers with it; `remove_url` is empty if the user may not remove it."""

    name: str
    url: str
    remove_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The tags in the header. `add_url`, `form` and `known` are empty if the user may not add one."""

    shown: tuple[ShownTag, ...]
    more_url: str
    add_url: str
    form: Any
    known: tuple[str, ...]


def tags_of(customer: Customer, may: Callable[[str], bool]) -> Tags:
    """The customer's tags. Those of a merged customer can't be changed."""
    # A merged customer may have brought a tag that the survivor has too.
    theirs = Exists(CustomerTag.objects.filter(tag=OuterRef("pk"), customer=customer))
    is_unmerged = customer.merged_into_id is None
    may_add, may_remove = (is_unmerged and may(f"crm.{act}_customertag") for act in ("add", "delete"))
    tags = Tag.objects.annotate(is_theirs=theirs).order_by("-is_theirs", "name")
    read = list(tags[:_SUGGESTED] if may_add else tags.filter(is_theirs=True)[: _SHOWN + 1])
    found = [tag for tag in read if tag.is_theirs]
    every_customer = reverse("desk-customers")
    return Tags(
        shown=tuple(
            ShownTag(
                name=tag.name,
                url=f"{every_customer}?{urlencode({'tag': tag.name})}",
                remove_url=reverse("desk-tag-remove", args=[customer.pk, tag.pk]) if may_remove else "",
            )
            for tag in found[:_SHOWN]
        ),
        more_url=list_of(CustomerTag, customer) if len(found) > _SHOWN else "",
        add_url=reverse("desk-tag", args=[customer.pk]) if may_add else "",
        form=AddTagsForm() if may_add else None,
        known=tuple(sorted(tag.name for tag in read)) if may_add else (),
    )
