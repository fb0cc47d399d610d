"""All reports. A new one is an entry here."""

from __future__ import annotations

from crm.reports.report import Report
from crm.reports.revenue import first_known_revenue
from crm.reports.revenue_reports import churn_page, movement_page, retention_page

_CUSTOMERS = "customers.view_customer"
_NO_REVENUE = "Revenue appears here within an hour of the first subscription."

REPORTS = (
    Report(
        name="mrr-movement",
        title="MRR movement",
        icon="stacked_bar_chart",
        about="New, expansion, contraction and churn by month",
        definition="MRR is what active subscriptions renew for per month, without trials, overage, discounts and tax."
        " A customer without MRR in the month before is new, and one whose MRR falls to 0 has churned.",
        permissions=(_CUSTOMERS, "billing.view_subscription"),
        build=movement_page,
        empty=_NO_REVENUE,
        first_known=first_known_revenue,
    ),
    Report(
        name="retention",
        title="Revenue retention",
        icon="trending_up",
        about="Net and gross revenue retention",
        definition="Of the customers with MRR at the start of a period, NRR is the share of that MRR that is"
        " there at its end: (start + expansion - contraction - churn) / start. GRR is the same without expansion.",
        permissions=(_CUSTOMERS, "billing.view_subscription"),
        build=retention_page,
        empty=_NO_REVENUE,
        first_known=first_known_revenue,
    ),
    Report(
        name="churn",
        title="Churn",
        icon="trending_down",
        about="Customers and MRR lost by month",
        definition="A customer is lost in the month in which their MRR falls to 0. Customer churn is the share of the"
        " customers at the start who are lost, and MRR churn the share of their MRR.",
        permissions=(_CUSTOMERS, "billing.view_subscription"),
        build=churn_page,
        empty=_NO_REVENUE,
        first_known=first_known_revenue,
    ),
)

OF_NAME = {report.name: report for report in REPORTS}
