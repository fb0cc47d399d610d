"""Run the commands of Django and of the product, as `manage.py` does."""

import sys

from django.core.management import execute_from_command_line

from config.version import VERSION


def run_command_line(arguments: list[str]) -> None:
    """Run the command that `arguments` (the program's name first) ask for."""
    if arguments[1:] == ["version"]:
        # Django would print its own version before it looks for a command of that name.
        sys.stdout.write(f"{VERSION}\n")
        return
    execute_from_command_line(arguments)
