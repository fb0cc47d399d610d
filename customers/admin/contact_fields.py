"""Form fields for email addresses, phone numbers, domains and links, which are read as at import.

A value that was there before may stay, whatever it is, so that an odd value from an import blocks no other edit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from customers.formats import opens_a_page
from customers.readings.emails import email, is_email
from customers.readings.links import link
from customers.readings.mailboxes import domain, is_domain
from customers.readings.normalize import phone

_PICTURE_DATA = "data:"


class ContactField(forms.CharField):
    """A text with one form. `former` is the value before the edit."""

    former: str = ""
    code = ""
    advice = ""

    def read(self, text: str) -> str:
        """`text` in its one form."""
        raise NotImplementedError

    def is_valid(self, value: str) -> bool:
        """Whether a new value is acceptable."""
        raise NotImplementedError

    def to_python(self, value: Any) -> Any:
        """The former value if it was not edited, else the text in its one form."""
        text = super().to_python(value)
        former = self.former or ""
        if not text or text == former.strip() or value == former:
            return former if text else self.empty_value
        return self.read(text)

    def validate(self, value: Any) -> None:
        """Raise `ValidationError` with advice for a new value that can't be read."""
        super().validate(value)
        if value and value != self.former and not self.is_valid(value):
            raise ValidationError(self.advice, code=self.code)


class EmailField(ContactField):
    """An email address, in letters of any script."""

    code = "email"
    advice = "Enter an email address, such as jane@example.com."

    def read(self, text: str) -> str:
        return email(text)[0]

    def is_valid(self, value: str) -> bool:
        return is_email(value)


class DomainField(ContactField):
    """An internet domain."""

    code = "domain"
    advice = "Enter a domain, such as example.com."

    def read(self, text: str) -> str:
        return domain(text)[0]

    def is_valid(self, value: str) -> bool:
        return is_domain(value)


class LinkField(ContactField):
    """A link to a web page. The form's validators decide whether it may be a picture as data."""

    code = "link"
    advice = "Enter a link that begins with http:// or https://."

    def read(self, text: str) -> str:
        return link(text)[0]

    def is_valid(self, value: str) -> bool:
        return opens_a_page(value) or value.casefold().startswith(_PICTURE_DATA)


class PhoneField(ContactField):
    """A phone number, in E.164 if it can be read. `doubt` says why it can't; it is saved all the same.

    `region` is called for numbers without a country code, and returns the country (alpha-2) or an empty text.
    """

    region: Callable[[], str]
    doubt = ""

    def read(self, text: str) -> str:
        number, doubt = phone(text, None)
        if doubt and number == text and (region := self.region()):
            number, doubt = phone(text, region)
        self.doubt = doubt or "" if number == text else ""
        return number

    def is_valid(self, value: str) -> bool:
        """Always, because extensions and numbers of unknown countries are of use too."""
        return True
