"""The URLs of the JSON API: everything below /api/ and /v1/."""

from typing import Any

from django.urls import path, re_path

from billing.document.api import BillingCustomerDetail, BillingCustomerList
from billing.document.autumn_api import ClientElse, ClientGet, ClientList
from billing.document.autumn_catalog import ClientFeatureGet, ClientFeatureList, ClientPlanGet, ClientPlanList
from billing.document.autumn_check import ClientCheck
from billing.document.autumn_empty import (
    ClientProgramList,
    ClientRewardList,
    ClientSandboxList,
    ClientTemplateList,
    ClientWebhookList,
)
from billing.document.autumn_entities import ClientEntityGet, ClientEntityList
from billing.document.autumn_events import ClientEventAggregate, ClientEventList
from billing.document.autumn_lists import (
    ClientBalanceList,
    ClientInvoiceList,
    ClientPurchaseList,
    ClientSubscriptionList,
)
from billing.document.lists.endpoints import BalanceList, FeatureList, InvoiceList, PlanList, SubscriptionList
from crm.custom_fields.api import PERMISSION, custom_fields_of
from crm.desk.api.endpoints import NoteList, TaskList, WorklistList
from crm.desk.api.timeline import Timeline
from crm.desk.search.conditions import has_domain, has_phone, has_tag, has_tax_number
from crm.desk.segments.custom_filters import in_custom_field
from crm.desk.segments.saved import in_segment
from crm.document.api import CrmCustomerDetail, CrmCustomerList
from crm.document.lists.endpoints import CompanyList, PersonList
from customers.api.changes import ChangeFeed
from customers.api.description_views import ApiPage, OpenApiDescription
from customers.api.http import NothingHere
from customers.document.api import (
    AddressList,
    BusinessList,
    PaymentMethodList,
    PaymentsCustomerDetail,
    PaymentsCustomerList,
)

#: The conditions that the filters of the lists take from apps above.
_CONDITIONS = {
    "segment": in_segment,
    "tag": has_tag,
    "custom_field": in_custom_field,
    "domain": has_domain,
    "phone": has_phone,
    "tax_number": has_tax_number,
}

#: The custom fields that the documents of customers can include.
_CUSTOM_FIELDS: Any = {"custom_fields": custom_fields_of, "custom_fields_permission": PERMISSION}

_CUSTOMER = "api/v1/customers/<path:identifier>"

#: The endpoints of the OpenAPI description. An identifier may contain a slash, so the longer routes come first.
_ENDPOINTS = (
    path(
        "api/v1/customers",
        PaymentsCustomerList.as_view(conditions=_CONDITIONS, **_CUSTOM_FIELDS),
        name="payments-customers",
    ),
    path(f"{_CUSTOMER}/addresses", AddressList.as_view(), name="payments-customer-addresses"),
    path(f"{_CUSTOMER}/businesses", BusinessList.as_view(), name="payments-customer-businesses"),
    path(
        f"{_CUSTOMER}/payment-methods", PaymentMethodList.as_view(), name="payments-customer-payment-methods"
    ),
    path(f"{_CUSTOMER}/timeline", Timeline.as_view(), name="customer-timeline"),
    path(_CUSTOMER, PaymentsCustomerDetail.as_view(**_CUSTOM_FIELDS), name="payments-customer"),
    path(
        "api/v1/billing/customers",
        BillingCustomerList.as_view(conditions=_CONDITIONS),
        name="billing-customers",
    ),
    path(
        "api/v1/billing/customers/<path:identifier>",
        BillingCustomerDetail.as_view(),
        name="billing-customer",
    ),
    path("api/v1/crm/customers", CrmCustomerList.as_view(conditions=_CONDITIONS), name="crm-customers"),
    path("api/v1/crm/customers/<path:identifier>", CrmCustomerDetail.as_view(), name="crm-customer"),
    path("api/v1/invoices", InvoiceList.as_view(conditions=_CONDITIONS), name="invoices"),
    path("api/v1/subscriptions", SubscriptionList.as_view(conditions=_CONDITIONS), name="subscriptions"),
    path("api/v1/balances", BalanceList.as_view(conditions=_CONDITIONS), name="balances"),
    path("api/v1/plans", PlanList.as_view(), name="plans"),
    path("api/v1/features", FeatureList.as_view(), name="features"),
    path("api/v1/companies", CompanyList.as_view(conditions=_CONDITIONS), name="companies"),
    path("api/v1/people", PersonList.as_view(conditions=_CONDITIONS), name="people"),
    path("api/v1/notes", NoteList.as_view(conditions=_CONDITIONS), name="notes"),
    path("api/v1/tasks", TaskList.as_view(conditions=_CONDITIONS), name="tasks"),
    path("api/v1/worklist", WorklistList.as_view(conditions=_CONDITIONS), name="worklist"),
    path("api/v1/changes", ChangeFeed.as_view(), name="changes"),
    path("v1/customers.list", ClientList.as_view(), name="client-list-customers"),
    path("v1/customers.get", ClientGet.as_view(), name="client-get-customer"),
    path("v1/subscriptions.list", ClientSubscriptionList.as_view(), name="client-list-subscriptions"),
    path("v1/purchases.list", ClientPurchaseList.as_view(), name="client-list-purchases"),
    path("v1/balances.list", ClientBalanceList.as_view(), name="client-list-balances"),
    path("v1/balances.check", ClientCheck.as_view(), name="client-check"),
    path("v1/invoices.list", ClientInvoiceList.as_view(), name="client-list-invoices"),
    path("v1/plans.list", ClientPlanList.as_view(), name="client-list-plans"),
    path("v1/plans.get", ClientPlanGet.as_view(), name="client-get-plan"),
    path("v1/features.list", ClientFeatureList.as_view(), name="client-list-features"),
    path("v1/features.get", ClientFeatureGet.as_view(), name="client-get-feature"),
    path("v1/entities.list", ClientEntityList.as_view(), name="client-list-entities"),
    path("v1/entities.get", ClientEntityGet.as_view(), name="client-get-entity"),
    path("v1/events.list", ClientEventList.as_view(), name="client-list-events"),
    path("v1/events.aggregate", ClientEventAggregate.as_view(), name="client-aggregate-events"),
    path("v1/invoices.listTemplates", ClientTemplateList.as_view(), name="client-list-templates"),
    path("v1/rewards.list", ClientRewardList.as_view(), name="client-list-rewards"),
    path("v1/referral_programs.list", ClientProgramList.as_view(), name="client-list-programs"),
    path("v1/sandboxes.list", ClientSandboxList.as_view(), name="client-list-sandboxes"),
    path("v1/webhooks.list", ClientWebhookList.as_view(), name="client-list-webhooks"),
)

urlpatterns = [
    *_ENDPOINTS,
    path("api/v1/", ApiPage.as_view(routes=_ENDPOINTS), name="api-docs"),
    path("api/v1/openapi.json", OpenApiDescription.as_view(routes=_ENDPOINTS), name="openapi"),
    re_path(r"^v1/[\s\S]*", ClientElse.as_view()),
    re_path(r"^(?:api|v1)(?:/[\s\S]*)?$", NothingHere.as_view()),
]
