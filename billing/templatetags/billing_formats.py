"""The formatters, as filters of templates."""

from __future__ import annotations

from django import template

from customers import formats

register = template.Library()

register.filter("day", formats.day)
register.filter("when", formats.when)
