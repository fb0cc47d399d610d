"""What the page of a customer shows, section by section. What is empty is not there.

Each module gathers the sections of one subject, in a number of queries that does not depend on how much there is: of
long lists the first rows are shown, with a link to all of them.
"""
