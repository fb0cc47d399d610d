"""The old name of `reassign`, kept for one version."""

from __future__ import annotations

from crm.management.commands.reassign import Command as ReassignCommand


class Command(ReassignCommand):
    help = f"Old name of `reassign`. {ReassignCommand.help}"
