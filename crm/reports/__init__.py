"""Reports: figures of all customers, each on a page with a chart, a table and filters.

Pages read rows that jobs keep (`crm.models.report_figures`, `crm.models.facts`), never the rows of customers themselves.
A new report is an entry in `crm.reports.catalog`.
"""
