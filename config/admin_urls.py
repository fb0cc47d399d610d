"""The tags and filters of Django's `admin_urls`, with IDs in URLs as they are."""

from __future__ import annotations

from django import template
from django.contrib.admin.templatetags import admin_urls

from customers.formats import in_address

register = template.Library()
register.tags.update(admin_urls.register.tags)
register.filters.update(admin_urls.register.filters)
register.filter("admin_urlquote", in_address)
