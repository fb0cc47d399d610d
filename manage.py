#!/usr/bin/env python
"""Runs the commands of Django and of the product."""

import os
import sys

from config.command_line import run_command_line
from config.environment import ConfigurationError


def main() -> None:
    """Runs the command of `sys.argv`; a wrong configuration ends it with a message and exit status 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        run_command_line(sys.argv)
    except ConfigurationError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
