"""All reports. A new one is an entry here."""

from __future__ import annotations

from crm.reports.receivables import aging_page, first_known_receivable
from crm.reports.refresh import last_refresh
from crm.reports.renewals import renewals_page
from crm.reports.report import Report
from crm.reports.revenue import first_known_revenue, last_computed
from crm.reports.revenue_reports import churn_page, movement_page, retention_page
from crm.reports.usage import usage_page
from crm.reports.work import work_page

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
        updated=last_computed,
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
        updated=last_computed,
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
        updated=last_computed,
    ),
    Report(
        name="receivables",
        title="Receivables",
        icon="receipt_long",
        about="Aging of unpaid invoices",
        definition="What is due on open invoices, by days past due: the total less payments and credit notes."
        " The days count from the day after the due date.",
        permissions=(_CUSTOMERS, "billing.view_invoice"),
        build=aging_page,
        empty="Amounts appear here within an hour of the first open invoice.",
        periods=(1,),
        first_known=first_known_receivable,
        updated=last_refresh,
    ),
    Report(
        name="usage",
        title="Usage",
        icon="data_usage",
        about="Usage by feature and plan",
        definition="Usage less refunds that was recorded here, by month, feature and the plan that granted it. Reversed"
        " entries don't count.",
        permissions=(_CUSTOMERS, "billing.view_posting"),
        build=usage_page,
        empty="Usage appears here within an hour of the first recorded usage.",
        option_name="feature",
        periods=(6, 1, 3, 12, 24),
        no_as_of="Earlier states of usage aren't kept: usage recorded late is shown in the month in which it occurred.",
        updated=last_refresh,
    ),
    Report(
        name="renewals",
        title="Renewals",
        icon="autorenew",
        about="MRR that renews by month",
        definition="Customers by the month of their next renewal, with their whole MRR. Canceled subscriptions don't"
        " renew.",
        permissions=(_CUSTOMERS, "billing.view_subscription"),
        build=renewals_page,
        empty="Renewals appear here within a minute of the first subscription.",
        periods=(12, 1, 3, 6, 24),
        no_as_of="Earlier renewal dates aren't kept, so only the current schedule is shown.",
    ),
    Report(
        name="work",
        title="Work done",
        icon="task_alt",
        about="Calls, meetings, emails, notes and tasks by account manager",
        definition="Calls, meetings and emails count on their date for the user who logged them, notes when they were"
        " written, tasks and worklist decisions when they were done.",
        permissions=(
            _CUSTOMERS,
            "crm.view_worklistentry",
            "crm.view_activity",
            "crm.view_note",
            "crm.view_task",
        ),
        build=work_page,
        empty="Work appears here within an hour of the first call, note or task done.",
        filters=frozenset({"owner", "env"}),
        is_of_users=True,
        periods=(3, 1, 6, 12, 24),
        no_as_of="Earlier states of work aren't kept: entries logged late are shown in the month of their date.",
        updated=last_refresh,
    ),
)

OF_NAME = {report.name: report for report in REPORTS}
