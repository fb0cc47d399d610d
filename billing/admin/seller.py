"""The page with the seller's details, which are printed on invoices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django_countries.data import COUNTRIES
from unfold.sites import UnfoldAdminSite
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from billing.models import Seller
from customers import clock
from customers.admin.contact_fields import EmailField

_CHANGED = "Reload the page and enter your changes again. Someone else just changed these details."


class SellerForm(forms.ModelForm):
    """The seller's details. `seen` is when they were last changed as the page was opened."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    country = forms.ChoiceField(required=False, widget=UnfoldAdminSelectWidget)
    email = EmailField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Replies to invoices sent by email go to this address.",
    )

    class Meta:
        model = Seller
        fields = (
            "name",
            "line1",
            "line2",
            "postal_code",
            "city",
            "state",
            "country",
            "tax_id",
            "company_number",
            "email",
            "payment_instructions",
        )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        country: Any = self.fields["country"]
        country.choices = [("", ""), *sorted(COUNTRIES.items(), key=lambda each: str(each[1]))]
        for field in self.fields.values():
            if isinstance(field.widget, forms.Textarea):
                field.widget = UnfoldAdminTextareaWidget({"rows": 5})
            elif isinstance(field.widget, forms.TextInput):
                field.widget = UnfoldAdminTextInputWidget()


def seller_page(request: HttpRequest, site: UnfoldAdminSite) -> HttpResponse:
    """Show the seller's details, and save them for those who may change them."""
    may_change = request.user.has_perm("billing.change_seller")
    if not may_change and (request.method == "POST" or not request.user.has_perm("billing.view_seller")):
        raise PermissionDenied
    with transaction.atomic():
        seller = Seller.objects.select_for_update().first()
        form = SellerForm(request.POST or None, instance=seller or Seller())
        if request.method == "POST" and form.is_valid():
            if form.cleaned_data["seen"] != _version(seller):
                form.add_error(None, _CHANGED)
            else:
                form.instance.updated_at = clock.now()
                form.save()
                messages.success(request, "Saved the seller's details.")
                return HttpResponseRedirect(reverse("seller"))
    if not may_change:
        for field in form.fields.values():
            field.disabled = True
    return TemplateResponse(
        request,
        "billing/seller.html",
        {
            **site.each_context(request),
            "title": "Seller details",
            "form": form,
            "seen": request.POST.get("seen", _version(seller)),
            "may_change": may_change,
        },
    )


def _version(seller: Seller | None) -> str:
    return "" if seller is None else seller.updated_at.isoformat()
