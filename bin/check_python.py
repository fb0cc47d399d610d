"""Says in one line what is missing if this Python cannot run Clientele. Kept readable for older ones."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - it is run by whichever Python there is
    sys.exit(
        "Clientele needs Python 3.11 or later, not %d.%d: make PYTHON=python3.11 ..." % sys.version_info[:2]
    )
try:
    __import__("ensurepip")
    __import__("venv")
except ImportError:
    sys.exit(
        "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
    )
