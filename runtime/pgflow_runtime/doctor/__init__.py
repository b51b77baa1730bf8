"""What ails a database, and what to do about it: ``pgflow-gen doctor``."""

from pgflow_runtime.doctor.examine import examine
from pgflow_runtime.doctor.finding import CODES, Finding, Severity

__all__ = ["CODES", "Finding", "Severity", "examine"]
