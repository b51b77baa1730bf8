"""The preset for Supabase, ``from pgflow_runtime.supabase import Context, Flow``, and a client over HTTP.

Needs the extra ``supabase``; importing it needs nothing, so that the compiler, type checkers and whoever only
starts runs can do without.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgflow_runtime.dsl.supabase import SupabaseContext as Context
    from pgflow_runtime.dsl.supabase import SupabaseFlow as Flow
    from pgflow_runtime.supabase.client import RealtimeClient

__all__ = ["Context", "Flow", "RealtimeClient"]

_LAZY = {
    "Context": ("pgflow_runtime.dsl.supabase", "SupabaseContext"),
    "Flow": ("pgflow_runtime.dsl.supabase", "SupabaseFlow"),
    "RealtimeClient": ("pgflow_runtime.supabase.client", "RealtimeClient"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _LAZY[name]
    value = globals()[name] = getattr(import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
