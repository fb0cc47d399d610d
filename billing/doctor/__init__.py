"""The doctor: checks the data for contradictions, and repairs those that a ledger entry can repair.

Each check yields findings. `CHECKS` lists all checks.
"""

from billing.doctor.checks import CHECKS, Check, Checked, count_rows
from billing.doctor.findings import Finding

__all__ = ["CHECKS", "Check", "Checked", "Finding", "count_rows"]
