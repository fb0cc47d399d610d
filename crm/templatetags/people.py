"""Names of users in templates."""

from __future__ import annotations

from django import template

from customers.formats import initials, user_name

register = template.Library()

register.filter("initials", initials)
register.filter("user_name", user_name)
