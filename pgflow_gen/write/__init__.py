"""The only place that writes files: planned first, then written atomically, and only what differs."""

from pgflow_gen.write.apply import apply
from pgflow_gen.write.errors import WriteError
from pgflow_gen.write.plan import Change, Plan, check_shapes, make_plan, prepare
from pgflow_gen.write.release import drafts, release
from pgflow_gen.write.report import diff, edited_findings, stale_findings

__all__ = [
    "Change",
    "Plan",
    "WriteError",
    "apply",
    "check_shapes",
    "diff",
    "drafts",
    "edited_findings",
    "make_plan",
    "prepare",
    "release",
    "stale_findings",
]
