"""The doctor: looks for what should not be, and mends what a ledger entry can mend.

Each check is a function that yields a finding for each thing amiss; `CHECKS` has them all.
"""

from billing.doctor.checks import CHECKS, Check, Checked, count_rows
from billing.doctor.findings import Finding

__all__ = ["CHECKS", "Check", "Checked", "Finding", "count_rows"]
