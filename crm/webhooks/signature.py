"""Signatures of webhooks, as https://www.standardwebhooks.com describes them.

The secret of an endpoint is derived from the secret key of the installation, so no copy of the database has it. A new
version, or another secret key, makes another secret.
"""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

from django.utils.crypto import salted_hmac

from crm.models import WebhookEndpoint


def secret_of(endpoint: WebhookEndpoint) -> str:
    """The secret that the receiver verifies signatures with."""
    return f"whsec_{base64.b64encode(_key(endpoint)).decode()}"


def signature(endpoint: WebhookEndpoint, message_id: str, timestamp: int, body: str) -> str:
    """The value of the header `webhook-signature`."""
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return f"v1,{base64.b64encode(hmac.digest(_key(endpoint), signed, sha256)).decode()}"


def _key(endpoint: WebhookEndpoint) -> bytes:
    return salted_hmac(
        "crm.webhooks", f"{endpoint.pk}:{endpoint.secret_version}", algorithm="sha256"
    ).digest()
