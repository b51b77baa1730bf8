"""A reading of a run with its values as the flow's types have them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.contract.numerals import Numerals
from pgflow_runtime.contract.typed_schema import Convert
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.runs.snapshot import RunSnapshot, StepSnapshot


def typed(contract: FlowContract, snapshot: RunSnapshot, before: RunSnapshot | None = None) -> RunSnapshot:
    """``snapshot`` as its reader may rely on. What ``before`` has already is not looked at again."""
    if contract.is_read_as_stored:
        return snapshot
    seen = before if before is not None else snapshot
    is_known = before is not None and before.input is snapshot.input
    input = (
        snapshot.input if is_known else _fitted(contract.input_numerals, contract.read_input, snapshot.input)
    )
    if snapshot.steps is None and snapshot.output is None and input is snapshot.input:
        return snapshot  # as starts give it: thousands in one call
    return replace(
        snapshot,
        input=input,
        output=_fitted(contract.output_numerals, contract.read_output, snapshot.output),
        steps=None
        if snapshot.steps is None
        else {
            slug: _step(contract, step, (seen.steps or {}).get(slug)) for slug, step in snapshot.steps.items()
        },
    )


def _step(contract: FlowContract, step: StepSnapshot, before: StepSnapshot | None) -> StepSnapshot:
    known = contract.steps.get(step.step_slug)
    if known is None or step.output is None:
        return step
    if known.output_numerals.says_nothing and known.read_output is None:
        return step
    if before is not None and before is not step and before.output is step.output:
        return step
    return replace(step, output=_fitted(known.output_numerals, known.read_output, step.output))


def _fitted(numerals: Numerals, read: Convert | None, value: Any) -> Any:
    with suppress(OverflowError):  # too large for a float: as it is stored
        value = numerals.fit(value)
    if read is not None:
        with suppress(BoundaryError):  # started by plain SQL, or of another type then: as it is stored
            return read(value)
    return value
