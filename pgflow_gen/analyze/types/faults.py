"""What is wrong with a type, before it is known where to say so.

An alias is read once and used in many places: its faults have no place of their own, each use reports them.
"""

from __future__ import annotations

from collections.abc import Iterable

from pgflow_gen.diagnostics import Findings, Severity, Span
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.resolve import RUNTIME, RUNTIME_NAMES, External, Missing
from pgflow_shared.text import closest

_ROWS = "use list[dict[str, JsonValue]]: "
_FOREIGN = {
    **{
        ("pydantic", name): "use str in the type that crosses, and make a value of it in the handler"
        for name in (
            "AnyUrl",
            "AnyHttpUrl",
            "HttpUrl",
            "PostgresDsn",
            "SecretStr",
            "SecretBytes",
            "IPvAnyAddress",
        )
    },
    ("pydantic", "NaiveDatetime"): "use datetime, which has a time zone",
    ("pydantic", "Json"): "use the type of what it holds",
    ("pydantic", "ByteSize"): "use int",
    ("msgspec", "UnsetType"): "use None for what is not set: T | None = None",
    ("pandas", "DataFrame"): f'{_ROWS}send frame.to_dict("records"), read it back with DataFrame(rows)',
    ("pandas", "Series"): "use list[T]: send series.tolist(), read it back with Series(values)",
    ("pandas", "Timestamp"): "use str: send value.isoformat(), read it back with Timestamp(text)",
    ("polars", "DataFrame"): f"{_ROWS}send frame.to_dicts(), read it back with DataFrame(rows)",
    ("polars", "Series"): "use list[T]: send series.to_list(), read it back with Series(values)",
    ("pyarrow", "Table"): f"{_ROWS}send table.to_pylist(), read it back with Table.from_pylist(rows)",
    (
        "numpy",
        "ndarray",
    ): "use list[float], or lists of it: send array.tolist(), read it back with array(values)",
    (
        "torch",
        "Tensor",
    ): "use list[float], or lists of it: send tensor.tolist(), read it back with tensor(values)",
}
"""Types that people know and that have no JSON form, with what does."""


@dataclass(frozen=True, slots=True)
class TypeFault:
    code: str
    message: str
    help: str | None = None
    notes: tuple[str, ...] = ()
    severity: Severity = "error"


def report(
    findings: Findings,
    span: Span,
    faults: Iterable[TypeFault],
    *,
    prefix: str = "",
    owner: Span | None = None,
) -> None:
    """Place ``faults``: a name that cannot be resolved at ``span``, the annotation; others at its ``owner``.

    The owner is the parameter or key that is annotated. ``prefix`` says what it is: "key 'at' of Page: ".
    """
    for fault in faults:
        at = span if owner is None or fault.code == "PGF103" else owner
        findings.add(
            fault.code,
            at,
            prefix + fault.message,
            notes=fault.notes,
            help=fault.help,
            severity=fault.severity,
            highlight=None if at == span else span,
        )


def not_json(message: str, help: str | None = None) -> TypeFault:
    return TypeFault("PGF302", message, help)


def unstorable(what: str) -> TypeFault:
    """Text that PostgreSQL refuses; the rule is that of its type jsonb."""
    return not_json(
        f"{what} is text that PostgreSQL cannot hold", "leave out NUL and lone surrogates (\\x00, \\ud800)"
    )


def unresolved(missing: Missing) -> TypeFault:
    """A PGF103 with the nearest name that does exist."""
    guess = closest(missing.name, missing.known)
    help = f"did you mean {guess!r}?" if guess else missing.help or "define it, or import it from its module"
    if missing.name in RUNTIME_NAMES:
        help = f"write: from {RUNTIME} import {missing.name}"
    return TypeFault("PGF103", f"cannot resolve {missing.name!r}: {missing.reason}", help)


def foreign(symbol: External) -> TypeFault:
    """A PGF103 for a name from a module that no source root holds."""
    top = symbol.module.split(".")[0]
    known = _FOREIGN.get((top, symbol.name))
    if known is not None:
        return not_json(f"{symbol.name} of {top} is not JSON", known)
    return TypeFault(
        "PGF103",
        f"cannot resolve {symbol.name!r}: module {symbol.module!r} is below none of the source roots",
        "declare a TypedDict with the keys that the steps need, and convert in the handler; if the module is"
        f" your own, add the folder that holds {top!r} to src in [tool.pgflow-gen]",
        ("types of installed distributions are not read",),
    )
