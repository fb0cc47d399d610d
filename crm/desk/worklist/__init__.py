"""Who needs attention today, and why.

Rules look at many customers at once and say in words what is the matter (`rules`). What they find is written to a
table, from which the pages read (`refresh`), so that a page takes as long with a hundred thousand customers as with a
thousand. What people decide of a reason stands until its key changes (`deciding`).
"""
