"""From a claimed task to its handler's arguments, and from its result to JSON: the step's boundary.

Parameters and types come from the generated contract; the handler's annotations are never evaluated, they
may be imported under ``TYPE_CHECKING`` only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pgflow_runtime.contract import FlowContract, Param, StepContract
from pgflow_runtime.contract.boundary import decode, to_json
from pgflow_runtime.dsl.context import Context
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.runs.documents import why_unreadable
from pgflow_shared.companions import RUN_END


class TaskView(Protocol):
    """What binding needs to know of a task."""

    def input_text(self) -> str | None: ...
    def state_text(self) -> str | None: ...
    def others_text(self) -> str: ...
    def flow_input(self) -> Any: ...
    def context(self) -> Context: ...


class BoundStep:
    """A step's handler together with its contract."""

    def __init__(
        self,
        flow: FlowContract,
        contract: StepContract,
        handler: Callable[..., Any],
        context_type: type[Context] = Context,
    ) -> None:
        self.contract = contract
        self.context_type = context_type
        self.handler = handler
        self.is_async = contract.is_async
        self.is_transactional = contract.is_transactional
        self.executor = contract.executor
        self.is_loop = contract.kind == "loop"
        self.is_undoable = contract.slug in flow.undoable
        self.flow = flow
        self.wants_context = contract.asks_for("context")
        self.wants_flow_input = contract.is_given_flow_input
        self.wants_others = contract.has_other_inputs
        self._params = contract.params
        # Classes are looked for before a task is claimed, so that one that is lost ends the worker's start.
        _ = contract.decode_input
        self._is_flow_input_checked = flow.decode_input is not None

    def arguments(self, task: TaskView) -> tuple[list[Any], dict[str, Any]]:
        """The handler's positional and named arguments.

        Raises:
            BoundaryError: the input, or the flow's input, does not fit its type.
        """
        text = task.input_text()
        value = decode(text) if text is not None else None
        try:
            value = self.contract.deliver_input(value, text)
        except RecursionError as error:
            raise BoundaryError("input", why_unreadable(error, len(text or ""))) from error
        outputs = self._others(task) if self.wants_others else value
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for param in self._params:
            given = self._argument(param, value, outputs, task)
            if given is _ABSENT:
                continue
            if param.positional_only:
                positional.append(given)
            else:
                named[param.name] = given
        return positional, named

    def flow_input(self, text: str) -> Any:
        """The run's input from its JSON text, as handlers are promised it. Raises BoundaryError."""
        return self.flow.deliver_flow_input(decode(text, root="flow_input"), text)

    def state(self, value: Any, max_bytes: int) -> str:
        """What a round of a loop leaves to the next, as JSON text. Raises BoundaryError like ``output``."""
        return to_json(self.contract.dump_state(value), max_bytes, root="state")

    def output(self, value: Any, max_bytes: int) -> str:
        """The handler's result as JSON text.

        Raises:
            BoundaryError: it does not fit the return type, is no JSON, or is larger than ``max_bytes``.
        """
        return to_json(self.contract.dump_output(value), max_bytes)

    def _argument(self, param: Param, value: Any, outputs: Any, task: TaskView) -> Any:
        match param.receives:
            case "element" | "input":
                return value
            case "dependency":
                return outputs.get(param.name, _ABSENT)
            case "context":
                return task.context()
            case "state":
                return self._state(task)
            case "flow_input":
                given = task.flow_input()
                if not self._is_flow_input_checked:
                    self.flow.check_flow_input(given)
                return given
            case "run_end" | "path":
                return _ABSENT  # of companions, which give it themselves

    def _others(self, task: TaskView) -> Any:
        text = task.others_text()
        return self.contract.deliver_others(decode(text), text)

    def _state(self, task: TaskView) -> Any:
        text = task.state_text()
        return _ABSENT if text is None else self.contract.deliver_state(decode(text, root="state"), text)


_ABSENT = object()
"""A dependency that was skipped, or the state of a first round: the parameter's default applies."""


class BoundCompanionStep(BoundStep):
    """An undo's or end's handler: its inputs are parts of what its run was started with."""

    def arguments(self, task: TaskView) -> tuple[list[Any], dict[str, Any]]:
        """The handler's positional and named arguments. Raises BoundaryError like those of other steps."""
        positional, named = super().arguments(task)
        parts = {param: param.path or (RUN_END,) for param in self._params if param.receives in _PARTS}
        if parts:
            whole = task.flow_input()
            if not self._is_flow_input_checked:
                self.flow.check_flow_input(whole)
            for param, path in parts.items():
                found = _at(path, whole)
                if found is not _ABSENT or not param.default:
                    named[param.name] = None if found is _ABSENT else found
        return positional, named


_PARTS = ("run_end", "path")


def _at(path: tuple[str, ...], value: Any) -> Any:
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return _ABSENT
        value = value[key]
    return value
