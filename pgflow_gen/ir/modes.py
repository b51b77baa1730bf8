"""What happens to a step that may not run: its effective modes, and what they mean for its dependents.

The rule of specification/language.md, "Steps that may not run": with a condition, ``when_unmet`` (default
skip); always ``when_exhausted`` (default fail). One rule for all kinds of steps. Where ``when_exhausted`` is
"value", a failure leads to none of the modes.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from pgflow_gen.ir.flow import FlowSpec, StepSpec
from pgflow_gen.ir.types import TypeTable

CONDITIONS = ("if_", "if_not", "if_ran", "if_skipped")
"""The options that may keep a step from running."""
MODES = frozenset({"fail", "skip", "skip-cascade"})


def has_condition(step: StepSpec) -> bool:
    """Whether anything was written that may keep the step from running."""
    return bool(step.if_ran or step.if_skipped) or any(option.name in CONDITIONS for option in step.options)


def effective_modes(step: StepSpec) -> AbstractSet[str]:
    """A subset of ``fail``, ``skip`` and ``skip-cascade``; words that are none of these are left out."""
    modes = [step.option("when_exhausted") or "fail"]
    if has_condition(step):
        modes.append(step.option("when_unmet") or "skip")
    return MODES.intersection(mode for mode in modes if isinstance(mode, str))


def is_optional(step: StepSpec) -> bool:
    """Whether the step may be skipped while its dependents still run: its key is absent for them."""
    return "skip" in effective_modes(step)


def may_be_missing(step: StepSpec, dependency: StepSpec) -> bool:
    """Whether ``step`` may run without the output of ``dependency``; not so where it has ``if_ran`` of it."""
    return is_optional(dependency) and all(name.slug != dependency.slug for name in step.if_ran)


def may_be_absent(flow: FlowSpec, types: TypeTable) -> frozenset[str]:
    """Slugs of the steps whose output may be missing from a completed run.

    These are the steps that can be skipped themselves, and those below a step that can cascade.
    """
    absent = {step.slug for step in flow.steps if effective_modes(step) & {"skip", "skip-cascade"}}
    return frozenset(absent | cascading(flow, types))


def cascading(flow: FlowSpec, types: TypeTable) -> frozenset[str]:
    """Slugs of the steps that take their dependents along when they are skipped, themselves or by another."""
    found = {step.slug for step in flow.steps if "skip-cascade" in effective_modes(step)}
    changed = True
    while changed:
        below = {step.slug for step in flow.steps if found.intersection(step.dependencies(types))} - found
        found |= below
        changed = bool(below)
    return frozenset(found)
