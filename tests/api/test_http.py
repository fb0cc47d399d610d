"""Who may read, and how requests that cannot be answered are answered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from customers.models import ApiToken
from tests.api.fixtures import error_of
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

LIST = "/api/v1/customers"


class TestToken:
    def test_a_token_opens_the_door(self, secret):
        response = Client().get(LIST, headers={"authorization": f"Bearer {secret}"})
        assert (response.status_code, response.json()["data"]) == (200, [])

    def test_the_scheme_may_be_in_any_case(self, secret):
        assert Client().get(LIST, headers={"authorization": f"bearer  {secret} "}).status_code == 200

    @pytest.mark.parametrize(
        "header",
        ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer wrong", "Bearer \xff\xfe", "{secret}"],
    )
    def test_anything_else_does_not(self, secret, header):
        response = Client().get(LIST, headers={"authorization": header.format(secret=secret)})
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith('Bearer realm="Clientele"')
        assert error_of(response)["code"] == "unauthorized"

    def test_a_revoked_or_expired_token_opens_nothing(self, secret):
        for field in ("revoked_at", "expires_at"):
            ApiToken.objects.update(**{field: timezone.now() - timedelta(seconds=1)})
            response = Client().get(LIST, headers={"authorization": f"Bearer {secret}"})
            assert response.status_code == 401, field
            assert 'error="invalid_token"' in response["WWW-Authenticate"]
            ApiToken.objects.update(**{field: None})

    def test_nobody_gets_in_without_anything(self):
        response = Client().get(LIST)
        assert response.status_code == 401
        assert "An administrator can create a token." in error_of(response)["message"]


class TestSession:
    def test_a_user_needs_permission(self, client):
        user = User.objects.create_user("viewer")
        client.force_login(user)
        response = client.get(LIST)
        assert response.status_code == 403
        assert "customers.view_customer" in error_of(response)["message"]
        user.user_permissions.add(Permission.objects.get(codename="view_customer"))
        assert client.get(LIST).status_code == 200

    @pytest.mark.parametrize(
        ("address", "codename"),
        [
            ("/api/v1/customers", "view_customer"),
            ("/api/v1/customers/{}", "view_customer"),
            ("/api/v1/customers/{}/addresses", "view_customer"),
            ("/api/v1/customers/{}/businesses", "view_customer"),
            ("/api/v1/customers/{}/payment-methods", "view_customer"),
            ("/api/v1/billing/customers", "view_billingaccount"),
            ("/api/v1/billing/customers/{}", "view_billingaccount"),
            ("/api/v1/crm/customers", "view_relationship"),
            ("/api/v1/crm/customers/{}", "view_relationship"),
        ],
    )
    def test_each_document_has_its_permission(self, client, address, codename):
        address = address.format(make_customer().pk)
        user = User.objects.create_user("viewer")
        client.force_login(user)
        assert client.get(address).status_code == 403
        user.user_permissions.add(Permission.objects.get(codename=codename))
        assert client.get(address).status_code == 200

    def test_a_bad_token_is_not_made_good_by_a_session(self, admin_client):
        assert admin_client.get(LIST).status_code == 200
        assert admin_client.get(LIST, headers={"authorization": "Bearer wrong"}).status_code == 401

    def test_somebody_who_may_not_sign_in_any_more_may_not_read(self, client):
        user = User.objects.create_superuser("gone")
        client.force_login(user)
        User.objects.update(is_active=False)
        assert client.get(LIST).status_code == 401


class TestMethods:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
    @pytest.mark.parametrize(
        "address", [LIST, "/api/v1/billing/customers/x", "/api/v1/", "/api/v1/openapi.json"]
    )
    def test_what_would_write_is_refused(self, method, address):
        response = Client(enforce_csrf_checks=True).generic(method, address, b"{}", "application/json")
        assert response.status_code == 405
        assert response["Allow"] == "GET, HEAD, OPTIONS"
        assert "GET" in error_of(response)["message"]

    def test_head_is_get_without_the_body(self, api):
        make_customer()
        head, get = api.head(LIST), api.get(LIST)
        assert (head.status_code, head.content) == (200, b"")
        assert head["Content-Length"] == get["Content-Length"] == str(len(get.content))

    def test_options_tells_the_methods_to_anybody(self):
        response = Client().options(LIST)
        assert (response.status_code, response["Allow"], response.content) == (204, "GET, HEAD, OPTIONS", b"")


class TestAccept:
    @pytest.mark.parametrize("accept", ["", "*/*", "application/*", "text/html, application/json;q=0.1"])
    def test_json_is_what_there_is(self, api, accept):
        assert api.get(LIST, headers={"accept": accept}).status_code == 200

    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json;q=0", "nonsense"])
    def test_whoever_refuses_json_is_told(self, api, accept):
        response = api.get(LIST, headers={"accept": accept})
        assert response.status_code == 406
        assert "application/json" in error_of(response)["message"]


class TestQuery:
    def test_an_unknown_parameter_is_named_with_those_there_are(self, refuse):
        error = refuse(400, LIST, stauts="active")
        assert (error["code"], error["param"]) == ("unknown_parameter", "stauts")
        assert (
            "limit, after, order, expand, q, env, archived, segment, tag, custom_field, external_id"
            in error["message"]
        )

    def test_a_parameter_is_given_once(self, refuse):
        error = refuse(400, LIST, status=["active", "inactive"])
        assert (error["code"], error["param"]) == ("invalid_parameter", "status")
        assert "twice" in error["message"]

    @pytest.mark.parametrize("query", ["status=", "status", "q=%20", "email=%09"])
    def test_a_parameter_has_a_value(self, api, query):
        response = api.get(f"{LIST}?{query}")
        assert response.status_code == 400
        assert "empty" in error_of(response)["message"]

    @pytest.mark.parametrize("query", ["q=%ff", "q=%C3%28", "%ff=1", "q=\xff", "q=%ed%a0%80"])
    def test_the_query_is_utf8(self, api, query):
        response = api.get(LIST, QUERY_STRING=query)
        assert response.status_code == 400
        assert error_of(response)["code"] == "invalid_query"

    def test_a_nul_is_refused(self, api):
        response = api.get(f"{LIST}?q=a%00b")
        assert (response.status_code, error_of(response)["param"]) == (400, "q")
        assert "NUL character (%00)" in error_of(response)["message"]

    def test_thousands_of_parameters_are_refused(self, api):
        response = api.get(LIST, QUERY_STRING="&".join(f"a{number}=1" for number in range(5000)))
        assert response.status_code == 400

    def test_characters_of_any_language_arrive(self, read):
        make_customer(name="Zoë 株式会社")
        assert [each["name"] for each in read(LIST, q="株式")["data"]] == ["Zoë 株式会社"]


class TestNothingHere:
    @pytest.mark.parametrize(
        "address",
        [
            "/api",
            "/api/",
            "/api/v1",
            "/api/v2/customers",
            "/api/v1/customers/",
            "/api/v1/billing",
            "/api/v1/customers%0A",
            "/api/v1/customers/a%0Ab",
            "/v1",
        ],
    )
    def test_an_unknown_address_is_answered_in_json(self, address):
        response = Client().get(address)
        assert response.status_code == 404
        assert error_of(response)["code"] == "not_found"

    def test_a_slash_at_the_end_is_no_redirect(self, api):
        customer = make_customer()
        for address in (f"/api/v1/customers/{customer.pk}/", f"/api/v1/customers/{customer.pk}/addresses/"):
            response = api.get(address)
            assert response.status_code == 404
            assert error_of(response)["code"] == "customer_not_found"


class TestFailures:
    def test_a_fault_of_ours_is_json_on_this_side_only(self, secret, monkeypatch):
        def fail(*args, **options):
            raise RuntimeError("secret detail")

        monkeypatch.setattr("customers.document.api.render_customers", fail)
        client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {secret}"})
        response = client.get(LIST)
        assert response.status_code == 500
        assert error_of(response)["code"] == "server_error"
        assert b"secret detail" not in response.content

    def test_a_request_to_another_host_is_refused_in_json(self, api):
        response = api.get(LIST, headers={"host": "elsewhere.example.com"})
        assert response.status_code == 400
        assert error_of(response)["code"] == "bad_request"
        assert api.get("/robots.txt", headers={"host": "elsewhere.example.com"})["Content-Type"] == (
            "text/html; charset=utf-8"
        )


def test_answers_are_for_the_asker_alone(api):
    response = api.get(LIST)
    assert response["Cache-Control"] == "private, no-store"
