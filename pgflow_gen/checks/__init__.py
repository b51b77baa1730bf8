"""Judging flows: one file a rule, each with its own bad and good example.

``run_checks`` applies every rule that is judged on the IR; the other codes' files hold their
explanation only, and ``rules`` hands out all of them (for ``explain``, the documentation and tests).
"""

from pgflow_gen.checks.catalogue import rules, run_checks
from pgflow_gen.checks.rule import Rule

__all__ = ["Rule", "rules", "run_checks"]
