"""Whatever is asked, as described or not, the answer is as described and never a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from billing.document.importer import BillingImporter
from crm.document.importer import CrmImporter
from customers.document.importer import PaymentsImporter
from tests.api.steps import take_in_values
from tests.api.test_openapi import PATHS
from tests.billing.document.test_api import DOCUMENT as BILLING
from tests.crm.document.test_api import DOCUMENT as CRM
from tests.customers.document.test_api import SEED

pytestmark = pytest.mark.django_db


@pytest.fixture
def described(secret: str) -> Iterator[Any]:
    """The description as the server gives it, with some customers behind it."""
    take_in_values(PaymentsImporter(), [SEED])
    take_in_values(BillingImporter(), [BILLING])
    take_in_values(CrmImporter(), [CRM])
    # A request would close the connection, and end with it the transaction that the test is in.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    # No description can say that no text has a NUL in it.
    config = schemathesis.Config.from_dict({"generation": {"allow-x00": False}})
    application = get_wsgi_application()

    def server(environ: Any, start_response: Any) -> Any:
        # Every server names the visitor, whose address is recorded with the first use of a token in each hour.
        return application({"REMOTE_ADDR": "127.0.0.1", **environ}, start_response)

    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", server, config=config)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    positive_data_acceptance,
]


def ask(described: Any, secret: str, mode: GenerationMode, examples: int, paths: list[str]) -> None:
    """Ask for so many things at each of these addresses; those of the negative mode are not as described."""
    for path in paths:
        method = PATHS[path]
        operation = described[path][method.upper()]

        @settings(
            max_examples=examples,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers_as_described(case: Any) -> None:
            # Only the server can make a cursor; no description can say that a time has passed, what segments and custom
            # fields there are, or list the time zones.
            unsayable = [(case.query, name) for name in ("after", "as_of", "segment", "custom_field")]
            for asked, name in (*unsayable, (case.body, "start_cursor"), (case.body, "timezone")):
                if mode.is_positive and isinstance(asked, dict):
                    asked.pop(name, None)
            case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=CHECKS)

        answers_as_described()


@pytest.mark.postgresql
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_described(described, secret, mode):
    # Half of the addresses as described, the other half not.
    ask(described, secret, mode, examples=2, paths=list(PATHS)[int(mode.is_negative) :: 2])


@pytest.mark.soak
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_as_described_whatever_is_asked(described, secret, mode):
    ask(described, secret, mode, examples=500, paths=list(PATHS))
