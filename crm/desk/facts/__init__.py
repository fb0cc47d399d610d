"""The facts of customers: what lists, segments and reports read instead of summing from many rows.

`compute` works them out for many customers at once, `moments` finds when time alone changes them next, `refresh` writes
what differs, and `compare` finds rows that differ from what they should be. Each figure is computed by the module that
has its rule: revenue, invoices, balances, contacts, health.
"""
