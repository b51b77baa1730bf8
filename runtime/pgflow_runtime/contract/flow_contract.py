"""A flow's contract as the compiler wrote it: ``generated/schemas/<flow>.json``.

One file is both a JSON Schema and, under ``x-pgflow``, the flow's structure, settings and steps. Client and
worker take types from here only; annotations are never evaluated at run time (specification/language.md,
"The contract").
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pgflow_runtime.contract import failed_values
from pgflow_runtime.contract.boundary import require_json, to_json
from pgflow_runtime.contract.codecs import Codecs
from pgflow_runtime.contract.numerals import Numerals
from pgflow_runtime.contract.schema import SchemaCheck, closed
from pgflow_runtime.contract.typed_schema import Convert
from pgflow_runtime.errors import BoundaryError, InvalidInput, ProjectError, UsageError
from pgflow_shared.kinds import StepKind
from pgflow_shared.project import contract_files
from pgflow_shared.system.files import read_text
from pgflow_shared.text import closest

Receives: TypeAlias = Literal[
    "context", "flow_input", "element", "input", "dependency", "state", "run_end", "path"
]

NO_STATE: Mapping[str, Any] = {"type": "null"}
"""The state of a loop that keeps none."""
_REBUILD = "run `pgflow-gen build`, and deploy the whole generated folder"


@dataclass(frozen=True, slots=True)
class Param:
    """A handler's parameter and what it receives."""

    name: str
    receives: Receives
    positional_only: bool = False
    default: bool = False
    path: tuple[str, ...] = ()
    """Of those that receive ``path``: where it is in a companion's input."""


