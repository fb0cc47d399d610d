"""The form for a new customer, which warns of possible duplicates."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import ModelForm
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from crm.dedupe.duplicates.suggest import LikelyMatch, likely_matches
from customers.admin.customer import CustomerForm
from customers.formats import customer_url
from customers.models import Customer, Environment

#: The fields by which a customer is compared with others.
COMPARED = ("name", "email", "phone", "external_id", "stripe_id", "fingerprint")
_SHOWN_REASONS = 3


class NewCustomerForm(CustomerForm):
    """A new customer. Saving again after the warning creates it."""

    def clean(self) -> dict[str, Any]:
        """Warn of possible duplicates, unless the user has seen exactly these."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        described = {field: cleaned.get(field) or "" for field in COMPARED}
        matches = likely_matches(**described, env=cleaned.get("env") or Environment.LIVE)
        warn_once(self, matches, "Not saved yet. Save again to create it anyway.")
        return cleaned


def warn_once(form: ModelForm, matches: list[LikelyMatch], advice: str) -> None:
    """Raise `ValidationError` with links to `matches`, unless the user has seen exactly these."""
    seen = _digest(matches)
    if matches and form.data.get("likely_seen") != seen:
        raise ValidationError(_warning(matches, seen, advice))


def _link(customer: Customer) -> SafeString:
    """A link to the customer, in a new tab, so that the form keeps what was entered."""
    return format_html(
        '<a href="{}" target="_blank" rel="noopener" class="underline">{}</a>',
        customer_url(customer.pk),
        str(customer),
    )


def _digest(matches: list[LikelyMatch]) -> str:
    text = " ".join(sorted(str(match.customer.pk) for match in matches))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _warning(matches: list[LikelyMatch], seen: str, advice: str) -> SafeString:
    listed = format_html_join(
        "",
        "<li>{}: {}</li>",
        ((_link(match.customer), "; ".join(match.reasons[:_SHOWN_REASONS])) for match in matches),
    )
    return format_html(
        "This may be a duplicate of:<ul class='clientele-lost'>{}</ul>"
        "{}<input type='hidden' name='likely_seen' value='{}'>",
        listed,
        advice,
        seen,
    )
