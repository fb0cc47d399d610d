"""Everything that happened to a customer in one stream, the newest first.

- `entry`: what an entry is, where it stands, what one may ask for.
- `rows`, `changes`, `usage`: three ways of making entries: of rows, of histories, of a day's uses.
- `said`, `money`, `origins`, `histories`: what each kind of row is called and says.
- `stream`: all of it, page by page.
"""
