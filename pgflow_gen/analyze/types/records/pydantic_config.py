"""What a pydantic model's configuration says of its fields: ``model_config``, or keywords of the class."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from pgflow_gen.analyze.types.faults import TypeFault
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.records.models import not_static
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.source.names.index import Class
from pgflow_gen.source.names.resolve import Defined, External

NAME = "model_config"


def is_closed(symbol: Defined) -> bool | None:
    """Whether other keys are forbidden (``extra="forbid"``); None where nothing is said."""
    value = next((node for name, node in _settings(symbol) if name == "extra"), None)
    if not isinstance(value, cst.SimpleString):
        return None
    return value.evaluated_value == "forbid"


def refusals(reader: ReadsTypes, symbol: Defined) -> Iterator[TypeFault]:
    """Settings by which an object has other keys than the fields, or nobody knows which."""
    binding, name = symbol.binding, symbol.binding.name
    assert isinstance(binding, Class)
    if any(
        isinstance(item, cst.ClassDef) and item.name.value == "Config"
        for item in binding.definition.body.body
    ):
        yield not_static(f"model {name} is configured in the old way", "write model_config = ConfigDict(...)")
    config = _config(binding.definition)
    if config is not None and not _is_written_out(reader, symbol, config):
        yield not_static(
            f"the configuration of {name} is not written out", "write ConfigDict(name=value, ...)"
        )
    for setting, value in _settings(symbol):
        text = value.value if isinstance(value, cst.Name) else ""
        if setting == "extra" and not (
            isinstance(value, cst.SimpleString) and value.evaluated_value in ("forbid", "ignore")
        ):
            help = 'write extra="ignore" or "forbid", and put what else there is into a field dict[str, T]'
            yield not_static(f"model {name} keeps keys that nobody knows (extra)", help)
        if setting == "alias_generator" and text != "None":
            yield not_static(f"the aliases of {name} are computed", 'write them out: Field(alias="...")')
        if setting == "validate_by_alias" and text != "True":
            yield not_static(f"model {name} is not made by its aliases", "leave validate_by_alias out")


def _settings(symbol: Defined) -> Iterator[tuple[str, cst.BaseExpression]]:
    binding = symbol.binding
    if not isinstance(binding, Class):
        return
    for keyword in binding.definition.keywords:
        if keyword.keyword is not None:
            yield keyword.keyword.value, keyword.value
    config = _config(binding.definition)
    if isinstance(config, cst.Call):
        for arg in config.args:
            if arg.keyword is not None:
                yield arg.keyword.value, arg.value
    elif isinstance(config, cst.Dict):
        for element in config.elements:
            if isinstance(element, cst.DictElement) and isinstance(element.key, cst.SimpleString):
                yield str(element.key.evaluated_value), element.value


def _config(definition: cst.ClassDef) -> cst.BaseExpression | None:
    for statement in definition.body.body:
        for part in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if isinstance(part, cst.Assign) and any(_is_config(item.target) for item in part.targets):
                return part.value
            if isinstance(part, cst.AnnAssign) and _is_config(part.target):
                return part.value
    return None


def _is_config(node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Name) and node.value == NAME


def _is_written_out(reader: ReadsTypes, symbol: Defined, config: cst.BaseExpression) -> bool:
    if isinstance(config, cst.Call):
        function = reader.symbol(config.func, Scope(symbol.module))
        is_config = isinstance(function, External) and function.name == "ConfigDict"
        return is_config and all(arg.keyword is not None for arg in config.args)
    return isinstance(config, cst.Dict) and all(
        isinstance(item, cst.DictElement) and isinstance(item.key, cst.SimpleString)
        for item in config.elements
    )
