"""Where the pages of the desk are, below the admin's own address."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
