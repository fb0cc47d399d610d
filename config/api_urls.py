"""The addresses of the JSON API: everything below /api/ and /v1/."""

from django.urls import path, re_path

from billing.document.api import BillingCustomerDetail, BillingCustomerList
from billing.document.autumn_api import ClientElse, ClientGet, ClientList
from crm.desk.segments.saved import in_segment
from crm.document.api import CrmCustomerDetail, CrmCustomerList
from customers.api.description_views import ApiPage, OpenApiDescription
from customers.api.http import NothingHere
from customers.document.api import (
    AddressList,
    BusinessList,
    PaymentMethodList,
    PaymentsCustomerDetail,
    PaymentsCustomerList,
)

_CUSTOMER = "api/v1/customers/<path:identifier>"

#: The endpoints of the OpenAPI description. An identifier may contain a slash, so the longer routes come first.
_ENDPOINTS = (
    path("api/v1/customers", PaymentsCustomerList.as_view(segments=in_segment), name="payments-customers"),
    path(f"{_CUSTOMER}/addresses", AddressList.as_view(), name="payments-customer-addresses"),
    path(f"{_CUSTOMER}/businesses", BusinessList.as_view(), name="payments-customer-businesses"),
    path(
        f"{_CUSTOMER}/payment-methods", PaymentMethodList.as_view(), name="payments-customer-payment-methods"
    ),
    path(_CUSTOMER, PaymentsCustomerDetail.as_view(), name="payments-customer"),
    path(
        "api/v1/billing/customers", BillingCustomerList.as_view(segments=in_segment), name="billing-customers"
    ),
    path(
        "api/v1/billing/customers/<path:identifier>",
        BillingCustomerDetail.as_view(),
        name="billing-customer",
    ),
    path("api/v1/crm/customers", CrmCustomerList.as_view(segments=in_segment), name="crm-customers"),
    path("api/v1/crm/customers/<path:identifier>", CrmCustomerDetail.as_view(), name="crm-customer"),
    path("v1/customers.list", ClientList.as_view(), name="client-list-customers"),
    path("v1/customers.get", ClientGet.as_view(), name="client-get-customer"),
)

urlpatterns = [
    *_ENDPOINTS,
    path("api/v1/", ApiPage.as_view(routes=_ENDPOINTS), name="api-docs"),
    path("api/v1/openapi.json", OpenApiDescription.as_view(routes=_ENDPOINTS), name="openapi"),
    re_path(r"^v1/[\s\S]*", ClientElse.as_view()),
    re_path(r"^(?:api|v1)(?:/[\s\S]*)?$", NothingHere.as_view()),
]
