"""The facts of customers: what lists, segments and reports read instead of summing from many rows.

`compute` works them out for many customers at once, `moments` finds when time alone changes them next, and `refresh`
writes what differs. Each figure is computed by the module that has its rule: revenue, invoices, balances, contacts,
health. `crm.doctor` compares them with what they should be.
"""
