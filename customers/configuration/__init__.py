"""Settings of the product that an administrator can change on pages.

`kinds` says which values a setting can have, `table` lists the settings, `values` reads and stores them. The first two
know neither Django nor the database, because `config/settings.py` reads the environment with them.
"""
