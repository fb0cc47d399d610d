"""The page to revert an import, with what that would do."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.imports.pages.access import wanted
from crm.imports.revert import is_revertible, kept_in_words, preview_revert, start_revert
from crm.imports.run import WrongState
from customers.formats import counted, customer_url, number

#: So many customers a preview of a revert works through while the user waits.
_MOST_PREVIEWED = 5000


def revert_page(request: HttpRequest, import_id: str) -> HttpResponse:
    """Show what a revert would do, and request it (POST)."""
    file_import = wanted(request, import_id)
    page = reverse("import", args=[file_import.pk])
    if not is_revertible(file_import):
        messages.error(request, "This import can't be reverted.")
        return HttpResponseRedirect(page)
    if request.method == "POST":
        try:
            start_revert(file_import, request.user)
        except WrongState as problem:
            messages.error(request, str(problem))
        return HttpResponseRedirect(page)
    counts = file_import.counts
    touched = counts.get("created", 0) + counts.get("updated", 0)
    context = {
        **admin.site.each_context(request),
        "title": "Revert import",
        "import": file_import,
        "page": page,
        "lines": [],
        "stays": [],
        "button": f"Revert {counted(touched, 'customer')}",
        "is_large": touched > _MOST_PREVIEWED,
    }
    if touched <= _MOST_PREVIEWED:
        found = preview_revert(file_import)
        context["lines"] = [
            ("Customers removed", number(found.removed)),
            ("Customers kept, because they have more", number(len(found.stays))),
            ("Customers restored", number(found.restored)),
            *((f"Changed since, so kept: {noun}", number(count)) for noun, count in kept_in_words(found)),
        ]
        context["stays"] = [(name, customer_url(key), f"Has {nouns}") for key, name, nouns in found.stays]
    return TemplateResponse(request, "crm/imports/revert.html", context)
