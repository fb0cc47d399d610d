"""Which accounts need attention today, and why.

Rules look at many customers at once and find reasons (`rules`). The reasons are written to a table that the pages read
(`refresh`), so a page takes as long with a hundred thousand customers as with a thousand. A user's decision about a
reason is in force until the reason's key changes (`decisions`).
"""
