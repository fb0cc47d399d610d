"""Say in one line why this Python can't run Clientele. Older Pythons must be able to read this file."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - any Python may run it
    sys.exit(
        "Clientele needs Python 3.11 or later, not %d.%d: make PYTHON=python3.11 ..." % sys.version_info[:2]
    )
try:
    __import__("ensurepip")
    __import__("venv")
except ImportError:
    sys.exit(
        "This Python can't make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
    )