class StepContract:
    """One step: where its handler lives, what it asks for, and the types at its boundary."""

    def __init__(self, slug: str, data: Mapping[str, Any], codecs: Codecs) -> None:
        self.slug = slug
        self.module: str = data["module"]
        self.function: str = data["function"]
        self.kind: StepKind = data["kind"]
        self.is_async: bool = data["async"]
        self.is_transactional: bool = data["transactional"]
        self.executor: str | None = data.get("executor")
        """Where the handler's code runs; None: in the worker."""
        self.resources: Mapping[str, float] = data.get("resources", {})
        """What it needs there."""
        self.params: tuple[Param, ...] = tuple(
            Param(
                item["name"],
                item["receives"],
                item["positional_only"],
                item["default"],
                tuple(item.get("path", ())),
            )
            for item in data["params"]
        )
        self.has_failed_values: bool = data.get("failed_values", False)
        """Whether a failure may stand in the place of an output (of a map: of an element's)."""
        self.subflow: str | None = data.get("subflow")
        """The slug of the flow that does the work; the handler returns its input."""
        self._schemas = {
            "input": data["input"],
            "output": data["output"],
            "result": data["output"] if self.subflow is None else data["child_input"],
            "state": data.get("state", NO_STATE),
            "others": data.get("others", {}),
        }
        self.has_other_inputs = "others" in data
        """Whether a map's handler asks for steps beside the one that it goes over."""
        self._codecs = codecs
        self._definitions = codecs.definitions

    @property
    def is_map(self) -> bool:
        return self.kind == "map"

    @property
    def has_handler(self) -> bool:
        """Whether the step is one that people write; a pick is completed by the core alone."""
        return self.kind != "pick"

    @property
    def is_signal(self) -> bool:
        """Whether the step waits for somebody; its output is what they send."""
        return self.kind == "signal"

    def encode_payload(self, value: object) -> str:
        """The JSON text of what is sent to this signal. Raises InvalidInput like ``encode_input``."""
        return _encoded(self._encode_payload, self._payload, value, "payload")

    @property
    def payload_schema(self) -> Mapping[str, Any]:
        """The JSON Schema of what is sent, with its definitions."""
        return {**_object_of(self._schemas["output"]), "$defs": dict(self._definitions)}

    def asks_for(self, receives: Receives) -> bool:
        """Whether any parameter of the handler receives this."""
        return any(param.receives == receives for param in self.params)

    @property
    def may_read_flow_input(self) -> bool:
        """Whether the handler can get at the run's input: by a parameter, or by asking its context."""
        return self.is_given_flow_input or self.asks_for("context")

    @property
    def is_given_flow_input(self) -> bool:
        """Whether a parameter is the run's input, or, in a companion, a part of it."""
        return any(param.receives in ("flow_input", "run_end", "path") for param in self.params)

    def check_input(self, value: object) -> None:
        """Raise BoundaryError, with the path, when a task's input does not fit."""
        _demand(self._input, value)

    def deliver_input(self, value: Any, text: str | None) -> Any:
        """A task's input, read from ``text``, as its handler is promised it. Raises BoundaryError."""
        self.check_input(value)
        fitted = _fitted(self._input_numerals, value, text, "input")
        return fitted if self.decode_input is None else self.decode_input(fitted)

    def deliver_others(self, value: Any, text: str | None) -> Any:
        """What a map's tasks get beside their elements, read from ``text``. Raises BoundaryError."""
        _demand(self._others, value)
        fitted = _fitted(self._others_numerals, value, text, "input")
        return fitted if self._decode_others is None else self._decode_others(fitted)

    def dump_output(self, value: Any) -> Any:
        """A handler's result as it is on the wire, checked (a map: of one task). Raises BoundaryError."""
        wire = value if self._encode_output is None else self._encode_output(value)
        self.check_output(wire)
        is_output = self.subflow is None
        if self.has_failed_values and is_output and isinstance(wire, dict) and failed_values.KEY in wire:
            raise BoundaryError(
                "output",
                f"has the key {failed_values.KEY}, by which those who get it know a failure of this step",
                help="return the object under another key",
            )
        return wire

    def deliver_state(self, value: Any, text: str | None) -> Any:
        """What a round of a loop gets of the one before, read from ``text``. Raises BoundaryError."""
        _demand(self._state, value)
        fitted = _fitted(self._state_numerals, value, text, "state")
        return fitted if self._decode_state is None else self._decode_state(fitted)

    def dump_state(self, value: Any) -> Any:
        """What a round of a loop leaves to the next, as it is on the wire, checked. Raises BoundaryError."""
        wire = value if self._encode_state is None else self._encode_state(value)
        require_json(wire, root="state")
        _demand(self._state, wire)
        return wire

    def check_output(self, value: object) -> None:
        """Raise BoundaryError, with the path, when a handler's result does not fit (a map: of one task)."""
        require_json(value, root="output")
        _demand(self._output, value)

    @cached_property
    def decode_input(self) -> Convert | None:
        """From what is on the wire to what the handler gets. Raises ProjectError for a class that is lost."""
        return self._codecs.decode(self._schemas["input"], "input")

    @cached_property
    def decode_output(self) -> Convert | None:
        """The same of the step's whole output."""
        return self._codecs.decode(self._whole_output, "output")

    @cached_property
    def read_output(self) -> Convert | None:
        """From the step's whole output to what callers have."""
        return self._codecs.read(self._whole_output, "output")

    @cached_property
    def _encode_output(self) -> Convert | None:
        return self._codecs.encode(self._schemas["result"], "output")

    @cached_property
    def _encode_payload(self) -> Convert | None:
        return self._codecs.encode(self._schemas["output"], "payload")

    @cached_property
    def _decode_state(self) -> Convert | None:
        return self._codecs.decode(self._schemas["state"], "state")

    @cached_property
    def _decode_others(self) -> Convert | None:
        return self._codecs.decode(self._schemas["others"], "input")

    @cached_property
    def _encode_state(self) -> Convert | None:
        return self._codecs.encode(self._schemas["state"], "state")

    @cached_property
    def _whole_output(self) -> dict[str, Any]:
        """A map's is the list of its tasks' outputs. One object for good: schemas are known by identity."""
        schema = self._schemas["output"]
        if self.has_failed_values:
            schema = {"anyOf": [failed_values.SCHEMA, schema]}
        return {"type": "array", "items": schema} if self.is_map else schema

    @cached_property
    def _input(self) -> SchemaCheck:
        return SchemaCheck(self._schemas["input"], self._definitions, root="input")

    @cached_property
    def _output(self) -> SchemaCheck:
        return SchemaCheck(self._schemas["result"], self._definitions, root="output")

    @cached_property
    def _payload(self) -> SchemaCheck:
        definitions = closed({"$defs": self._definitions})["$defs"]
        return SchemaCheck(closed(self._schemas["output"]), definitions, root="payload")

    @cached_property
    def _state(self) -> SchemaCheck:
        return SchemaCheck(self._schemas["state"], self._definitions, root="state")

    @cached_property
    def _others(self) -> SchemaCheck:
        return SchemaCheck(self._schemas["others"], self._definitions, root="input")

    @cached_property
    def _others_numerals(self) -> Numerals:
        return Numerals(self._schemas["others"], self._definitions)

    @cached_property
    def _state_numerals(self) -> Numerals:
        return Numerals(self._schemas["state"], self._definitions)

    @cached_property
    def _input_numerals(self) -> Numerals:
        return Numerals(self._schemas["input"], self._definitions)

    @cached_property
    def output_numerals(self) -> Numerals:
        """Of the step's whole output."""
        return Numerals(self._whole_output, self._definitions)


def _demand(check: SchemaCheck, value: object) -> None:
    fault = check.first_fault(value)
    if fault is not None:
        raise BoundaryError(fault.path, fault.reason)


