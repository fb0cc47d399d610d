"""Everything that happened to a customer in one stream, newest first.

- `entry`: what an entry is, its position in the stream, and what a query may ask.
- `rows`, `changes`, `usage`: the three kinds of sources of entries: rows, histories, usage per day.
- `texts`, `money`, `origins`, `histories`: the sources themselves, with the wording of their entries.
- `stream`: all sources merged, page by page.
"""
