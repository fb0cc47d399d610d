"""The desk as JSON: notes, tasks, the worklist and what happened to a customer.

Times are ISO 8601 in UTC, days are dates, and every key is always there.
"""