def _fitted(numerals: Numerals, value: Any, text: str | None, root: str) -> Any:
    try:
        return numerals.fit(value, text)
    except OverflowError as error:
        raise BoundaryError(root, "holds an integer that is too large for a float") from error


_MOST_FAULTS = 20
"""Of an input's faults so many are told at once."""


def _encoded(encode: Convert | None, check: SchemaCheck, value: object, root: str) -> str:
    """The JSON text of what a caller gives. Raises InvalidInput for all faults of it, and for its size."""
    try:
        if encode is not None:
            value = encode(value)
        require_json(value, root=root)
        faults = check.faults(value, most=_MOST_FAULTS)
        if not faults:
            return to_json(value, root=root)
    except BoundaryError as error:
        raise InvalidInput(error.path, error.reason, help=error.help) from None
    first, *others = faults
    raise InvalidInput(first.path, first.reason, others=[(fault.path, fault.reason) for fault in others])


def _object_of(schema: Any) -> dict[str, Any]:
    return dict(schema) if isinstance(schema, dict) else {"allOf": [schema]}


class FlowContract:
    """A flow's contract; the file is read at the first question asked."""

    def __init__(self, path: Path, *, with_classes: bool = False) -> None:
        self.path = path
        self._with_classes = with_classes

    @classmethod
    def beside(cls, file: str, stem: str, *, with_classes: bool = False) -> FlowContract:
        """The contract of the generated module ``file``: ``schemas/<stem>.json`` next to it.

        ``with_classes``: callers get objects of the handlers' classes, not dicts.
        """
        return cls(Path(file).parent / "schemas" / f"{stem}.json", with_classes=with_classes)

    @classmethod
    def load(cls, path: Path) -> FlowContract:
        """The contract in ``path``, read at once. Raises ProjectError when it cannot be used."""
        contract = cls(path)
        _ = contract.steps
        return contract

    @classmethod
    def of(cls, document: Mapping[str, Any], source: Path) -> FlowContract:
        """The contract that ``document`` is, made of ``source``. Raises ProjectError like ``load``."""
        contract = cls(source)
        contract.__dict__["schema"] = document
        _ = contract.steps
        return contract

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """The whole document. Raises ProjectError when it is missing or not one of ours."""
        try:
            data = json.loads(read_text(self.path))
        except FileNotFoundError:
            raise ProjectError(f"{self.path} is missing", help=_REBUILD) from None
        except (OSError, ValueError) as error:
            raise ProjectError(f"{self.path} cannot be read: {error}", help=_REBUILD) from error
        if not isinstance(data, dict) or not isinstance(data.get("x-pgflow"), dict):
            raise ProjectError(f"{self.path} is not a contract of pgflow-gen", help=_REBUILD)
        return data

    @cached_property
    def steps(self) -> Mapping[str, StepContract]:
        """The steps by slug, in the order of the file."""
        try:
            steps = self._meta["steps"].items()
            return {slug: StepContract(slug, data, self._codecs) for slug, data in steps}
        except (KeyError, TypeError, AttributeError) as error:
            raise ProjectError(
                f"{self.path} was made by another version of pgflow-gen ({error!r})", help=_REBUILD
            ) from error

    def without_subflow(self, step_slug: str) -> StepContract:
        """The step as if its handler gave what the other flow gives."""
        data = {key: value for key, value in self._meta["steps"][step_slug].items() if key != "subflow"}
        return StepContract(step_slug, data, self._codecs)

    @cached_property
    def _codecs(self) -> Codecs:
        return Codecs(self.schema.get("$defs", {}), with_classes=self._with_classes)

    @property
    def _meta(self) -> Mapping[str, Any]:
        meta: Mapping[str, Any] = self.schema["x-pgflow"]
        return meta

    @property
    def slug(self) -> str:
        """The flow's slug in the database: ``crawl``, ``crawl_v2``."""
        return str(self._meta["slug"])

    @property
    def version(self) -> int:
        return int(self._meta["version"])

    @property
    def preset(self) -> str | None:
        """The preset whose Flow it is; None: a plain flow."""
        preset: str | None = self._meta.get("preset")
        return preset

    @property
    def flow(self) -> str:
        """Where the Flow object lives: ``module:name``."""
        return str(self._meta["flow"])

    @property
    def companion_of(self) -> str | None:
        """Of the flow of another's undos, or of one of its ends: the slug of that in the database."""
        found = self._meta.get("companion_of")
        return None if found is None else str(found)

    @property
    def companions(self) -> tuple[str, ...]:
        """The slugs in the database of the flows that do what is to be done when a run has ended."""
        return tuple(self._meta.get("companions", ()))

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that hold the flow and its handlers."""
        return tuple(self._meta["modules"])

    @property
    def structure(self) -> Mapping[str, Any]:
        """``{"steps": [{"slug", "type", "dependencies"}]}``, sorted by slug."""
        structure: Mapping[str, Any] = self._meta["structure"]
        return structure

    @property
    def structure_hash(self) -> str:
        return str(self._meta["structure_hash"])

    @cached_property
    def undoable(self) -> frozenset[str]:
        """The steps that are undone where a run ends badly."""
        steps = self._meta.get("structure", {}).get("steps", ())
        return frozenset(step["slug"] for step in steps if "undo" in step)

    @cached_property
    def dependencies(self) -> Mapping[str, list[str]]:
        """The steps each step depends on, by slug."""
        return {step["slug"]: step["dependencies"] for step in self.structure["steps"]}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Options and conditions that were set, as ``pgflow.get_flow_definition`` words them."""
        settings: Mapping[str, Any] = self._meta["settings"]
        return settings

    def check_input(self, value: object) -> None:
        """Raise InvalidInput, with the path, when a new run's input does not fit or has unknown keys."""
        self.encode_input(value)

    def encode_input(self, value: object) -> str:
        """The JSON text of a new run's input. Raises InvalidInput like ``check_input``, and for its size."""
        return _encoded(self._encode_input, self._closed_input, value, "input")

    def signal(self, step_slug: str) -> StepContract:
        """The signal of a slug. Raises UsageError with those there are."""
        found = self.steps.get(step_slug)
        if found is not None and found.is_signal:
            return found
        signals = [slug for slug, step in self.steps.items() if step.is_signal]
        near = closest(step_slug, signals)
        known = f"its signals are {', '.join(signals)}" if signals else "it has none"
        raise UsageError(
            f"flow '{self.slug}' has no signal '{step_slug}'",
            help=f"did you mean '{near}'?" if near else known,
        )

    def check_flow_input(self, value: object) -> None:
        """Raise BoundaryError when a run's stored input does not fit; unknown keys may stand in it."""
        _demand(self._open_input, value)

    def deliver_flow_input(self, value: Any, text: str | None) -> Any:
        """A run's input, read from ``text``, as handlers are promised it. Raises BoundaryError."""
        if self.decode_input is None:
            return _fitted(self.input_numerals, value, text, "flow_input")
        self.check_flow_input(value)
        return self.decode_input(_fitted(self.input_numerals, value, text, "flow_input"))

    @cached_property
    def decode_input(self) -> Convert | None:
        """From what is on the wire to what handlers get. Raises ProjectError for a class that is lost."""
        return self._codecs.decode(self.schema["properties"]["input"], "flow_input")

    @cached_property
    def decode_output(self) -> Convert | None:
        """The same of the flow's output."""
        return self._codecs.decode(self.schema["properties"].get("output", {}), "output")

    @cached_property
    def read_input(self) -> Convert | None:
        """From a run's input to what callers have."""
        return self._codecs.read(self.schema["properties"]["input"], "input")

    @cached_property
    def read_output(self) -> Convert | None:
        """The same of the flow's output."""
        return self._codecs.read(self.schema["properties"].get("output", {}), "output")

    @cached_property
    def is_read_as_stored(self) -> bool:
        """Whether callers have everything just as it is stored: all numbers, and all texts."""
        steps = (step.read_output for step in self.steps.values())
        readers = (self.read_input, self.read_output, *steps)
        return self.says_nothing_of_numbers and all(each is None for each in readers)

    @cached_property
    def _encode_input(self) -> Convert | None:
        return self._codecs.encode(self.schema["properties"]["input"], "input")

    @cached_property
    def says_nothing_of_numbers(self) -> bool:
        """Whether no type of the flow's input, outputs and steps' outputs tells a float from an int."""
        steps = (step.output_numerals for step in self.steps.values())
        return all(each.says_nothing for each in (self.input_numerals, self.output_numerals, *steps))

    @cached_property
    def input_numerals(self) -> Numerals:
        return Numerals(self.schema["properties"]["input"], self.schema.get("$defs", {}))

    @cached_property
    def output_numerals(self) -> Numerals:
        return Numerals(self.schema["properties"].get("output", {}), self.schema.get("$defs", {}))

    @cached_property
    def _open_input(self) -> SchemaCheck:
        return SchemaCheck(
            self.schema["properties"]["input"], self.schema.get("$defs", {}), root="flow_input"
        )

    @cached_property
    def _closed_input(self) -> SchemaCheck:
        definitions = closed({"$defs": self.schema.get("$defs", {})})["$defs"]
        return SchemaCheck(closed(self.schema["properties"]["input"]), definitions, root="input")


def slugs_in(folder: Path) -> list[str]:
    """The slugs of all flows whose contracts are in a folder, sorted; files that are none are left out."""
    found: list[str] = []
    for path in contract_files(folder):
        with suppress(ProjectError):
            found.append(FlowContract.load(path).slug)
    return sorted(found)
